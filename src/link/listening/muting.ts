import type { Millis } from "../../base/units.ts";

/** Text and no frame for this long: the board has left its session, and may be counting down. */
const TEXT_MS = 50;
/** Other foreign bytes and no frame for this long, or for ten line times of an ack: text at another rate, perhaps. */
const FOREIGN_MS = 250;
const FOREIGN_ACKS = 10;
/** Nothing at all for this long. */
export const SILENT_MS = 1_000;

interface BeforeFrame {
  readonly isMute: boolean;
  readonly isMarked: boolean;
  readonly heardAt: Millis;
  readonly foreignAt: Millis;
  readonly textAt: Millis | undefined;
  readonly lineAt: Millis | undefined;
}

/**
 * Holds back a rescuer whose board may have started its boot loader, which takes any byte for a key that stops its
 * countdown (PROTOCOL.md 2.4). A rescuer is mute at first, and again each time its board is not heard, until a valid frame
 * comes. Any node is mute when it recognises a boot loader or a shell, or hears text and no frame for a second, until a frame
 * comes, or it may speak unasked again.
 */
export class Muting {
  #isOn = false;
  #isMute = false;
  #isMarked = false;
  #heardAt: Millis = 0;
  #byteAt: Millis = 0;
  #foreignAt: Millis | undefined;
  #textAt: Millis | undefined;
  /** Text that came in a run of its own, the first since the last valid frame. */
  #lineAt: Millis | undefined;
  /** What was so before the last valid frame. */
  #before: BeforeFrame | undefined;
  /** Longest frames sent since the last valid frame came, and in the time before that one: no ack comes while they leave. */
  #frameMs: Millis = 0;
  #frameMsBefore: Millis = 0;

  /** Whether this end speaks only to nodes that it hears. One that begins to is mute. */
  setOn(now: Millis, isOn: boolean): void {
    this.#isOn = isOn;
    this.#isMute = isOn;
    this.#byteAt = now;
  }

  get isMute(): boolean {
    return this.#isMute || this.#isMarked;
  }

  /** A valid frame came. */
  noteFrame(now: Millis): void {
    this.#before = {
      isMute: this.#isMute,
      isMarked: this.#isMarked,
      heardAt: this.#heardAt,
      foreignAt: this.#foreignAt ?? now,
      textAt: this.#textAt,
      lineAt: this.#lineAt,
    };
    this.#isMute = false;
    this.#isMarked = false;
    this.#heardAt = now;
    this.#byteAt = now;
    this.#foreignAt = undefined;
    this.#textAt = undefined;
    this.#lineAt = undefined;
    this.#frameMsBefore = this.#frameMs;
    this.#frameMs = 0;
  }

  /** The last valid frame was our own one, heard back: its bytes belong to no frame of the board. */
  noteEcho(): void {
    if (this.#before === undefined) return;
    this.#isMute = this.#before.isMute;
    this.#isMarked = this.#before.isMarked;
    this.#heardAt = this.#before.heardAt;
    this.#foreignAt = this.#before.foreignAt;
    this.#textAt = this.#before.textAt;
    this.#lineAt = this.#before.lineAt;
    this.#before = undefined;
  }

  /** Bytes came. */
  noteBytes(now: Millis): void {
    this.#byteAt = now;
  }

  /** Some of them belong to no valid frame, or to none yet. */
  noteForeign(now: Millis, isText: boolean): void {
    this.#foreignAt ??= now;
    if (isText) this.#textAt ??= now;
  }

  /** A run was text. */
  noteText(now: Millis): void {
    this.#lineAt ??= now;
  }

  /** A boot loader or a shell was recognised; true if that made it mute. */
  noteMark(): boolean {
    const wasMute = this.isMute;
    this.#isMarked = true;
    return !wasMute;
  }

  /** The mark has lapsed: something is said unasked. */
  clearMark(): void {
    this.#isMarked = false;
    this.#lineAt = undefined;
  }

  /** A frame that takes this long on the line was sent. */
  noteSent(frameMs: Millis): void {
    this.#frameMs = Math.max(this.#frameMs, frameMs);
  }

  /** When it becomes mute if nothing else comes; undefined when it is, or never does. `ackMs`: line time of an ack. */
  beginsAt(ackMs: Millis): Millis | undefined {
    if (!this.#isOn) return this.#isMarked ? undefined : this.#textSilentAt;
    if (this.#isMute) return undefined;
    const frameMs = Math.max(this.#frameMs, this.#frameMsBefore);
    const acksMs = FOREIGN_ACKS * ackMs;
    const silentAt = this.#byteAt + Math.max(SILENT_MS, frameMs + acksMs);
    const foreignAt = (this.#foreignAt ?? Number.POSITIVE_INFINITY) + Math.max(FOREIGN_MS, acksMs);
    const textAt = Math.max(this.#textAt ?? Number.POSITIVE_INFINITY, this.#heardAt) + TEXT_MS;
    return Math.min(silentAt, foreignAt, textAt);
  }

  /** Becomes mute if it is time; true if it just did. */
  check(now: Millis, ackMs: Millis): boolean {
    const at = this.beginsAt(ackMs);
    if (at === undefined || now < at) return false;
    if (this.#isOn) this.#isMute = true;
    else this.#isMarked = true;
    return true;
  }

  /** When a node that is no rescuer has heard text, and no frame for a second. */
  get #textSilentAt(): Millis | undefined {
    return this.#lineAt === undefined ? undefined : Math.max(this.#lineAt, this.#heardAt) + SILENT_MS;
  }
}
