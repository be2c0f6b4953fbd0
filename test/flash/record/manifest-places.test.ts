import { describe, expect, it } from "vitest";
import { AssertionError } from "../../../src/base/assert.ts";
import { type FlashGeometry, flashMap, type Region } from "../../../src/flash/geometry.ts";
import { type FlashOperation, NorFlash } from "../../../src/flash/nor-flash.ts";
import { BootRecord } from "../../../src/flash/record/boot-record.ts";
import { manifestPlace } from "../../../src/flash/record/manifest-places.ts";
import { decodeEntry } from "../../../src/flash/record/record-codec.ts";
import type { RecordEvent } from "../../../src/flash/record/record-state.ts";
import { MemoryStorage } from "../../../src/flash/storage.ts";
import { refusal } from "../support.ts";

/*
 * Manifests in the sectors of the boot record (PROTOCOL.md 13.3). The order of erases and programs is seen here; cuts are
 * enumerated by the power-cut laboratory.
 */
const GEOMETRY: FlashGeometry = { sectorSize: 4096, slotSize: 1024, layout: "ab", manifests: "record" };
const map = flashMap(GEOMETRY);
const OLD = new Uint8Array(400).fill(0x11);
const NEW = new Uint8Array(304).fill(0x22);

class Lab {
  readonly storage: MemoryStorage = new MemoryStorage(map.size);
  steps: string[] = [];
  flash: NorFlash = this.#flashOf();
  record: BootRecord = new BootRecord(this.flash);

  /** Starts the board again. */
  restart(): void {
    this.flash = this.#flashOf();
    this.record = new BootRecord(this.flash);
    this.steps = [];
  }

  /** Gives an area a manifest, and has an event name it. */
  store(area: number, bytes: Uint8Array, event: RecordEvent): void {
    this.flash.program(this.record.blankPlace(area).offset, bytes);
    this.record.append(event);
  }

  manifest(area: number, length: number): Uint8Array {
    return this.flash.read(this.record.placeOf(area)?.offset ?? 0, length);
  }

  #flashOf(): NorFlash {
    const flash = new NorFlash(this.storage, map, (operation) => this.steps.push(stepOf(operation)));
    flash.arm(...map.record);
    return flash;
  }
}

/** "erase 1", "0 header", "1 manifest 2". */
function stepOf(operation: FlashOperation): string {
  const offset = operation.tag === "erase" ? map.sectors.region(operation.sector).offset : operation.offset;
  const isIn = ({ offset: start, size }: Region): boolean => offset >= start && offset < start + size;
  const index = map.record.findIndex(isIn);
  if (operation.tag === "erase") return `erase ${index}`;
  const area = [0, 1, 2].find((number) => isIn(manifestPlace(map, index === 0 ? 0 : 1, number)));
  if (area !== undefined) return `${index} manifest ${area}`;
  // The event behind a digest entry is only right together with it.
  return `${index} ${decodeEntry(operation.bytes)?.entry.tag ?? "event"}`;
}

const digest = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const receiving = (area: number): RecordEvent => ({
  tag: "receiving",
  receiving: { slot: 0, digest: digest(area), area },
});
const installed = (area: number): RecordEvent => ({
  tag: "installed",
  slot: { slot: 0, digest: digest(area), area, isConfirmed: true, isReverted: false, attempts: 0, rank: 1 },
  floor: 0,
});
const floor: RecordEvent = { tag: "floor", floor: 0 };

