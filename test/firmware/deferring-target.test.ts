import { beforeAll, describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { createMemoryPair } from "../../src/sim/wires/memory-pair.ts";
import { deferrals, deferringUntil } from "../support/deferring-board.ts";
import { VirtualRescue } from "../support/virtual-rescue.ts";
import { WasmRescuer } from "../support/wasm-rescuer.ts";

const BAUD = 921_600;
const LINE = { baud: BAUD, latencyMs: 1, pieceBytes: 32 };

/** A C rescuer, and a TypeScript board that takes its image from some time on, as it finds in the manifest. */
function heal(dueMs: Millis): VirtualRescue {
  const clock = new VirtualClock();
  const [near, far] = createMemoryPair(clock, { aToB: LINE, bToA: LINE });
  const [dead] = createMemoryPair(clock);
  const rescue: VirtualRescue = new VirtualRescue({
    ...{ clock, seed: 1, size: 16_384, baud: BAUD, makeEnd: (end: 0 | 1) => (end === 0 ? near : dead) },
    onTargetEvent: deferringUntil(dueMs, () => rescue),
  });
  new WasmRescuer(clock, new SeededRandom(2), far, rescue.image, rescue.data, BAUD);
  expect(rescue.run(180_000, () => rescue.hasEvent("finished"))).toBe(true);
  expect(rescue.flashed).toEqual(rescue.data);
  return rescue;
}

describe("a C rescuer of a board that defers in the session", () => {
  /** The first one compiles the C side. */
  beforeAll(() => void heal(0), 120_000);

  it("offers the image again when the time is over, and not before", () => {
    const rescue = heal(20_000);
    expect(deferrals(rescue.targetEvents)).toEqual({ deferred: 1, begun: 2 });
    expect(rescue.clock.now()).toBeLessThan(25_000);
  });

  it("believes it for a minute at a time", () => {
    const rescue = heal(100_000);
    expect(deferrals(rescue.targetEvents)).toEqual({ deferred: 2, begun: 3 });
  });
});
