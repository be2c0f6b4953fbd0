import crc8 from "crc/calculators/crc8";
import { I2C_TRANSACTION_MAX, I2C_TRANSACTION_MIN } from "./bus.ts";

/** Bytes of the status that every read begins with (PROTOCOL.md 10.2). */
export const STATUS_LENGTH = 4;
/** Bytes before each frame: its length and a CRC-8 over that (PROTOCOL.md 10.4). */
export const PREFIX_LENGTH = 3;
/** Bytes of a hello (PROTOCOL.md 10.3). */
export const HELLO_LENGTH = 5;
/** Longest frame that a mailbox carries: the longest of PROTOCOL.md 3.1. */
export const MAILBOX_FRAME_MAX = 4111;
/** Version of the mailbox, in a hello. */
export const MAILBOX_VERSION = 1;
/** What a read returns beyond the mailbox's content: the bus idles high. */
export const FILLER = 0xff;

const MAGIC = 0x68;
const MAGIC_MASK = 0xf8;

/** State of a peripheral's mailbox, two bits of the status (PROTOCOL.md 10.2). Values are on the wire: never renumber. */
export const MailboxState = { fresh: 0, greeted: 1, open: 2, busy: 3 } as const;
export type MailboxState = (typeof MailboxState)[keyof typeof MailboxState];

/** The first four bytes of every read. */
export interface Status {
  readonly state: MailboxState;
  /** Alternates when a read was acknowledged. */
  readonly turn: 0 | 1;
  /** Open or busy: bytes that wait, up to 65535. Fresh or greeted: longest transaction that the peripheral takes. */
  readonly length: number;
}

/** Why bytes are not a status: all zero, another first byte, or a wrong CRC-8. */
export type StatusFault = "zeros" | "foreign" | "damaged";

/** CRC-8, polynomial 0x07, initial value 0, nothing reflected, no final XOR; check value 0xF4 (as SMBus's PEC). */
export function headerCrc(bytes: Uint8Array): number {
  return crc8(bytes) & 0xff;
}

export function encodeStatus({ state, turn, length }: Status): Uint8Array {
  const capped = Math.min(length, 0xffff);
  const covered = Uint8Array.of(MAGIC | (state << 1) | turn, capped & 0xff, capped >> 8);
  return Uint8Array.of(...covered, headerCrc(covered));
}

/** Decodes the first bytes of a read. Never throws. */
export function decodeStatus(bytes: Uint8Array): Status | StatusFault {
  const [first = 0, low = 0, high = 0, crc = 0] = bytes;
  if ((first | low | high | crc) === 0) return "zeros";
  if ((first & MAGIC_MASK) !== MAGIC) return "foreign";
  if (crc !== headerCrc(bytes.subarray(0, STATUS_LENGTH - 1))) return "damaged";
  return { state: ((first >> 1) & 3) as MailboxState, turn: (first & 1) as 0 | 1, length: low | (high << 8) };
}

/** What the bytes after a segment header are. Two bits on the wire: never renumber (PROTOCOL.md 10.3). */
export const SegmentKind = { none: 0, first: 1, next: 2, hello: 3 } as const;
export type SegmentKind = (typeof SegmentKind)[keyof typeof SegmentKind];

/** The one byte that every write begins with. */
export interface SegmentHeader {
  readonly kind: SegmentKind;
  /** Number of the write, modulo 4. */
  readonly number: number;
  /** The turn of the newest status whose read was taken in. */
  readonly ack: 0 | 1;
}

export function encodeSegmentHeader({ kind, number, ack }: SegmentHeader): number {
  const bits = (kind << 3) | ((number & 3) << 1) | ack;
  return (bits << 3) | segmentCheck(bits);
}

/** Undefined when the three check bits are wrong. */
export function decodeSegmentHeader(byte: number): SegmentHeader | undefined {
  const bits = byte >> 3;
  if ((byte & 7) !== segmentCheck(bits)) return undefined;
  return { kind: (bits >> 3) as SegmentKind, number: (bits >> 1) & 3, ack: (bits & 1) as 0 | 1 };
}

/** CRC-3 over five bits, polynomial x^3 + x + 1, final XOR 7: finds every single wrong bit, and 0x00. */
function segmentCheck(bits: number): number {
  let rest = bits << 3;
  for (let bit = 7; bit >= 3; bit--) if (rest & (1 << bit)) rest ^= 0b1011 << (bit - 3);
  return rest ^ 7;
}

/** The controller's greeting: `limit` is its longest transaction in bytes. */
export function encodeHello(limit: number): Uint8Array {
  const header = encodeSegmentHeader({ kind: SegmentKind.hello, number: 0, ack: 0 });
  const covered = Uint8Array.of(header, MAILBOX_VERSION, limit & 0xff, limit >> 8);
  return Uint8Array.of(...covered, headerCrc(covered));
}

/** The controller's limit, or undefined for a damaged hello or another version. */
export function decodeHello(bytes: Uint8Array): { readonly limit: number } | undefined {
  const [, version, low = 0, high = 0, crc] = bytes;
  if (bytes.length < HELLO_LENGTH || version !== MAILBOX_VERSION) return undefined;
  return crc === headerCrc(bytes.subarray(0, HELLO_LENGTH - 1)) ? { limit: low | (high << 8) } : undefined;
}

export function encodePrefix(length: number): Uint8Array {
  const covered = Uint8Array.of(length & 0xff, length >> 8);
  return Uint8Array.of(...covered, headerCrc(covered));
}

/** Length of the frame that follows, or undefined when it is out of range or the CRC is wrong. */
export function decodePrefix(bytes: Uint8Array): number | undefined {
  const [low = 0, high = 0, crc] = bytes;
  const length = low | (high << 8);
  const isRight = crc === headerCrc(bytes.subarray(0, PREFIX_LENGTH - 1));
  return isRight && length >= 1 && length <= MAILBOX_FRAME_MAX ? length : undefined;
}

/** A transaction length between what every peripheral can do and what Linux can do. */
export function boundedTransaction(length: number): number {
  return Math.max(I2C_TRANSACTION_MIN, Math.min(I2C_TRANSACTION_MAX, length));
}
