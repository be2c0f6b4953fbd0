import type { Millis } from "../../base/units.ts";

/** An empty mailbox is read again after this share of the time since bytes last moved (PROTOCOL.md 10.5). */
const POLL_SHARE = 1 / 16;
const POLL_MIN_MS: Millis = 0.5;
/** Longest pause between reads: the patrol of an idle link. */
const POLL_MAX_MS: Millis = 1_000;
/** Shortest pause between reads while no peripheral answers. */
const SEEK_MIN_MS: Millis = 20;

/** When a controller next reads a mailbox that was empty: soon during a session, once a second when the link is idle. */
export class PollTimer {
  #activeAt: Millis;
  #at: Millis;

  constructor(now: Millis) {
    this.#activeAt = now;
    this.#at = now;
  }

  get at(): Millis {
    return this.#at;
  }

  /** A frame, or a part of one, was moved. */
  active(now: Millis): void {
    this.#activeAt = now;
    this.#at = now + POLL_MIN_MS;
  }

  /** The mailbox was empty. */
  looked(now: Millis): void {
    this.#at = now + this.#pause(now, POLL_MIN_MS);
  }

  /** No peripheral answered. */
  missed(now: Millis): void {
    this.#at = now + this.#pause(now, SEEK_MIN_MS);
  }

  #pause(now: Millis, least: Millis): Millis {
    return Math.min(POLL_MAX_MS, Math.max(least, (now - this.#activeAt) * POLL_SHARE));
  }
}
