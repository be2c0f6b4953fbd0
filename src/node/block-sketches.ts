/** Bytes that are compared at each place. */
const WIDTH = 5;
/** One place in so many is looked at: those whose hash is divisible by it, wherever they lie in a block. */
const SAMPLED_BITS = 2;
const SAMPLED = 1 << SAMPLED_BITS;
const BUCKETS = 1 << 16;
/** Blocks that are remembered with one hash, the latest ones. */
const WAYS = 8;
/** Equal places below which a block saves less than its name costs. */
const MATCHES_MIN = 12;

/** What is remembered of a block: buckets of some of its hashes. */
export type Sketch = ReadonlySet<number>;

/**
 * Which blocks of an image look like another one: remembers hashes of short pieces of them. Of fixed size, 2 MiB; when an
 * image has more pieces, the latest ones are remembered.
 */
export class BlockSketches {
  /** Block numbers, plus 1; 0 in an empty place. */
  readonly #blocks: Uint32Array = new Uint32Array(BUCKETS * WAYS);
  #next = 0;

  /** Remembers a block. */
  add(index: number, sketch: Sketch): void {
    for (const bucket of sketch) {
      const at = bucket * WAYS;
      if (this.#has(at, index)) continue;
      this.#blocks[at + (this.#next++ % WAYS)] = index + 1;
    }
  }

  #has(at: number, index: number): boolean {
    for (let way = 0; way < WAYS; way++) if (this.#blocks[at + way] === index + 1) return true;
    return false;
  }

  /**
   * Up to `count` blocks that `isUsable`, which have most in common with the block of `sketch`: the first one the most, each further one
   * the most of what the earlier ones lack.
   */
  alike(sketch: Sketch, count: number, isUsable: (index: number) => boolean): number[] {
    const owners = new Map<number, number[]>();
    for (const bucket of sketch) this.#note(owners, bucket, isUsable);
    const chosen: number[] = [];
    const covered = new Set<number>();
    while (chosen.length < count) {
      const best = mostOf(owners);
      if (best === undefined) break;
      chosen.push(best.index);
      for (const bucket of best.buckets) covered.add(bucket);
      owners.delete(best.index);
      for (const [index, buckets] of owners) {
        const left = buckets.filter((bucket) => !covered.has(bucket));
        if (left.length < MATCHES_MIN) owners.delete(index);
        else owners.set(index, left);
      }
    }
    return chosen;
  }

  #note(owners: Map<number, number[]>, bucket: number, isUsable: (index: number) => boolean): void {
    for (let way = 0; way < WAYS; way++) {
      const index = (this.#blocks[bucket * WAYS + way] ?? 0) - 1;
      if (index < 0) continue;
      const buckets = owners.get(index);
      if (buckets !== undefined) buckets.push(bucket);
      else if (isUsable(index)) owners.set(index, [bucket]);
    }
  }
}

function mostOf(owners: ReadonlyMap<number, number[]>): { index: number; buckets: number[] } | undefined {
  let best: { index: number; buckets: number[] } | undefined;
  for (const [index, buckets] of owners) {
    const most = best?.buckets.length ?? MATCHES_MIN - 1;
    if (buckets.length > most) best = { index, buckets };
  }
  return best;
}

/** Hashes of the places of a block that are looked at, each once. */
export function sketchOf(block: Uint8Array): Sketch {
  const sketch = new Set<number>();
  /** The last four bytes. */
  let next = 0;
  for (let at = 0; at < block.length; at++) {
    next = (next >>> 8) | ((block[at] ?? 0) << 24);
    if (at < WIDTH - 1) continue;
    const hash = Math.imul(
      Math.imul(next, 0x9e37_79b1) ^ Math.imul(block[at - WIDTH + 1] ?? 0, 0x85eb_ca6b),
      0xc2b2_ae35,
    );
    const mixed = (hash ^ (hash >>> 15)) >>> 0;
    if (mixed % SAMPLED === 0) sketch.add((mixed >>> SAMPLED_BITS) % BUCKETS);
  }
  return sketch;
}
