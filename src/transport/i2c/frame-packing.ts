import { assert } from "../../base/assert.ts";
import { decodePrefix, encodePrefix, MAILBOX_FRAME_MAX, PREFIX_LENGTH } from "./mailbox-codec.ts";

/** A prefix is never split, and at least one byte of its frame follows it. */
const ROOM_MIN: number = PREFIX_LENGTH + 1;
/** Frames that wait at most, however small: acks must not grow old in a queue. */
const QUEUE_FRAMES_MAX = 8;
/** Bytes from which two frames or more are enough. */
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

/** Frames on their way into transactions (PROTOCOL.md 10.4). Packing changes nothing: {@link advance} does. */
export class FrameQueue {
  readonly #frames: Uint8Array[] = [];
  /** Bytes of the first frame that arrived. */
  #offset = 0;
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#frames.length === 0;
  }

  /**
   * Whether the writer should wait: enough is here to fill the next transactions of `transaction` bytes, and a resend
   * must not queue behind more.
   */
  isFull(transaction: number): boolean {
    const enough = Math.min(2 * transaction, QUEUE_BYTES_HIGH);
    const count = this.#frames.length;
    return count >= QUEUE_FRAMES_MAX || (count >= 2 && this.#bytes >= enough);
  }

  /** Bytes that {@link pack} would give with all the room there is. */
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
   * The next up to `room` bytes. `isRestartable`: a frame begins at the first byte, or if all of it fits; one such
   * transaction that is lost then takes no frame of the next with it.
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

  /** The other side forgot what it had of the first frame. */
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
 * Puts frames together again from the bytes of transactions. A transaction that comes again replaces what its first
 * coming brought, cut short or not; frames that were complete then are not given twice.
 */
export class FrameAssembler {
  readonly #complete: Uint8Array[] = [];
  #partial: Partial | undefined;
  /** How things stood before the newest transaction. */
  #before: { readonly bytes: Uint8Array; readonly have: number } | undefined;
  /** Frames that the newest transaction has brought. */
  #brought = 0;

  get isInside(): boolean {
    return this.#partial !== undefined;
  }

  /** Forgets the frame that is not complete, and that transactions may come again. */
  reset(): void {
    this.#partial = undefined;
    this.#before = undefined;
    this.#brought = 0;
  }

  /** Forgets the frame that is not complete: bytes of it are missing. Whether there was one. */
  drop(): boolean {
    const hadOne = this.#partial !== undefined;
    this.#partial = undefined;
    return hadOne;
  }

  /** A transaction begins; `isAgain`: the same as the one before. */
  begin(isAgain: boolean): void {
    if (isAgain) {
      // A copy: the frame may have been complete, and its bytes are the receiver's then.
      const before = this.#before;
      this.#partial = before && { bytes: before.bytes.slice(), have: before.have };
    } else {
      this.#before = this.#partial && { ...this.#partial };
      this.#brought = 0;
    }
  }

  /**
   * Takes in the transaction's bytes and returns how many belonged to frames: up to three at the end are filler.
   * Undefined where a frame's length cannot be read: the rest is lost.
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
