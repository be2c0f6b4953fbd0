import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../../src/base/prng.ts";
import { ENTRY_SIZE, flashMap } from "../../../src/flash/geometry.ts";
import { type FlashOperation, NorFlash } from "../../../src/flash/nor-flash.ts";
import { BootRecord } from "../../../src/flash/record/boot-record.ts";
import { decodeEntry, encodeEntry, entriesOf } from "../../../src/flash/record/record-codec.ts";
import { type FlashStorage, MemoryStorage } from "../../../src/flash/storage.ts";
import { PowerCut } from "../../../src/sim/power-cuts/power-cut.ts";
import { TornStorage } from "../../../src/sim/power-cuts/torn-storage.ts";
import { flashCutAt } from "../support.ts";

/*
 * The order in which the boot record changes its two sectors (PROTOCOL.md "Boot record"). Cuts are enumerated in
 * boot-record.test.ts; what protects against bits that read at random for several power-ups on end is seen here.
 */
const map = flashMap({ sectorSize: 1024, slotSize: 1024, layout: "ab" });
/** Entries at the end of a sector that events leave free, and entries of a sector. */
const RESERVED = 4;
const ENTRIES = map.journalSize / ENTRY_SIZE;

/** The record on `storage`, and what it does to the flash: "erase 1", "0:5 seal". */
function open(storage: FlashStorage): { record: BootRecord; steps: string[] } {
  const steps: string[] = [];
  const flash = new NorFlash(storage, map, (operation) => steps.push(stepOf(operation)));
  flash.arm(...map.record);
  return { record: new BootRecord(flash), steps };
}

function stepOf(operation: FlashOperation): string {
  const offset = operation.tag === "erase" ? map.sectors.region(operation.sector).offset : operation.offset;
  const index = map.record.findIndex(
    (region) => offset >= region.offset && offset < region.offset + region.size,
  );
  if (operation.tag === "erase") return `erase ${index}`;
  const place = (offset - (map.record[index]?.offset ?? 0)) / ENTRY_SIZE;
  return `${index}:${place} ${decodeEntry(operation.bytes)?.entry.tag}`;
}

const receivingOf = (n: number) => {
  const digest = Uint8Array.from({ length: 32 }, (_, i) => 3 * n + i);
  return { tag: "receiving", receiving: { slot: n % 2, digest, area: n % 3 } } as const;
};

const floor = (value: number) => ({ tag: "floor", floor: value }) as const;

/** The same record with the content of its two sectors changed over. */
function swapped(storage: TornStorage): TornStorage {
  const copy = storage.fork(new SeededRandom(5));
  const [a, b] = map.record;
  copy.write(a.offset, storage.read(b.offset, b.size));
  copy.write(b.offset, storage.read(a.offset, a.size));
  return copy;
}

/** Appends an event, cut before the operation `at`, counted from 1. */
function appendCut(storage: TornStorage, random: SeededRandom, value: number, at: number): void {
  const flash = flashCutAt(new NorFlash(storage, map), storage, random, at, "before");
  flash.arm(...map.record);
  expect(() => new BootRecord(flash).append(floor(value))).toThrow(PowerCut);
}

/** A storage on which the first event was cut just before the old sector's erase: both sectors are whole. */
function withTwoWholeSectors(): TornStorage {
  const random = new SeededRandom(1);
  const storage = new TornStorage(map, random);
  open(storage).record.append(floor(1));
  const { record, steps } = open(storage.fork(random));
  record.append(floor(2));
  const flash = flashCutAt(new NorFlash(storage, map), storage, random, steps.length, "before");
  flash.arm(...map.record);
  expect(steps.at(-1)).toMatch(/^erase/);
  expect(() => new BootRecord(flash).append(floor(2))).toThrow(PowerCut);
  return storage;
}

