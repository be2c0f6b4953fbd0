import type { Millis } from "../../base/units.ts";
import type { Link } from "../../link/link.ts";
import { ExcusedTime } from "../excused-time.ts";
import { isOnPace, ProgressFloor } from "../progress-floor.ts";
import type { OfferedImage } from "./rescuer-events.ts";

/** What one session may send, in images, and beyond that in bytes. */
const SESSION_IMAGES = 8;
const SESSION_BYTES = 65_536;
/** Silence after which a session is given up (PROTOCOL.md 6.2). */
const SILENCE_MAX_MS = 20_000;
/** The same with a link key, once the target calls: it restarted, or an attacker claims so (PROTOCOL.md 14.5). */
const DOUBTFUL_SILENCE_MS = 5_000;
/** Longest time that one BUSY may ask for (PROTOCOL.md 5.11). */
const BUSY_MAX_MS = 10_000;
/** What all BUSY of a session may ask for: this, a pass over the image in bytes per millisecond, and what blocks earn. */
const BUSY_BUDGET_MS = 1_200_000;
const BUSY_BUDGET_RATE = 65.536;

/**
 * How long a rescuer serves a target, and how much it sends: while the target is heard or said that it is busy, and finishes
 * enough blocks for the time that the session takes (PROTOCOL.md 6.2, 6.5).
 */
export class ServingLimits {
  readonly #link: Link;
  readonly #image: OfferedImage;
  /** The time of the target's BUSY, and of own reads, does not count in the pace, which runs on this clock. */
  readonly time: ExcusedTime;
  readonly #floor: ProgressFloor;
  readonly #startedAt: Millis;
  readonly #sentBefore: number;
  #bytesSettled = 0;
  /** Runs that may count as progress: no tree has more. */
  #runsLeft: number;
  /** When the last BUSY came. */
  #busyAt: Millis = 0;
  #isDoubtful = false;

  constructor(now: Millis, link: Link, image: OfferedImage) {
    this.#link = link;
    this.#image = image;
    this.time = new ExcusedTime(now, BUSY_BUDGET_MS + image.size / BUSY_BUDGET_RATE);
    this.#floor = new ProgressFloor(now, link, image.blockSize);
    this.#startedAt = now;
    this.#sentBefore = link.counters.bytesSent;
    this.#runsLeft = Math.ceil(image.size / image.blockSize);
  }

  /** Bytes of blocks that the target finished. */
  get bytesSettled(): number {
    return this.#bytesSettled;
  }

  /** Bytes that this session made us send. */
  get bytesSent(): number {
    return this.#link.counters.bytesSent - this.#sentBefore;
  }

  /** The target finished blocks of so many bytes. */
  noteSettled(bytes: number): void {
    this.#bytesSettled += bytes;
    this.#floor.add(bytes);
    this.time.earn(bytes);
  }

  /** The target asked for so many runs: each counts like a block, as often as a tree can have one. */
  noteRuns(count: number): void {
    this.#floor.add(this.#image.blockSize * Math.min(this.#runsLeft, count));
    this.#runsLeft = Math.max(0, this.#runsLeft - count);
  }

  /** Whether the target finished enough blocks for the time that the session took. */
  isOnPace(now: Millis): boolean {
    return isOnPace(this.#link, this.#bytesSettled, this.time.withoutWork(now) - this.#startedAt);
  }

  /** Whether the target progresses so slowly, or asks for the same so often, that it only holds this side up. */
  checkProgress(now: Millis): "ok" | "tooSlow" {
    if (this.bytesSent > SESSION_IMAGES * this.#image.size + SESSION_BYTES) return "tooSlow";
    return this.#floor.checkWindow(now, this.time);
  }

  /** When {@link checkProgress} has to be asked again; undefined while it cannot change. */
  get progressEndsAt(): Millis | undefined {
    return this.time.realTime(this.#floor.endsAt);
  }

  /** The target will be deaf for a while. */
  noteBusy(now: Millis, forMs: Millis): void {
    this.#busyAt = now;
    this.time.announce(now, Math.min(forMs, BUSY_MAX_MS));
  }

  /** The target calls, which proves nothing. */
  markDoubtful(): void {
    this.#isDoubtful = true;
  }

  /** When the target has been silent for too long. */
  get silentAt(): Millis {
    const heardAt = this.#link.lastHeardAt;
    // A target that was heard after its BUSY is no longer deaf.
    if (this.#isDoubtful && heardAt > this.#busyAt) return heardAt + DOUBTFUL_SILENCE_MS;
    return Math.max(heardAt, this.time.announcedUntil) + SILENCE_MAX_MS;
  }
}
