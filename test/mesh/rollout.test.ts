import { describe, expect, it } from "vitest";
import type { Millis } from "../../src/base/units.ts";
import { ROLLOUT_IMAGES_MAX, Rollout } from "../../src/mesh/rollout.ts";
import { id } from "./support.ts";

const HOUR: Millis = 3_600_000;
const DAY: Millis = 24 * HOUR;

describe("a rollout", () => {
  it("lets an image wait as many ring times as its ring says, from when it was first heard of", () => {
    const rollout = new Rollout(0, HOUR);
    expect(rollout.noteHeard(1_000, 0, id(7))).toBe(true);
    expect(rollout.noteHeard(2_000, 1, id(7))).toBe(false);
    expect(rollout.noteManifest(HOUR, id(7), 2)).toBe(HOUR + 1_000);
    expect(rollout.nextDueAt(HOUR)).toBe(2 * HOUR + 1_000);
    expect(rollout.leftMs(2 * HOUR + 1_000, id(7))).toBe(0);
    expect(rollout.nextDueAt(2 * HOUR + 1_000)).toBeUndefined();
  });

  it("lets nobody wait for ring 0, for an image whose manifest is not known, and without a ring time", () => {
    const rollout = new Rollout(0, HOUR);
    expect(rollout.noteManifest(0, id(1), 0)).toBe(0);
    rollout.noteHeard(0, 0, id(2));
    expect(rollout.leftMs(0, id(2))).toBe(0);
    expect(rollout.leftMs(0, id(3))).toBe(0);
    expect(new Rollout(0, 0).noteManifest(0, id(1), 254)).toBe(0);
  });

  it("continues after a restart where it was, and keeps nothing that was only heard of", () => {
    const before = new Rollout(0, HOUR);
    before.noteHeard(0, 0, id(1));
    before.noteManifest(10_000, id(2), 3);
    before.markCanary(20_000, id(3));
    before.noteStarted(20_000, id(3));
    const kept = before.kept(HOUR);
    expect(kept.map(({ knownMs, ring, starts, isCanary }) => ({ knownMs, ring, starts, isCanary }))).toEqual([
      { knownMs: HOUR - 10_000, ring: 3, starts: undefined, isCanary: undefined },
      { knownMs: HOUR - 20_000, ring: undefined, starts: 1, isCanary: true },
    ]);
    const after = new Rollout(500, HOUR, kept);
    expect(after.leftMs(500, id(2))).toBe(2 * HOUR + 10_000);
    expect(after.isCanary(id(3))).toBe(true);
    expect(after.noteStarted(500, id(3))).toBe(2);
  });

  it("fills no more than four places of a link with words, and has a place for another one after a day", () => {
    const rollout = new Rollout(0, HOUR);
    for (let i = 0; i < 4; i++) expect(rollout.noteHeard(0, 0, id(i))).toBe(true);
    expect(rollout.noteHeard(DAY - 1, 0, id(9))).toBe(false);
    expect(rollout.noteHeard(DAY - 1, 1, id(9))).toBe(true);
    expect(rollout.noteHeard(DAY, 0, id(8))).toBe(true);
  });

  it("forgets no image whose manifest was verified for one that was only heard of, and remembers a number of them", () => {
    const rollout = new Rollout(0, HOUR);
    for (let i = 0; i < ROLLOUT_IMAGES_MAX; i++) rollout.noteManifest(0, id(i), 1);
    for (let i = 0; i < 100; i++) rollout.noteHeard(0, i, id(100 + i));
    expect(rollout.leftMs(0, id(0))).toBe(HOUR);
    rollout.noteManifest(0, id(99), 1);
    expect(rollout.leftMs(0, id(0))).toBe(0);
    expect(rollout.leftMs(0, id(99))).toBe(HOUR);
    expect(rollout.kept(0)).toHaveLength(ROLLOUT_IMAGES_MAX);
  });
});
