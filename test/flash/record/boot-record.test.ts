import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { SeededRandom } from "../../../src/base/prng.ts";
import { ENTRY_SIZE, flashMap } from "../../../src/flash/geometry.ts";
import { type Flash, NorFlash } from "../../../src/flash/nor-flash.ts";
import { BootRecord } from "../../../src/flash/record/boot-record.ts";
import {
  type DecodedEntry,
  decodeEntry,
  encodeEntry,
  entriesOf,
  type RecordEntry,
} from "../../../src/flash/record/record-codec.ts";
import {
  applyEvent,
  EMPTY_RECORD,
  FAILED_DIGESTS_MAX,
  failedConfirms,
  type RecordEvent,
  type RecordState,
  type SlotRecord,
  snapshotEvents,
} from "../../../src/flash/record/record-state.ts";
import { type FlashStorage, MemoryStorage } from "../../../src/flash/storage.ts";
import { CUTS, type CutKind, PowerCut } from "../../../src/sim/power-cuts/power-cut.ts";
import { TornStorage } from "../../../src/sim/power-cuts/torn-storage.ts";
import { flashCutAt } from "../support.ts";

const map = flashMap({ sectorSize: 1024, slotSize: 1024, layout: "ab" });
const digest = (n: number): Uint8Array => Uint8Array.from({ length: 32 }, (_, i) => 16 * n + i);

function open(storage: FlashStorage, wrap: (flash: NorFlash) => Flash = (flash) => flash): BootRecord {
  const flash = wrap(new NorFlash(storage, map));
  flash.arm(...map.record);
  return new BootRecord(flash);
}

const u32 = fc.nat(0xffff_ffff);
const digests = fc.nat(6).map(digest);
const ranges = fc.tuple(fc.nat(300), fc.nat(4)).map(([first, more]) => ({ first, last: first + more }));
const slots = fc
  .record({
    slot: fc.nat(1),
    digest: digests,
    area: fc.nat(2),
    isConfirmed: fc.boolean(),
    isReverted: fc.boolean(),
    attempts: fc.nat(255),
    rank: u32,
    isProven: fc.boolean(),
  })
  .map(({ isProven, ...slot }): SlotRecord => {
    return slot.isConfirmed && !isProven ? { ...slot, isUnproven: true } : slot;
  });
const u16 = fc.nat(0xffff);
const orders = fc.record({
  sequence: fc.maxSafeNat().map((n) => 1 + (n % (2 ** 48 - 1))),
  version: fc.record({ major: u16, minor: u16, patch: u16 }),
});
const events: fc.Arbitrary<RecordEvent> = fc.oneof(
  fc.record({ tag: fc.constant("installed" as const), slot: slots, floor: u32 }),
  fc.record({ tag: fc.constant("slot" as const), slot: slots, floor: fc.nat(3) }),
  fc.record({
    tag: fc.constant("receiving" as const),
    receiving: fc.record({ slot: fc.nat(1), digest: digests, area: fc.nat(2) }),
  }),
  fc.record({
    tag: fc.constant("sectors" as const),
    open: fc.option(ranges, { nil: undefined }),
    close: fc.option(ranges, { nil: undefined }),
  }),
  fc.record({ tag: fc.constant("floor" as const), floor: fc.oneof(fc.constant(0), u32) }),
  fc.constant({ tag: "floor" as const, floor: 0, wasConfirmed: true as const }),
  fc.record({ tag: fc.constant("nonces" as const), starts: u32 }),
  fc.record({ tag: fc.constant("order" as const), order: fc.option(orders, { nil: undefined }) }),
  fc.record({
    tag: fc.constant("failed" as const),
    failed: fc.record({ adviceDigest8: digests.map((bytes) => bytes.subarray(0, 8)), count: fc.nat(255) }),
  }),
);

/** A life in small: installs, trials, a revert, many repair units; long enough for several fresh sectors. */
const LIFE: readonly RecordEvent[] = (() => {
  const slot = (n: number, more = {}) => ({
    slot: n % 2,
    digest: digest(n),
    area: n % 3,
    isConfirmed: true,
    isReverted: false,
    attempts: 0,
    rank: n,
    ...more,
  });
  const units = (count: number): RecordEvent[] =>
    Array.from({ length: count }, (_, i) => ({
      tag: "sectors",
      open: { first: 40 + 3 * i, last: 41 + 3 * i },
      close: i === 0 ? undefined : { first: 37 + 3 * i, last: 38 + 3 * i },
    }));
  return [
    { tag: "receiving", receiving: { slot: 1, digest: digest(1), area: 1 } },
    ...units(10),
    { tag: "installed", slot: slot(1), floor: 3 },
    { tag: "receiving", receiving: { slot: 0, digest: digest(2), area: 2 } },
    ...units(11),
    { tag: "installed", slot: slot(2, { isConfirmed: false }), floor: 0 },
    { tag: "slot", slot: slot(2, { isConfirmed: false, attempts: 1 }), floor: 0 },
    { tag: "slot", slot: slot(2, { isConfirmed: false, isReverted: true, attempts: 1 }), floor: 0 },
    ...units(11),
    { tag: "installed", slot: slot(4), floor: 9 },
  ];
})();

