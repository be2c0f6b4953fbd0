import { BoundedMap } from "../../base/bounded-map.ts";
import { toHex } from "../../base/bytes.ts";
import type { Millis } from "../../base/units.ts";

/** Least hourly allowance of bytes for boards that do not get healed. */
const WASTED_BYTES_MIN = 1_048_576;
/** ... and at least this many times the image. */
const WASTED_IMAGES = 8;
const HOUR_MS = 3_600_000;
/** Boards that may say without proof, in an hour, that they were healed, and have it count. */
const CLAIMS_MAX = 256;
/** What a heal takes on a good line: the image, a quarter more, and the handshake. */
const HEAL_SHARE = 1.25;
const HEAL_BYTES = 4_096;

/**
 * What a rescuer sends over one link without healing anyone (PROTOCOL.md 6.5). The allowance refills over an hour; the
 * session that uses it up may overdraw it, and the next one waits until the debt is gone.
 */
export class ServingBudget {
  #limit = WASTED_BYTES_MIN;
  /** Wasted bytes at `#at`, less what has refilled. */
  #spent = 0;
  #at: Millis = 0;
  /** When each board said last that it was healed, and had it count; oldest first. */
  readonly #claims: BoundedMap<string, Millis> = new BoundedMap(CLAIMS_MAX);

  /** A session ended without a healed board: `bytes` were sent in it, of an image of `size` bytes. */
  charge(now: Millis, bytes: number, size: number): void {
    this.#spent = this.#spentAt(now);
    this.#at = now;
    this.#limit = Math.max(WASTED_BYTES_MIN, WASTED_IMAGES * size);
    this.#spent += bytes;
  }

  /**
   * A board says without proof that it was healed by a session of `bytes`. Believed, and false otherwise: once an hour for each
   * board, and for 256 boards an hour; what the session sent beyond the need of a heal is charged anyway.
   */
  settle(now: Millis, nodeId: Uint8Array, bytes: number, size: number): boolean {
    const isCounted = this.#claim(now, toHex(nodeId));
    const needed = isCounted ? Math.min(bytes, size * HEAL_SHARE + HEAL_BYTES) : 0;
    if (bytes > needed) this.charge(now, bytes - needed, size);
    return isCounted;
  }

  #claim(now: Millis, name: string): boolean {
    const claimedAt = this.#claims.get(name);
    if (claimedAt !== undefined && now - claimedAt < HOUR_MS) return false;
    const [oldest] = this.#claims.values();
    if (this.#claims.size >= CLAIMS_MAX && oldest !== undefined && now - oldest < HOUR_MS) return false;
    this.#claims.set(name, now);
    return true;
  }

  /** Whether another session may begin. */
  isLeft(now: Millis): boolean {
    return this.leftAfter(now) === 0;
  }

  /** How long until another session may begin; 0 when one may now. */
  leftAfter(now: Millis): Millis {
    const excess = this.#spentAt(now) - this.#limit;
    return excess < 0 ? 0 : Math.floor((excess / this.#limit) * HOUR_MS) + 1;
  }

  #spentAt(now: Millis): number {
    return Math.max(0, this.#spent - ((now - this.#at) / HOUR_MS) * this.#limit);
  }
}
