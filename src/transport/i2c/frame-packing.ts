import { assert } from "../../base/assert.ts";
import { decodePrefix, encodePrefix, MAILBOX_FRAME_MAX, PREFIX_LENGTH } from "./mailbox-codec.ts";

/** A prefix is never split, and at least one byte of its frame follows it. */
const ROOM_MIN: number = PREFIX_LENGTH + 1;
/** Most frames that wait, however small: acks must not become stale in a queue. */
const QUEUE_FRAMES_MAX = 8;
/** The queue counts as full with two frames or more of this many bytes together. */
const QUEUE_BYTES_HIGH = 2048;

/** Where packing stopped: whole frames, and bytes of the one after them. */
export interface PackedTo {
  readonly frames: number;
  readonly offset: number;
}

/** What one transaction carries of the queue. */
export interface Packed {
  readonly bytes: Uint8Array;
  readonly to: PackedTo;
  /** The bytes begin inside a frame. */
  readonly isInside: boolean;
}

/** Frames that wait to be packed into transactions (PROTOCOL.md 10.4). Packing removes nothing: {@link advance} does. */
export class FrameQueue {
  readonly #frames: Uint8Array[] = [];
  /** Bytes of the first frame that arrived. */
  #offset = 0;
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#frames.length === 0;
  }

  /**
   * Whether the writer should wait: enough is queued to fill the next transactions of `transaction` bytes, and a resend
   * must not queue behind more.
   */
  isFull(transaction: number): boolean {
    const enough = Math.min(2 * transaction, QUEUE_BYTES_HIGH);
    const count = this.#frames.length;
    return count >= QUEUE_FRAMES_MAX || (count >= 2 && this.#bytes >= enough);
  }

  /** Bytes that {@link pack} would return if it had unlimited room. */
  get waiting(): number {
    if (this.#frames.length === 0) return 0;
    const prefixes = this.#offset === 0 ? this.#frames.length : this.#frames.length - 1;
    return this.#bytes - this.#offset + PREFIX_LENGTH * prefixes;
  }

  /** Queues a frame of 1 to {@link MAILBOX_FRAME_MAX} bytes; its bytes must not change any more. */
  push(frame: Uint8Array): void {
    assert(frame.length >= 1 && frame.length <= MAILBOX_FRAME_MAX, `a frame of ${frame.length} bytes`);
    this.#frames.push(frame);
    this.#bytes += frame.length;
  }

  /**
   * The next bytes, at most `room`. `isRestartable`: a frame that would not begin at the first byte is packed only if all
   * of it fits. A transaction that is lost then damages no frame of the next one.
   */
  pack(room: number, isRestartable = false): Packed {
    const out = new Uint8Array(Math.min(room, this.waiting));
    let at = 0;
    let index = 0;
    let offset = this.#offset;
    for (; index < this.#frames.length; index++, offset = 0) {
      const frame = this.#frames[index] as Uint8Array;
      if (offset === 0) {
        const least = isRestartable && at > 0 ? PREFIX_LENGTH + frame.length : ROOM_MIN;
        if (room - at < least) break;
        out.set(encodePrefix(frame.length), at);
        at += PREFIX_LENGTH;
      }
      const piece = frame.subarray(offset, offset + room - at);
      out.set(piece, at);
      at += piece.length;
      offset += piece.length;
      if (offset < frame.length) break;
    }
    return { bytes: out.subarray(0, at), to: { frames: index, offset }, isInside: this.#offset > 0 };
  }

  /** What was packed has arrived. */
  advance(to: PackedTo): void {
    for (const frame of this.#frames.splice(0, to.frames)) this.#bytes -= frame.length;
    this.#offset = to.offset;
  }

  /** The other side has dropped its part of the first frame. */
  rewind(): void {
    this.#offset = 0;
  }

  clear(): void {
    this.#frames.length = 0;
    this.#bytes = 0;
    this.#offset = 0;
  }
}

interface Partial {
  readonly bytes: Uint8Array;
  have: number;
}

/**
 * Assembles frames from the bytes of transactions. A repeated transaction replaces what its first copy brought, even if
 * that was cut short; frames that were complete then are not delivered twice.
 */
export class FrameAssembler {
  readonly #complete: Uint8Array[] = [];
  #partial: Partial | undefined;
  /** The incomplete frame before the newest transaction. */
  #before: { readonly bytes: Uint8Array; readonly have: number } | undefined;
  /** Frames completed by the newest transaction. */
  #brought = 0;

  get isInside(): boolean {
    return this.#partial !== undefined;
  }

  /** Drops the incomplete frame; the next transaction is not a repetition. */
  reset(): void {
    this.#partial = undefined;
    this.#before = undefined;
    this.#brought = 0;
  }

  /** Drops the incomplete frame, since bytes of it are missing; returns whether there was one. */
  drop(): boolean {
    const hadOne = this.#partial !== undefined;
    this.#partial = undefined;
    return hadOne;
  }

  /** A transaction begins; `isAgain`: a repetition of the one before. */
  begin(isAgain: boolean): void {
    if (isAgain) {
      // A copy: the frame may have been complete, and then its bytes belong to the receiver.
      const before = this.#before;
      this.#partial = before && { bytes: before.bytes.slice(), have: before.have };
    } else {
      this.#before = this.#partial && { ...this.#partial };
      this.#brought = 0;
    }
  }

  /**
   * Takes in the transaction's bytes and returns how many belonged to frames: up to three at the end are filler.
   * Undefined when a frame's length is damaged: the rest is lost.
   */
  take(bytes: Uint8Array): number | undefined {
    let at = 0;
    let frames = 0;
    for (;;) {
      if (this.#partial === undefined) {
        if (bytes.length - at < ROOM_MIN) return at;
        const length = decodePrefix(bytes.subarray(at, at + PREFIX_LENGTH));
        if (length === undefined) return undefined;
        this.#partial = { bytes: new Uint8Array(length), have: 0 };
        at += PREFIX_LENGTH;
      }
      const partial = this.#partial;
      const piece = bytes.subarray(at, at + partial.bytes.length - partial.have);
      partial.bytes.set(piece, partial.have);
      partial.have += piece.length;
      at += piece.length;
      if (partial.have < partial.bytes.length) return at;
      this.#partial = undefined;
      frames++;
      if (frames <= this.#brought) continue;
      this.#brought = frames;
      this.#complete.push(partial.bytes);
    }
  }

  /** The next complete frame. */
  pollFrame(): Uint8Array | undefined {
    return this.#complete.shift();
  }
}
