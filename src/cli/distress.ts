import type { Command } from "commander";
import { toHex } from "../base/bytes.ts";
import { systemClock } from "../base/clock.ts";
import type { Millis } from "../base/units.ts";
import type { Board } from "../board/board.ts";
import type { Verdict } from "../node/verdict.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import { adviceOn } from "./advice/run-advice.ts";
import { bootText, failureText } from "./board/boot-text.ts";
import { doneVerdict } from "./command-verdict.ts";
import { addFlagVariables } from "./flag-variables.ts";
import { addCommand } from "./help.ts";
import { linkKeyFlag, linkKeyFor } from "./link-key-flag.ts";
import { collectOrigins, locatorsFor } from "./locator-flags.ts";
import { warnOfOpenLinks } from "./open-link-warnings.ts";
import { addOutputFlags } from "./output-flags.ts";
import { collectLinks, parseSeconds } from "./parse.ts";
import { type CommandContext, onRun } from "./run.ts";

interface DistressFlags {
  readonly link: readonly Endpoint[];
  readonly board: string;
  readonly timeout?: Millis;
  readonly force?: boolean;
  readonly allowSingleUpdate?: boolean;
  readonly linkKey?: string;
  readonly locatorOrigin?: readonly string[];
}

/** Registers `mayday distress`. */
export function addDistressCommand(program: Command): void {
  const command = addCommand(program, "distress", {
    does:
      "Calls for help on all links until a neighbour has healed the board: what its flash lacks is received, verified " +
      "and written, then the boot decision is taken again. If the board boots, it exits with 0 immediately. A refused " +
      "image is reported, and the board continues to call; after text on a line it waits there, as a boot loader may " +
      "read it. It may be interrupted at any time; the next run resumes the transfer.",
    examples: [
      "mayday distress --link /dev/ttyUSB0 --board board",
      "mayday distress --link 'serial:/tmp/a?baud=921600' --board board --timeout 60 --json",
      "mayday distress --link tcp-listen:0.0.0.0:5000 --board board --link-key link.key",
    ],
    exits: [
      "3 no neighbour within --timeout",
      "4 everything offered was refused; with --force also: nothing newer was there",
      "6 port missing or busy",
    ],
  });
  command
    .requiredOption(
      "--link <endpoint>",
      "where to call: a port's path, serial:…, i2c:…, tcp:HOST:PORT, tcp-listen:[HOST:]PORT, rfc2217:HOST:PORT; repeatable",
      collectLinks,
    )
    .requiredOption("--board <dir>", "the board, made by board init")
    .option("--timeout <seconds>", "give up after this long without progress (default: never)", parseSeconds)
    .option("--force", "call even if the board boots; it then is offered, and accepts, newer images only")
    .option("--allow-single-update", "with --force: allow overwriting the only slot, which boots")
    .option(
      "--link-key <file>",
      "key of the links, instead of the board's own: only rescuers with the same key are accepted " +
        "(make one: keygen --link-key, or openssl rand -hex 32 > link.key)",
    );
  command.option(
    "--locator-origin <url>",
    "web server, https://HOST[:PORT], from which the image may be fetched if a rescuer says that it lies there (default: none); repeatable",
    collectOrigins,
  );
  addOutputFlags(command);
  addFlagVariables(command, ["board", "timeout", "link-key"], ["link"]);
  onRun<DistressFlags>(command, runDistressCommand);
}

async function runDistressCommand(
  context: CommandContext,
  _args: readonly string[],
  flags: DistressFlags,
): Promise<Verdict> {
  const { openBoard } = await import("../board/board.ts");
  // Stays open for writing, so that no other process works on this board.
  const board = openBoard(flags.board, { write: true, warn: (text) => context.output.warn(text) });
  try {
    return await healBoard(context, board, flags);
  } finally {
    board.close();
  }
}

async function healBoard(
  { output, signal }: CommandContext,
  board: Board,
  flags: DistressFlags,
): Promise<Verdict> {
  const { link: links, force: isForced = false, allowSingleUpdate = false, timeout } = flags;
  const before = board.boot();
  if (before.tag === "boot" && !isForced) {
    const verdict = { ...doneVerdict("healthy"), digest: toHex(before.image.digest) };
    output.note(`${flags.board} boots: ${bootText(before)}; to call anyway give --force`);
    output.linkResult(verdict);
    return verdict;
  }
  if (before.tag === "recovery") output.note(`${flags.board} does not boot: ${failureText(before.reason)}`);
  const { configLinkKey } = await import("../board/board-config.ts");
  const ownKey = (): Uint8Array | undefined =>
    configLinkKey(flags.board, board.config, (text) => output.warn(text));
  const linkKey = await linkKeyFor((await linkKeyFlag(flags.linkKey, output)) ?? ownKey());
  const takesUnsigned = board.config.allowUnsigned && board.config.trust.length === 0;
  warnOfOpenLinks(links, { hasLinkKey: linkKey !== undefined, takesUnsigned }, output);
  const { runDistress } = await import("../node/distress-node.ts");
  const store = board.store({ allowUpdate: isForced, allowSingleUpdate });
  const { RefusalLog } = await import("../board/refusal-log.ts");
  const refusals = new RefusalLog(flags.board, {
    clock: systemClock,
    now: () => new Date().toISOString(),
    warn: (text) => output.warn(text),
  });
  try {
    const told = await runDistress({
      links,
      store,
      isForced,
      linkKey,
      locators: await locatorsFor(flags.locatorOrigin),
      signal,
      advice: adviceOn,
      ...(timeout === undefined ? {} : { timeoutMs: timeout }),
      onEvent: (event) => {
        output.nodeEvent(event);
        if (event.event === "refused") refusals.note({ ...event, detail: event.detail ?? "" });
      },
    });
    output.endProgress();
    const after = told.ok ? board.boot() : undefined;
    if (after !== undefined) output.note(`boot decision: ${bootText(after)}`);
    // The wire carries only the first bytes of a digest; the board has all of it.
    const verdict = after?.tag === "boot" ? { ...told, digest: toHex(after.image.digest) } : told;
    output.linkResult(verdict);
    return verdict;
  } finally {
    refusals.close();
    store.close();
  }
}
