import { describe, it } from "vitest";
import { runI2cSeed } from "../../../lab/i2c-seeds.ts";

const SEEDS = 2000;
const SHARDS = 10;

describe("2,000 rescues of 4 KiB over an I2C bus with random faults", () => {
  it.each(Array.from({ length: SHARDS }, (_, shard) => shard))(
    "are all exact: share %i",
    async (shard) => {
      for (let seed = shard; seed < SEEDS; seed += SHARDS) await runI2cSeed(seed);
    },
    60_000,
  );
});