describe("manifests in the sectors of the boot record", () => {
  it("lie at the end of each sector, a place for each area", () => {
    expect(map.journalSize).toBe(1024);
    expect(manifestPlace(map, 1, 2)).toEqual({ offset: map.record[1].offset + 3072, size: 1024 });
    expect(() => manifestPlace(map, 0, 3)).toThrow(RangeError);
  });

  it("are nowhere before the record has a sector", () => {
    expect(new Lab().record.placeOf(0)).toBeUndefined();
  });

  it("are copied to a fresh sector before its header, which is programmed before the other sector is erased", () => {
    const lab = new Lab();
    lab.store(1, OLD, installed(1));
    lab.restart();
    lab.record.append(floor);
    const header = lab.steps.indexOf("1 header");
    expect(lab.steps.slice(0, 2)).toEqual(["erase 1", "1 manifest 1"]);
    expect(header).toBeGreaterThan(1);
    expect(lab.steps.slice(header)).toEqual(["1 header", "1 seal", "erase 0"]);
    expect(lab.manifest(1, OLD.length)).toEqual(OLD);
  });

  it("are not copied when nothing names them", () => {
    const lab = new Lab();
    lab.store(1, OLD, installed(1));
    lab.store(2, NEW, installed(2));
    lab.restart();
    lab.record.settle();
    expect(lab.steps.filter((step) => step.includes("manifest"))).toEqual(["1 manifest 2"]);
    expect(lab.manifest(1, 1)).toEqual(Uint8Array.of(0xff));
  });

  it("are written to a blank place of the sector that this run began, without another one", () => {
    const lab = new Lab();
    lab.store(0, OLD, installed(0));
    lab.restart();
    lab.record.settle();
    lab.steps = [];
    lab.store(1, NEW, receiving(1));
    expect(lab.steps).toEqual(["1 manifest 1", "1 digest", "1 event"]);
  });

  it("have the sectors swapped, without the old one of the area, when its place is not blank", () => {
    const lab = new Lab();
    lab.store(0, OLD, installed(0));
    lab.store(1, OLD, receiving(1));
    lab.steps = [];
    lab.store(1, NEW, receiving(1));
    expect(lab.steps.filter((step) => /erase|manifest|header/.test(step))).toEqual([
      "1 manifest 0",
      "1 header",
      "erase 0",
      "1 manifest 1",
    ]);
    expect(lab.manifest(0, OLD.length)).toEqual(OLD);
    expect(lab.manifest(1, NEW.length)).toEqual(NEW);
  });

  it("follow into a fresh sector that is begun before an event names them", () => {
    const lab = new Lab();
    lab.flash.program(lab.record.blankPlace(2).offset, NEW);
    for (let events = 0; events < 40; events++) lab.record.append(floor);
    expect(lab.steps.filter((step) => step === "erase 0").length).toBeGreaterThan(1);
    expect(lab.manifest(2, NEW.length)).toEqual(NEW);
    lab.record.append(receiving(2));
    lab.restart();
    expect(lab.manifest(2, NEW.length)).toEqual(NEW);
  });

  it("never take the place of an installed image", () => {
    const lab = new Lab();
    lab.store(0, OLD, installed(0));
    expect(() => lab.record.blankPlace(0)).toThrow(AssertionError);
    expect(() => lab.record.blankPlace(3)).toThrow(RangeError);
  });

  it("are still in the sector that holds when the flash does not keep the copy, and copied once it does", () => {
    const lab = new Lab();
    lab.store(0, OLD, installed(0));
    lab.restart();
    const write = lab.storage.write.bind(lab.storage);
    // A bit of each byte of a manifest stays erased; entries of the journal are shorter.
    lab.storage.write = (offset, bytes) =>
      write(offset, bytes.length < 100 ? bytes : bytes.map((byte) => byte | 2));
    expect(refusal(() => lab.record.append(floor)).code).toBe("flash-failed");
    expect(lab.steps).toEqual(["erase 1", "1 manifest 0"]);
    expect(lab.manifest(0, OLD.length)).toEqual(OLD);
    lab.storage.write = write;
    lab.record.append(floor);
    expect(lab.manifest(0, OLD.length)).toEqual(OLD);
    lab.restart();
    expect(lab.record.isClean).toBe(true);
    expect(lab.record.state.slots).toHaveLength(1);
  });

  it("are not lost when a later copy of the same run fails, and the next event copies them", () => {
    const lab = new Lab();
    lab.store(0, OLD, installed(0));
    const write = lab.storage.write.bind(lab.storage);
    lab.storage.write = (offset, bytes) =>
      write(offset, bytes.length < 100 ? bytes : bytes.map((byte) => byte & 0xfe));
    const fill = (): void => {
      for (let events = 0; events < 40; events++) lab.record.append(floor);
    };
    expect(refusal(fill).code).toBe("flash-failed");
    lab.storage.write = write;
    fill();
    expect(lab.manifest(0, OLD.length)).toEqual(OLD);
  });

  it("have a run begin a sector of its own before one is stored, even if its place is blank", () => {
    const lab = new Lab();
    lab.store(0, OLD, installed(0));
    lab.restart();
    lab.record.blankPlace(1);
    expect(lab.steps.filter((step) => /erase|manifest|header/.test(step))).toEqual([
      "erase 1",
      "1 manifest 0",
      "1 header",
      "erase 0",
    ]);
  });

  it("make a record unclean that a cut left with copies and without a header", () => {
    const lab = new Lab();
    lab.store(0, OLD, installed(0));
    lab.storage.write(manifestPlace(map, 1, 0).offset, OLD);
    lab.restart();
    expect(lab.record.isClean).toBe(false);
    lab.record.repair();
    lab.restart();
    expect(lab.record.isClean).toBe(true);
    expect(lab.manifest(0, OLD.length)).toEqual(OLD);
  });
});
