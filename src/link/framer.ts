import { assert } from "../base/assert.ts";
import { SEAL_LENGTH } from "../wire/constants.ts";
import { CODED_FRAME_MAX, encodeCodedFrame, holdsMarker } from "../wire/fec/coded-frame.ts";
import {
  carriedCall,
  crcMatches,
  decodeFrame,
  encodeMessage,
  encodePacket,
  isSessionFrame,
  type Protect,
} from "../wire/frame.ts";
import type { LineCode } from "../wire/line-code.ts";
import { isRescuerControl, isTargetControl } from "../wire/message-codec.ts";
import { type Frame, isBeacon, type Message, type Packet } from "../wire/messages.ts";
import type { FrameSeal } from "./seal.ts";

/** Past sessions whose late frames are told from noise. */
const PAST_SESSIONS_MAX = 4;
/** Seeds the CRC of a control message that is sent without a session: nobody takes it. */
const NO_SESSION_TAG = 1;

/** What a run turned out to be. */
export type Received =
  /** `bytes`: the frame as it was decoded, header to CRC; of a call that a query carried, the frame of the call. `isOfSession`: of the present session, not an announcement. */
  | {
      readonly tag: "frame";
      readonly frame: Frame;
      readonly bytes: Uint8Array;
      readonly isOfSession: boolean;
    }
  /** A frame whose CRC is right, and that means nothing here. */
  | { readonly tag: "malformed" }
  /** The same, because its type is of a later version. `isOfSession`: see `frame`. */
  | { readonly tag: "unknown"; readonly isOfSession: boolean }
  /** A frame of the present session without its right seal, or heard before. */
  | { readonly tag: "unauthentic" }
  /** A frame of a session that is over. */
  | { readonly tag: "stale" }
  /** An announcement of another version of the protocol. */
  | { readonly tag: "foreignVersion"; readonly version: number }
  /** No frame. `body`: the run without its delimiter; empty for a delimiter alone. */
  | { readonly tag: "noFrame"; readonly body: Uint8Array };

/**
 * Turns bytes of a line into frames and back: line code, CRC under the tag of the session, and the session's seal. Knows
 * the tags of past sessions.
 */
export class Framer {
  readonly #code: LineCode;
  /** The peer hunts for the second form, and might find it in a frame in COBS. */
  isPeerHunting = false;
  #isCoded = false;
  #tag: number | undefined;
  #seal: FrameSeal | undefined;
  /** The youngest first. */
  readonly #pastTags: number[] = [];

  constructor(code: LineCode) {
    this.#code = code;
  }

  /** Begins a session and ends the one before. `seal`: new, of the link key; each received frame then needs its seal. */
  startSession(tag: number, seal: FrameSeal | undefined): void {
    this.endSession();
    this.#tag = tag;
    this.#seal = seal;
  }

  /** Ends the session: its late frames are stale. Does nothing without one. */
  endSession(): void {
    if (this.#tag !== undefined) {
      this.#pastTags.unshift(this.#tag);
      this.#pastTags.length = Math.min(this.#pastTags.length, PAST_SESSIONS_MAX);
    }
    this.#tag = undefined;
    this.#seal = undefined;
  }

  get isInSession(): boolean {
    return this.#tag !== undefined;
  }

  /** The tag of the session. */
  get tag(): number | undefined {
    return this.#tag;
  }

  /** The session's seal has no counter left: no frame can be sent in it any more. */
  get isExhausted(): boolean {
    return this.#seal?.isExhausted ?? false;
  }

  /** Bytes that a short frame of this session costs beyond header, payload and CRC: line code and seal. */
  get overhead(): number {
    return this.#code.overhead + this.sealLength;
  }

  /** What a seal adds to each frame of this session, in bytes. */
  get sealLength(): number {
    return this.#seal === undefined ? 0 : SEAL_LENGTH;
  }

  /** Takes in a run, its closing delimiter with it or not. Views into it are kept. Never throws. */
  decode(run: Uint8Array): Received {
    const { delimiter } = this.#code;
    const body = delimiter !== undefined && run.at(-1) === delimiter ? run.subarray(0, -1) : run;
    const bytes = body.length === 0 ? undefined : this.#code.decode(body);
    return bytes === undefined ? { tag: "noFrame", body } : this.#decode(bytes, body);
  }

  /** Takes in the bytes of one frame, without a line code. Views into it are kept. Never throws. */
  decodeWhole(bytes: Uint8Array): Received {
    return this.#decode(bytes, bytes);
  }

  #decode(bytes: Uint8Array, body: Uint8Array): Received {
    const seal = this.#seal;
    const frame = decodeFrame(bytes, this.#tag, seal && ((covered) => seal.open(covered)));
    if (frame.tag !== "fault") {
      const whole = isBeacon(frame) ? (carriedCall(bytes) ?? bytes) : bytes;
      return { tag: "frame", frame, bytes: whole, isOfSession: isSessionFrame(bytes) };
    }
    switch (frame.fault) {
      case "foreignVersion":
        return { tag: "foreignVersion", version: frame.version };
      case "unknown":
        return { tag: "unknown", isOfSession: isSessionFrame(bytes) };
      case "malformed":
      case "unauthentic":
        return { tag: frame.fault };
      default:
        return this.#isStale(bytes) ? { tag: "stale" } : { tag: "noFrame", body };
    }
  }

  #isStale(bytes: Uint8Array): boolean {
    return isSessionFrame(bytes) && this.#pastTags.some((tag) => crcMatches(bytes, tag));
  }

  /**
   * A message as bytes for the line. `prove` adds the proof of a link key to an announcement; control messages bear the
   * session's seal. `isBackToBack`: see {@link LineCode.encode}. `mendable`: for the second form, wrong bytes that each
   * codeword may have; 0: the line code.
   */
  encodeMessage(
    message: Message,
    prove: Protect | undefined,
    isBackToBack: boolean,
    mendable = 0,
  ): Uint8Array {
    const isControl = isTargetControl(message) || isRescuerControl(message);
    const frame = encodeMessage(message, this.#tag ?? NO_SESSION_TAG, isControl ? this.#protect : prove);
    return this.#write(frame, isBackToBack, mendable);
  }

  /** A packet of the present session as bytes for the line; see {@link encodeMessage}. There has to be a session. */
  encodePacket(packet: Packet, isBackToBack: boolean, mendable = 0): Uint8Array {
    assert(this.#tag !== undefined, "packets belong to a session");
    return this.#write(encodePacket(packet, this.#tag, this.#protect), isBackToBack, mendable);
  }

  /** The last frame that was encoded is in the second form. */
  get isCoded(): boolean {
    return this.#isCoded;
  }

  #write(frame: Uint8Array, isBackToBack: boolean, mendable: number): Uint8Array {
    const fits = frame.length <= CODED_FRAME_MAX;
    // Only the delimiters of COBS serve two frames.
    const delimited =
      mendable > 0 && fits ? undefined : this.#code.encode(frame, isBackToBack && !this.#isCoded);
    const isMistakable = delimited !== undefined && fits && this.isPeerHunting && holdsMarker(delimited);
    this.#isCoded = delimited === undefined || isMistakable;
    return delimited === undefined || isMistakable
      ? encodeCodedFrame(frame, Math.max(1, mendable))
      : delimited;
  }

  get #protect(): Protect | undefined {
    const seal = this.#seal;
    return seal && ((bytes) => seal.seal(bytes));
  }
}
