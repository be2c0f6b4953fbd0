import { type Random, randomBelow, randomFraction, SeededRandom } from "../../base/prng.ts";
import type { Millis } from "../../base/units.ts";

/** What happens to one byte on an I2C bus. All but `flip` end the transaction with an error of that kind. */
export type ByteFate =
  | { readonly tag: "flip"; readonly mask: number }
  | { readonly tag: "nack" | "timeout" | "arbitration" | "io" | "short" }
  /** The bus stays unusable for `lastsMs`. */
  | { readonly tag: "stuck"; readonly lastsMs: Millis };

/** Decides the faults of an I2C bus byte by byte, addresses included. `index`: bytes on the bus before this one. */
export interface I2cFaults {
  fateOf(index: number): ByteFate | undefined;
}

/** Probabilities per byte; `ber` is per bit. */
export interface RandomI2cFaultOptions {
  readonly ber?: number;
  readonly nack?: number;
  readonly timeout?: number;
  readonly arbitration?: number;
  readonly short?: number;
  readonly stuck?: { readonly probability: number; readonly lastsMs: Millis };
}

/** Random faults; the same for the same seed. One draw per byte: a byte has one fault at most. */
export function randomI2cFaults(seed: number, options: RandomI2cFaultOptions): I2cFaults {
  const random = new SeededRandom(seed);
  const shares = sharesOf(random, options);
  const total = shares.reduce((sum, { probability }) => sum + probability, 0);
  return {
    fateOf: () => {
      let drawn = randomFraction(random);
      if (drawn >= total) return undefined;
      for (const { probability, fate } of shares) {
        if (drawn < probability) return fate();
        drawn -= probability;
      }
      return undefined;
    },
  };
}

interface Share {
  readonly probability: number;
  readonly fate: () => ByteFate;
}

function sharesOf(random: Random, options: RandomI2cFaultOptions): Share[] {
  const ends = (["nack", "timeout", "arbitration", "short"] as const).map((tag) => ({
    probability: options[tag] ?? 0,
    fate: (): ByteFate => ({ tag }),
  }));
  const { probability = 0, lastsMs = 0 } = options.stuck ?? {};
  const flip = (): ByteFate => ({ tag: "flip", mask: 1 << randomBelow(random, 8) });
  return [
    { probability: 1 - (1 - (options.ber ?? 0)) ** 8, fate: flip },
    { probability, fate: () => ({ tag: "stuck", lastsMs }) },
    ...ends,
  ];
}

/** One fault, at exactly this byte. */
export function i2cFaultAt(at: number, fate: ByteFate): I2cFaults {
  return { fateOf: (index) => (index === at ? fate : undefined) };
}

/** The same fault at every byte from this one on. */
export function i2cFaultFrom(from: number, fate: ByteFate): I2cFaults {
  return { fateOf: (index) => (index >= from ? fate : undefined) };
}
