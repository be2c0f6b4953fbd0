import type { Millis } from "../base/units.ts";
import type { Link } from "../link/link.ts";

const LEASE_MIN_MS = 5_000;
const LEASE_LINE_TIMES = 8;
/**
 * How long a target waits for the next thing that verifies before it takes another offer: 5 s, or on slow lines eight
 * times what a block takes (PROTOCOL.md 6).
 */
export class Lease {
  readonly #link: Link;
  readonly #bytes: number;
  #renewedAt: Millis;

  /** `bytes`: what is waited for: a manifest, or a block. */
  constructor(now: Millis, link: Link, bytes: number) {
    this.#link = link;
    this.#bytes = bytes;
    this.#renewedAt = now;
  }

  renew(now: Millis): void {
    this.#renewedAt = now;
  }

  /** On the clock of {@link renew}. */
  get endsAt(): Millis {
    const lineTimes = LEASE_LINE_TIMES * (this.#link.lineTime(this.#bytes) + this.#link.rtt.timeout);
    return this.#renewedAt + Math.max(LEASE_MIN_MS, lineTimes);
  }
}
