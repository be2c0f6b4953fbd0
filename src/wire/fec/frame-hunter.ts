import { SilenceWatch } from "../../base/line-silence.ts";
import type { Millis } from "../../base/units.ts";
import { CONTENT_MAX, MENDABLE_MAX, SYNC_LENGTH, SYNC_MARKER, SYNC_TOLERANCE } from "../constants.ts";
import {
  type CodedLayout,
  codedLength,
  codewordCount,
  frameIn,
  partLength,
  readLayout,
} from "./coded-frame.ts";
import { bitCount } from "./golay.ts";
import { mend } from "./reed-solomon.ts";

/** A frame that came in the second form. */
export interface CodedFrame {
  /** Header to CRC, mended; its CRC is not checked. Nobody writes into it. */
  readonly bytes: Uint8Array;
  /** Bytes that it took on the line. */
  readonly wireBytes: number;
  /** How many of these were wrong, the sync word not counted. */
  readonly mendedBytes: number;
}

export interface HunterHandlers {
  /** Bytes that belong to no frame of the second form, in order. A view; nobody writes into it. */
  onOther(bytes: Uint8Array): void;
  /** A frame whose codewords and padding are right. False: its CRC is wrong; its bytes are looked at again. */
  onFrame(frame: CodedFrame): boolean;
}

const MARKER_BYTES: readonly number[] = [24, 16, 8, 0].map((shift) => (SYNC_MARKER >>> shift) & 0xff);
/** Wrong bits with which a first byte is still held; a delimiter differs in more. */
const FIRST_TOLERANCE = 2;
/** By the value of a byte: 1 where a marker may begin with it. */
const MAY_BE_FIRST: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  bitCount(byte ^ (SYNC_MARKER >>> 24)) <= FIRST_TOLERANCE ? 1 : 0,
);
/** Longest frame on the line: the most content, with the most parity. */
const HELD_MAX: number = codedLength({ mendable: MENDABLE_MAX, contentLength: CONTENT_MAX });

/** The frame that may have begun: what its sync word names, and how far its codewords were mended. */
interface Candidate {
  readonly layout: CodedLayout;
  readonly content: Uint8Array;
  codewords: number;
  contentBytes: number;
  mendedBytes: number;
  /** Held bytes with which the next codeword is whole. */
  need: number;
}

/**
 * Takes the frames of the second form out of a stream of bytes, and passes on all others, for a splitter (PROTOCOL.md 2.5).
 * What begins like a frame is held until it is one or none, at most 2376 bytes; a delimiter is never held at the end of what
 * came unless a whole marker stands before it. The result does not depend on how the stream is cut into pushes.
 *
 * Sans-IO, like PureSplitter: call {@link handleTimeout} at {@link pollTimeout}.
 */
export class FrameHunter {
  readonly #handlers: HunterHandlers;
  readonly #silence: SilenceWatch;
  readonly #held: Uint8Array = new Uint8Array(HELD_MAX);
  #heldBytes = 0;
  #candidate: Candidate | undefined;

  /** `silenceMs`: silence after which nothing is held any longer; 50 ms unless given. */
  constructor(handlers: HunterHandlers, silenceMs?: Millis) {
    this.#handlers = handlers;
    this.#silence = new SilenceWatch(silenceMs);
  }

  /** Bytes held; at most 2376. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Takes bytes that were read at `now`; what they decide is delivered before it returns. */
  push(now: Millis, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#silence.heard(now);
    this.#take(bytes);
  }