const states: RecordState[] = [EMPTY_RECORD];
for (const event of LIFE) states.push(applyEvent(states.at(-1) ?? EMPTY_RECORD, event));
const texts = states.map((state) => JSON.stringify(state));

/** Lives until the cut; how many events were made durable for sure. */
function liveUntilCut(
  storage: TornStorage,
  random: SeededRandom,
  at: number,
  cut: CutKind,
): { done: number; isCut: boolean } {
  let done = 0;
  const record = open(storage, (flash) => flashCutAt(flash, storage, random, at, cut));
  try {
    for (const event of LIFE) {
      record.append(event);
      done++;
    }
  } catch (error) {
    if (error instanceof PowerCut) return { done, isCut: true };
    throw error;
  }
  return { done, isCut: false };
}

function indexOf(state: RecordState, around: number): number {
  for (const i of [around, around + 1]) if (texts[i] === JSON.stringify(state)) return i;
  return -1;
}

describe("entry codec", () => {
  it.each<[string, RecordEntry, string]>([
    [
      "header",
      { tag: "header", count: 2 },
      "01 00 00 02 07000000 4d44425245430100 00000000 00000000 00 000000 9c70ae34",
    ],
    ["seal", { tag: "seal" }, "02 00 00 00 07000000 0000000000000000 00000000 00000000 00 000000 a4ba03b2"],
    [
      "sectors",
      { tag: "event", event: { tag: "sectors", open: { first: 8, last: 9 }, close: undefined } },
      "14 00 00 00 07000000 0800000009000000 ffffffff ffffffff 00 000000 50a4b7f2",
    ],
  ])("encodes %s as frozen", (_name, entry, hex) => {
    expect(toHex(encodeEntry(entry, 7))).toBe(toHex(fromHex(hex) ?? new Uint8Array()));
  });

  it("decodes what it encodes", () => {
    fc.assert(
      fc.property(events, u32, (event, sequence) => {
        let last: DecodedEntry | undefined;
        for (const [i, entry] of entriesOf(event).entries()) {
          const found = decodeEntry(encodeEntry(entry, (sequence + i) >>> 0), last);
          expect(found).toEqual({ entry, sequence: (sequence + i) >>> 0 });
          last = found;
        }
        expect(last?.entry).toEqual({ tag: "event", event });
      }),
    );
  });

  it("decodes no entry from blank or zeroed flash, or from an altered entry", () => {
    expect(decodeEntry(new Uint8Array(ENTRY_SIZE).fill(0xff))).toBeUndefined();
    expect(decodeEntry(new Uint8Array(ENTRY_SIZE))).toBeUndefined();
    fc.assert(
      fc.property(events, fc.nat(ENTRY_SIZE * 8 - 1), (event, bit) => {
        const [first] = entriesOf(event);
        const before = first?.tag === "digest" ? { entry: first, sequence: 0 } : undefined;
        const bytes = encodeEntry({ tag: "event", event }, 1);
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(decodeEntry(bytes, before)).toBeUndefined();
      }),
    );
  });
});

const ON_TRIAL = { isConfirmed: false, isReverted: false, attempts: 1 };

function slotOne() {
  return { slot: 1, digest: digest(5), area: 2, rank: 9 };
}

describe("record state", () => {
  it("never lowers the counter floor", () => {
    fc.assert(
      fc.property(fc.array(events), (all) => {
        let state = EMPTY_RECORD;
        for (const event of all) {
          const next = applyEvent(state, event);
          expect(next.counterFloor).toBeGreaterThanOrEqual(state.counterFloor);
          state = next;
        }
      }),
    );
  });

  it("counts a revert once, and forgets the count when the digest is confirmed", () => {
    const slot = { ...slotOne(), isConfirmed: false, isReverted: false, attempts: 3 };
    let state = applyEvent(EMPTY_RECORD, { tag: "installed", slot, floor: 0 });
    const reverted: RecordEvent = { tag: "slot", slot: { ...slot, isReverted: true }, floor: 0 };
    state = applyEvent(applyEvent(state, reverted), reverted);
    expect(failedConfirms(state, slot.digest)).toBe(1);
    state = applyEvent(state, { tag: "slot", slot: { ...slot, isConfirmed: true }, floor: 0 });
    expect(failedConfirms(state, slot.digest)).toBe(0);
  });

  it("remembers the images that failed last", () => {
    let state = EMPTY_RECORD;
    for (let n = 0; n <= FAILED_DIGESTS_MAX; n++) {
      state = applyEvent(state, {
        tag: "failed",
        failed: { adviceDigest8: digest(n).subarray(0, 8), count: 1 },
      });
    }
    expect(failedConfirms(state, digest(0))).toBe(0);
    expect(failedConfirms(state, digest(FAILED_DIGESTS_MAX))).toBe(1);
  });

  it("equals the state of its snapshot", () => {
    fc.assert(
      fc.property(fc.array(events, { maxLength: 80 }), (all) => {
        const state = all.reduce(applyEvent, EMPTY_RECORD);
        expect(snapshotEvents(state).reduce(applyEvent, EMPTY_RECORD)).toEqual(state);
      }),
    );
  });
});

