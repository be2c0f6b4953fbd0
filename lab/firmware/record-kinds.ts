import { concatBytes } from "../../src/base/bytes.ts";
import { type Random, randomBelow, randomChance } from "../../src/base/prng.ts";
import {
  ENTRY_SIZE,
  erasedBytes,
  type FlashGeometry,
  flashMap,
  padToUnits,
  roundUp,
} from "../../src/flash/geometry.ts";
import {
  decodeEntry,
  encodeEntry,
  entriesOf,
  type RecordEntry,
} from "../../src/flash/record/record-codec.ts";
import { mutated, pick } from "../fuzz/mutate.ts";
import { randomEntry, randomEvent, resealEntry, wholeOf } from "../fuzz/record-parsers.ts";
import { compared, type Kind } from "./kind.ts";
import { recordByC, recordByTs } from "./record-state.ts";

const order = (random: Random): RecordEntry => {
  const version = {
    major: randomBelow(random, 3),
    minor: randomBelow(random, 3),
    patch: randomBelow(random, 3),
  };
  const isNone = randomChance(random, 0.3);
  return {
    tag: "event",
    event: { tag: "order", order: isNone ? undefined : { sequence: randomBelow(random, 9), version } },
  };
};

const anyEntry = (random: Random): RecordEntry =>
  randomChance(random, 0.05) ? order(random) : randomEntry(random);

const entry: Kind = {
  name: "entry",
  weight: 4,
  run(random, c) {
    const sequence = pick(random, [0, 5, 0xffff_fffe, 0xffff_ffff]);
    const parts = [...wholeOf(anyEntry(random)), anyEntry(random)].slice(0, 2);
    const step = randomChance(random, 0.9) ? 1 : randomBelow(random, 3);
    let bytes = parts.map((part, i) => encodeEntry(part, (sequence + i * step) >>> 0));
    if (randomChance(random, 0.4)) {
      bytes = bytes.map((one) => {
        const bent = concatBytes(mutated(random, [one]), new Uint8Array(ENTRY_SIZE)).slice(0, ENTRY_SIZE);
        return randomChance(random, 0.8) ? resealEntry(bent) : bent;
      });
    }
    const input = concatBytes(...bytes);
    const [a = input, b = input] = bytes;
    const first = decodeEntry(a);
    const second = decodeEntry(b, first);
    const ts = (first === undefined ? 0 : 1) + (second === undefined ? 0 : 2);
    c.exchange(input);
    return compared(input, ts === 3, ts, c.call("entries_are_right"));
  },
};

const GEOMETRIES: readonly FlashGeometry[] = [
  { sectorSize: 1024, slotSize: 4096, layout: "ab" },
  { sectorSize: 1024, slotSize: 4096, layout: "single", writeSize: 1, recoverySize: 1024 },
  { sectorSize: 2048, slotSize: 4096, layout: "single", writeSize: 64, recoverySize: 2048 },
  { sectorSize: 4096, slotSize: 4096, layout: "ab", manifests: "record", recoverySize: 4096, writeSize: 4 },
  {
    sectorSize: 4096,
    slotSize: 4096,
    layout: "single",
    manifests: "record",
    recoverySize: 4096,
    erasedByte: 0,
  },
];

/** Both sectors of a record: each begun properly, then entries in any order, then some damage. */
function randomSectors(random: Random, geometry: FlashGeometry): Uint8Array {
  const map = flashMap(geometry);
  const isSingle = map.layout === "single";
  const stride = roundUp(ENTRY_SIZE, map.writeSize);
  const isWhole = randomChance(random, 0.5);
  let sequence = pick(random, [randomBelow(random, 1000), 0xffff_fff0, 0x7fff_fff8]);
  const fits = (next: RecordEntry): boolean =>
    next.tag !== "event" || !isSingle || !JSON.stringify(next.event).includes('"slot":1');
  const sector = (): Uint8Array => {
    const events = Array.from({ length: randomBelow(random, 4) }, () =>
      entriesOf(randomEvent(random)),
    ).flat();
    const more = Array.from({ length: randomBelow(random, 10) }, () => wholeOf(anyEntry(random))).flat();
    const count = randomChance(random, 0.95) ? events.length : randomBelow(random, 6);
    const seal = randomChance(random, 0.9) ? [{ tag: "seal" } as const] : [];
    const all: RecordEntry[] = [{ tag: "header", count }, ...events, ...seal, ...more];
    if (!isWhole && randomChance(random, 0.2)) all.splice(randomBelow(random, all.length), 1);
    const bytes = all.filter(fits).map((next) => {
      const jump = !isWhole && randomChance(random, 0.05) ? randomBelow(random, 4) : 0;
      sequence = (sequence + jump) >>> 0;
      const one = encodeEntry(next, sequence);
      sequence = (sequence + 1) >>> 0;
      if (isWhole || randomChance(random, 0.93)) return padToUnits(map, one);
      const bent = concatBytes(mutated(random, [one]), new Uint8Array(ENTRY_SIZE)).slice(0, ENTRY_SIZE);
      const unit = padToUnits(map, randomChance(random, 0.6) ? resealEntry(bent) : bent);
      if (unit.length > ENTRY_SIZE && randomChance(random, 0.2)) unit[ENTRY_SIZE] = 1;
      return randomChance(random, 0.1) ? erasedBytes(map, stride) : unit;
    });
    const size = map.record[0].size;
    return concatBytes(...bytes.slice(0, Math.floor(map.journalSize / stride)), erasedBytes(map, size)).slice(
      0,
      size,
    );
  };
  const blank = erasedBytes(map, map.record[0].size);
  const first = randomChance(random, 0.9) ? sector() : blank;
  const second = randomChance(random, 0.6) ? sector() : blank;
  if (randomChance(random, 0.3)) return concatBytes(second, first);
  return concatBytes(first, second);
}

const record: Kind = {
  name: "record",
  weight: 2,
  run(random, c) {
    const geometry = pick(random, GEOMETRIES);
    const map = flashMap(geometry);
    const input = randomSectors(random, geometry);
    const bytes = erasedBytes(map, map.size);
    bytes.set(input, map.record[0].offset);
    const ts = recordByTs(geometry, bytes);
    const isThere = ts.slots.length > 0 || ts.receiving !== undefined || ts.open.length > 0 || ts.floor > 0;
    return compared(
      concatBytes(Uint8Array.of(GEOMETRIES.indexOf(geometry)), input),
      isThere,
      ts,
      recordByC(c, geometry, bytes),
    );
  },
};

export const RECORD_KINDS: readonly Kind[] = [entry, record];
