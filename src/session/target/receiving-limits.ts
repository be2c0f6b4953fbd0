import type { Millis } from "../../base/units.ts";
import type { Link } from "../../link/link.ts";
import { ExcusedTime } from "../excused-time.ts";
import { Lease } from "../lease.ts";
import { isOnPace, ProgressFloor } from "../progress-floor.ts";
import type { SessionLoss } from "./target-events.ts";

/** "Later" holds the limits for this long at most without anything that verifies. */
const LATER_MAX_MS = 60_000;
/** ... and for this long in a session, and what its blocks take at 1200 baud. */
const LATER_BUDGET_MS = 600_000;
/** Most wrong blocks and runs in one session: a CRC lets almost none through by chance. */
const WRONG_MAX = 32;

/** How long a target waits for its rescuer: lease, pace, and how much may be wrong (PROTOCOL.md 6.1, 6.5). */
export class ReceivingLimits {
  readonly #link: Link;
  /** Own work, and what the rescuer needs, do not count in lease and pace: both run on this clock. */
  readonly #time: ExcusedTime;
  readonly #lease: Lease;
  readonly #floor: ProgressFloor;
  readonly #startedAt: Millis;
  #lastVerifiedAt: Millis;
  #wrong = 0;

  /** `blockSize`: of the image's blocks, in bytes. */
  constructor(now: Millis, link: Link, blockSize: number) {
    this.#link = link;
    this.#time = new ExcusedTime(now, LATER_BUDGET_MS);
    this.#lease = new Lease(now, link, blockSize);
    this.#floor = new ProgressFloor(now, link, blockSize);
    this.#startedAt = now;
    this.#lastVerifiedAt = now;
  }

  /** Whether so many bytes of blocks are enough for the time that the session took: hashes can be had again and again. */
  isOnPace(now: Millis, blockBytes: number): boolean {
    return isOnPace(this.#link, blockBytes, this.#time.withoutWork(now) - this.#startedAt);
  }

  /** While own work runs, or the session has nothing to bring, the limits stand still. */
  setWorking(now: Millis, isWorking: boolean): void {
    this.#time.setWorking(now, isWorking);
  }

  /** When the limits stood still last. */
  lastStoodAt(now: Millis): Millis {
    return this.#time.lastStoodAt(now);
  }

  /** The rescuer serves later: believed for a minute without anything that verifies (PROTOCOL.md 6.5). */
  handleLater(now: Millis, forMs: Millis): void {
    this.#time.announce(now, Math.min(forMs, this.#lastVerifiedAt + LATER_MAX_MS - now));
  }

  /** A block, or a run, which counts like one, was right. */
  noteVerified(now: Millis, bytes: number): void {
    this.#floor.add(bytes);
    this.#time.earn(bytes);
    this.#lastVerifiedAt = now;
    this.#lease.renew(this.#time.counted(now));
  }

  noteWrong(): void {
    this.#wrong++;
  }

  /** Why the session is over, if it is. */
  check(now: Millis): SessionLoss | undefined {
    if (this.#wrong >= WRONG_MAX) return "damaged";
    // Who said *later* until it was no longer believed is slow, and not just gone.
    if (this.#time.hasReached(now, this.#lease.endsAt)) return this.#time.isSpent ? "slow" : "lease";
    return this.#floor.checkWindow(now, this.#time) === "tooSlow" ? "slow" : undefined;
  }

  /** When the lease ends; undefined while the limits stand still. */
  get leaseEndsAt(): Millis | undefined {
    return this.#time.realTime(this.#lease.endsAt);
  }

  /** When the window ends in which enough has to have come; undefined while the limits stand still. */
  get windowEndsAt(): Millis | undefined {
    return this.#time.realTime(this.#floor.endsAt);
  }
}
