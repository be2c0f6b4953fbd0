import { concatBytes } from "../base/bytes.ts";
import { type Random, randomBytes } from "../base/prng.ts";
import { NONCE_LENGTH } from "../wire/constants.ts";
import { sessionTag } from "../wire/crc.ts";

/** The two nodes of a session and its image: everything that the session tag binds (PROTOCOL.md 3.4). */
export interface SessionIdentity {
  readonly targetId: Uint8Array;
  readonly targetNonce: Uint8Array;
  readonly rescuerId: Uint8Array;
  readonly rescuerNonce: Uint8Array;
  /** Short digest of the image offered. */
  readonly digest: Uint8Array;
  /** Digest of the call that the offer answers; with a link key only, and no part of the tag (PROTOCOL.md 14.2). */
  readonly callDigest?: Uint8Array | undefined;
  /** Fresh bytes of the target's accept; with a link key only, and no part of the tag (PROTOCOL.md 14.2). */
  readonly acceptNonce?: Uint8Array | undefined;
}

/** The tag that seeds the CRC of the session's frames. */
export function tagOf(identity: SessionIdentity): number {
  return sessionTag(
    concatBytes(
      identity.targetNonce,
      identity.rescuerNonce,
      identity.targetId,
      identity.rescuerId,
      identity.digest,
    ),
  );
}

/** A new random nonce for a session. */
export function freshNonce(random: Random): Uint8Array {
  return randomBytes(random, NONCE_LENGTH);
}
