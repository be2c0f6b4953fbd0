/** Half-open range of bytes. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** A set of byte positions, as sorted, disjoint, half-open ranges. Made for few of them. */
export class RangeSet {
  #ranges: Range[] = [];

  static of(from: number, to: number): RangeSet {
    const set = new RangeSet();
    set.add(from, to);
    return set;
  }

  get isEmpty(): boolean {
    return this.#ranges.length === 0;
  }

  /** Number of bytes in the set. */
  get size(): number {
    return this.#ranges.reduce((sum, range) => sum + range.to - range.from, 0);
  }

  /** The lowest range. */
  get first(): Range | undefined {
    return this.#ranges[0];
  }

  /** Whether the set is exactly the one range from 0 to `to`. */
  isExactly(to: number): boolean {
    const first = this.#ranges[0];
    return this.#ranges.length === 1 && first !== undefined && first.from === 0 && first.to === to;
  }

  add(from: number, to: number): void {
    if (from >= to) return;
    const last = this.#ranges.at(-1);
    if (last !== undefined && last.to === from) {
      this.#ranges[this.#ranges.length - 1] = { from: last.from, to };
      return;
    }
    const out: Range[] = [];
    let low = from;
    let high = to;
    for (const range of this.#ranges) {
      if (range.to < low || range.from > high) out.push(range);
      else {
        low = Math.min(low, range.from);
        high = Math.max(high, range.to);
      }
    }
    out.push({ from: low, to: high });
    this.#ranges = out.sort((a, b) => a.from - b.from);
  }

  remove(from: number, to: number): void {
    if (from >= to) return;
    this.#ranges = this.#ranges.flatMap((range) => {
      if (range.to <= from || range.from >= to) return [range];
      const parts: Range[] = [];
      if (range.from < from) parts.push({ from: range.from, to: from });
      if (range.to > to) parts.push({ from: to, to: range.to });
      return parts;
    });
  }
}
