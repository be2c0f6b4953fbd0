import { describe, expect, it } from "vitest";
import { toHex } from "../../../src/base/bytes.ts";
import { ENTRY_SIZE, type FlashMap, flashMap, roundUp } from "../../../src/flash/geometry.ts";
import { NorFlash } from "../../../src/flash/nor-flash.ts";
import { BootRecord } from "../../../src/flash/record/boot-record.ts";
import { hasConfirmed, type RecordState, type SlotRecord } from "../../../src/flash/record/record-state.ts";
import { MemoryStorage } from "../../../src/flash/storage.ts";
import { vectorBytes, vectorFile } from "../../support/vector-file.ts";

type Entries = readonly (readonly [at: number, entryHex: string])[];

interface JournalVector {
  readonly name: string;
  readonly writeUnit: number;
  readonly erased: "ff" | "00";
  readonly sectors: readonly [Entries, Entries];
  readonly counts: readonly [boolean, boolean];
  readonly holds: 0 | 1 | null;
  readonly state: unknown;
}

const { journals } = vectorFile<{ readonly journals: readonly JournalVector[] }>("record-v1.json");

/** A flash whose record holds these entries, and nothing else. */
function flashWith({ writeUnit, erased }: JournalVector, sectors: readonly [Entries, Entries]): NorFlash {
  const erasedByte = erased === "ff" ? 0xff : 0x00;
  const stride = roundUp(ENTRY_SIZE, writeUnit);
  const most = Math.max(31, ...sectors.flat().map(([at]) => at));
  const sectorSize = Math.max(1024, 2 ** Math.ceil(Math.log2((most + 1) * stride)));
  const map: FlashMap = flashMap({
    sectorSize,
    slotSize: 1024,
    layout: "ab",
    writeSize: writeUnit,
    erasedByte,
  });
  const storage = new MemoryStorage(map.size, erasedByte);
  for (const [i, entries] of sectors.entries()) {
    const offset = map.record[i as 0 | 1].offset;
    for (const [at, hex] of entries) storage.write(offset + at * stride, vectorBytes(hex));
  }
  return new NorFlash(storage, map);
}

function slotFields({ slot, digest, area, rank, attempts, ...flags }: SlotRecord): unknown {
  const named = {
    confirmed: flags.isConfirmed,
    reverted: flags.isReverted,
    unproven: flags.isUnproven === true,
  };
  const set = Object.entries(named).filter(([, isSet]) => isSet);
  return { slot, digest: toHex(digest), area, rank, flags: set.map(([name]) => name), count: attempts };
}

/** A state with the names and forms of the file. */
function fieldsOf(state: RecordState): unknown {
  const { slots, receiving, openSectors, counterFloor, failedConfirms, givenUp, starts } = state;
  return {
    slots: slots.map(slotFields),
    receiving: receiving === undefined ? null : { ...receiving, digest: toHex(receiving.digest) },
    openSectors: openSectors.map(({ first, last }) => [first, last]),
    floor: counterFloor,
    wasConfirmed: hasConfirmed(state),
    failed: failedConfirms.map(({ adviceDigest8, count }) => ({ digest: toHex(adviceDigest8), count })),
    order:
      givenUp === undefined
        ? null
        : {
            sequence: givenUp.sequence,
            version: [givenUp.version.major, givenUp.version.minor, givenUp.version.patch],
          },
    starts,
  };
}

const stateOf = (vector: JournalVector, sectors: readonly [Entries, Entries]): unknown =>
  fieldsOf(new BootRecord(flashWith(vector, sectors)).state);

describe("whole boot records, frozen", () => {
  it("are many, with every write unit, and each outcome of the election", () => {
    expect(journals.length).toBe(102);
    expect([...new Set(journals.map(({ writeUnit }) => writeUnit))].sort((a, b) => a - b)).toEqual([
      1, 16, 32, 64, 256,
    ]);
    expect(new Set(journals.map(({ holds }) => holds))).toEqual(new Set([0, 1, null]));
    expect(new Set(journals.map(({ erased }) => erased))).toEqual(new Set(["ff", "00"]));
  });

  it.each(journals)("give their state: $name", (vector) => {
    expect(stateOf(vector, vector.sectors)).toEqual(vector.state);
  });

  it.each(journals)("are read from the sector that holds: $name", (vector) => {
    const { sectors, counts, holds, state } = vector;
    const [first, second] = sectors;
    const alone = [stateOf(vector, [first, []]), stateOf(vector, [[], second])] as const;
    const empty = stateOf(vector, [[], []]);
    // A sector that does not count gives nothing; each that does gives more than an empty record.
    for (const i of [0, 1] as const)
      expect([i, JSON.stringify(alone[i]) !== JSON.stringify(empty)]).toEqual([i, counts[i]]);
    expect(state).toEqual(holds === null ? empty : alone[holds]);
  });
});
