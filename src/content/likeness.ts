import { isText, plainText, textEncoding } from "./text-encoding.ts";

/** What bytes of no known format look like: "text", or "blank" when all have one value, as erased flash and failed reads have. */
export type Likeness = "text" | "blank";

/** Fewest bytes of one value that mean something. */
const BLANK_MIN = 16;

/** What the start of a file looks like; undefined for what may well be firmware. */
export function likenessOf(head: Uint8Array): Likeness | undefined {
  if (head.length >= BLANK_MIN && head.every((byte) => byte === head[0])) return "blank";
  return head.length > 0 && isText(plainText(head, textEncoding(head))) ? "text" : undefined;
}
