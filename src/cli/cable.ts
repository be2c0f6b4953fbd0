import type { Command } from "commander";
import type { Millis } from "../base/units.ts";
import type { Verdict } from "../node/verdict.ts";
import type { VirtualCableCounters, VirtualCableOptions } from "../transport/cable/virtual-cable.ts";
import { interruptedVerdict } from "./command-verdict.ts";
import { addCommand } from "./help.ts";
import { countParser, parseBaud, parseMillis, parsePair, parseProbability } from "./parse.ts";
import { type CommandContext, onRun } from "./run.ts";
import { columns } from "./text.ts";

const BAUD_DEFAULT = 115_200;

interface CableFlags {
  readonly a: string;
  readonly b: string;
  readonly baud?: number;
  readonly strictBaud?: boolean;
  readonly garbleBaud?: readonly number[];
  readonly ber?: number;
  readonly drop?: number;
  readonly latency?: Millis;
  readonly burst?: NonNullable<VirtualCableOptions["burst"]>;
  readonly cut?: NonNullable<VirtualCableOptions["cuts"]>;
  readonly seed?: number;
}

/** Registers `mayday cable`. */
export function addCableCommand(program: Command): void {
  const command = addCommand(program, "cable", {
    does:
      "Makes two serial ports that are connected like by a null-modem cable and carry bytes at a true line rate. Prints " +
      '"ready" when both can be opened, runs until interrupted, and then prints what it carried. Faults apply to both ' +
      "directions. Needs a C compiler; without one, socat connects the ports, with neither line rate nor faults.",
    examples: [
      "mayday cable --a /tmp/a --b /tmp/b --baud 921600",
      "mayday cable --a /tmp/a --b /tmp/b --ber 1e-5 --latency 16 --cut 1,2 --seed 7",
    ],
  });
  command
    .requiredOption("--a <path>", "path of one port")
    .requiredOption("--b <path>", "path of the other port")
    .option("--baud <n>", "line rate; without it 115200, or that of the ends with --strict-baud", parseBaud)
    .option("--strict-baud", "garble bytes while an end is set to another rate")
    .option("--garble-baud <n>", "garble all bytes at this rate of the ends; repeatable", collectBaud)
    .option("--ber <p>", "probability that a data bit flips", parseProbability)
    .option("--drop <p>", "probability that a byte is lost", parseProbability)
    .option("--latency <ms>", "delay, one way", parseMillis)
    .option("--burst <r,len>", "bursts of LEN random bytes, about one in R bytes", (text) => {
      const [every, length] = parsePair(text, "a burst R,LEN");
      return { every, length };
    })
    .option(
      "--cut <t,dur>",
      "lose everything for DUR seconds, from T seconds after the first byte; repeatable",
      collectCut,
    )
    .option("--seed <n>", "same seed, same faults", countParser("a seed", 0, Number.MAX_SAFE_INTEGER));
  onRun<CableFlags>(command, runCable);
}

function collectBaud(text: string, earlier: readonly number[] = []): readonly number[] {
  return [...earlier, parseBaud(text)];
}

type Cuts = NonNullable<CableFlags["cut"]>;

function collectCut(text: string, earlier: Cuts = []): Cuts {
  const [atSeconds, forSeconds] = parsePair(text, "a cut T,DUR");
  return [...earlier, { atSeconds, forSeconds }];
}

async function runCable(
  { output, signal }: CommandContext,
  _args: readonly string[],
  flags: CableFlags,
): Promise<Verdict | undefined> {
  const { startVirtualCable } = await import("../transport/cable/virtual-cable.ts");
  const { latency: latencyMs, cut: cuts, ...same } = flags;
  const cable = await startVirtualCable({
    ...same,
    ...(latencyMs === undefined ? {} : { latencyMs }),
    ...(cuts === undefined ? {} : { cuts }),
  });
  if (cable.notice !== undefined) output.warn(cable.notice);
  const { a, b, kind } = cable;
  const isFollowing = flags.strictBaud === true && flags.baud === undefined;
  const baud = kind === "paced" && !isFollowing ? (flags.baud ?? BAUD_DEFAULT) : undefined;
  const rate = baud === undefined ? "at the rate of its ends" : `at ${baud} baud`;
  output.note(`${a} <-> ${b}${kind === "paced" ? ` ${rate}` : ""}; end with Ctrl-C`);
  output.result("ready", { event: "ready", a, b, kind, baud });
  const onAbort = (): void => void cable.close();
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort);
  const { counters, error } = await cable.closed;
  if (counters !== undefined) output.result(countersText(counters), { event: "counters", ...counters });
  if (error !== undefined) throw error;
  return interruptedVerdict();
}

function countersText({ aToB, bToA }: VirtualCableCounters): string {
  const names = ["octets", "flippedBits", "dropped", "burst", "cut", "overrun", "garbled"] as const;
  const moments = ["firstByteMs", "lastByteMs"] as const;
  return columns([
    ["", "a to b / b to a"],
    ...names.map((name): [string, string] => [name, `${aToB[name]} / ${bToA[name]}`]),
    ...moments.map((name): [string, string] => [name, `${aToB[name] ?? "-"} / ${bToA[name] ?? "-"}`]),
  ]);
}
