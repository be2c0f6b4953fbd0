import { type Command, Option } from "commander";
import { ExitCode, UsageError } from "../base/errors.ts";
import type { Millis } from "../base/units.ts";
import type { StatusReport } from "../node/status-query.ts";
import type { Verdict } from "../node/verdict.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import { adviceOn } from "./advice/run-advice.ts";
import { doneVerdict, failedVerdict } from "./command-verdict.ts";
import { addCommand } from "./help.ts";
import { countersJson } from "./json-names.ts";
import { showNodeStatus } from "./node-status.ts";
import { collectLinks, parseSeconds } from "./parse.ts";
import { type CommandContext, onRun } from "./run.ts";
import { columns } from "./text.ts";

/** Long enough to listen for 1.5 s, and for three queries and their answers on a slow line. */
const TIMEOUT_DEFAULT_MS: Millis = 3000;

interface StatusFlags {
  readonly link?: readonly Endpoint[];
  readonly node?: string;
  readonly timeout: Millis;
  readonly ask?: boolean;
}

/** Registers `mayday status`. */
export function addStatusCommand(program: Command): void {
  const command = addCommand(program, "status", {
    does:
      "Asks the node at the other end of a link for its firmware status, and reports what was seen on the line: a node, " +
      "silence, an echo, another protocol version, or something else by name (a console, a boot log, a modem, a line " +
      "held low, flow control that drops bytes, noise); and what to try next. Listens for 1.5 s first, and asks nothing " +
      "while text comes: a boot loader or a shell would take a question for keys. With --node it asks a node that runs on " +
      "this machine, through its socket: its board and links, who was heard, and who waits for what.",
    examples: [
      "mayday status --link /dev/ttyUSB0",
      "mayday status --link tcp:pi:5000 --json",
      "mayday status --node ./node.sock",
    ],
    exits: ["3 no node answered", "4 another version of the protocol", "6 port missing or busy"],
  });
  command
    .option(
      "--link <endpoint>",
      "a port's path, serial:…, i2c:…, tcp:HOST:PORT, tcp-listen:[HOST:]PORT, rfc2217:HOST:PORT; repeatable",
      collectLinks,
    )
    .addOption(
      new Option(
        "--node <socket>",
        "the socket of a running node: a path, or a name where sockets are unless told otherwise ($XDG_RUNTIME_DIR/mayday, /run/mayday)",
      ).conflicts(["link", "ask"]),
    )
    .addOption(
      new Option("--timeout <seconds>", "wait for an answer this long")
        .argParser(parseSeconds)
        .default(TIMEOUT_DEFAULT_MS, String(TIMEOUT_DEFAULT_MS / 1000)),
    )
    .option(
      "--ask",
      "ask at once, whatever is on the line; stops the countdown of a boot loader that listens there",
    );
  onRun<StatusFlags>(command, async (context, _args, { link, node, timeout, ask }) => {
    if (node !== undefined) return showNodeStatus(context, node, timeout);
    if (link !== undefined) return showLinkStatus(context, link, timeout, ask);
    const message =
      "nothing to ask: give --link ENDPOINT for a board, or --node SOCKET for a node of this machine";
    throw new UsageError("missing-mandatory-option-value", `${message}\nSee: mayday status --help`);
  });
}

async function showLinkStatus(
  { output, signal }: CommandContext,
  links: readonly Endpoint[],
  timeoutMs: Millis,
  asksAtOnce: boolean | undefined,
): Promise<Verdict> {
  const { queryStatus } = await import("../node/status-query.ts");
  const onEvent = output.nodeEvent.bind(output);
  const reports: StatusReport[] = [];
  for (const link of links) {
    const report = await queryStatus({ link, timeoutMs, asksAtOnce, signal, advice: adviceOn, onEvent });
    if (signal.aborted) break;
    const counters = countersJson(report.counters);
    output.result(reportText(report), { event: "status", ...report, counters });
    reports.push(report);
  }
  return verdictOf(reports);
}

/** The verdict for all links: the worst of what was found. */
function verdictOf(reports: readonly StatusReport[]): Verdict {
  const foreign = reports.find(({ seen }) => seen === "foreign-version");
  const none = reports.find(({ seen }) => seen !== "node" && seen !== "foreign-version");
  if (none !== undefined)
    return failedVerdict(ExitCode.noNeighbour, none.seen, `${none.link}: ${none.detail}`);
  if (foreign === undefined) return doneVerdict("node");
  return failedVerdict(ExitCode.refused, "protocol", `${foreign.link}: ${foreign.detail}`);
}

/** What was found, as columns. What the other side did not say, and counters that are 0, are left out. */
function reportText({ link, seen, detail, peer, counters }: StatusReport): string {
  const { isBootable: boots, role, ...others } = peer ?? {};
  const said = { role: role === "provider" ? "rescuer" : role, boots, ...others };
  const counted = Object.entries(countersJson(counters)).filter(([, count]) => count !== 0);
  return columns([
    ["link", link],
    ["seen", `${seen}: ${detail}`],
    ...Object.entries(said).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[`peer ${spaced(name)}`, valueText(value)]],
    ),
    ...counted.map(([name, count]): [string, string] => [spaced(name), valueText(count)]),
  ]);
}

/** "bytesReceived" as "bytes received". */
function spaced(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function valueText(value: unknown): string {
  return typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
}
