import { equalBytes } from "../../base/bytes.ts";
import type { Random } from "../../base/prng.ts";
import type { Millis } from "../../base/units.ts";
import type { LinkProof } from "../../wire/link-proof.ts";
import {
  type Accept,
  type Beacon,
  type Bye,
  type Defer,
  isCall,
  type NoneReason,
  type Refuse,
  type StandDown,
} from "../../wire/messages.ts";
import type { Deadlines } from "../deadlines.ts";
import { freshNonce, type SessionIdentity } from "../identity.ts";
import { type LinkGuard, rescuerMismatch } from "../link-guard.ts";
import { turnTime } from "../repeats.ts";
import type { RoleHost } from "../role.ts";
import type { Callers } from "./callers.ts";
import { Offering } from "./offering.ts";
import { PendingAnswers } from "./pending-answers.ts";
import type { OfferedImage, RescuerEvent, RescuerLoss } from "./rescuer-events.ts";
import type { Call } from "./rescuer-state.ts";

/** What a target says to an offer, or to end a session. */
export type Answer = Accept | Refuse | StandDown | Bye | Defer;

/** Calls for which there is nothing are answered at most this often. */
const NONE_INTERVAL_MS = 1_000;
/** A call that comes so shortly before a stand-down is over is answered then, and need not be repeated. */
const LATE_CALL_MS = 1_000;

/**
 * What a handshake waits for:
 * - `late`: a stand-down is over, and a call came shortly before.
 * - `choose`: the draw among several boards that call. `pick`: an image is not found in time.
 * - `offer`, `offerEnd`: the offer is sent again; nobody accepted one in time.
 */
type HandshakeDeadline = "late" | "choose" | "pick" | "offer" | "offerEnd";

/** What a handshake shares with its role. */
export interface HandshakeParts {
  readonly host: RoleHost<RescuerEvent>;
  readonly guard: LinkGuard;
  readonly random: Random;
  /** The rescuer's id. */
  readonly nodeId: Uint8Array;
  readonly callers: Callers;
  /** A call is answered: what was before is over. */
  readonly onPick: () => void;
}

/** The rescuer's side of the handshake: from the call of a board to the accept of an offer (PROTOCOL.md 6.2, 6.5). */
export class Handshaking {
  readonly #parts: HandshakeParts;
  readonly #pending: PendingAnswers;
  /** When a call for which there is nothing may be answered again. */
  #noneAt: Millis = Number.NEGATIVE_INFINITY;
  #late: { readonly beacon: Beacon; readonly at: Millis } | undefined;

  constructor(parts: HandshakeParts) {
    this.#parts = parts;
    const release = (session: number): void => parts.host.emit({ tag: "release", session });
    this.#pending = new PendingAnswers(parts.random, release);
  }

  /** No image is picked, and no offer is repeated. */
  get isIdle(): boolean {
    return this.#pending.isIdle;
  }

  /** An offer is out. */
  get hasOffer(): boolean {
    return this.#pending.offers.present !== undefined;
  }

  /** The offer that is repeated. */
  get present(): Offering | undefined {
    return this.#pending.offers.present;
  }

  /** Whether this very call is answered already; then its offer is sent again. */
  isAnswered(now: Millis, beacon: Call): boolean {
    return this.#pending.isAnswered(now, beacon);
  }

