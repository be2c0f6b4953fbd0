import { describe, expect, it } from "vitest";
import { concatBytes } from "../../src/base/bytes.ts";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { linkKeyOf } from "../../src/node/derived-link-key.ts";
import { bitErrors } from "../../src/sim/wires/byte-faults.ts";
import { withFaults } from "../../src/sim/wires/transport-faults.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { encodeCodedFrame } from "../../src/wire/fec/coded-frame.ts";
import { lineSpan } from "../support/line-span.ts";
import { VirtualRescue, type VirtualRescueOptions } from "../support/virtual-rescue.ts";
import { wrappedTransport } from "../support/wrapped-transport.ts";
import { FRAME_VECTORS } from "../wire/wire-vectors.ts";

const BOTH = [true, true] as const;
const NEITHER = [false, false] as const;
function heal(options: VirtualRescueOptions): VirtualRescue {
  const rescue = new VirtualRescue({ size: 32_768, ...options });
  expect(rescue.run(120_000)).toBe(true);
  expect(Buffer.compare(rescue.flashed, rescue.data)).toBe(0);
  return rescue;
}

describe("a rescue between nodes that hear both forms", () => {
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
    const [clean = 0, bad = 0, again = 0] = phases;
    // Of the first part only the offer is coded, of the last one the trials and the end.
    expect(clean).toBeLessThan(5);
    expect(bad - clean).toBeGreaterThan(300);
    expect(again - bad).toBeLessThan(50);
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
    const hidden = Array.from({ length: 40 }, () => [
      encodeCodedFrame(distress, 8),
      randomBytes(random, 700),
    ]);
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
