import { describe, expect, it } from "vitest";
import {
  applyEvent,
  COUNT_MAX,
  EMPTY_RECORD,
  FAILED_DIGESTS_MAX,
  failedConfirms,
  type RecordEvent,
  type RecordState,
  type SlotRecord,
  slotRecord,
} from "../../../src/flash/record/record-state.ts";

const digest = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const image = (slot: number, n: number, more: Partial<SlotRecord> = {}): SlotRecord => ({
  slot,
  digest: digest(n),
  area: 0,
  isConfirmed: false,
  isReverted: false,
  attempts: 0,
  rank: n,
  ...more,
});
const replayed = (...events: readonly RecordEvent[]): RecordState => events.reduce(applyEvent, EMPTY_RECORD);
const installed = (slot: SlotRecord, floor = 0): RecordEvent => ({ tag: "installed", slot, floor });
const changed = (slot: SlotRecord, floor = 0): RecordEvent => ({ tag: "slot", slot, floor });
const failed = (n: number, count: number): RecordEvent => ({
  tag: "failed",
  failed: { adviceDigest8: digest(n).subarray(0, 8), count },
});
const receiving = { slot: 1, digest: digest(3), area: 2 };

describe("the state of the boot record", () => {
  it("holds one image a slot, in the order of the slots", () => {
    const state = replayed(installed(image(1, 1)), installed(image(0, 2)), installed(image(1, 3)));
    expect(state.slots).toEqual([image(0, 2), image(1, 3)]);
    expect(replayed(installed(image(1, 1)), installed(image(0, 2))).slots).toEqual([
      image(0, 2),
      image(1, 1),
    ]);
    expect(slotRecord(state, 0)).toEqual(image(0, 2));
    expect(slotRecord(state, 1)).toEqual(image(1, 3));
    expect(slotRecord(replayed(installed(image(1, 1))), 0)).toBeUndefined();
  });

  it("stays 'receiving' until an image is installed", () => {
    const state = replayed({ tag: "receiving", receiving }, { tag: "floor", floor: 2 }, changed(image(0, 1)));
    expect(state).toEqual({ ...EMPTY_RECORD, receiving, counterFloor: 2, slots: [image(0, 1)] });
    expect(applyEvent(state, installed(image(1, 3))).receiving).toBeUndefined();
  });

  it("has a floor that never falls", () => {
    const floors = [changed(image(0, 1), 5), changed(image(0, 1), 4), { tag: "floor", floor: 3 } as const];
    expect(replayed(...floors).counterFloor).toBe(5);
    expect(replayed(...floors, { tag: "floor", floor: 6 }).counterFloor).toBe(6);
    expect(replayed(...floors, installed(image(0, 2), 7)).counterFloor).toBe(7);
  });

  it("opens and closes sectors in one step", () => {
    const open = (first: number, last: number) => ({ first, last });
    const state = replayed({ tag: "sectors", open: open(1, 4) }, { tag: "sectors", open: open(8, 9) });
    expect(state).toEqual({ ...EMPTY_RECORD, openSectors: [open(1, 4), open(8, 9)] });
    expect(applyEvent(state, { tag: "sectors", close: open(2, 3) }).openSectors).toEqual([
      open(1, 1),
      open(4, 4),
      open(8, 9),
    ]);
    expect(applyEvent(state, { tag: "sectors", open: open(5, 5), close: open(8, 9) }).openSectors).toEqual([
      open(1, 5),
    ]);
    // What is closed and opened at once is open.
    expect(applyEvent(state, { tag: "sectors", open: open(8, 8), close: open(8, 9) }).openSectors).toEqual([
      open(1, 4),
      open(8, 8),
    ]);
  });

  it("counts a trial that is given up once, for the digest that was on trial", () => {
    const trial = replayed(installed(image(0, 1)), failed(1, 4));
    expect(failedConfirms(trial, digest(1))).toBe(4);
    const given = applyEvent(trial, changed(image(0, 1, { isReverted: true })));
    expect(failedConfirms(given, digest(1))).toBe(5);
    const again = applyEvent(given, changed(image(0, 1, { isReverted: true, attempts: 1 })));
    expect(failedConfirms(again, digest(1))).toBe(5);
    const other = applyEvent(trial, changed(image(0, 2, { isReverted: true })));
    expect([failedConfirms(other, digest(1)), failedConfirms(other, digest(2))]).toEqual([4, 0]);
    const unknown = applyEvent(trial, changed(image(1, 1, { isReverted: true })));
    expect(failedConfirms(unknown, digest(1))).toBe(4);
    const used = applyEvent(trial, changed(image(0, 1, { attempts: 2 })));
    expect(failedConfirms(used, digest(1))).toBe(4);
    const most = applyEvent(
      applyEvent(trial, failed(1, COUNT_MAX)),
      changed(image(0, 1, { isReverted: true })),
    );
    expect(failedConfirms(most, digest(1))).toBe(COUNT_MAX);
  });

  it("forgets the failures of an image that is confirmed, and no others", () => {
    const state = replayed(installed(image(0, 1)), failed(1, 2), failed(2, 3));
    const confirmed = applyEvent(state, changed(image(0, 1, { isConfirmed: true })));
    expect(confirmed.failedConfirms).toEqual([{ adviceDigest8: digest(2).subarray(0, 8), count: 3 }]);
    const neverFailed = applyEvent(state, changed(image(0, 9, { isConfirmed: true })));
    expect(neverFailed.failedConfirms).toBe(state.failedConfirms);
    expect(failedConfirms(state, digest(9))).toBe(0);
    expect(applyEvent(state, failed(1, 0)).failedConfirms).toEqual([
      { adviceDigest8: digest(2).subarray(0, 8), count: 3 },
    ]);
  });

  it("forgets the image that failed longest ago; one that fails again is the latest", () => {
    const numbers = Array.from({ length: FAILED_DIGESTS_MAX }, (_, i) => i + 1);
    const full = replayed(...numbers.map((n) => failed(n, n)));
    const again = applyEvent(applyEvent(full, failed(1, 7)), failed(99, 1));
    expect(again.failedConfirms).toHaveLength(FAILED_DIGESTS_MAX);
    expect(failedConfirms(again, digest(1))).toBe(7);
    expect(failedConfirms(again, digest(2))).toBe(0);
    expect(again.failedConfirms.at(-1)).toEqual({ adviceDigest8: digest(99).subarray(0, 8), count: 1 });
  });

  it("tells two images apart whose short digests are the same", () => {
    const twin = digest(1).fill(99, 8);
    const trial = replayed(installed(image(0, 1)));
    const other = applyEvent(trial, changed({ ...image(0, 1, { isReverted: true }), digest: twin }));
    // No trial of the twin was given up.
    expect(failedConfirms(other, twin)).toBe(0);
    // What is counted is counted by the short digest: advice.
    const given = applyEvent(trial, changed(image(0, 1, { isReverted: true })));
    expect([failedConfirms(given, digest(1)), failedConfirms(given, twin)]).toEqual([1, 1]);
  });

  it("counts starts, and never down", () => {
    const state = replayed({ tag: "nonces", starts: 4 }, { tag: "nonces", starts: 3 });
    expect(state).toEqual({ ...EMPTY_RECORD, starts: 4 });
  });
});
