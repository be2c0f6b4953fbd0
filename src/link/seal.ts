import { assert } from "../base/assert.ts";
import { ByteReader, ByteWriter } from "../base/bytes.ts";
import { LINK_MAC_LENGTH, SEAL_COUNTER_LENGTH, SEAL_LENGTH } from "../wire/constants.ts";
import { type Mac, macMatches } from "./link-key.ts";
import { ReplayWindow } from "./replay-window.ts";

/** The last counter of a session, 2^32 - 1: it never starts again under the same keys. */
const COUNTER_MAX = 0xffff_ffff;

/** Seals the frames of one session, and opens those of the peer (PROTOCOL.md 14.4). One for each session. */
export class FrameSeal {
  readonly #sendMac: Mac;
  readonly #receiveMac: Mac;
  readonly #window: ReplayWindow = new ReplayWindow();
  #next: number;

  /** `firstCounter` is 0, but for tests of the last one. */
  constructor(sendMac: Mac, receiveMac: Mac, firstCounter = 0) {
    this.#sendMac = sendMac;
    this.#receiveMac = receiveMac;
    this.#next = firstCounter;
  }

  /** Every counter is used up: nothing may be sealed any more, and the session has to end. */
  get isExhausted(): boolean {
    return this.#next > COUNTER_MAX;
  }

  /** The seal of a frame's bytes, without CRC: its counter and MAC, 12 bytes. */
  seal(bytes: Uint8Array): Uint8Array {
    assert(!this.isExhausted, "a counter is never used again");
    const w = new ByteWriter(bytes.length + SEAL_LENGTH).bytes(bytes).u32(this.#next++);
    w.bytes(this.#sendMac(w.finish()).subarray(0, LINK_MAC_LENGTH));
    return w.finish().subarray(bytes.length);
  }

  /** A frame without CRC, without its seal: a view. Undefined when that is missing, wrong, or was seen before. */
  open(bytes: Uint8Array): Uint8Array | undefined {
    const macAt = bytes.length - LINK_MAC_LENGTH;
    const counterAt = macAt - SEAL_COUNTER_LENGTH;
    if (counterAt < 1) return undefined;
    const counter = new ByteReader(bytes.subarray(counterAt)).u32();
    if (!this.#window.accepts(counter)) return undefined;
    if (!macMatches(this.#receiveMac(bytes.subarray(0, macAt)), bytes.subarray(macAt))) return undefined;
    this.#window.take(counter);
    return bytes.subarray(0, counterAt);
  }
}
