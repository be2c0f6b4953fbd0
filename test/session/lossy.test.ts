import { describe, expect, it } from "vitest";
import { randomFraction, SeededRandom } from "../../src/base/prng.ts";
import { VirtualRescue, type VirtualRescueOptions } from "../support/virtual-rescue.ts";

const SEEDS = 300;
const SHARDS = 10;
const SIZE = 65_536;

/** Everything that can go wrong with a wire, drawn from the seed. */
function faultsOf(seed: number): NonNullable<VirtualRescueOptions["faults"]> {
  const random = new SeededRandom(seed ^ 0x10551);
  const upTo = (most: number): number => most * randomFraction(random);
  switch (seed % 5) {
    case 0:
      return { ber: 10 ** -(4 + upTo(2)) };
    case 1:
      return { drop: upTo(2e-4) };
    case 2:
      return { frames: { loss: upTo(0.3), corrupt: upTo(0.1), duplicate: upTo(0.05), truncate: upTo(0.05) } };
    case 3:
      return { burst: { probability: upTo(1e-4), bytes: 50 }, ber: upTo(1e-5) };
    default:
      return { cuts: [{ atMs: upTo(600), durationMs: 100 + upTo(3000) }], frames: { loss: upTo(0.05) } };
  }
}

describe("300 lossy transfers of 64 KiB in virtual time", () => {
  it.each(Array.from({ length: SHARDS }, (_, shard) => shard))(
    "are all exact: share %i",
    (shard) => {
      for (let seed = shard; seed < SEEDS; seed += SHARDS) {
        const rescue = new VirtualRescue({ seed, size: SIZE, faults: faultsOf(seed) });
        const replay = `seed ${seed}: ${JSON.stringify(faultsOf(seed))}`;
        expect(rescue.run(), `${replay} did not end`).toBe(true);
        expect(rescue.board.boot().tag, replay).toBe("boot");
        expect(Buffer.compare(rescue.flashed, rescue.data), replay).toBe(0);
      }
    },
    60_000,
  );
});
