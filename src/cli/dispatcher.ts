import type { Command } from "commander";
import type { Millis } from "../base/units.ts";
import type { Verdict } from "../node/verdict.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import { adviceOn } from "./advice/run-advice.ts";
import { addFlagVariables } from "./flag-variables.ts";
import { addCommand } from "./help.ts";
import { linkKeyFlag, linkKeyFor } from "./link-key-flag.ts";
import { warnOfOpenLinks } from "./open-link-warnings.ts";
import { addOutputFlags } from "./output-flags.ts";
import { collectLinks, parseSeconds } from "./parse.ts";
import { openRescueSource } from "./rescue-source.ts";
import { type CommandContext, onRun } from "./run.ts";

/** Long enough for neighbours that listen, and for one that just updates itself. */
const TIMEOUT_DEFAULT_MS: Millis = 30_000;

interface DispatchFlags {
  readonly link: readonly Endpoint[];
  readonly repo: string;
  readonly once?: boolean;
  readonly timeout?: Millis;
  readonly allowUnsigned?: boolean;
  readonly linkKey?: string;
}

/** Registers `mayday dispatch`. */
export function addDispatchCommand(program: Command): void {
  const command = addCommand(program, "dispatch", {
    does:
      "Asks the nodes on all links which version they run, and offers a newer image from the repository to those that are older, " +
      "one after another; a board that calls for help is healed first. Each board decides by its own policy whether it takes an " +
      "update. Ends when all that were heard run what suits them. Boards that were updated pass it on by themselves (mayday node).",
    examples: [
      "mayday dispatch --link /dev/ttyUSB0 --repo images",
      "mayday dispatch --link tcp:pi:5000 --link tcp:pi2:5000 --repo images --json",
    ],
    exits: [
      "3 nobody answered, or a board took nothing in time",
      "4 a board refused the image",
      "6 port missing or busy",
    ],
  });
  command
    .requiredOption(
      "--link <endpoint>",
      "where to ask: a port's path, serial:…, i2c:…, tcp:HOST:PORT, tcp-listen:[HOST:]PORT, rfc2217:HOST:PORT; repeatable",
      collectLinks,
    )
    .requiredOption("--repo <dir>", "hand out images from this repository")
    .option("--once", "end after one board was updated, or refused its image")
    .option("--allow-unsigned", "send unsigned images")
    .option("--timeout <seconds>", "give up after this long without progress (default: 30)", parseSeconds)
    .option("--link-key <file>", "key of the links: only boards with the same key are updated");
  addOutputFlags(command);
  addFlagVariables(command, ["repo", "timeout", "link-key"], ["link"]);
  onRun<DispatchFlags>(command, runDispatchCommand);
}

async function runDispatchCommand(
  { output, signal }: CommandContext,
  _args: readonly string[],
  flags: DispatchFlags,
): Promise<Verdict> {
  const linkKey = await linkKeyFor(await linkKeyFlag(flags.linkKey, output));
  const source = await openRescueSource({ repo: flags.repo }, output);
  warnOfOpenLinks(flags.link, { hasLinkKey: linkKey !== undefined, takesUnsigned: false }, output);
  const { runDispatch } = await import("../node/dispatch-node.ts");
  try {
    const verdict = await runDispatch({
      links: flags.link,
      repository: source.repository,
      allowUnsigned: flags.allowUnsigned === true,
      once: flags.once === true,
      linkKey,
      signal,
      advice: adviceOn,
      timeoutMs: flags.timeout ?? TIMEOUT_DEFAULT_MS,
      onEvent: (event) => output.nodeEvent(event),
    });
    output.endProgress();
    output.linkResult(verdict);
    return verdict;
  } finally {
    await source.close();
  }
}
