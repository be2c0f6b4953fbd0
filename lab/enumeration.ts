import { randomBytes, SeededRandom } from "../src/base/prng.ts";
import type { VirtualRescueOptions } from "../test/support/virtual-rescue.ts";
import { type EnumCase, type EnumKind, FRAME_KINDS } from "./enum-case.ts";
import { hookOf } from "./enum-faults.ts";
import type { Direction } from "./frame-tap.ts";
import { HANG_MS, type RunResult, SupervisedRescue } from "./supervised-rescue.ts";

/** Sessions to enumerate. Small images in small blocks: 60 to 150 frames, so that every one can be hit. */
export const SETUPS: Readonly<Record<string, VirtualRescueOptions>> = {
  small: { seed: 1, size: 12_288, blockSize: 1024, baud: 115_200 },
  fast: { seed: 2, size: 40_000, blockSize: 4096, baud: 921_600, latencyMs: 5 },
  repair: { seed: 3, ...spoilt(40_960), blockSize: 1024, baud: 115_200 },
  slow: { seed: 4, size: 7_000, blockSize: 1024, baud: 9_600 },
};

/** The small session, whose effects take 1, 50 and 500 ms in any order; not among those that `npm run lab` goes through. */
const HELD_SETUPS: Readonly<Record<string, VirtualRescueOptions>> = {
  heldfirst: { seed: 5, size: 12_288, blockSize: 1024, baud: 115_200, slow: { works: "first" } },
  heldlast: { seed: 5, size: 12_288, blockSize: 1024, baud: 115_200, slow: { works: "last" } },
};

/** A slot that holds the image but for every third sector, and an image of which a part is one byte throughout. */
function spoilt(size: number): Pick<VirtualRescueOptions, "data" | "slot"> {
  const data = randomBytes(new SeededRandom(size), size).fill(0xff, 8192, 16_384);
  const slot = data.slice();
  for (let at = 0; at < size; at += 3 * 4096) slot.fill(0x5a, at + 100, at + 200);
  return { data, slot };
}

const counted: Map<string, Readonly<Record<Direction, number>>> = new Map();

/** Frames of each direction in the session without a fault. */
export function countFrames(setup: string): Readonly<Record<Direction, number>> {
  const known = counted.get(setup);
  if (known !== undefined) return known;
  const run = new SupervisedRescue(setupOf(setup));
  run.rescue.run(HANG_MS, () => run.isOver);
  const counts = { ...run.tap.counts };
  counted.set(setup, counts);
  return counts;
}

function setupOf(name: string): VirtualRescueOptions {
  const known = { ...SETUPS, ...HELD_SETUPS };
  const setup = known[name];
  if (setup === undefined) throw new Error(`no session is called ${name}: ${Object.keys(known).join(", ")}`);
  return setup;
}

/** Every case of a session, or those of some kinds. */
export function enumerate(setup: string, kinds?: readonly EnumKind[]): EnumCase[] {
  const counts = countFrames(setup);
  const total = counts.t2r + counts.r2t;
  const cases: EnumCase[] = [];
  const add = (kind: EnumKind, where: EnumCase["where"], frames: number): void => {
    if (kinds !== undefined && !kinds.includes(kind)) return;
    for (let n = 1; n <= frames; n++) cases.push({ kind, where, n, setup });
  };
  for (const kind of FRAME_KINDS)
    for (const where of ["t2r", "r2t"] as const) add(kind, where, counts[where]);
  add("restart", "target", total);
  add("restart", "rescuer", total);
  add("takeover", "rescuer", total);
  add("cut", "both", total);
  // The restart comes at half of the session: frames up to it are of the old one.
  add("stale", "target", Math.floor(total / 2));
  add("stale", "rescuer", Math.floor(total / 2));
  return cases;
}

/** Runs a case; the same case gives the same run. */
export function runEnumCase(enumCase: EnumCase): RunResult {
  return prepareEnumCase(enumCase).run();
}

/** The run of a case, not begun yet. */
export function prepareEnumCase(enumCase: EnumCase): SupervisedRescue {
  const setup = setupOf(enumCase.setup);
  const { t2r, r2t } = countFrames(enumCase.setup);
  return new SupervisedRescue(setup, (run) => hookOf(enumCase, run, Math.floor((t2r + r2t) / 2)));
}