  /** Passes on what is held if the line has been silent long enough. Extra calls are harmless. */
  handleTimeout(now: Millis): void {
    if (this.#heldBytes > 0 && this.#silence.look(now) === "silent") this.close();
  }

  /** When {@link handleTimeout} is due; changes with each push and each timeout handled. */
  pollTimeout(): Millis | undefined {
    return this.#heldBytes > 0 ? this.#silence.pollTimeout : undefined;
  }

  /** Passes on what is held: no more bytes come. */
  close(): void {
    while (this.#heldBytes > 0) this.#take(this.#letGo());
  }

  /** Each pass takes a piece, or lets the first held byte go and has the others before the rest of the input. */
  #take(input: Uint8Array): void {
    const waiting = [input];
    for (let bytes = waiting.pop(); bytes !== undefined; bytes = waiting.pop()) {
      const taken = this.#heldBytes === 0 ? this.#skip(bytes) : this.#hold(bytes);
      if (taken < bytes.length) waiting.push(bytes.subarray(taken));
      if (this.#isRefuted()) waiting.push(this.#letGo());
    }
  }

  /** Passes on all before the first place where a marker may begin. */
  #skip(bytes: Uint8Array): number {
    const at = firstPlaceIn(bytes, 0);
    if (at > 0) this.#handlers.onOther(bytes.subarray(0, at));
    return at < bytes.length ? at + this.#hold(bytes.subarray(at)) : at;
  }

  /** Holds as many bytes as the next decision needs; returns how many. */
  #hold(bytes: Uint8Array): number {
    const need = this.#candidate?.need ?? this.#heldBytes + 1;
    const piece = bytes.subarray(0, need - this.#heldBytes);
    this.#held.set(piece, this.#heldBytes);
    this.#heldBytes += piece.length;
    return piece.length;
  }

  /** Decides as far as the held bytes allow: whether they are no frame. A frame that is whole is delivered. */
  #isRefuted(): boolean {
    if (this.#heldBytes === 0) return false;
    if (this.#candidate === undefined) {
      if (!mayBegin(this.#held.subarray(0, this.#heldBytes), 0)) return true;
      if (this.#heldBytes < SYNC_LENGTH) return false;
      this.#candidate = candidateOf(this.#held);
      return this.#candidate === undefined;
    }
    const candidate = this.#candidate;
    if (this.#heldBytes < candidate.need) return false;
    if (!this.#mendNext(candidate)) return true;
    if (candidate.codewords < codewordCount(candidate.layout)) return false;
    return !this.#deliver(candidate);
  }

  /** Mends the codeword that has just come in whole; false when it cannot be. */
  #mendNext(candidate: Candidate): boolean {
    const { layout, content } = candidate;
    const length = partLength(layout, candidate.codewords);
    const parity = 2 * layout.mendable;
    const codeword = this.#held.slice(this.#heldBytes - length - parity, this.#heldBytes);
    const mended = mend(codeword, parity);
    if (mended === undefined) return false;
    content.set(codeword.subarray(0, length), candidate.contentBytes);
    candidate.contentBytes += length;
    candidate.mendedBytes += mended;
    candidate.codewords++;
    if (candidate.codewords < codewordCount(layout))
      candidate.need += partLength(layout, candidate.codewords) + parity;
    return true;
  }

  #deliver({ content, mendedBytes }: Candidate): boolean {
    const bytes = frameIn(content);
    if (bytes === undefined) return false;
    const wireBytes = this.#heldBytes;
    if (!this.#handlers.onFrame({ bytes, wireBytes, mendedBytes })) return false;
    this.#heldBytes = 0;
    this.#candidate = undefined;
    return true;
  }

  /** Passes on the first held byte, and gives back the others to be looked at again. */
  #letGo(): Uint8Array {
    const held = this.#held.slice(0, this.#heldBytes);
    this.#heldBytes = 0;
    this.#candidate = undefined;
    const at = firstPlaceIn(held, 1);
    this.#handlers.onOther(held.subarray(0, at));
    return held.subarray(at);
  }
}

/** The first place from `from` on where a marker may begin, as far as its bytes came; else where the bytes end. */
function firstPlaceIn(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && (MAY_BE_FIRST[bytes[at] as number] === 0 || !mayBegin(bytes, at))) at++;
  return at;
}

/** Whether a marker may begin there, as far as its bytes came. */
function mayBegin(bytes: Uint8Array, at: number): boolean {
  let wrong = 0;
  for (let i = 0; i < MARKER_BYTES.length && at + i < bytes.length; i++) {
    wrong += bitCount((bytes[at + i] as number) ^ (MARKER_BYTES[i] as number));
    if (wrong > (i === 0 ? FIRST_TOLERANCE : SYNC_TOLERANCE)) return false;
  }
  return true;
}

function candidateOf(held: Uint8Array): Candidate | undefined {
  const [, , , , high = 0, middle = 0, low = 0] = held;
  const layout = readLayout((high << 16) | (middle << 8) | low);
  if (layout === undefined) return undefined;
  const content = new Uint8Array(layout.contentLength);
  const need = SYNC_LENGTH + partLength(layout, 0) + 2 * layout.mendable;
  return { layout, content, codewords: 0, contentBytes: 0, mendedBytes: 0, need };
}
