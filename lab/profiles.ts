import { randomBelow, randomFraction, SeededRandom } from "../src/base/prng.ts";
import type { Millis } from "../src/base/units.ts";
import { type ByteFault, cuts } from "../src/sim/wires/byte-faults.ts";
import type { VirtualRescueOptions } from "../test/support/virtual-rescue.ts";
import type { FrameHook } from "./frame-tap.ts";

/** A kind of bad line. The same seed gives the same line. */
export interface Profile {
  readonly name: string;
  /** The session, and all faults but those that need to see frames. */
  readonly options: (seed: number) => VirtualRescueOptions;
  /** Faults on frames as they are sent. */
  readonly hook?: (seed: number) => FrameHook;
}

/** The rates of the loss and corruption grid, in percent of all frames, each way. */
export const RATES = [0, 0.1, 1, 2, 5, 10, 20, 30] as const;

const SIZE = 16_384;
const BLACKOUT_PERIOD_MS: Millis = 7_000;
const BLACKOUT_MS: Millis = 2_000;
/** Cuts listed one by one: enough for an hour. */
const BLACKOUTS = 520;
/** Frames lost in a row, and the share of frames at which that begins. */
const BURST_FRAMES = 3;
const BURST_SHARE = 0.02;

const plain = (seed: number): VirtualRescueOptions => ({ seed, size: SIZE, blockSize: 1024, baud: 115_200 });

/** All profiles, in the order of the table. */
export const PROFILES: readonly Profile[] = [
  ...RATES.map((rate) => frames(`loss${rate}`, { loss: rate / 100 })),
  ...RATES.filter((rate) => rate > 0).map((rate) => frames(`corrupt${rate}`, { corrupt: rate / 100 })),
  { name: "burst3", options: plain, hook: frameBursts },
  {
    name: "burst50",
    options: (seed) => ({ ...plain(seed), faults: { burst: { probability: 3e-4, bytes: 50 } } }),
  },
  // At 9600 baud the transfer lasts long enough to meet several blackouts.
  {
    name: "blackout",
    options: (seed) => ({ ...plain(seed), baud: 9_600, faults: { extra: [blackouts(seed)] } }),
  },
  { name: "delay750", options: (seed) => ({ ...plain(seed), latencyMs: 750 }) },
  { name: "mixed", options: (seed) => ({ ...plain(seed), faults: mixed(seed) }) },
];

export function profileOf(name: string): Profile | undefined {
  return PROFILES.find((profile) => profile.name === name);
}

function frames(name: string, faults: { loss?: number; corrupt?: number }): Profile {
  return { name, options: (seed) => ({ ...plain(seed), faults: { frames: faults } }) };
}

/** 5 s on, 2 s off, both ways at the same times; where in the period it begins depends on the seed. */
function blackouts(seed: number): ByteFault {
  const phase = randomBelow(new SeededRandom(seed), BLACKOUT_PERIOD_MS);
  const list = Array.from({ length: BLACKOUTS }, (_, i) => ({
    atMs: i * BLACKOUT_PERIOD_MS - phase,
    durationMs: BLACKOUT_MS,
  }));
  const cut = cuts(list);
  // Times are the clock's, not counted from the first byte: nothing was carried yet at 0.
  cut(Uint8Array.of(0), 0);
  return cut;
}

function frameBursts(seed: number): FrameHook {
  const random = new SeededRandom(seed ^ 0x6275);
  const left = { t2r: 0, r2t: 0 };
  return (frame, pass) => {
    if (left[frame.direction] === 0 && randomFraction(random) < BURST_SHARE)
      left[frame.direction] = BURST_FRAMES;
    if (left[frame.direction] > 0) left[frame.direction]--;
    else pass(frame.bytes);
  };
}

/** A little of everything that a wire can do. */
function mixed(seed: number): NonNullable<VirtualRescueOptions["faults"]> {
  const random = new SeededRandom(seed ^ 0x6d69);
  const upTo = (most: number): number => most * randomFraction(random);
  return {
    frames: { loss: upTo(0.1), corrupt: upTo(0.1), duplicate: upTo(0.05), truncate: upTo(0.05) },
    ber: upTo(1e-4),
    drop: upTo(1e-4),
    stall: { probability: upTo(1e-3), delayMs: upTo(500) },
    garbage: { probability: upTo(2e-4), text: "[   12.345678] usb 1-1: reset\r\n" },
  };
}
