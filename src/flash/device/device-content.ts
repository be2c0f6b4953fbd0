import { readSync } from "node:fs";
import type { FlashMap } from "../geometry.ts";
import { SIGNATURE_SPAN, signatureIn } from "./device-signature.ts";
import type { FlashDevice } from "./flash-device.ts";

const BLANK_STEP = 1_048_576;
const RECORD_MAGIC = Buffer.from("MDBREC", "latin1");
/** Where the magic stands in the first entry of the boot record (PROTOCOL.md "Boot record"). */
const RECORD_MAGIC_AT = 8;

/**
 * What somebody may miss on a device that is about to be erased; undefined when it looks free. A file that is there is
 * always something. A block device is free when nothing known is at its start, where the flash is to be, or in place of a
 * boot record; unused ones hold anything. On a flash chip every byte counts, as it may be what the board starts from.
 */
export function contentOf(device: FlashDevice, fd: number, map: FlashMap): string | undefined {
  const { kind, offset } = device;
  if (kind === "file") return "the file is there already";
  const seen =
    signatureIn(readHead(fd, 0, SIGNATURE_SPAN)) ??
    signatureIn(readHead(fd, offset, SIGNATURE_SPAN)) ??
    (hasRecord(device, fd, map) ? "a board's flash" : undefined);
  if (seen !== undefined) return `it holds ${seen}`;
  if (kind === "block" || isBlank(fd, offset, map.size)) return undefined;
  return "it is not erased where the flash is to be; it may hold what this board starts from";
}

/** Whether a boot record is there. A board's device has one from the start, and never loses it again. */
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

/** Up to `length` bytes from `offset` on; fewer at the end of the device. */
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