describe("a full record", () => {
  it("fits in the smallest sector, with two slots, a given up image and all ranges that are kept", () => {
    const range = (n: number): RecordEvent => ({ tag: "sectors", open: { first: 5 * n, last: 5 * n } });
    const full: RecordEvent[] = [
      ...[0, 1].map(
        (n): RecordEvent => ({ tag: "slot", slot: { ...slotOne(), slot: n, ...ON_TRIAL }, floor: 0 }),
      ),
      { tag: "receiving", receiving: { slot: 0, digest: digest(9), area: 1 } },
      { tag: "order", order: { sequence: 9, version: { major: 1, minor: 2, patch: 3 } } },
      ...Array.from({ length: FAILED_DIGESTS_MAX }, (_, n): RecordEvent => {
        return { tag: "failed", failed: { adviceDigest8: digest(n).subarray(0, 8), count: 3 } };
      }),
      { tag: "nonces", starts: 7 },
      ...Array.from({ length: 20 }, (_, n) => range(n)),
    ];
    for (const writeSize of [1, 32]) {
      const small = flashMap({ sectorSize: 1024, slotSize: 1024, layout: "ab", writeSize });
      const flash = new NorFlash(new MemoryStorage(small.size), small);
      flash.arm(...small.record);
      const record = new BootRecord(flash);
      for (const event of full) record.append(event);
      expect(snapshotEvents(record.state).flatMap(entriesOf)).toHaveLength(25);
      for (let more = 0; more < 40; more++) record.append(range(more));
      expect(new BootRecord(flash).state).toEqual(record.state);
    }
  });
});

