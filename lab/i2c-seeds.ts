import { randomFraction, SeededRandom } from "../src/base/prng.ts";
import { type RandomI2cFaultOptions, randomI2cFaults } from "../src/sim/wires/i2c-bus-faults.ts";
import { healsExactly, UNSIGNED } from "../test/support/virtual-i2c-rescue.ts";

const TRANSACTIONS = [32, 64, 255, 1024];

/** Everything that can go wrong on a bus, drawn from the seed: up to three faults in a thousand bytes of each kind. */
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

/** One rescue of 4 KiB over an in-memory bus with the faults of a seed. Throws, with all it takes to replay. */
export async function runI2cSeed(seed: number): Promise<void> {
  const controller = seed % 2 === 0 ? "target" : "rescuer";
  const transactionMax = TRANSACTIONS[(seed >> 1) % TRANSACTIONS.length] ?? 32;
  const faults = randomI2cFaults(seed, faultsOf(seed));
  const replay = `npm run lab:i2c -- --first-seed ${seed} --runs 1 (controller ${controller}, ${transactionMax} bytes)`;
  await healsExactly({ ...UNSIGNED, seed, size: 4096, controller, transactionMax, bus: { faults } }, replay);
}
