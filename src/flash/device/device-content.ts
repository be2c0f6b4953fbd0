import { readSync } from "node:fs";
import type { FlashMap } from "../geometry.ts";
import { SIGNATURE_SPAN, signatureIn } from "./device-signature.ts";
import type { FlashDevice } from "./flash-device.ts";

const BLANK_STEP = 1_048_576;
const RECORD_MAGIC = Buffer.from("MDBREC", "latin1");
/** Offset of the magic in the first entry of the boot record (PROTOCOL.md "Boot record"). */
const RECORD_MAGIC_AT = 8;

/**
 * What would be lost if a device were erased; undefined when it looks free. A file that exists is never free. A block
 * device is free when no known content is at its start, where the flash will be, or in place of a boot record: an
 * unused one may hold anything else. A flash chip must be erased there, as any byte may be what the board starts
 * from.
 */
export function contentOf(device: FlashDevice, fd: number, map: FlashMap): string | undefined {
  const { kind, offset } = device;
  if (kind === "file") return "the file exists";
  const seen =
    signatureIn(readHead(fd, 0, SIGNATURE_SPAN)) ??
    signatureIn(readHead(fd, offset, SIGNATURE_SPAN)) ??
    (hasRecord(device, fd, map) ? "a board's flash" : undefined);
  if (seen !== undefined) return `it holds ${seen}`;
  if (kind === "block" || isBlank(fd, offset, map.size)) return undefined;
  return "it is not erased where the flash will be; it may hold what this board starts from";
}

/** Whether a boot record is there. The device of a board has one from the start, and always keeps it. */
export function hasRecord({ offset }: FlashDevice, fd: number, map: FlashMap): boolean {
  return map.record.some((region) => {
    return RECORD_MAGIC.equals(readHead(fd, offset + region.offset + RECORD_MAGIC_AT, RECORD_MAGIC.length));
  });
}

function isBlank(fd: number, offset: number, size: number): boolean {
  for (let at = 0; at < size; at += BLANK_STEP) {
    const bytes = readHead(fd, offset + at, Math.min(BLANK_STEP, size - at));
    if (bytes.some((byte) => byte !== 0xff)) return false;
  }
  return true;
}

/** Up to `length` bytes from `offset`; fewer at the end of the device. */
export function readHead(fd: number, offset: number, length: number): Uint8Array {
  const head = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const count = readSync(fd, head, filled, length - filled, offset + filled);
    if (count === 0) break;
    filled += count;
  }
  return head.subarray(0, filled);
}
