import { BoundedMap } from "../../base/bounded-map.ts";
import { equalBytes, toHex } from "../../base/bytes.ts";
import type { Millis } from "../../base/units.ts";

/** A refused image is not offered to the same start of a target again for this long. */
const REFUSED_FOR_MS = 60_000;
/** A deferred one neither, for what the target said, but at most this long: without a link key anybody can say it. */
const DEFERRED_MAX_MS = 60_000;
/** Most refusals that are remembered; the oldest is dropped first. */
const REFUSED_MAX = 64;

interface Refusal {
  readonly nonce: Uint8Array;
  readonly digest: Uint8Array;
  readonly until: Millis;
}

/** Which images were refused or deferred by which start of a target, for a while (PROTOCOL.md 6.2). */
export class RefusedImages {
  readonly #refusals: BoundedMap<string, Refusal> = new BoundedMap(REFUSED_MAX);

  /** The target that started with this boot nonce refused the image with this short digest. */
  add(now: Millis, nonce: Uint8Array, digest: Uint8Array, forMs: Millis = REFUSED_FOR_MS): void {
    const refusal = { nonce: nonce.slice(), digest: digest.slice(), until: now + forMs };
    this.#refusals.set(`${toHex(nonce)} ${toHex(digest)}`, refusal);
  }

  /** It deferred the image for so many seconds. */
  addDeferred(now: Millis, nonce: Uint8Array, digest: Uint8Array, seconds: number): void {
    this.add(now, nonce, digest, Math.min(DEFERRED_MAX_MS, seconds * 1000));
  }

  /** Short digests that this start of a target refused or deferred lately. */
  by(now: Millis, nonce: Uint8Array): Uint8Array[] {
    const refusals = [...this.#refusals.values()];
    const standing = refusals.filter(({ nonce: of, until }) => now < until && equalBytes(of, nonce));
    return standing.map(({ digest }) => digest);
  }
}
