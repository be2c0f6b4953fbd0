import { describe, expect, it } from "vitest";
import type { Millis } from "../../src/base/units.ts";
import { SUSPECT_MS, SUSPECT_TOTAL_MS, SUSPECT_UNPROVEN_MS, Suspects } from "../../src/mesh/suspects.ts";
import { id } from "./support.ts";

const WEEK: Millis = 7 * 86_400_000;

describe("suspicions", () => {
  it("hold an image up on all links for a day after a certain failure, and no longer", () => {
    const suspects = new Suspects();
    expect(suspects.noteCertain(0, id(1), 0, false)).toBe(true);
    expect(suspects.leftMs(0, 5, id(1))).toBe(SUSPECT_MS);
    expect(suspects.leftMs(0, 5, id(2))).toBe(0);
    expect(suspects.nextEndAt(0)).toBe(SUSPECT_MS);
    expect(suspects.leftMs(SUSPECT_MS, 5, id(1))).toBe(0);
    expect(suspects.nextEndAt(SUSPECT_MS)).toBeUndefined();
  });

  it("count from the failure, not from when they are heard", () => {
    const suspects = new Suspects();
    expect(suspects.noteCertain(0, id(1), SUSPECT_MS - 60_000, false)).toBe(true);
    expect(suspects.leftMs(0, 0, id(1))).toBe(60_000);
    expect(suspects.noteCertain(0, id(2), SUSPECT_MS, false)).toBe(false);
  });

  it("hold an image up for three days at most, however many boards say so, and again after a week", () => {
    const suspects = new Suspects();
    let heldMs = 0;
    for (let now = 0; now < WEEK; now += 3_600_000) {
      suspects.noteCertain(now, id(1), 0, false);
      if (suspects.leftMs(now, 0, id(1)) > 0) heldMs = now;
    }
    expect(heldMs).toBe(SUSPECT_TOTAL_MS - 3_600_000);
    expect(suspects.noteCertain(WEEK, id(1), 0, false)).toBe(true);
  });

  it("of the owner hold an image up for as long as the owner says, on all links, and no failure shortens it", () => {
    const suspects = new Suspects();
    expect(suspects.noteStopped(0, id(1), 2 * WEEK)).toBe(true);
    expect(suspects.noteStopped(0, id(1), WEEK)).toBe(false);
    expect(suspects.noteCertain(WEEK + 1, id(1), 0, false)).toBe(false);
    expect(suspects.noteCertain(WEEK + 1, id(2), 0, false)).toBe(true);
    expect(suspects.leftMs(WEEK + 1, 3, id(1))).toBe(WEEK - 1);
    expect(suspects.leftMs(2 * WEEK, 3, id(1))).toBe(0);
    expect(suspects.noteStopped(0, id(3), 0)).toBe(false);
  });

  it("without a proof hold an image up on their own link, for an hour, and once a week", () => {
    const suspects = new Suspects();
    expect(suspects.noteUnproven(0, 2, id(1))).toBe(true);
    expect(suspects.leftMs(0, 2, id(1))).toBe(SUSPECT_UNPROVEN_MS);
    expect(suspects.leftMs(0, 1, id(1))).toBe(0);
    let heldMs = 0;
    for (let now = 0; now < WEEK; now += 60_000) {
      suspects.noteUnproven(now, 2, id(1));
      if (suspects.leftMs(now, 2, id(1)) > 0) heldMs = now;
    }
    expect(heldMs).toBe(SUSPECT_UNPROVEN_MS - 60_000);
    expect(suspects.noteUnproven(WEEK, 2, id(1))).toBe(true);
  });

  it("about invented images end none, and fill no more than the places of their kind", () => {
    const suspects = new Suspects();
    suspects.noteCertain(0, id(1), 0, false);
    suspects.noteUnproven(0, 0, id(2));
    for (let i = 100; i < 200; i++) {
      suspects.noteCertain(0, id(i), 0, false);
      suspects.noteUnproven(0, 0, id(i));
    }
    expect(suspects.leftMs(0, 0, id(1))).toBe(SUSPECT_MS);
    expect(suspects.leftMs(0, 0, id(2))).toBe(SUSPECT_UNPROVEN_MS);
    expect(suspects.certain(0)).toHaveLength(16);
    // What failed on the board itself always has a place.
    expect(suspects.noteCertain(1, id(3), 0, true)).toBe(true);
    expect(suspects.leftMs(1, 0, id(3))).toBe(SUSPECT_MS);
    expect(suspects.certain(1)).toHaveLength(16);
  });
});
