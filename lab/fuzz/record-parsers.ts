import { isDeepStrictEqual } from "node:util";
import { concatBytes, equalBytes } from "../../src/base/bytes.ts";
import { type Random, randomBelow, SeededRandom } from "../../src/base/prng.ts";
import { memoryBoard } from "../../src/board/memory-board.ts";
import { ENTRY_SIZE, flashMap } from "../../src/flash/geometry.ts";
import {
  decodeEntry,
  encodeEntry,
  entriesOf,
  type RecordEntry,
} from "../../src/flash/record/record-codec.ts";
import { applyEvent, FAILED_DIGESTS_MAX, type RecordEvent } from "../../src/flash/record/record-state.ts";
import { RANGES_MAX } from "../../src/flash/record/sector-ranges.ts";
import { MemoryStorage } from "../../src/flash/storage.ts";
import { fileCrc } from "../../src/image/image-header.ts";
import { trustedKeyOf } from "../../src/image/keys.ts";
import { testKey } from "../../test/support/virtual-rescue.ts";
import { must, type ParserTarget } from "./fuzz-target.ts";
import { acceptableEnvelope } from "./image-parsers.ts";
import { pick } from "./mutate.ts";

const GEOMETRY = { sectorSize: 1024, slotSize: 4096, layout: "ab" } as const;
const BLANK = new Uint8Array(ENTRY_SIZE).fill(0xff);
const ENVELOPE = acceptableEnvelope(new SeededRandom(5));

/** An entry that the board could have written. */
export function randomEntry(random: Random): RecordEntry {
  const kind = randomBelow(random, 9);
  if (kind === 0) return { tag: "header", count: randomBelow(random, 6) };
  return kind === 1 ? { tag: "seal" } : { tag: "event", event: randomEvent(random) };
}

export function randomEvent(random: Random): RecordEvent {
  const slot = randomBelow(random, 2);
  const area = randomBelow(random, 3);
  const digest = new Uint8Array(32).fill(randomBelow(random, 6));
  const floor = randomBelow(random, 3) === 0 ? random.u32() : 0;
  const first = randomBelow(random, 200);
  const range = { first, last: first + randomBelow(random, 20) };
  const flags = { isConfirmed: random.u32() % 2 === 0, isReverted: random.u32() % 4 === 0 };
  const record = { slot, digest, area, ...flags, attempts: randomBelow(random, 256), rank: random.u32() };
  return pick<RecordEvent>(random, [
    { tag: "installed", slot: record, floor },
    { tag: "slot", slot: record, floor },
    { tag: "receiving", receiving: { slot, digest, area } },
    { tag: "sectors", open: range, close: undefined },
    { tag: "sectors", open: undefined, close: range },
    { tag: "floor", floor },
    { tag: "failed", failed: { adviceDigest8: digest.subarray(0, 8), count: randomBelow(random, 256) } },
    { tag: "nonces", starts: random.u32() },
  ]);
}

/** An entry, with the rest of its digest before it if it has one. */
export function wholeOf(entry: RecordEntry): readonly RecordEntry[] {
  return entry.tag === "event" ? entriesOf(entry.event) : [entry];
}

function encodeWhole(entry: RecordEntry, sequence: number): Uint8Array {
  return concatBytes(...wholeOf(entry).map((part, i) => encodeEntry(part, sequence + i)));
}

/** Makes the CRC of each entry right. */
function resealEntries(bytes: Uint8Array): Uint8Array {
  const out = bytes.slice();
  for (let at = 0; at + ENTRY_SIZE <= out.length; at += ENTRY_SIZE)
    out.set(resealEntry(out.subarray(at, at + ENTRY_SIZE)), at);
  return out;
}

export function resealEntry(bytes: Uint8Array): Uint8Array {
  const crc = fileCrc(bytes.subarray(0, ENTRY_SIZE - 4));
  return concatBytes(
    bytes.subarray(0, ENTRY_SIZE - 4),
    Uint8Array.of(crc, crc >>> 8, crc >>> 16, crc >>> 24),
  );
}

