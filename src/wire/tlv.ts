import { ByteReader } from "../base/bytes.ts";

/** Bit in the type of an extension: a receiver that does not know the type must drop the frame (PROTOCOL.md 3.5). */
const CRITICAL = 0x80;

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

/** The value of the first extension of this type among complete ones; undefined when there is none. A view. */
export function extensionOf(tail: Uint8Array, type: number): Uint8Array | undefined {
  const reader = new ByteReader(tail);
  while (reader.remaining > 0) {
    const found = reader.u8();
    const value = reader.bytes(reader.u8());
    if (found === type) return value;
  }
  return undefined;
}
