import { assert } from "../../base/assert.ts";

/**
 * The smallest of `values` that at least `percent` % of them do not exceed (nearest rank), so always one of them;
 * undefined when there are none. `percent`: 0 < percent <= 100. The order of `values` does not matter.
 */
export function percentile(values: readonly number[], percent: number): number | undefined {
  assert(percent > 0 && percent <= 100, `percentile(${percent})`);
  // Multiplied first: 0.07 * 100 is more than 7.
  const rank = Math.ceil((percent * values.length) / 100);
  return values.toSorted((a, b) => a - b)[rank - 1];
}
