/** Sectors `first` to `last`, both included, counted from the flash's start. */
export interface SectorRange {
  readonly first: number;
  readonly last: number;
}

/** Most ranges in a set; beyond, the two nearest are joined, so that the set only grows. */
export const RANGES_MAX = 12;

/** The set with `range` added, in order, touching ranges joined. */
export function addRange(ranges: readonly SectorRange[], range: SectorRange): SectorRange[] {
  const joined: SectorRange[] = [];
  for (const next of [...ranges, range].sort((a, b) => a.first - b.first)) {
    const before = joined.at(-1);
    if (before !== undefined && next.first <= before.last + 1) {
      joined[joined.length - 1] = { first: before.first, last: Math.max(before.last, next.last) };
    } else {
      joined.push(next);
    }
  }
  return joined.length > RANGES_MAX ? joinNearest(joined) : joined;
}

function joinNearest(ranges: readonly SectorRange[]): SectorRange[] {
  const gap = (i: number): number => (ranges[i + 1]?.first ?? Infinity) - (ranges[i]?.last ?? 0);
  let nearest = 0;
  for (let i = 1; i + 1 < ranges.length; i++) if (gap(i) < gap(nearest)) nearest = i;
  return ranges.flatMap((range, i) => {
    if (i === nearest + 1) return [];
    return [i === nearest ? { first: range.first, last: ranges[i + 1]?.last ?? range.last } : range];
  });
}

/** The set without `range`; unchanged where that would need more than {@link RANGES_MAX} ranges. */
export function removeRange(ranges: readonly SectorRange[], range: SectorRange): readonly SectorRange[] {
  const left = ranges.flatMap((old) => {
    const parts: SectorRange[] = [];
    if (old.first < range.first) parts.push({ first: old.first, last: Math.min(old.last, range.first - 1) });
    if (old.last > range.last) parts.push({ first: Math.max(old.first, range.last + 1), last: old.last });
    return parts;
  });
  return left.length > RANGES_MAX ? ranges : left;
}

/** Whether any sector of `range` is in the set. */
export function touchesRange(ranges: readonly SectorRange[], range: SectorRange): boolean {
  return ranges.some((old) => old.first <= range.last && range.first <= old.last);
}