  /** A board calls. The beacon is kept. */
  handleCall(now: Millis, beacon: Call): void {
    if (this.#pending.isPicking) this.#pending.wait(now, beacon);
    else this.#answer(now, beacon);
  }

  /** A board calls while another one is served: it comes next, if it calls until then. The beacon is kept. */
  handleCallOfOther(now: Millis, beacon: Call): void {
    this.#pending.wait(now, beacon);
  }

  #answer(now: Millis, beacon: Call): void {
    const { callers, guard, host } = this.#parts;
    const leftMs = callers.stoodDownFor(now, beacon.bootNonce);
    if (leftMs > 0) {
      if (leftMs <= LATE_CALL_MS) this.#late = { beacon, at: now + leftMs };
      return;
    }
    // The same board restarted without answering. A call of another board only came later than the first. With a link key
    // nothing is held against an id for a call, which anybody can send.
    if (!guard.isKeyed && this.#pending.isRestartOf(beacon)) callers.noteRestart(now, beacon.nodeId);
    const forMs = callers.takeSpentReport(now);
    if (forMs !== undefined) host.emit({ tag: "spent", targetId: beacon.nodeId, forMs });
    this.#pick(now, callers.consider(now, beacon));
  }

  #pick(now: Millis, beacon: Call | undefined): void {
    if (beacon === undefined) return;
    const { callers, host, onPick } = this.#parts;
    callers.forget();
    onPick();
    const number = host.nextSession();
    this.#pending.startPick(now, number, beacon);
    const refused = callers.refusedBy(now, beacon.bootNonce);
    host.emit({ tag: "pick", session: number, beacon, refused });
  }

  /** Somebody asked who is there: the offer that is out is its answer. */
  handleQuestion(now: Millis): void {
    this.#pending.offers.present?.handleQuestion(now);
  }

  /** A run came damaged: it may have been the answer to the offer that is out. */
  handleDamage(now: Millis): void {
    this.#pending.offers.present?.handleDamage(now);
  }

  /** Completes `pick` with this number: the image to offer, or undefined when none suits; `why` is told to the board. */
  handlePicked(now: Millis, session: number, image: OfferedImage | undefined, why?: NoneReason): void {
    const { callers, host, nodeId, random } = this.#parts;
    const pick = this.#pending.endPick(session);
    if (image === undefined) {
      if (pick !== undefined && why !== undefined && isCall(pick.beacon))
        this.#sayNone(now, pick.beacon, why);
      return;
    }
    const refused = pick === undefined ? [] : callers.refusedBy(now, pick.beacon.bootNonce);
    if (pick === undefined || refused.some((digest) => equalBytes(digest, image.digest))) {
      host.emit({ tag: "release", session });
      return;
    }
    const offering = new Offering(now, pick, image, nodeId, freshNonce(random), turnTime(host.link));
    this.#pending.add(offering);
    host.emit({ tag: "offered", offer: offering.offer, targetId: offering.peer.targetId });
  }

  #sayNone(now: Millis, { bootNonce }: Beacon, reason: NoneReason): void {
    const { host, nodeId } = this.#parts;
    if (now < this.#noneAt) return;
    this.#noneAt = now + NONE_INTERVAL_MS;
    host.link.send({ tag: "none", rescuerId: nodeId, targetNonce: bootNonce, reason });
  }

  /** A target answers. Returns its offer if it accepts it: all others are over then. */
  handleAnswer(now: Millis, answer: Answer, proof: LinkProof | undefined): Offering | undefined {
    const offering = this.#pending.offers.find(answer.rescuerNonce);
    if (offering === undefined) return undefined;
    if (!this.checkProof(offering.peer, proof)) {
      offering.markDoubtful(now);
      return undefined;
    }
    switch (answer.tag) {
      case "accept": {
        const accepted = this.#pending.take(now, answer);
        if (accepted !== undefined) this.#parts.callers.forget();
        return accepted;
      }
      case "refuse":
        this.#pending.drop(offering);
        this.noteRefusal(now, answer, offering.peer);
        return undefined;
      case "defer":
        this.#pending.drop(offering);
        this.noteDeferral(now, answer, offering.peer);
        return undefined;
      case "standDown":
        this.noteStandDown(now, answer, offering.peer);
        this.#lose(now, offering, "stood-down");
        return undefined;
      case "bye":
        this.#lose(now, offering, "bye");
        return undefined;
    }
  }

  /** Whether a message about this session is proven, if we have a link key. One that is not is counted. */
  checkProof(peer: SessionIdentity, proof: LinkProof | undefined): boolean {
    const { guard, host } = this.#parts;
    if (!guard.isKeyed || guard.judge(peer, proof) === "good") return true;
    host.link.counters.unauthenticFrames++;
    return false;
  }

