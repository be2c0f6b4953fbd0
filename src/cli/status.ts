import { type Command, Option } from "commander";
import { ExitCode } from "../base/errors.ts";
import type { Millis } from "../base/units.ts";
import type { StatusReport } from "../node/status-query.ts";
import type { Verdict } from "../node/verdict.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import { adviceOn } from "./advice/run-advice.ts";
import { doneVerdict, failedVerdict } from "./command-verdict.ts";
import { addCommand } from "./help.ts";
import { countersJson } from "./json-names.ts";
import { collectLinks, parseSeconds } from "./parse.ts";
import { onRun } from "./run.ts";
import { columns } from "./text.ts";

/** Long enough to listen for a second, and for three queries and their answers on a slow line. */
const TIMEOUT_DEFAULT_MS: Millis = 3000;

interface StatusFlags {
  readonly link: readonly Endpoint[];
  readonly timeout: Millis;
  readonly ask?: boolean;
}

/** Registers `mayday status`. */
export function addStatusCommand(program: Command): void {
  const command = addCommand(program, "status", {
    does:
      "Asks the node at the other end of a link for its firmware status, and reports what was seen on the line: a node, " +
      "silence, an echo, another protocol version, or something else by name (a console, a boot log, a modem, a line " +
      "held low, flow control that drops bytes, noise); and what to try next. Listens for a second first, and asks nothing " +
      "while text comes: a boot loader or a shell would take a question for keys.",
    examples: ["mayday status --link /dev/ttyUSB0", "mayday status --link tcp:pi:5000 --json"],
    exits: ["3 no node answered", "4 another version of the protocol", "6 port missing or busy"],
  });
  command
    .requiredOption(
      "--link <endpoint>",
      "a port's path, serial:…, i2c:…, tcp:HOST:PORT, tcp-listen:[HOST:]PORT; repeatable",
      collectLinks,
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
  onRun<StatusFlags>(command, async ({ output, signal }, _args, { link: links, timeout: timeoutMs, ask }) => {
    const { queryStatus } = await import("../node/status-query.ts");
    const reports: StatusReport[] = [];
    for (const link of links) {
      const onEvent = output.nodeEvent.bind(output);
      const report = await queryStatus({
        link,
        timeoutMs,
        asksAtOnce: ask,
        signal,
        advice: adviceOn,
        onEvent,
      });
      if (signal.aborted) break;
      output.result(reportText(report), {
        event: "status",
        ...report,
        counters: countersJson(report.counters),
      });
      reports.push(report);
    }
    return verdictOf(reports);
  });
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

function reportText({ link, seen, detail, peer, counters }: StatusReport): string {
  const text = (value: unknown): string => (value === undefined ? "-" : String(value));
  return columns([
    ["link", link],
    ["seen", `${seen}: ${detail}`],
    ...Object.entries(peer ?? {}).map(([name, value]): [string, string] => [`peer ${name}`, text(value)]),
    ...Object.entries(countersJson(counters)).map(([name, value]): [string, string] => [name, text(value)]),
  ]);
}
