import { type Random, randomBelow } from "./prng.ts";

/**
 * A bounded set of named items in the order in which they came. Once full, each item that was ever put has the same chance to
 * be kept (reservoir sampling), so that a flood of others cannot keep one out for certain.
 */
export class Reservoir<T> {
  readonly #random: Random;
  readonly #max: number;
  readonly #items: Map<string, T> = new Map();
  /** Items put since it was last empty or had one taken, those that gave way among them. */
  #heard = 0;

  /** `max`: most items that are kept. */
  constructor(random: Random, max: number) {
    this.#random = random;
    this.#max = max;
  }

  /** Keeps an item; one of the same name takes the old one's place. */
  put(name: string, item: T): void {
    if (this.#items.has(name)) {
      this.#items.set(name, item);
      return;
    }
    this.#heard++;
    if (this.#items.size < this.#max) {
      this.#items.set(name, item);
      return;
    }
    const replaced = [...this.#items.keys()][randomBelow(this.#random, this.#heard)];
    if (replaced === undefined) return;
    this.#items.delete(replaced);
    this.#items.set(name, item);
  }

  /** Takes out the item that came first. */
  takeFirst(): T | undefined {
    for (const [name, item] of this.#items) {
      this.#items.delete(name);
      this.#heard = this.#items.size;
      return item;
    }
    return undefined;
  }

  /** Takes out all, and gives one of them, drawn at random. */
  drawAndClear(): T | undefined {
    const all = [...this.#items.values()];
    this.clear();
    return all.length === 0 ? undefined : all[randomBelow(this.#random, all.length)];
  }

  clear(): void {
    this.#items.clear();
    this.#heard = 0;
  }
}