  /** Remembers and reports that a target refused an image. */
  noteRefusal(now: Millis, { reason, digest }: Refuse, { targetId, targetNonce }: SessionIdentity): void {
    const { callers, guard, host } = this.#parts;
    callers.noteRefusal(now, targetNonce, digest);
    const isProven = guard.isKeyed;
    host.emit({ tag: "refused", reason, digest: digest.slice(), targetId, isProven });
  }

  /** Remembers and reports that a target takes an image later. */
  noteDeferral(now: Millis, { digest, seconds }: Defer, { targetId, targetNonce }: SessionIdentity): void {
    const { callers, host } = this.#parts;
    callers.noteDeferral(now, targetNonce, digest, seconds);
    const forMs = seconds * 1000;
    host.emit({ tag: "waiting", reason: "defer", targetId, digest: digest.slice(), forMs });
  }

  /** Remembers and reports that another rescuer serves this target. */
  noteStandDown(now: Millis, { retryAfterMs }: StandDown, { targetId, targetNonce }: SessionIdentity): void {
    const { callers, host } = this.#parts;
    callers.noteStandDown(now, targetNonce, retryAfterMs);
    host.emit({ tag: "waiting", reason: "stand-down", targetId, forMs: retryAfterMs });
  }

  /** The time of the present offer is over. */
  #endOffer(now: Millis, offering: Offering): void {
    const { beacon, image, isDoubtful, peer } = offering;
    if (!isDoubtful) {
      this.#lose(now, offering, "silence");
      return;
    }
    this.#pending.drop(offering);
    const mismatch = rescuerMismatch(beacon.wantsLinkKey === true);
    const about = { digest: image.digest, targetId: peer.targetId, isProven: false };
    this.#parts.host.emit({ tag: "refused", reason: "link-key", mismatch, ...about });
  }

  #lose(now: Millis, offering: Offering, why: RescuerLoss): void {
    const { callers, guard, host } = this.#parts;
    const { targetId } = offering.peer;
    // With a link key the call may have been anybody's: its board need not have heard the offer.
    if (!guard.isKeyed) callers.noteLoss(now, targetId, undefined, why);
    this.#pending.drop(offering);
    host.emit({ tag: "sessionLost", why, targetId });
  }

  /** Ends or repeats the offer, and answers the calls that waited. Extra calls are harmless. */
  handleTimeout(now: Millis): void {
    const { callers, guard, host } = this.#parts;
    this.#pending.dropOver(now);
    this.#answerLate(now);
    const { present } = this.#pending.offers;
    if (present?.isOver(now) === true) this.#endOffer(now, present);
    else if (present?.take(now) === true) host.link.send(present.offer, guard.proveOffer(present.peer));
    for (let call = this.#pending.takeWaiting(now); call; call = this.#pending.takeWaiting(now))
      this.#answer(now, call);
    if (this.isIdle) this.#pick(now, callers.take(now));
  }

  #answerLate(now: Millis): void {
    const late = this.#late;
    if (late === undefined || now < late.at) return;
    this.#late = undefined;
    if (!this.isAnswered(now, late.beacon)) this.handleCall(now, late.beacon);
  }

  /** When {@link handleTimeout} has something to do, by name. `isUp`: the link can carry bytes. */
  deadlines(isUp: boolean): Deadlines<HandshakeDeadline> {
    const { offers } = this.#pending;
    return {
      late: this.#late?.at,
      choose: this.isIdle && isUp ? this.#parts.callers.chooseAt : undefined,
      pick: this.#pending.pickEndsAt,
      offer: offers.present?.repeatAt,
      offerEnd: offers.endsAt,
    };
  }

  /** Ends all picks and offers. */
  clear(): void {
    this.#late = undefined;
    this.#pending.clear();
  }
}