describe("BootRecord", () => {
  it("reads an erased flash as empty and clean, and writes nothing when reading", () => {
    const storage = new MemoryStorage(map.size);
    const record = open(storage);
    record.repair();
    expect(record.state).toEqual(EMPTY_RECORD);
    expect(record.isClean).toBe(true);
    expect(storage.read(0, map.size).every((byte) => byte === 0xff)).toBe(true);
  });

  it("equals a model over random events and reopenings, in sectors of any size", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(events, fc.boolean()), { maxLength: 120 }), (steps) => {
        const storage = new MemoryStorage(map.size);
        let record = open(storage);
        let model = EMPTY_RECORD;
        for (const [event, isReopened] of steps) {
          record.append(event);
          model = applyEvent(model, event);
          expect(record.state).toEqual(model);
          if (!isReopened) continue;
          record = open(storage);
          expect(record.isClean).toBe(true);
        }
        expect(open(storage).state).toEqual(model);
      }),
      { numRuns: 60 },
    );
  });

  it("reads the old or the new state when the last entry is torn at any byte", () => {
    const storage = new MemoryStorage(map.size);
    const record = open(storage);
    record.append({ tag: "floor", floor: 1 });
    const before = storage.read(0, map.size);
    record.append({ tag: "floor", floor: 0x0102_0304 });
    const after = storage.read(0, map.size);
    const at = before.findIndex((byte, i) => byte !== after[i]);
    const first = at - ((at - map.record[0].offset) % ENTRY_SIZE);
    for (let bytes = 0; bytes <= ENTRY_SIZE; bytes++) {
      const torn = before.slice();
      torn.set(after.subarray(first, first + bytes), first);
      storage.write(0, torn);
      const found = open(storage);
      expect(found.state.counterFloor).toBe(bytes < ENTRY_SIZE ? 1 : 0x0102_0304);
      expect(found.isClean).toBe(bytes === 0 || bytes === ENTRY_SIZE);
      found.repair();
      expect(open(storage).isClean).toBe(true);
      expect(open(storage).state.counterFloor).toBe(bytes < ENTRY_SIZE ? 1 : 0x0102_0304);
    }
  });

  it.each(CUTS)("survives a cut (%s) at every operation, with the last event at most undone", (cut) => {
    let cuts = 0;
    for (let at = 1; ; at++) {
      const random = new SeededRandom(at);
      const storage = new TornStorage(map, random);
      const { done, isCut } = liveUntilCut(storage, random, at, cut);
      if (!isCut) break;
      cuts++;
      for (let i = 0; i < 3; i++)
        expect(indexOf(open(storage).state, done), `cut ${at}`).toBeGreaterThanOrEqual(0);
      const record = open(storage, (flash) => flashCutAt(flash, storage, random, 0, cut));
      record.repair();
      const index = indexOf(record.state, done);
      for (const event of LIFE.slice(index)) record.append(event);
      record.settle();
      for (let i = 0; i < 3; i++) expect(open(storage).state, `cut ${at}`).toEqual(states.at(-1));
    }
    expect(cuts).toBeGreaterThanOrEqual(50);
  });

  it.each(CUTS)("survives a second cut (%s) at every operation of the repair after a first", (cut) => {
    let pairs = 0;
    for (let first = 1; ; first++) {
      const dice = new SeededRandom(first);
      const original = new TornStorage(map, dice);
      const { done, isCut } = liveUntilCut(original, dice, first, cut);
      if (!isCut) break;
      for (let second = 1; ; second++) {
        const random = new SeededRandom(1000 * first + second);
        const storage = original.fork(random);
        try {
          const record = open(storage, (flash) => flashCutAt(flash, storage, random, second, cut));
          record.repair();
          break;
        } catch (error) {
          if (!(error instanceof PowerCut)) throw error;
        }
        pairs++;
        const last = open(storage, (flash) => flashCutAt(flash, storage, random, 0, cut, true));
        expect(indexOf(last.state, done), `cuts ${first}, ${second}`).toBeGreaterThanOrEqual(0);
        last.settle();
        const index = indexOf(last.state, done);
        for (let i = 0; i < 3; i++) expect(indexOf(open(storage).state, index)).toBe(index);
      }
    }
    expect(pairs).toBeGreaterThan(20);
  });

  it("erases a sector only if this run knows that the other is complete, however often it is cut", () => {
    const before: RecordEvent = { tag: "floor", floor: 1 };
    const event: RecordEvent = { tag: "floor", floor: 2 };
    /** Opens and settles, cut at an operation; false when it was never reached. */
    const cutAt = (
      storage: TornStorage,
      dice: SeededRandom,
      at: number,
      cut: CutKind,
      last?: RecordEvent,
    ): boolean => {
      try {
        const record = open(storage, (flash) => flashCutAt(flash, storage, dice, at, cut, true));
        if (last === undefined) record.settle();
        else record.append(last);
        return false;
      } catch (error) {
        if (error instanceof PowerCut) return true;
        throw error;
      }
    };
    let runs = 0;
    for (let seed = 1; seed <= 6; seed++) {
      for (let first = 1; ; first++) {
        const dice = new SeededRandom(100 * seed + first);
        const one = new TornStorage(map, dice);
        open(one).append(before);
        // The header, or its seal, is left with one bit that reads at random...
        if (!cutAt(one, dice, first, "late", event)) break;
        for (let second = 1; ; second++) {
          const two = one.fork(dice);
          // ...then the erase of the sector before is cut so early that it still reads right, at times.
          if (!cutAt(two, dice, second, "early")) break;
          for (let third = 1; ; third++) {
            const three = two.fork(dice);
            if (!cutAt(three, dice, third, "before")) break;
            runs++;
            for (let i = 0; i < 3; i++) {
              expect([1, 2], `cuts ${seed}: ${first}, ${second}, ${third}`).toContain(
                open(three).state.counterFloor,
              );
            }
          }
        }
      }
    }
    expect(runs).toBeGreaterThan(250);
  });
});

describe("a boot record whose write unit is larger than an entry", () => {
  const wide = flashMap({ sectorSize: 4096, slotSize: 4096, layout: "ab", writeSize: 128 });
  const floorOf = (storage: FlashStorage): number => {
    const flash = new NorFlash(storage, wide);
    flash.arm(...wide.record);
    return new BootRecord(flash).state.counterFloor;
  };

  it.each([ENTRY_SIZE, 100, 127])("ignores an event whose padding is torn at byte %i", (at) => {
    const storage = new MemoryStorage(wide.size);
    const flash = new NorFlash(storage, wide);
    flash.arm(...wide.record);
    const record = new BootRecord(flash);
    for (const floor of [1, 2]) record.append({ tag: "floor", floor });
    expect(floorOf(storage)).toBe(2);
    const last = wide.record
      .flatMap(({ offset, size }) => Array.from({ length: size / 128 }, (_, i) => offset + 128 * i))
      .filter((unit) => decodeEntry(storage.read(unit, ENTRY_SIZE))?.entry.tag === "event")
      .pop();
    if (last === undefined) expect.fail("an event");
    storage.write(last + at, Uint8Array.of(0xfe));
    expect(floorOf(storage)).toBe(1);
  });
});
