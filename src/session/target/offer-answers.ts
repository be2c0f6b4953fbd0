import { equalBytes } from "../../base/bytes.ts";
import type { Random } from "../../base/prng.ts";
import type { Millis } from "../../base/units.ts";
import type { LinkProof } from "../../wire/link-proof.ts";
import type { None, Offer } from "../../wire/messages.ts";
import { answerTimeout } from "../answer-timeout.ts";
import type { SentCalls } from "../call-digest.ts";
import {
  type Deferral,
  deferOf,
  identityOf,
  keepOffer,
  RETRY_AFTER_MS,
  refuseOf,
  standDownOf,
} from "../handshake.ts";
import type { SessionIdentity } from "../identity.ts";
import { type LinkGuard, type ProofVerdict, targetMismatch } from "../link-guard.ts";
import { PeerSelection } from "../peer-selection.ts";
import type { RoleHost } from "../role.ts";
import type { ImageHold } from "./image-hold.ts";
import type { Swarm } from "./swarm.ts";
import type { TargetEvent } from "./target-events.ts";
import type { TargetSession } from "./target-session.ts";
import type { TargetStart } from "./target-start.ts";

/** An offer that may be taken, and the session that it begins. Copies. */
export interface JudgedOffer {
  readonly offer: Offer;
  readonly peer: SessionIdentity;
}

/** What an offer means for the role; what has to be said to its rescuer was said already. */
export type OfferVerdict =
  /** It is taken. */
  | ({ readonly tag: "accept" } & JudgedOffer)
  /** That of the present session, again: its accept was not heard. */
  | { readonly tag: "repeat" }
  /** The board is healed: it says so. */
  | { readonly tag: "done" }
  /** Another rescuer during a session: it takes over if the session stays silent. */
  | { readonly tag: "knock" }
  /** The boot nonce is a new one: calls under it make new offers. */
  | { readonly tag: "renewed" }
  | { readonly tag: "nothing" };

/** What the role is doing when an offer comes. */
export interface OfferMoment {
  readonly session: TargetSession | undefined;
  /** Nobody serves this board over this link, and it wants to be served. */
  readonly isCalling: boolean;
  /** The session has been silent for so long that another rescuer may take over. */
  readonly isSilent: boolean;
}

/** The session of another link. */
export interface ServingElsewhere {
  readonly rescuerId: Uint8Array;
  /** Short digest of its image. */
  readonly digest: Uint8Array;
  /** Its rescuer is still receiving the image itself, and has brought no block: who has all of another one takes over. */
  givesWay(): boolean;
}

/** What judging offers needs to know of its role. */
export interface OfferAnswersParts {
  readonly host: RoleHost<TargetEvent>;
  readonly guard: LinkGuard;
  readonly random: Random;
  readonly start: TargetStart;
  /** The calls that an offer may answer. */
  readonly calls: SentCalls;
  readonly hold: ImageHold;
  readonly swarm: Swarm;
  /** The target's id. */
  readonly nodeId: Uint8Array;
}

const NOTHING: OfferVerdict = { tag: "nothing" };

/** The target's answers to offers: which one is taken, and what the others are told (PROTOCOL.md 6.1, 6.5). */
export class OfferAnswers {
  readonly #parts: OfferAnswersParts;
  /** Chooses among rescuers, once one wasted our time. */
  readonly selection: PeerSelection<JudgedOffer>;
  /** Served over another link: offers here are stood down, but for those of the same image. */
  #elsewhere: ServingElsewhere | undefined;

  constructor(parts: OfferAnswersParts) {
    this.#parts = parts;
    this.selection = new PeerSelection(parts.random);
  }

  /** Another link serves this board now, or no longer does. */
  setServedElsewhere(serving: ServingElsewhere | undefined): void {
    this.#elsewhere = serving;
    this.selection.forget();
  }

  /** Whether another link brings the image with this short digest. */
  isServedWith(digest: Uint8Array): boolean {
    return this.#elsewhere !== undefined && equalBytes(this.#elsewhere.digest, digest);
  }

  /** Judges an offer, and answers it where it is not taken. */
  handle(now: Millis, offer: Offer, proof: LinkProof | undefined, moment: OfferMoment): OfferVerdict {
    const { host, guard, hold } = this.#parts;
    const { session, isCalling, isSilent } = moment;
    const peer = this.#peerOf(offer, proof, session);
    if (peer === undefined) return NOTHING;
    host.emit({ tag: "heard", who: "offering" });
    // It answers a call that is none of ours, forged or altered on its way: no sign of another key.
    if (guard.isKeyed && proof !== undefined && peer.callDigest === undefined) {
      host.link.counters.unauthenticFrames++;
      return NOTHING;
    }
    const verdict = guard.judge(peer, proof);
    if (verdict !== "good") {
      this.#handleMismatch(now, peer, verdict, isCalling);
      return NOTHING;
    }
    if (session?.isOf(offer.rescuerNonce)) return { tag: "repeat" };
    if (session?.isDone) return { tag: "done" };
    const deferral = hold.defer(now, offer.digest);
    if (deferral !== undefined) {
      this.#nameMiswiring(session, offer.rescuerId);
      this.#defer(peer, deferral);
      return NOTHING;
    }
    if (this.#elsewhere !== undefined && session === undefined && !this.#isWanted(now, offer)) {
      this.#standDown(peer, this.#elsewhere.rescuerId, RETRY_AFTER_MS);
      return NOTHING;
    }
    const judged = { offer: keepOffer(offer), peer };
    if (isCalling) {
      const yields = hold.yields(now, offer.digest);
      return this.#claim(this.selection.consider(now, offer.rescuerId, judged, yields));
    }
    if (session !== undefined && isSilent && !this.selection.isBarred(now, offer.rescuerId)) {
      return this.#claim(judged);
    }
    this.#nameMiswiring(session, offer.rescuerId);
    // On this link the target calls again when its session is over, and those who wait are to be there.
    const retryAfterMs = Math.min(RETRY_AFTER_MS, answerTimeout(host.link));
    this.#standDown(peer, session?.peer.rescuerId ?? offer.rescuerId, retryAfterMs);
    return { tag: "knock" };
  }

