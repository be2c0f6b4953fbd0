import type { Millis } from "../base/units.ts";
import { ACK_BITMAP_LENGTH, ACK_REACH } from "../wire/constants.ts";
import type { CodedFrame } from "../wire/fec/frame-hunter.ts";
import type { Ack, Packet } from "../wire/messages.ts";
import type { LinkTimers } from "./link-timers.ts";
import { decodePacketNumber } from "./packet-number.ts";

/** Packets after which an ack is due (PROTOCOL.md 4.3). */
const PACKETS_PER_ACK = 8;
/** Longest time a packet waits for its ack. */
const ACK_DELAY_MAX_MS = 8;

/** So many packets may be lost before one that is cut off: a window's. */
const EXPECTED_AHEAD = 128;
/** Bytes that a packet has on the line beside its payload, at most, and those of the first one (PROTOCOL.md 4.6, 4.7). */
const PACKET_OVERHEAD = 30;
export const FIRST_PACKET_BYTES = 286;

/** The receiving half of a session: which packets have arrived, and when to say so (PROTOCOL.md 4.3). */
export class ReceiveSide {
  readonly #timers: LinkTimers;
  #highest = -1;
  #highestAt: Millis = 0;
  /** Bit i of byte j: packet highest - (8 j + i) has arrived. */
  readonly #bitmap: Uint8Array = new Uint8Array(ACK_BITMAP_LENGTH);
  #sinceAck = 0;
  #longest = FIRST_PACKET_BYTES;
  /** Acks that still have to report a loss: each is reported twice, as the first report may get lost. */
  #reportsOwed = 0;
  /** Wrong bytes in the packets that came in the second form; undefined before the first of them. */
  #mended: number | undefined;

  /** `timers`: runs the timer "ack" there. */
  constructor(timers: LinkTimers) {
    this.#timers = timers;
  }

  /** Bytes on the line of the longest packet so far; those of a first one at least. */
  get longest(): number {
    return this.#longest;
  }

  /** A packet came in the second form. */
  noteCoded({ mendedBytes, wireBytes }: CodedFrame): void {
    this.#mended = ((this.#mended ?? 0) + mendedBytes) & 0xffff;
    this.#longest = Math.max(this.#longest, wireBytes);
  }

  /** Takes in a packet, with the low bits of its number. `isNew`: neither a duplicate nor too old to know. */
  receive(now: Millis, packet: Packet): { isNew: boolean } {
    const number = decodePacketNumber(packet.packetNumber, this.#highest);
    const payload = packet.tag === "probe" ? 0 : packet.payload.length;
    this.#longest = Math.max(this.#longest, payload + PACKET_OVERHEAD);
    const back = this.#highest - number;
    let isNew = true;
    if (back < 0) {
      if (back < -1) this.#reportsOwed = 2;
      this.#shift(-back);
      this.#highest = number;
      this.#highestAt = now;
    } else {
      isNew = back < ACK_REACH && !this.#has(back);
    }
    if (isNew) this.#set(this.#highest - number);
    this.#sinceAck++;
    const isUrgent = this.#sinceAck >= PACKETS_PER_ACK || this.#reportsOwed === 2;
    const latest = this.#timers.at("ack") ?? Number.POSITIVE_INFINITY;
    this.#timers.set("ack", isUrgent ? now : Math.min(latest, now + ACK_DELAY_MAX_MS));
    return { isNew };
  }

  /** Whether a packet with these low bits of its number may come next: one of the next few. */
  expects(lowNumber: number): boolean {
    const ahead = decodePacketNumber(lowNumber, this.#highest) - this.#highest;
    return ahead > 0 && ahead <= EXPECTED_AHEAD;
  }

  /** Makes an ack due now: a probe came, or a block is complete. Does nothing before the first packet. */
  ackNow(now: Millis): void {
    if (this.#highest >= 0) this.#timers.set("ack", now);
  }

  /** Takes the ack that is due at `now`, or undefined. */
  takeAck(now: Millis): Ack | undefined {
    if (!this.#timers.take("ack", now)) return undefined;
    this.#sinceAck = 0;
    this.#reportsOwed = Math.max(0, this.#reportsOwed - 1);
    if (this.#reportsOwed > 0) this.#timers.set("ack", now + ACK_DELAY_MAX_MS);
    return {
      tag: "ack",
      highest: this.#highest & 0xffff,
      delayMs: now - this.#highestAt,
      bitmap: this.#bitmap.slice(),
      ...(this.#mended === undefined ? {} : { mended: this.#mended }),
    };
  }

  #has(back: number): boolean {
    return ((this.#bitmap[back >> 3] ?? 0) & (1 << (back & 7))) !== 0;
  }

  #set(back: number): void {
    if (back < ACK_REACH) this.#bitmap[back >> 3] = (this.#bitmap[back >> 3] ?? 0) | (1 << (back & 7));
  }

  /** Moves every bit `by` packets back. */
  #shift(by: number): void {
    const bitmap = this.#bitmap;
    const bytes = by >> 3;
    const bits = by & 7;
    for (let i = bitmap.length - 1; i >= 0; i--) {
      const high = bitmap[i - bytes] ?? 0;
      const low = bitmap[i - bytes - 1] ?? 0;
      bitmap[i] = ((high << bits) | (low >>> (8 - bits))) & 0xff;
    }
  }
}
