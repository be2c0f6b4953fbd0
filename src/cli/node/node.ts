import type { Command } from "commander";
import { errorWords } from "../../base/system-error.ts";
import type { Verdict } from "../../node/verdict.ts";
import { stoppedVerdict } from "../command-verdict.ts";
import { addFlagVariables } from "../flag-variables.ts";
import { addCommand } from "../help.ts";
import { addOutputFlags } from "../output-flags.ts";
import { parseSeconds } from "../parse.ts";
import { type CommandContext, onRun } from "../run.ts";
import { runConfiguredNode } from "./configured-node.ts";
import { type NodeConfig, type NodeOverrides, readNodeConfig } from "./node-config.ts";

interface NodeFlags extends NodeOverrides {
  readonly config?: string;
  readonly untilHealthy?: boolean;
  readonly timeout?: number;
}

/** Registers `mayday node`. */
export function addNodeCommand(program: Command): void {
  const command = addCommand(program, "node", {
    does:
      "A board among boards, on all its links, until it is stopped: calls for help when its own board does not boot, starts " +
      "what it received, heals neighbours that call, and passes newer versions on. Its own firmware is a source, and a folder of images " +
      "may be one. Without a board it only holds images for others. What it does is set in a TOML file (docs/node.md); each of " +
      "its keys is also a flag and a variable, MAYDAY_KEY. SIGHUP reads the file again.",
    examples: [
      "mayday node --config node.toml",
      "mayday node --board board --link /dev/ttyUSB0 --link tcp-listen:5000",
      "mayday node --config node.toml --until-healthy --json",
    ],
    exits: ["2 what is wrong with the configuration, by line", "3 not healthy within --timeout", "6 no link"],
  });
  command
    .option("--config <file>", "TOML file with the node's settings and links")
    .option("--board <dir>", "the node's own board, made by board init")
    .option("--repository <dir>", "offer images from this repository, too, and take newer ones from it")
    .option("--socket <path>", "control socket, for status --node and board install")
    .option("--control <what>", 'what the socket may do: "read" or "write"')
    .option("--metrics <address>", "figures for Prometheus on this machine, at a port or 127.0.0.1:PORT")
    .option("--trial-confirm <by>", 'what confirms a new image: "on-boot" or "socket"')
    .option(
      "--on-boot <command>",
      "program that starts the board's image; its status 0 says that it runs well",
    )
    .option("--on-healed <command>", "program to run after each healed board")
    .option("--update <when>", '"auto": take newer images from neighbours; "never"')
    .option("--allow-single", "update a board with one slot, too, whose only image is overwritten meanwhile")
    .option("--eager", "send a small image right behind its offer, to boards that take it so")
    .option("--soak <time>", 'run an image this long before handing it on, such as "10m"')
    .option("--soak-resets <n>", "start it again this often before handing it on")
    .option("--ring-time <time>", "how much later each ring of an image with rings goes ahead")
    .option("--fan-out <n>", "updates handed out at the same time, and in any soak time")
    .option("--link <endpoint>", "a link, instead of those of the file; repeatable", collect)
    .option("--link-key <file>", "link key of all --link")
    .option(
      "--until-healthy",
      "end with 0 once the board boots and no neighbour has needed anything for 15 s",
    )
    .option("--timeout <seconds>", "end after this long (default: never)", parseSeconds);
  addOutputFlags(command);
  addFlagVariables(command, ["config"]);
  onRun<NodeFlags>(command, runNodeCommand, "own");
}

function collect(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text];
}

async function runNodeCommand(
  context: CommandContext,
  _args: readonly string[],
  flags: NodeFlags,
): Promise<Verdict> {
  const { config: path, untilHealthy = false, timeout, ...overrides } = flags;
  const { output, signal } = context;
  const read = (): NodeConfig => {
    const { config, warnings } = readNodeConfig(path, overrides, process.env);
    for (const warning of warnings) output.warn(warning);
    return config;
  };
  let config = read();
  /** The configuration that ran before this one. */
  let before: NodeConfig | undefined;
  let verdict: Verdict;
  for (;;) {
    const run = new HangupRun(context, read);
    try {
      verdict = await runConfiguredNode(run.context, config, { untilHealthy, timeoutMs: timeout });
      before = config;
    } catch (error) {
      // What was read again and cannot run, with a repository that is not there for one, is no reason to stop.
      if (before === undefined || signal.aborted) throw error;
      output.warn(`the configuration cannot run, and the one before runs again: ${errorWords(error)}`);
      config = before;
      before = undefined;
      continue;
    } finally {
      run.close();
    }
    if (run.next === undefined || signal.aborted) break;
    config = run.next;
  }
  output.endProgress();
  const told = stoppedVerdict(verdict, signal);
  output.linkResult(told);
  return told;
}

/** One run of a node, until SIGHUP brings another configuration: a file with faults changes nothing. */
class HangupRun {
  readonly context: CommandContext;
  /** The configuration that was read again. */
  next: NodeConfig | undefined;
  readonly #signal: AbortSignal;
  readonly #onAbort: () => void;
  readonly #onHangup: () => void;

  constructor({ output, signal, service }: CommandContext, read: () => NodeConfig) {
    const stop = new AbortController();
    this.context = { output, signal: stop.signal, service };
    this.#signal = signal;
    this.#onAbort = () => stop.abort(signal.reason);
    this.#onHangup = () => {
      try {
        this.next = read();
        output.note("the configuration was read again: the node starts again with it");
        stop.abort("SIGHUP");
      } catch (error) {
        output.warn(`the configuration was not taken: ${errorWords(error)}`);
      }
    };
    signal.addEventListener("abort", this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
    process.on("SIGHUP", this.#onHangup);
  }

  close(): void {
    process.off("SIGHUP", this.#onHangup);
    this.#signal.removeEventListener("abort", this.#onAbort);
  }
}
