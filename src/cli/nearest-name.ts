/** Most letters that differ between a name and the one that was meant. */
const DISTANCE_MAX = 2;
/** Shortest beginning of a name that stands for it. */
const BEGINNING_MIN = 3;
/** Longer names are not looked at. */
const LENGTH_MAX = 64;

/**
 * The known name that was probably meant: the one with the fewest letters changed, added or left out, at most two and
 * less than half of them; else one that begins like it. Undefined when none is near.
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  if (name.length > LENGTH_MAX) return undefined;
  const most = Math.min(DISTANCE_MAX, Math.ceil(name.length / 2) - 1);
  const near = known
    .map((other) => ({ other, distance: distanceBetween(name.toLowerCase(), other.toLowerCase()) }))
    .filter(({ distance }) => distance <= most)
    .sort((a, b) => a.distance - b.distance);
  if (near[0] !== undefined) return near[0].other;
  if (name.length < BEGINNING_MIN) return undefined;
  return known.find((other) => other.startsWith(name) || name.startsWith(other));
}

/** Levenshtein distance. */
function distanceBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const changed = (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1);
      next.push(Math.min(changed, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