const entry: ParserTarget = {
  tag: "parser",
  name: "entry",
  weight: 4,
  seeds() {
    const random = new SeededRandom(1);
    return Array.from({ length: 24 }, (_, i) => encodeWhole(randomEntry(random), i));
  },
  repair: (_, input) => (input.length % ENTRY_SIZE === 0 ? resealEntries(input) : input),
  run(input) {
    const first = decodeEntry(input.subarray(0, ENTRY_SIZE));
    const bytes = input.length > ENTRY_SIZE ? input.subarray(ENTRY_SIZE) : input;
    const decoded = input.length > ENTRY_SIZE ? decodeEntry(bytes, first) : first;
    if (decoded === undefined) return "no entry";
    must(equalBytes(encodeEntry(decoded.entry, decoded.sequence), bytes), "an entry has one encoding");
    return decoded.entry.tag === "event" ? decoded.entry.event.tag : decoded.entry.tag;
  },
};

/** A whole record: both sectors, each begun properly, then entries in any order. */
function randomSectors(random: Random): Uint8Array {
  const map = flashMap(GEOMETRY);
  let sequence = randomBelow(random, 1000);
  const sector = (): Uint8Array => {
    const events = Array.from({ length: randomBelow(random, 4) }, () =>
      entriesOf(randomEvent(random)),
    ).flat();
    const more = Array.from({ length: randomBelow(random, 12) }, () => wholeOf(randomEntry(random))).flat();
    const entries = [
      { tag: "header", count: events.length } as const,
      ...events,
      { tag: "seal" } as const,
      ...more,
    ];
    const bytes = entries.map((next) => encodeEntry(next, sequence++));
    return concatBytes(...bytes, new Uint8Array(map.journalSize).fill(0xff)).slice(0, map.journalSize);
  };
  return concatBytes(sector(), sector());
}

/** A flash whose boot record holds `input`, and in whose slots and manifest areas lies what the input makes. */
function storageOf(input: Uint8Array): MemoryStorage {
  const map = flashMap(GEOMETRY);
  const storage = new MemoryStorage(map.size);
  const [first] = map.record;
  const bytes = concatBytes(input, new Uint8Array(2 * map.journalSize).fill(0xff));
  storage.write(first.offset, bytes.subarray(0, 2 * map.journalSize));
  for (const area of map.manifests) storage.write(area.offset, ENVELOPE);
  return storage;
}

const journal: ParserTarget = {
  tag: "parser",
  name: "journal",
  weight: 1,
  seeds() {
    const random = new SeededRandom(2);
    return [...Array.from({ length: 12 }, () => randomSectors(random)), concatBytes(BLANK, BLANK)];
  },
  /** Entries that a mutation broke count again, so that any order of them is met. */
  repair(random, input) {
    const out = input.slice();
    for (let at = 0; at + ENTRY_SIZE <= out.length; at += ENTRY_SIZE) {
      const bytes = out.subarray(at, at + ENTRY_SIZE);
      const isBroken = !equalBytes(bytes, BLANK) && !equalBytes(resealEntry(bytes), bytes);
      if (isBroken && randomBelow(random, 4) > 0) out.set(resealEntry(bytes), at);
    }
    return out;
  },
  run(input) {
    const identity = {
      nodeId: new Uint8Array(8).fill(7),
      hardware: { vendor: "acme", hardwareClass: "gate" },
      revision: 3,
    };
    const policy = { keys: [trustedKeyOf(testKey, ["app"])], allowUnsigned: false };
    const storage = storageOf(input);
    const powerUp = (): ReturnType<typeof memoryBoard> =>
      memoryBoard({ geometry: GEOMETRY, identity, policy, storage });
    const board = powerUp();
    const before = board.parts.record.state;
    must(before.openSectors.length <= RANGES_MAX, "open sectors are bounded");
    must(before.failedConfirms.length <= FAILED_DIGESTS_MAX, "failed confirms are bounded");
    const store = board.store({ allowUpdate: true });
    must(isDeepStrictEqual(board.parts.record.state, before), "repairing changes nothing of the state");
    const event = { tag: "floor", floor: 1 } as const;
    board.parts.record.append(event);
    const after = powerUp().parts.record.state;
    must(isDeepStrictEqual(after, applyEvent(before, event)), "an event is durable");
    const verdict = store.checkManifest(ENVELOPE);
    const start = verdict.tag === "accepted" ? store.start().tag : verdict.reason;
    return [
      store.status().failure ?? "boots",
      start,
      before.slots.length,
      before.openSectors.length > 0,
    ].join(" ");
  },
};

export const RECORD_PARSERS: readonly ParserTarget[] = [entry, journal];
