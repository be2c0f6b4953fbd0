import type { Millis } from "../../base/units.ts";
import type { Link } from "../../link/link.ts";
import { isDue } from "../deadlines.ts";

/** Stated in each busy (PROTOCOL.md 5.11). */
const BUSY_MS = 10_000;
/** Busy is said again after this time, so that one that is lost does no harm. */
const BUSY_RENEWED_MS = 5_000;
/** Work that runs for this long without having been expected to is announced. */
const BUSY_AFTER_MS = 1_000;
/** A write is expected to take long when the last one took this many line times of a block, within limits. */
const LONG_LINE_TIMES = 32;
const LONG_MIN_MS = 100;

/** The work of a target that its effects stand for: whether any runs, and saying busy while it runs for long. */
export class OwnWork {
  readonly #link: Link;
  /** Effects that run. */
  #running = 0;
  #startedAt: Millis = 0;
  #isLong = false;
  /** When busy was said last of what runs now, and nothing that ends it since. */
  #saidAt: Millis | undefined;
  #lastEndAt: Millis = Number.NEGATIVE_INFINITY;
  #announcedUntil: Millis = Number.NEGATIVE_INFINITY;
  /** The last write took long: so will the next one. */
  #isWritingSlow = false;

  constructor(link: Link) {
    this.#link = link;
  }

  get isRunning(): boolean {
    return this.#running > 0;
  }

  /** The rescuer was told, and waits. */
  get isAnnounced(): boolean {
    return this.isRunning && this.#saidAt !== undefined;
  }

  /** When work that was announced ended last. */
  get announcedUntil(): Millis {
    return this.#announcedUntil;
  }

  /** An effect begins. `isLong`: it is announced at once. */
  begin(now: Millis, isLong = false): void {
    if (this.#running === 0) {
      this.#startedAt = now;
      this.#saidAt = undefined;
      this.#isLong = false;
    }
    this.#running++;
    this.#isLong ||= isLong || this.#isWritingSlow;
    this.sendDue(now);
  }

  end(now: Millis): void {
    if (this.isAnnounced) this.#announcedUntil = now;
    this.#running = Math.max(0, this.#running - 1);
    this.#lastEndAt = now;
  }

  /** The same for the writing of a block of so many bytes, whose time tells how long the next one will take. */
  endWrite(now: Millis, blockSize: number): void {
    const long = Math.max(LONG_MIN_MS, LONG_LINE_TIMES * this.#link.lineTime(blockSize));
    this.#isWritingSlow = now - Math.max(this.#startedAt, this.#lastEndAt) > Math.min(BUSY_AFTER_MS, long);
    this.end(now);
  }

  /** A question was sent, which says that this side hears: what runs on is announced again behind it. */
  handleAsked(now: Millis): void {
    if (this.#saidAt === undefined) return;
    this.#saidAt = undefined;
    this.sendDue(now);
  }

  /** When to say busy. */
  get busyAt(): Millis | undefined {
    if (!this.isRunning) return undefined;
    if (this.#saidAt !== undefined) return this.#saidAt + BUSY_RENEWED_MS;
    return this.#isLong ? this.#startedAt : this.#startedAt + BUSY_AFTER_MS;
  }

  /** Says busy if that is due. */
  sendDue(now: Millis): void {
    if (!isDue(this.busyAt, now)) return;
    this.#saidAt = now;
    this.#link.send({ tag: "busy", forMs: BUSY_MS });
  }
}
