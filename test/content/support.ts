import { type Content, HEAD_LENGTH, TAIL_LENGTH } from "../../src/content/content-kind.ts";

/** The content of a file that is in memory. */
export function contentOf(bytes: Uint8Array): Content {
  const tail = bytes.subarray(Math.max(0, bytes.length - TAIL_LENGTH));
  return { head: bytes.subarray(0, HEAD_LENGTH), tail, size: bytes.length };
}
