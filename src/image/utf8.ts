import { equalBytes } from "../base/bytes.ts";

const encoder = new TextEncoder();
// Without `ignoreBOM` a byte order mark at the start would be dropped.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The UTF-8 bytes of a text; half a surrogate pair becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** The text of UTF-8 bytes, with a byte order mark if there is one; undefined if they are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  const text = decoder.decode(bytes);
  // Malformed UTF-8 decodes to replacement characters, which encode to other bytes.
  return equalBytes(encoder.encode(text), bytes) ? text : undefined;
}
