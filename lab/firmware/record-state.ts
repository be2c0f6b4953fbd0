import type { FlashGeometry, FlashMap } from "../../src/flash/geometry.ts";
import { flashMap } from "../../src/flash/geometry.ts";
import type { Flash } from "../../src/flash/nor-flash.ts";
import { NorFlash } from "../../src/flash/nor-flash.ts";
import { BootRecord } from "../../src/flash/record/boot-record.ts";
import { hasConfirmed, type RecordState } from "../../src/flash/record/record-state.ts";
import { MemoryStorage } from "../../src/flash/storage.ts";
import type { Answer, CSide } from "./c-side.ts";

/** A boot record's state, in a form that both sides can be brought to. */
export interface PlainRecord {
  readonly isClean: boolean | undefined;
  readonly slots: readonly unknown[];
  readonly receiving:
    | { readonly slot: number; readonly area: number; readonly digest: Uint8Array }
    | undefined;
  readonly floor: number;
  readonly wasConfirmed: boolean;
  readonly starts: number;
  readonly givenUp: unknown;
  readonly failed: readonly unknown[];
  readonly open: readonly unknown[];
}

/** A state of the TypeScript side. */
export function plainOf(state: RecordState, isClean?: boolean): PlainRecord {
  const { receiving, givenUp } = state;
  return {
    isClean,
    slots: state.slots.map(({ slot, isConfirmed, isReverted, isUnproven, area, attempts, rank, digest }) => ({
      ...{ slot, isConfirmed, isReverted, isUnproven: isUnproven === true, area },
      ...{ boots: attempts, rank, digest: digest.slice() },
    })),
    receiving: receiving && { slot: receiving.slot, area: receiving.area, digest: receiving.digest.slice() },
    floor: state.counterFloor,
    wasConfirmed: hasConfirmed(state),
    starts: state.starts,
    givenUp: givenUp && [
      givenUp.sequence,
      givenUp.version.major,
      givenUp.version.minor,
      givenUp.version.patch,
    ],
    failed: state.failedConfirms.map(({ adviceDigest8, count }) => [adviceDigest8.slice(), count]),
    open: state.openSectors.map(({ first, last }) => [first, last]),
  };
}

/** The same as the C side dumps it. */
export function readRecord(answer: Answer, withClean: boolean): PlainRecord {
  answer.number();
  const isClean = answer.number() === 1;
  const slots = [0, 1].flatMap((slot) => {
    const isKnown = answer.number() === 1;
    const flags = answer.number();
    const [area, boots, rank] = [answer.number(), answer.number(), answer.number()];
    const digest = answer.bytes(32);
    const [isConfirmed, isReverted, isUnproven] = [1, 2, 4].map((bit) => (flags & bit) !== 0);
    return isKnown ? [{ slot, isConfirmed, isReverted, isUnproven, area, boots, rank, digest }] : [];
  });
  const isReceiving = answer.number() === 1;
  const receiving = { slot: answer.number(), area: answer.number(), digest: answer.bytes(32) };
  const [floor, wasConfirmed, starts] = [answer.number(), answer.number() === 1, answer.number()];
  const hasGivenUp = answer.number() === 1;
  const sequence = answer.number() * 2 ** 32 + answer.number();
  const givenUp = [sequence, answer.number(), answer.number(), answer.number()];
  const failed = Array.from({ length: answer.number() }, () => [answer.bytes(8), answer.number()]);
  const open = Array.from({ length: answer.number() }, () => [answer.number(), answer.number()]);
  return {
    ...{ isClean: withClean ? isClean : undefined, slots, receiving: isReceiving ? receiving : undefined },
    ...{ floor, wasConfirmed, starts, givenUp: hasGivenUp ? givenUp : undefined, failed, open },
  };
}

/** A TypeScript flash over a copy of some bytes. */
export function flashOver(
  geometry: FlashGeometry,
  bytes: Uint8Array,
): { flash: Flash; storage: MemoryStorage; map: FlashMap } {
  const map = flashMap(geometry);
  const storage = new MemoryStorage(map.size, map.erasedByte);
  storage.write(0, bytes);
  return { flash: new NorFlash(storage, map), storage, map };
}

/** What the TypeScript side reads in the record of a flash. */
export function recordByTs(geometry: FlashGeometry, bytes: Uint8Array): PlainRecord {
  const record = new BootRecord(flashOver(geometry, bytes).flash);
  return plainOf(record.state, record.isClean);
}

/** Hands a geometry and a flash to the C side. After a reset. */
export function setFlash(c: CSide, geometry: FlashGeometry, map: FlashMap, bytes: Uint8Array): void {
  for (const { count, size } of map.sectors.runs) c.call("add_sectors", count, size);
  const inRecord = geometry.manifests === "record" ? 1 : 0;
  const recovery = geometry.recoverySize ?? 16_384;
  const { writeSize, erasedByte, slotSize } = map;
  c.call("set_layout", map.layout === "ab" ? 1 : 0, inRecord, erasedByte, writeSize, recovery, slotSize);
  c.flash = bytes;
  c.erasedByte = erasedByte;
  c.writeSize = writeSize;
}

/** What the C side reads in the record of a flash. Resets it. */
export function recordByC(c: CSide, geometry: FlashGeometry, bytes: Uint8Array): PlainRecord {
  c.call("reset");
  setFlash(c, geometry, flashMap(geometry), bytes);
  c.call("read_record");
  return readRecord(c.answer(), true);
}
