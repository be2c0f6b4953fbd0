import { describe, expect, it } from "vitest";
import { interleave, type Seen } from "./calling-boards.ts";

const SEEDS = 10_000;

describe("boards of different hardware that call one rescuer at the same time", () => {
  it(`are each offered and sent their own image, in ${SEEDS} interleavings of slow picks and reads`, () => {
    const seen: Seen = { offers: 0, sessions: 0, healed: 0, picks: 0, wrong: [] };
    for (let seed = 0; seed < SEEDS; seed++) {
      interleave(seed, seen);
      expect(seen.wrong, `seed ${seed}`).toEqual([]);
    }
    expect(seen.picks).toBe(1);
    expect(seen.offers).toBeGreaterThan(2 * SEEDS);
    expect(seen.sessions).toBeGreaterThan(1.5 * SEEDS);
    expect(seen.healed).toBeGreaterThan(1.5 * SEEDS);
  }, 240_000);
});
