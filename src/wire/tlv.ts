import { ByteReader } from "../base/bytes.ts";

/** In the type of an extension: a receiver that does not know it must drop the frame (PROTOCOL.md 3.5). */
const CRITICAL = 0x80;

/** Checks the extensions that end a message; this version knows none, so it skips all but critical ones. */
export function extensionsAreAcceptable(tail: Uint8Array): boolean {
  const reader = new ByteReader(tail);
  while (reader.remaining > 0) {
    const type = reader.u8();
    reader.bytes(reader.u8());
    if (reader.failed || (type & CRITICAL) !== 0) return false;
  }
  return true;
}
