import { concatBytes, EMPTY } from "../base/bytes.ts";
import type { Millis } from "../base/units.ts";
import { type LinkKey, type Mac, macMatches } from "../link/link-key.ts";
import { FrameSeal } from "../link/seal.ts";
import { LINK_MAC_LENGTH, LinkKeyUse, PAYLOAD_MAX, SEALED_PAYLOAD_MAX } from "../wire/constants.ts";
import type { Protect } from "../wire/frame.ts";
import { type LinkProof, linkProofHead } from "../wire/link-proof.ts";
import { callNameOf } from "./call-digest.ts";
import type { SessionIdentity } from "./identity.ts";

/** What a proof shows about its sender's link key. `unasked`: the sender has one, and we have none. */
export type ProofVerdict = "good" | "missing" | "wrong" | "unasked";

/** First bytes of the info that keys are derived with (PROTOCOL.md 14.2). */
const LABEL: Uint8Array = Uint8Array.from("mayday link key 1", (c) => c.charCodeAt(0));
/** Offers without a valid proof are reported at most this often. */
const TELL_INTERVAL_MS = 5_000;

const USES = {
  target: {
    ownHandshake: LinkKeyUse.targetHandshake,
    peerHandshake: LinkKeyUse.rescuerHandshake,
    ownSession: LinkKeyUse.targetSession,
    peerSession: LinkKeyUse.rescuerSession,
  },
  rescuer: {
    ownHandshake: LinkKeyUse.rescuerHandshake,
    peerHandshake: LinkKeyUse.targetHandshake,
    ownSession: LinkKeyUse.rescuerSession,
    peerSession: LinkKeyUse.targetSession,
  },
} as const;

/**
 * What a role does with the link key: it proves its own handshake messages, checks those of the peer, and makes the seal
 * of a session (PROTOCOL.md 14). Without a key it proves nothing and accepts everything.
 */
export class LinkGuard {
  readonly #key: LinkKey | undefined;
  readonly #uses: (typeof USES)["target" | "rescuer"];
  #tellAt: Millis = Number.NEGATIVE_INFINITY;

  constructor(key: LinkKey | undefined, side: "target" | "rescuer") {
    this.#key = key;
    this.#uses = USES[side];
  }

  get isKeyed(): boolean {
    return this.#key !== undefined;
  }

  /** Largest payload of a frame, in bytes. */
  get payloadMax(): number {
    return this.isKeyed ? SEALED_PAYLOAD_MAX : PAYLOAD_MAX;
  }

  /** Adds the proof to a handshake message of ours that is neither offer nor accept. */
  prove(about: SessionIdentity): Protect | undefined {
    return this.#prove(about, EMPTY);
  }

  /** Adds the proof to an offer. */
  proveOffer(about: SessionIdentity): Protect | undefined {
    return this.#prove(about, callNameOf(about.callDigest ?? EMPTY));
  }

  /** Adds the proof to an accept. */
  proveAccept(about: SessionIdentity): Protect | undefined {
    return this.#prove(about, about.acceptNonce ?? EMPTY);
  }

  #prove(about: SessionIdentity, extra: Uint8Array): Protect | undefined {
    if (this.#key === undefined) return undefined;
    return protectBy(deriveMac(this.#key, about, EMPTY, this.#uses.ownHandshake), extra);
  }

  /** Checks the proof in a handshake message of the peer. */
  judge(about: SessionIdentity, proof: LinkProof | undefined): ProofVerdict {
    if (this.#key === undefined) return proof === undefined ? "good" : "unasked";
    if (proof === undefined) return "missing";
    const mac = deriveMac(this.#key, about, EMPTY, this.#uses.peerHandshake);
    return macMatches(mac(proof.covered), proof.mac) ? "good" : "wrong";
  }

  /** The seal of the session whose accept carried `nonce`; undefined without a key. */
  seal(about: SessionIdentity, nonce: Uint8Array | undefined): FrameSeal | undefined {
    if (this.#key === undefined || nonce === undefined) return undefined;
    const { ownSession, peerSession } = this.#uses;
    const own = deriveMac(this.#key, about, nonce, ownSession);
    return new FrameSeal(own, deriveMac(this.#key, about, nonce, peerSession));
  }

  /** Takes the permission to report a mismatch; false if one was reported lately, as anyone on the wire can cause them. */
  takeReport(now: Millis): boolean {
    if (now < this.#tellAt) return false;
    this.#tellAt = now + TELL_INTERVAL_MS;
    return true;
  }
}

/** Adds a proof under this MAC to a message. */
export function protectBy(mac: Mac, extra: Uint8Array): Protect {
  const head = linkProofHead(extra);
  return (bytes) => concatBytes(head, mac(concatBytes(bytes, head)).subarray(0, LINK_MAC_LENGTH));
}

/** The MAC under a key of PROTOCOL.md 14.2. */
export function deriveMac(
  key: LinkKey,
  about: SessionIdentity,
  acceptNonce: Uint8Array,
  use: LinkKeyUse,
): Mac {
  const salt = concatBytes(about.targetNonce, about.rescuerNonce, acceptNonce);
  const { targetId, rescuerId, digest, callDigest = EMPTY } = about;
  return key.deriveMac(salt, concatBytes(LABEL, targetId, rescuerId, digest, callDigest, Uint8Array.of(use)));
}

/** How the link keys of both sides do not fit, seen from this side. */
export type KeyMismatch = "peer-lacks-key" | "keys-differ" | "we-lack-key";

/** What an offer whose proof is not good shows a target. */
export function targetMismatch(verdict: Exclude<ProofVerdict, "good">): KeyMismatch {
  switch (verdict) {
    case "missing":
      return "peer-lacks-key";
    case "wrong":
      return "keys-differ";
    case "unasked":
      return "we-lack-key";
  }
}

/** The same for a rescuer with a key that no right proof answered. `hasKey`: what the target's distress says. */
export function rescuerMismatch(hasKey: boolean): KeyMismatch {
  return hasKey ? "keys-differ" : "peer-lacks-key";
}
