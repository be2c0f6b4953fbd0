import { assert } from "./assert.ts";

/**
 * A map of at most `limit` entries: beyond that the oldest one gives way. An entry is as old as its last
 * {@link BoundedMap.set}; looking it up does not renew it. Keys are compared as those of a `Map`.
 */
export class BoundedMap<K, V> {
  readonly #limit: number;
  readonly #entries: Map<K, V> = new Map();

  /** `limit`: most entries, at least 1. */
  constructor(limit: number) {
    assert(limit >= 1, `a bounded map of ${limit} entries`);
    this.#limit = limit;
  }

  get size(): number {
    return this.#entries.size;
  }

  has(key: K): boolean {
    return this.#entries.has(key);
  }

  get(key: K): V | undefined {
    return this.#entries.get(key);
  }

  /** Sets an entry, which is the newest then. Drops the oldest one if there are too many. */
  set(key: K, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#limit) return;
    const oldest = this.#entries.keys().next();
    if (!oldest.done) this.#entries.delete(oldest.value);
  }

  /** Drops an entry; whether there was one. */
  delete(key: K): boolean {
    return this.#entries.delete(key);
  }

  /** All entries, the oldest first. */
  entries(): IterableIterator<[K, V]> {
    return this.#entries.entries();
  }

  /** All values, the oldest first. */
  values(): IterableIterator<V> {
    return this.#entries.values();
  }
}
