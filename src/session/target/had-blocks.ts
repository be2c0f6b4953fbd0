import type { BlockRange } from "../../base/tree-shape.ts";

/** Ranges that are kept of one rescuer. */
export const HAD_RANGES_MAX = 512;

/**
 * The blocks that a rescuer says it has, which is still receiving the image itself (PROTOCOL.md 5.21). A claim: it decides what is
 * asked for first, and nothing else. What does not fit is not kept.
 */
export class HadBlocks {
  /** In order, with a gap between any two. */
  #ranges: BlockRange[] = [];

  /** Nothing was said, or all of it was lost: then nothing is known of what the rescuer lacks. */
  get isEmpty(): boolean {
    return this.#ranges.length === 0;
  }

  add(range: BlockRange): void {
    if (range.count === 0) return;
    let { first } = range;
    let end = first + range.count;
    const apart: BlockRange[] = [];
    for (const known of this.#ranges) {
      if (known.first + known.count < first || known.first > end) apart.push(known);
      else {
        first = Math.min(first, known.first);
        end = Math.max(end, known.first + known.count);
      }
    }
    if (apart.length >= HAD_RANGES_MAX) return;
    const at = apart.findIndex((known) => known.first > end);
    apart.splice(at < 0 ? apart.length : at, 0, { first, count: end - first });
    this.#ranges = apart;
  }

  /** Whether the rescuer has this block. */
  has(block: number): boolean {
    return this.hasAnyOf({ first: block, count: 1 });
  }

  /** Whether it has one of these blocks. */
  hasAnyOf({ first, count }: BlockRange): boolean {
    let [low, high] = [0, this.#ranges.length];
    // The first range that ends behind `first`.
    while (low < high) {
      const middle = (low + high) >>> 1;
      const { first: begin, count: length } = this.#ranges[middle] as BlockRange;
      if (begin + length > first) high = middle;
      else low = middle + 1;
    }
    const range = this.#ranges[low];
    return count > 0 && range !== undefined && range.first < first + count;
  }
}