describe("the order of operations of the boot record", () => {
  it("is: erase, snapshot, header, seal, and only then the other sector's erase", () => {
    const storage = new MemoryStorage(map.size);
    const first = open(storage);
    first.record.append(floor(7));
    expect(first.steps).toEqual(["erase 0", "0:1 event", "0:0 header", "0:2 seal", "erase 1"]);
    const second = open(storage);
    second.record.append(floor(8));
    expect(second.steps).toEqual(["erase 1", "1:1 event", "1:0 header", "1:2 seal", "erase 0"]);
    second.record.append(floor(9));
    expect(second.steps.slice(5)).toEqual(["1:3 event"]);
  });

  it("seals one of two complete sectors twice before it erases the other", () => {
    const storage = withTwoWholeSectors();
    const { record, steps } = open(storage);
    expect(record.isClean).toBe(false);
    expect(record.state.counterFloor).toBe(2);
    record.settle();
    expect(steps).toEqual([
      "1:3 seal",
      "1:4 seal",
      "erase 0",
      "0:1 event",
      "0:0 header",
      "0:2 seal",
      "erase 1",
    ]);
    expect(open(storage).record.isClean).toBe(true);
  });

  it("writes no new seal when one sector is blank", () => {
    const storage = new MemoryStorage(map.size);
    open(storage).record.append(floor(1));
    const { record, steps } = open(storage);
    record.settle();
    expect(steps.filter((step) => step.endsWith("seal"))).toHaveLength(1);
  });

  it("settles once in a run, and not at all after an event", () => {
    const storage = new MemoryStorage(map.size);
    open(storage).record.append(floor(1));
    const { record, steps } = open(storage);
    record.settle();
    const { length } = steps;
    record.settle();
    record.repair();
    expect(steps).toHaveLength(length);
    record.append(floor(2));
    record.settle();
    expect(steps).toHaveLength(length + 1);
  });

  it("fills a sector except for four entries, then continues in the other, which is erased", () => {
    const storage = new MemoryStorage(map.size);
    const { record, steps } = open(storage);
    for (let value = 1; value <= 100; value++) record.append(floor(value));
    // Header, event and seal of the snapshot; then events up to the reserve.
    const events = ENTRIES - RESERVED - 3;
    const whole = (from: number, to: number): string[] => [
      ...Array.from({ length: events }, (_, i) => `${from}:${3 + i} event`),
      ...[`${to}:1 event`, `${to}:0 header`, `${to}:2 seal`, `erase ${from}`],
    ];
    const expected = [
      "erase 0",
      "0:1 event",
      "0:0 header",
      "0:2 seal",
      "erase 1",
      ...whole(0, 1),
      ...whole(1, 0),
    ];
    expect(steps.slice(0, expected.length)).toEqual(expected);
    expect(open(storage).record.state.counterFloor).toBe(100);
  });

  it("has room for new seals in a sector that is full", () => {
    const random = new SeededRandom(2);
    const storage = new TornStorage(map, random);
    const { record } = open(storage);
    for (let value = 1; value <= ENTRIES - RESERVED - 2; value++) record.append(floor(value));
    const fresh = open(storage.fork(random));
    fresh.record.append(floor(99));
    // Cut once the other sector has its header, but no seal: the full one still counts.
    const at = fresh.steps.findIndex((step) => step.endsWith("seal")) + 1;
    const flash = flashCutAt(new NorFlash(storage, map), storage, random, at, "before");
    flash.arm(...map.record);
    expect(() => new BootRecord(flash).append(floor(99))).toThrow(PowerCut);
    const { record: found, steps } = open(storage);
    expect(found.state.counterFloor).toBe(ENTRIES - RESERVED - 2);
    found.settle();
    expect(steps.slice(0, 3)).toEqual(["0:28 seal", "0:29 seal", "erase 1"]);
    expect(open(storage).record.state.counterFloor).toBe(ENTRIES - RESERVED - 2);
  });

  it("uses its reserve at two power-ups, and writes no new seals at a third", () => {
    const random = new SeededRandom(3);
    const storage = new TornStorage(map, random);
    const { record } = open(storage);
    const last = ENTRIES - RESERVED - 2;
    for (let value = 1; value <= last; value++) record.append(floor(value));
    appendCut(storage, random, 99, 4); // erase, event, header; the seal is not begun
    // Each power-up ends before the erase that follows its two seals.
    for (const places of [["0:28 seal", "0:29 seal"], ["0:30 seal", "0:31 seal"], []]) {
      const { record: found, steps } = open(storage.fork(random));
      expect(found.state.counterFloor).toBe(last);
      found.settle();
      expect(steps.slice(0, places.length + 1)).toEqual([...places, "erase 1"]);
      appendCut(storage, random, 100, places.length + 1);
    }
  });

  it("uses the older of two sectors that were never sealed, because the newer one may be unstable", () => {
    const random = new SeededRandom(4);
    const storage = new TornStorage(map, random);
    appendCut(storage, random, 1, 4);
    expect(open(storage).record.state.counterFloor).toBe(1);
    appendCut(storage, random, 2, 4);
    for (const [other, older] of [
      [storage, 0],
      [swapped(storage), 1],
    ] as const) {
      const { record, steps } = open(other);
      expect(record.state.counterFloor).toBe(1);
      record.settle();
      expect(steps.slice(0, 3)).toEqual([`${older}:2 seal`, `${older}:3 seal`, `erase ${1 - older}`]);
    }
  });

  it.each([
    ["header", 0],
    ["snapshot", 1],
  ])("reads the other sector when the %s of one is damaged, whatever its seals are", (_, entry) => {
    for (const [make, older] of [
      [withTwoWholeSectors, 0],
      [() => swapped(withTwoWholeSectors()), 1],
    ] as const) {
      for (const damaged of [0, 1]) {
        const storage = make();
        storage.write((map.record[damaged]?.offset ?? 0) + entry * ENTRY_SIZE + 4, new Uint8Array(4));
        const expected = damaged === older ? 2 : 1;
        const { record } = open(storage);
        expect(record.state.counterFloor).toBe(expected);
        expect(record.isClean).toBe(false);
        record.repair();
        expect(open(storage).record.state.counterFloor).toBe(expected);
        expect(open(storage).record.isClean).toBe(true);
      }
    }
  });

  it("refuses a header that counts more entries than there are, or entries that are not events", () => {
    for (const count of [1, ENTRIES - 1, 255]) {
      const storage = new MemoryStorage(map.size);
      const { offset } = map.record[0];
      storage.write(offset, encodeEntry({ tag: "header", count }, 9));
      const events = Math.min(count, ENTRIES - 1);
      for (let i = 1; i <= events; i++) {
        storage.write(offset + i * ENTRY_SIZE, encodeEntry({ tag: "event", event: floor(5) }, i));
      }
      expect(open(storage).record.state.counterFloor).toBe(count < ENTRIES ? 5 : 0);
      storage.write(offset + events * ENTRY_SIZE, encodeEntry({ tag: "seal" }, events));
      expect(open(storage).record.state.counterFloor).toBe(0);
      storage.write(offset + events * ENTRY_SIZE, new Uint8Array(ENTRY_SIZE).fill(0xff));
      expect(open(storage).record.state.counterFloor).toBe(0);
    }
  });

  it("programs the rest of a digest directly before the event that names it, always in the same sector", () => {
    const storage = new MemoryStorage(map.size);
    const { record, steps } = open(storage);
    for (let n = 1; n <= 60; n++) record.append(receivingOf(n));
    expect(steps.slice(0, 7)).toEqual([
      ...["erase 0", "0:1 event", "0:2 digest", "0:3 undefined", "0:0 header", "0:4 seal", "erase 1"],
    ]);
    const digests = steps.flatMap((step, i) => (step.endsWith("digest") ? [[step, steps[i + 1]]] : []));
    expect(digests).toHaveLength(60);
    for (const [first = "", second = ""] of digests) {
      const [sector, place] = (first.split(" ")[0] ?? "").split(":").map(Number);
      expect(second).toBe(`${sector}:${1 + (place ?? 0)} undefined`);
      // Behind a place for one entry alone, none of the two is programmed.
      expect(place).toBeLessThan(ENTRIES - RESERVED - 1);
    }
    expect(open(storage).record.state.receiving).toEqual(receivingOf(60).receiving);
  });

  it("has no event whose digest was programmed and whose own entry was not: a cut in between changes nothing", () => {
    const random = new SeededRandom(6);
    const storage = new TornStorage(map, random);
    const first = open(storage).record;
    first.append(receivingOf(1));
    const flash = new NorFlash(storage, map, ({ tag, ...more }) => {
      const entry = "bytes" in more ? decodeEntry(more.bytes)?.entry.tag : undefined;
      if (tag === "program" && isCutting && entry === undefined) throw new PowerCut("between the two");
    });
    let isCutting = false;
    flash.arm(...map.record);
    const record = new BootRecord(flash);
    record.settle();
    isCutting = true;
    expect(() => record.append(receivingOf(2))).toThrow(PowerCut);
    const found = open(storage).record;
    expect(found.state.receiving).toEqual(receivingOf(1).receiving);
    expect(found.isClean).toBe(false);
    found.repair();
    expect(open(storage).record.isClean).toBe(true);
    expect(open(storage).record.state.receiving).toEqual(receivingOf(1).receiving);
  });

  it("does not count a sector whose snapshot ends between a digest and its event", () => {
    const { offset } = map.record[0];
    for (const [count, expected] of [
      [2, 1],
      [1, undefined],
    ] as const) {
      const storage = new MemoryStorage(map.size);
      const entries = [{ tag: "header", count } as const, ...entriesOf(receivingOf(1))];
      for (const [i, entry] of entries.entries())
        storage.write(offset + i * ENTRY_SIZE, encodeEntry(entry, 7 + i));
      expect(open(storage).record.state.receiving?.area).toBe(expected);
    }
  });
});
