import type { StrangerKind } from "./stranger.ts";

/** Bytes at the start of a run that are looked at. */
const HEAD_MAX = 256;
/** So many equal short runs in a row are a pulse. */
const PULSES_MIN = 3;

const NAK = 0x15;
const CRC_REQUEST = 0x43;

/** Short runs that say all there is to say, again and again. */
const PULSES: readonly (readonly [StrangerKind, readonly number[]])[] = [
  ["xmodem", [CRC_REQUEST]],
  ["xmodem", [NAK]],
  ["stk500", [0x14, 0x10]], // "in sync, OK": a boot loader answers
  ["stk500", [0x30, 0x20]], // "get sync": a programmer asks
];

/** Recognises what waits for a partner by repeating one short run: XMODEM and YMODEM receivers, STK500. */
export class Pulse {
  #which = -1;
  #count = 0;

  clear(): void {
    this.#count = 0;
  }

  add(run: Uint8Array): void {
    const which = PULSES.findIndex(([, bytes]) => isRepeated(run, bytes));
    this.#count = which >= 0 && which === this.#which ? this.#count + 1 : 1;
    this.#which = which;
  }

  get kind(): StrangerKind | undefined {
    return this.#count >= PULSES_MIN ? PULSES[this.#which]?.[0] : undefined;
  }
}

/** Whether the run is the pulse, or a few of them that came without a pause. */
function isRepeated(run: Uint8Array, pulse: readonly number[]): boolean {
  if (run.length % pulse.length !== 0 || run.length > 4 * pulse.length) return false;
  return run.every((byte, i) => byte === pulse[i % pulse.length]);
}

const LETTER = String.fromCharCode;
/** ZPAD ZPAD ZDLE "B", then type, four bytes and CRC in hexadecimal. */
const ZMODEM_HEADER = new RegExp(`\\*\\*${LETTER(0x18)}B[\\da-f]{14}`);
/** Start of a packet, base64 in whole groups, end of line. */
const SMP_LINE = new RegExp(`${LETTER(0x06, 0x09)}(?:[A-Za-z\\d+/]{4}){2,40}[A-Za-z\\d+/=]{0,4}\\r?\\n`);
const MODEM_COMMAND = /^(?:AT(?:[A-Z+&%#$*\\][\w+&?=,";.]{0,60})?\r\n?){1,8}$/;
const MODEM_ANSWER = /^(?:AT\S{0,60}\r)?(?:\r\n)?(?:OK|RING|NO CARRIER)\r\n$/;

/** Names a run that ended without a delimiter, by its first 256 bytes alone. */
export function nameLooseRun(run: Uint8Array): StrangerKind | undefined {
  const head = LETTER(...run.subarray(0, HEAD_MAX));
  if (ZMODEM_HEADER.test(head)) return "zmodem";
  if (SMP_LINE.test(head)) return "smp";
  if (run.length > HEAD_MAX) return undefined;
  return MODEM_COMMAND.test(head) || MODEM_ANSWER.test(head) ? "modem" : undefined;
}