  /**
   * Whether an offer is of the image that another link brings, on a link that did not waste its time; or of one that the
   * rescuer there gives way to.
   */
  #isWanted(now: Millis, { digest, partial }: Offer): boolean {
    const { host, swarm } = this.#parts;
    const elsewhere = this.#elsewhere;
    if (elsewhere === undefined || !swarm.mayJoin(now, host.link)) return false;
    return equalBytes(elsewhere.digest, digest) || (partial === undefined && elsewhere.givesWay());
  }

  /** The offer that is drawn, once the time to hear several rescuers is over. */
  takeDrawn(now: Millis): OfferVerdict {
    return this.#claim(this.selection.take(now));
  }

  /** A rescuer has nothing for the call of this start. Advice: it changes nothing here. */
  handleNone({ reason, rescuerId, targetNonce }: None): void {
    const { host, start } = this.#parts;
    if (equalBytes(targetNonce, start.bootNonce))
      host.emit({ tag: "none", reason, rescuerId: rescuerId.slice() });
  }

  /** The session that an offer would begin, if it answers a call of this start, or is that of the present session. */
  #peerOf(
    offer: Offer,
    proof: LinkProof | undefined,
    session: TargetSession | undefined,
  ): SessionIdentity | undefined {
    const { calls, nodeId, start } = this.#parts;
    const present = session?.peer;
    if (
      present !== undefined &&
      session?.isOf(offer.rescuerNonce) &&
      equalBytes(offer.targetNonce, present.targetNonce)
    )
      return identityOf(offer, nodeId, present.callDigest);
    if (!equalBytes(offer.targetNonce, start.bootNonce)) return undefined;
    return identityOf(offer, nodeId, proof && calls.find(proof.extra));
  }

  #claim(judged: JudgedOffer | undefined): OfferVerdict {
    const { guard, start } = this.#parts;
    // The boot nonce may have changed since the offer came.
    if (judged === undefined || !equalBytes(judged.offer.targetNonce, start.bootNonce)) return NOTHING;
    if (!guard.isKeyed) return { tag: "accept", ...judged };
    const claim = start.claim(judged.offer.rescuerNonce);
    if (claim === "claimed") return { tag: "accept", ...judged };
    return claim === "renewed" ? { tag: "renewed" } : NOTHING;
  }

  /** An offer that our link key, or the lack of one, rules out. It has no effect on a session. */
  #handleMismatch(
    now: Millis,
    peer: SessionIdentity,
    verdict: Exclude<ProofVerdict, "good">,
    isCalling: boolean,
  ): void {
    const { host, guard } = this.#parts;
    if (guard.isKeyed) host.link.counters.unauthenticFrames++;
    if (!isCalling || this.#elsewhere !== undefined) return;
    // Without a proof: otherwise an attacker who spoils an offer would obtain a proven refusal, which ends the rescuer's attempt.
    host.link.send(refuseOf(peer, "link-key"));
    if (!guard.takeReport(now)) return;
    const mismatch = targetMismatch(verdict);
    host.emit({ tag: "refused", reason: "link-key", mismatch, rescuerId: peer.rescuerId });
  }

  /** Version 1 links join two nodes: a third one on the wire is reported, and served when the session ends. */
  #nameMiswiring(session: TargetSession | undefined, nodeId: Uint8Array): void {
    const peerId = session?.peer.rescuerId;
    if (peerId !== undefined && !equalBytes(peerId, nodeId))
      this.#parts.host.emit({ tag: "link", state: "two-nodes" });
  }

  #defer(peer: SessionIdentity, { reason, forMs }: Deferral): void {
    const { host, guard } = this.#parts;
    this.#spend(peer);
    host.link.send(deferOf(peer, reason, forMs), guard.prove(peer));
  }

  #standDown(peer: SessionIdentity, winnerId: Uint8Array, retryAfterMs: Millis): void {
    const { host, guard } = this.#parts;
    this.#spend(peer);
    host.link.send(standDownOf(peer, winnerId, retryAfterMs), guard.prove(peer));
  }

  /** It is not taken when it comes again: a recorded offer that is played again would hold the target up. */
  #spend(peer: SessionIdentity): void {
    const { guard, start } = this.#parts;
    if (guard.isKeyed) start.claim(peer.rescuerNonce);
  }
}
