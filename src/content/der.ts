import { toHex } from "../base/bytes.ts";

/** One DER value: its tag byte, its content, and what follows it. Views, no copies. */
export interface DerValue {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly rest: Uint8Array;
}

export const DerTag = { integer: 2, bits: 3, bytes: 4, oid: 6, sequence: 0x30 } as const;

/** Bytes of the longest length that is read: 2^24 is more than any key has. */
const LENGTH_BYTES_MAX = 3;

/** Reads one DER value; undefined if the bytes are none. Tags of several bytes do not occur in keys. Never throws. */
export function readDer(bytes: Uint8Array): DerValue | undefined {
  const [tag, first] = bytes;
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) return undefined;
  const count = first < 0x80 ? 0 : first & 0x7f;
  if (first === 0x80 || count > LENGTH_BYTES_MAX || bytes.length < 2 + count) return undefined;
  let length = count === 0 ? first : 0;
  for (let i = 0; i < count; i++) length = length * 256 + (bytes[2 + i] ?? 0);
  // DER has one way to write a length.
  if (count > 0 && (length < 0x80 || bytes[2] === 0)) return undefined;
  const from = 2 + count;
  if (bytes.length - from < length) return undefined;
  return { tag, content: bytes.subarray(from, from + length), rest: bytes.subarray(from + length) };
}

/** The values that follow each other in a constructed one, at most `countMax`; undefined if they are not DER. */
export function derList(content: Uint8Array, countMax = 16): DerValue[] | undefined {
  const values: DerValue[] = [];
  for (let rest = content; rest.length > 0 && values.length < countMax; ) {
    const value = readDer(rest);
    if (value === undefined) return undefined;
    values.push(value);
    rest = value.rest;
  }
  return values;
}

/** The parts of a sequence that all of `bytes` are; undefined if they are something else. */
export function derSequence(bytes: Uint8Array): DerValue[] | undefined {
  const whole = readDer(bytes);
  if (whole?.tag !== DerTag.sequence || whole.rest.length > 0) return undefined;
  return derList(whole.content);
}

/** The object identifier that a value is, or that a sequence begins with, as hexadecimal digits. */
export function derOid(value: DerValue | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (value.tag === DerTag.oid) return toHex(value.content);
  if (value.tag !== DerTag.sequence) return undefined;
  const first = readDer(value.content);
  return first?.tag === DerTag.oid ? toHex(first.content) : undefined;
}
