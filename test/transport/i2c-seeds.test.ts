import { describe, it } from "vitest";
import { randomFraction, SeededRandom } from "../../src/base/prng.ts";
import { type RandomI2cFaultOptions, randomI2cFaults } from "../../src/transport/i2c-faults.ts";
import { healsExactly, UNSIGNED } from "../support/virtual-i2c-rescue.ts";

const SEEDS = 2000;
const SHARDS = 10;
const TRANSACTIONS = [32, 64, 255, 1024];

/** Everything that can go wrong on a bus, drawn from the seed: up to three faults in a thousand octets of each kind. */
function faultsOf(seed: number): RandomI2cFaultOptions {
  const random = new SeededRandom(seed ^ 0x12c);
  const upTo = (most: number): number => most * randomFraction(random);
  return {
    ber: upTo(2e-4),
    nack: upTo(3e-3),
    timeout: upTo(1e-3),
    arbitration: upTo(1e-3),
    short: upTo(1e-3),
    stuck: { probability: upTo(1e-4), lastsMs: upTo(300) },
  };
}

describe("2,000 rescues of 4 KiB over an I2C bus with random faults", () => {
  it.each(Array.from({ length: SHARDS }, (_, shard) => shard))(
    "are all exact: share %i",
    async (shard) => {
      for (let seed = shard; seed < SEEDS; seed += SHARDS) {
        const controller = seed % 2 === 0 ? "target" : "rescuer";
        const transactionMax = TRANSACTIONS[(seed >> 1) % TRANSACTIONS.length] ?? 32;
        const faults = randomI2cFaults(seed, faultsOf(seed));
        const replay = `seed ${seed}, controller ${controller}, ${transactionMax}: ${JSON.stringify(faultsOf(seed))}`;
        await healsExactly(
          { ...UNSIGNED, seed, size: 4096, controller, transactionMax, bus: { faults } },
          replay,
        );
      }
    },
    60_000,
  );
});
