import { describe, expect, it } from "vitest";
import { concatBytes } from "../../src/base/bytes.ts";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { linkKeyOf } from "../../src/node/derived-link-key.ts";
import { bitErrors } from "../../src/sim/wires/byte-faults.ts";
import { withFaults } from "../../src/sim/wires/transport-faults.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { encodeCoded } from "../../src/wire/fec/coded-frame.ts";
import { lineSpan } from "../support/line-span.ts";
import { VirtualRescue, type VirtualRescueOptions } from "../support/virtual-rescue.ts";
import { wrappedTransport } from "../support/wrapped-transport.ts";
import { FRAME_VECTORS } from "../wire/wire-vectors.ts";

type Faults = NonNullable<VirtualRescueOptions["faults"]>;

const BOTH = [true, true] as const;
const NEITHER = [false, false] as const;
const SEEDS = [1, 2, 3, 4, 5] as const;

const LINES: readonly [name: string, faults: Faults][] = [
  ["clean", {}],
  ["bit errors 1e-5", { ber: 1e-5 }],
  ["bit errors 3e-5", { ber: 3e-5 }],
  ["bit errors 1e-4", { ber: 1e-4 }],
  ["bit errors 3e-4", { ber: 3e-4 }],
  ["bit errors 1e-3", { ber: 1e-3 }],
  ["bit errors 3e-3", { ber: 3e-3 }],
  ["byte loss 1e-4", { drop: 1e-4 }],
  ["bursts of 50 bytes, 1e-5", { burst: { probability: 1e-5, bytes: 50 } }],
];

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

/** Medians of five seeds, 256 KiB: the share of the line, and that of coded frames among the rescuer's. */
function measured(
  faults: Faults,
  hunting: readonly [boolean, boolean],
): readonly [share: number, coded: number] {
  const runs = SEEDS.map((seed) => {
    const { rescue, share } = lineSpan({ seed, size: 262_144, faults, hunting });
    expect(Buffer.compare(rescue.flashed, rescue.data)).toBe(0);
    const { codedFramesSent, framesSent } = rescue.rescuerEnd.counters;
    return { share, coded: codedFramesSent / framesSent };
  });
  const rounded = (values: readonly number[], digits: number): number =>
    Number(median(values).toFixed(digits));
  return [
    rounded(
      runs.map(({ share }) => share),
      3,
    ),
    rounded(
      runs.map(({ coded }) => coded),
      2,
    ),
  ];
}

function heal(options: VirtualRescueOptions): VirtualRescue {
  const rescue = new VirtualRescue({ size: 32_768, ...options });
  expect(rescue.run(120_000)).toBe(true);
  expect(Buffer.compare(rescue.flashed, rescue.data)).toBe(0);
  return rescue;
}

