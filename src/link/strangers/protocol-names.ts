import type { StrangerKind } from "./stranger.ts";

/** Bytes at the start of a run that are examined. */
const HEAD_MAX = 256;
/** Equal calls in a row until the protocol is named. */
const CALLS_MIN = 3;

const NAK = 0x15;
const CRC_REQUEST = 0x43;

/** Short runs that a protocol repeats until its partner answers. */
const CALLS: readonly (readonly [StrangerKind, readonly number[]])[] = [
  ["xmodem", [CRC_REQUEST]],
  ["xmodem", [NAK]],
  ["stk500", [0x14, 0x10]], // "in sync, OK": the answer of a boot loader
  ["stk500", [0x30, 0x20]], // "get sync": the question of a programmer
];

/** Names protocols that call a partner by repeating one short run: XMODEM and YMODEM receivers, STK500. */
export class ProtocolCalls {
  #which = -1;
  #count = 0;

  clear(): void {
    this.#count = 0;
  }

  add(run: Uint8Array): void {
    const which = CALLS.findIndex(([, bytes]) => isRepeated(run, bytes));
    this.#count = which >= 0 && which === this.#which ? this.#count + 1 : 1;
    this.#which = which;
  }

  /** The protocol that called in each of the last three runs. May change after: {@link add}, {@link clear}. */
  get kind(): StrangerKind | undefined {
    return this.#count >= CALLS_MIN ? CALLS[this.#which]?.[0] : undefined;
  }
}

/** Whether the run is the call, up to four times without a pause. */
function isRepeated(run: Uint8Array, call: readonly number[]): boolean {
  if (run.length % call.length !== 0 || run.length > 4 * call.length) return false;
  return run.every((byte, i) => byte === call[i % call.length]);
}

const LETTER = String.fromCharCode;
/** ZPAD ZPAD ZDLE "B", then type, four bytes and CRC in hexadecimal. */
const ZMODEM_HEADER = new RegExp(`\\*\\*${LETTER(0x18)}B[\\da-f]{14}`);
/** Start of a packet, base64 in whole groups, end of line. */
const SMP_LINE = new RegExp(`${LETTER(0x06, 0x09)}(?:[A-Za-z\\d+/]{4}){2,40}[A-Za-z\\d+/=]{0,4}\\r?\\n`);
const MODEM_COMMAND = /^(?:AT(?:[A-Z+&%#$*\\][\w+&?=,";.]{0,60})?\r\n?){1,8}$/;
const MODEM_ANSWER = /^(?:AT\S{0,60}\r)?(?:\r\n)?(?:OK|RING|NO CARRIER)\r\n$/;

/** Names the protocol of a run that ended without a delimiter, by its first 256 bytes alone. */
export function nameProtocol(run: Uint8Array): StrangerKind | undefined {
  const head = LETTER(...run.subarray(0, HEAD_MAX));
  if (ZMODEM_HEADER.test(head)) return "zmodem";
  if (SMP_LINE.test(head)) return "smp";
  if (run.length > HEAD_MAX) return undefined;
  return MODEM_COMMAND.test(head) || MODEM_ANSWER.test(head) ? "modem" : undefined;
}
