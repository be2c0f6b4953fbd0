import { ByteReader } from "../base/bytes.ts";

/** Bit in the type of an extension: a receiver that does not know the type must drop the frame (PROTOCOL.md 3.5). */
const CRITICAL = 0x80;

/** The value of the first extension of this type, a view; undefined when there is none. */
export function extensionValue(tail: Uint8Array, wanted: number): Uint8Array | undefined {
  const reader = new ByteReader(tail);
  while (reader.remaining > 0) {
    const type = reader.u8();
    const value = reader.bytes(reader.u8());
    if (reader.failed) return undefined;
    if (type === wanted) return value;
  }
  return undefined;
}

/** Whether the extensions that end a message are complete, and none is critical. Other types are skipped. */
export function extensionsAreAcceptable(tail: Uint8Array): boolean {
  const reader = new ByteReader(tail);
  while (reader.remaining > 0) {
    const type = reader.u8();
    reader.bytes(reader.u8());
    if (reader.failed || (type & CRITICAL) !== 0) return false;
  }
  return true;
}