describe("a rescue between nodes that hear both forms", () => {
  it("has these shares of the line, from the rescuer's first byte to the last one, and codes as many of its frames", () => {
    const table = LINES.map(([name, faults]) => [
      name,
      ...measured(faults, BOTH),
      measured(faults, NEITHER)[0],
    ]);
    // Line, share, coded of the rescuer's frames, share with COBS alone.
    expect(table).toEqual([
      ["clean", 0.981, 0.01, 0.981],
      ["bit errors 1e-5", 0.962, 0.79, 0.929],
      ["bit errors 3e-5", 0.946, 0.9, 0.882],
      ["bit errors 1e-4", 0.951, 0.93, 0.813],
      ["bit errors 3e-4", 0.935, 0.93, 0.698],
      ["bit errors 1e-3", 0.913, 1, 0.504],
      ["bit errors 3e-3", 0.849, 1, 0.236],
      ["byte loss 1e-4", 0.912, 0.05, 0.915],
      ["bursts of 50 bytes, 1e-5", 0.964, 0.03, 0.961],
    ]);
  }, 300_000);

  it("changes its form with the line: clean, one bit error in a thousand, and clean again, in one transfer", () => {
    const phases: number[] = [];
    let sent = 0;
    let rescue: VirtualRescue | undefined;
    const phase = (): number => Math.min(2, Math.floor(sent / 400_000));
    const wrap = (wire: Transport, end: 0 | 1): Transport => {
      const noise = bitErrors(new SeededRandom(40 + end), 1e-3);
      const noisy = withFaults(wire, {
        seed: 1,
        extra: [(bytes) => (phase() === 1 ? noise(bytes, 0) : bytes)],
      });
      return wrappedTransport(noisy, {
        write: (bytes) => {
          const before = phase();
          if (end === 1) sent += bytes.length;
          if (phase() !== before) phases.push(rescue?.rescuerEnd.counters.codedFramesSent ?? 0);
          return noisy.write(bytes);
        },
      });
    };
    const span = lineSpan({ seed: 1, size: 1 << 20, hunting: BOTH, wrap }, (made) => {
      rescue = made;
    });
    phases.push(span.rescue.rescuerEnd.counters.codedFramesSent);
    // Weighted by the bytes of each part, the shares that are aimed at (0.98 clean, 0.89 at 1e-3) make 0.947.
    expect(span.share).toBeGreaterThan(0.9);
    // Coded frames when each part ended: of the first only the offer, of the last the trials and the end.
    expect(phases).toEqual([1, 475, 488]);
  }, 60_000);

  it("ends although one bit in a hundred is wrong, where COBS alone does not even begin", () => {
    const faults = { ber: 1e-2 };
    const { targetEnd } = heal({ seed: 3, hunting: BOTH, faults });
    expect(targetEnd.counters.mendedBytes).toBeGreaterThan(2_000);
    const deaf = new VirtualRescue({ seed: 3, size: 32_768, hunting: NEITHER, faults });
    expect(deaf.run(120_000)).toBe(false);
  });

  it("begins and ends under a link key, whose proofs cover what a call says of forms", () => {
    const key = linkKeyOf(new Uint8Array(16).fill(1));
    const rescue = heal({ seed: 1, hunting: BOTH, linkKeys: [key, key], faults: { ber: 1e-3 } });
    expect(rescue.rescuerEnd.counters.codedFramesSent).toBeGreaterThan(30);
    expect(rescue.targetEnd.counters.unauthenticFrames).toBe(0);
  });

  it("delivers an image that holds frames of the second form, and takes none of them for a frame", () => {
    const distress =
      FRAME_VECTORS.find(({ frame }) => frame.tag === "distress")?.bytes ?? expect.fail("no vector");
    const random = new SeededRandom(5);
    const hidden = Array.from({ length: 40 }, () => [encodeCoded(distress, 8), randomBytes(random, 700)]);
    const rescue = heal({ seed: 5, data: concatBytes(...hidden.flat()), hunting: BOTH });
    expect(rescue.targetEnd.counters.packetsLost + rescue.rescuerEnd.counters.packetsLost).toBe(0);
    expect(rescue.targetEnd.counters.echoes).toBe(0);
  });
});

describe("a rescue between a node that hears both forms and one that hears COBS", () => {
  it.each([
    ["target", [true, false]],
    ["rescuer", [false, true]],
  ] as const)("uses COBS alone when only the %s hears both", (_, hunting) => {
    const { rescuerEnd, targetEnd } = heal({ seed: 3, hunting, faults: { ber: 3e-4 } });
    expect(rescuerEnd.counters.codedFramesSent).toBe(0);
    expect(rescuerEnd.counters.codedFramesReceived).toBe(0);
    expect(targetEnd.counters.codedFramesReceived).toBe(0);
  });

  it("has the same bytes as without any second form once the call was heard", () => {
    const moved = (hunting: readonly [boolean, boolean]): number => heal({ seed: 4, hunting }).bytesOnWire;
    // The call is three bytes longer: it says which forms the target hears.
    expect(moved([true, false]) - moved(NEITHER)).toBeLessThanOrEqual(6);
  });
});
