import { describe, expect, it } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import { readManifest, writeManifest } from "../../src/board/manifest-area.ts";
import { flashMap } from "../../src/flash/geometry.ts";
import { NorFlash } from "../../src/flash/nor-flash.ts";
import { BootRecord } from "../../src/flash/record/boot-record.ts";
import { MemoryStorage } from "../../src/flash/storage.ts";
import { vectorBytes, vectorFile } from "../support/vector-file.ts";

interface AreaVector {
  readonly name: string;
  readonly writeUnit: number;
  readonly erased: "ff" | "00";
  readonly headerHex: string;
  readonly envelopeAt: number;
  readonly envelope: { readonly length: number; readonly start: number; readonly bitWrongAt?: number };
  readonly readsRight: boolean;
}

const { manifestAreas } = vectorFile<{ readonly manifestAreas: readonly AreaVector[] }>("record-v1.json");

function flashOf({ writeUnit, erased }: AreaVector): { storage: MemoryStorage; flash: NorFlash } {
  const erasedByte = erased === "ff" ? 0xff : 0x00;
  const map = flashMap({ sectorSize: 8192, slotSize: 1024, layout: "ab", writeSize: writeUnit, erasedByte });
  const storage = new MemoryStorage(map.size, erasedByte);
  return { storage, flash: new NorFlash(storage, map) };
}

/** The envelope as it stands in the area: byte i is (start + i) modulo 256, but for bit 0 of one byte. */
function envelopeOf({ envelope: { length, start, bitWrongAt } }: AreaVector): Uint8Array {
  const wrongAt = bitWrongAt ?? -1;
  return Uint8Array.from({ length }, (_, i) => ((start + i) & 0xff) ^ (i === wrongAt ? 1 : 0));
}

const right = manifestAreas.filter(({ readsRight }) => readsRight);

describe("manifest areas, frozen", () => {
  it("are right ones and damaged ones", () => {
    expect([manifestAreas.length, right.length]).toEqual([19, 8]);
  });

  it.each(manifestAreas)("read as they have to: $name", (vector) => {
    const { storage, flash } = flashOf(vector);
    const offset = flash.map.manifests[1]?.offset ?? 0;
    storage.write(offset, vectorBytes(vector.headerHex));
    storage.write(offset + vector.envelopeAt, envelopeOf(vector));
    const read = readManifest({ flash, record: new BootRecord(flash) }, 1);
    expect(read && toHex(read)).toBe(vector.readsRight ? toHex(envelopeOf(vector)) : undefined);
  });

  it.each(right)("are written as they read: $name", (vector) => {
    const { storage, flash } = flashOf(vector);
    flash.arm(...flash.map.manifests);
    writeManifest({ flash, record: new BootRecord(flash) }, 1, envelopeOf(vector));
    const offset = flash.map.manifests[1]?.offset ?? 0;
    const sector = new MemoryStorage(8192, vector.erased === "ff" ? 0xff : 0x00);
    sector.write(0, vectorBytes(vector.headerHex));
    sector.write(vector.envelopeAt, envelopeOf(vector));
    expect(toHex(storage.read(offset, 8192))).toBe(toHex(sector.read(0, 8192)));
  });
});
