import type { Millis } from "../../base/units.ts";

/** Nothing is said unasked for this long after foreign text: a boot log precedes each countdown. */
const QUIET_MS = 10_000;
/** After so much text without such a pause, ... */
const ENDLESS_AFTER_MS = 60_000;
/** ... one thing may be said this often. */
const ENDLESS_INTERVAL_MS = 15_000;
/** Who is not in distress listens for this long when a link comes up: a countdown writes once a second. */
export const LISTEN_MS = 1_500;
/** How long a boot loader or a shell is taken to read the line, after its last own mark. */
const MARK_MS = 60_000;

interface Text {
  /** When it began and when the last of it came; a pause of ten seconds ends it. */
  readonly from: Millis;
  readonly at: Millis;
  /** When a boot loader or a shell was recognised last. */
  readonly markAt: Millis | undefined;
}

/**
 * When a node may say something that nobody asked for on a line that it shares with text (PROTOCOL.md 2.4). Noise is no
 * text. An answer and its repeats are not unasked.
 */
export class Unasked {
  #text: Text | undefined;
  /** What was known before the run that still arrives: it may be a frame. */
  #before: { readonly text: Text | undefined } | undefined;
  #saidAt: Millis = Number.NEGATIVE_INFINITY;
  /** From when on a node that is not in distress has listened for long enough. */
  listenedAt: Millis = Number.NEGATIVE_INFINITY;
  /** When the last valid frame came since the link came up. */
  #frameAt: Millis | undefined;
  /** What was so before the last valid frame. */
  #beforeFrame: { readonly text: Text | undefined; readonly frameAt: Millis | undefined } | undefined;

  /** The link came up: who is at the other end is not known. */
  handleLinkUp(now: Millis): void {
    this.#frameAt = undefined;
    this.listenedAt = now + LISTEN_MS;
  }

  /** Whether a node is at the other end: a valid frame came, and no boot loader or shell was recognised after it. */
  get isNodeThere(): boolean {
    return this.#frameAt !== undefined && this.#text?.markAt === undefined;
  }

  /** The same, and it was heard a moment ago: it has not been reset since. */
  wasNodeHeard(now: Millis): boolean {
    return this.isNodeThere && now - (this.#frameAt ?? Number.NEGATIVE_INFINITY) < QUIET_MS;
  }

  /** Text came. `isCertain`: the run ended, and is no frame. `hasMark`: of a boot loader or a shell. */
  noteText(now: Millis, isCertain: boolean, hasMark: boolean): void {
    if (!isCertain) this.#before ??= { text: this.#text };
    const old = this.#text;
    const isSame = old !== undefined && now - old.at < QUIET_MS;
    this.#text = { from: isSame ? old.from : now, at: now, markAt: hasMark ? now : old?.markAt };
    if (isCertain) this.#before = undefined;
  }

  /** A run ended that is no text. */
  noteRunEnd(): void {
    if (this.#before !== undefined) this.#text = this.#before.text;
    this.#before = undefined;
  }

  /** A valid frame came: what looked like text in it is none, and a node reads the line. */
  noteFrame(now: Millis): void {
    this.noteRunEnd();
    this.#beforeFrame = { text: this.#text, frameAt: this.#frameAt };
    this.#frameAt = now;
    if (this.#text !== undefined) this.#text = { ...this.#text, markAt: undefined };
  }

  /** The last valid frame was our own one, heard back. */
  noteEcho(): void {
    if (this.#beforeFrame === undefined) return;
    this.#text = this.#beforeFrame.text;
    this.#frameAt = this.#beforeFrame.frameAt;
    this.#beforeFrame = undefined;
  }

  /** Something was said unasked. */
  noteSaid(now: Millis): void {
    this.#saidAt = now;
  }

  /** From when on something may be said unasked, if no more text comes; in the past when it may now. */
  get freeAt(): Millis {
    if (this.#text === undefined) return Number.NEGATIVE_INFINITY;
    const { from, at, markAt } = this.#text;
    const endlessAt = Math.max(from + ENDLESS_AFTER_MS, this.#saidAt + ENDLESS_INTERVAL_MS);
    const quietAt = Math.min(at + QUIET_MS, endlessAt);
    return markAt === undefined ? quietAt : Math.max(quietAt, markAt + MARK_MS);
  }
}
