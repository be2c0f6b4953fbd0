import { equalBytes } from "../../base/bytes.ts";
import type { RefusalReason } from "../../base/refusal.ts";
import type { Millis } from "../../base/units.ts";
import { ByeReason } from "../../wire/constants.ts";
import type { LinkProof } from "../../wire/link-proof.ts";
import { byeOf, deferOf, refuseOf } from "../handshake.ts";
import { type SessionIdentity, tagOf } from "../identity.ts";
import type { LinkGuard } from "../link-guard.ts";
import type { RoleHost } from "../role.ts";
import type { ImageHold } from "./image-hold.ts";
import type { JudgedOffer, OfferAnswers } from "./offer-answers.ts";
import type { Swarm } from "./swarm.ts";
import type { TargetAnnouncer, TargetOptions } from "./target-announcer.ts";
import type { SessionLoss, TargetEvent } from "./target-events.ts";
import { type SessionEnd, type SessionOptions, TargetSession } from "./target-session.ts";

/** What the present session shares with its role. */
export interface PresentSessionParts {
  readonly host: RoleHost<TargetEvent>;
  readonly guard: LinkGuard;
  readonly hold: ImageHold;
  readonly swarm: Swarm;
  readonly announcer: TargetAnnouncer;
  readonly offers: OfferAnswers;
}

type State =
  /** Nobody serves the board over this link, and it wants to be served. */
  | { readonly tag: "open" }
  | { readonly tag: "served"; readonly session: TargetSession }
  /** The board is healed, or its owner stopped the role: no more calls, no more sessions. */
  | { readonly tag: "stopped" };

/**
 * The session that serves a board over its link, if there is one: how an accepted offer begins it, and what each way to end
 * means for its rescuer, for the image that was begun, for the other links and for the calls that follow (PROTOCOL.md 6.1, 6.5).
 */
export class PresentSession {
  readonly #parts: PresentSessionParts;
  readonly #options: TargetOptions;
  readonly #sessionOptions: SessionOptions;
  #state: State = { tag: "open" };
  /** A commit of a session that was over by then made the board boot. */
  #isHealed = false;

  constructor(parts: PresentSessionParts, options: TargetOptions) {
    this.#parts = parts;
    this.#options = options;
    const { guard, swarm } = parts;
    const { isDeafWhileWriting = false, limits = {}, takesLocators = false } = options;
    const inlineBytes = guard.isKeyed ? 0 : (limits.inlineBytes ?? 0);
    this.#sessionOptions = { isDeafWhileWriting, limits, swarm, inlineBytes, takesLocators };
  }

  /** Undefined while nobody serves the board over this link. */
  get session(): TargetSession | undefined {
    return this.#state.tag === "served" ? this.#state.session : undefined;
  }

  /** Nobody serves the board over this link, and it wants to be served. */
  get isOpen(): boolean {
    return this.#state.tag === "open";
  }

  /** The board is healed, or its owner stopped the role. */
  get isStopped(): boolean {
    return this.#state.tag === "stopped";
  }

  /** The session that an effect belongs to; undefined when the answer comes too late for it. */
  of(number: number): TargetSession | undefined {
    return this.session?.number === number ? this.session : undefined;
  }

  /** An offer is taken; a session that was there is superseded. */
  begin(now: Millis, { offer, peer: offered }: JudgedOffer): void {
    const { host, guard, announcer, offers } = this.#parts;
    if (this.session !== undefined) {
      host.emit({ tag: "sessionLost", why: "superseded" });
      this.#endHold(false, false);
    }
    this.#strike(now, "superseded");
    const acceptNonce = guard.isKeyed ? this.#options.start.acceptNonce() : undefined;
    const peer: SessionIdentity = { ...offered, acceptNonce };
    offers.selection.forget();
    host.link.startReceiving(now, tagOf(peer), guard.seal(peer, acceptNonce));
    announcer.handleServed();
    const says = {
      sayBeacon: (): void => announcer.sendBeacon(),
      askSilent: (at: Millis): void => announcer.askSilent(at),
    };
    // What others receive already is not asked for twice.
    const isJoining = offers.isServedWith(offer.digest);
    const asks = isJoining ? undefined : announcer.asksFor(offer);
    const options = { ...this.#sessionOptions, isJoining };
    const session = new TargetSession(now, peer, offer, asks, host, guard, says, options);
    this.#state = { tag: "served", session };
    host.emit({ tag: "offered", offer });
  }

  /** What a handler of the session gave: it is over, unless that is undefined. */
  end(now: Millis, end: SessionEnd | undefined): void {
    if (end?.tag === "lost") this.lose(now, end.why);
    else if (end?.tag === "finished") this.#finish(end.isHeard);
    else if (end !== undefined) this.#turnDown(now, end);
  }

  /** The session ends without having healed the board, which calls again. */
  lose(now: Millis, why: SessionLoss): void {
    const { session } = this;
    if (session === undefined) return;
    const { host, swarm, announcer } = this.#parts;
    this.#strike(now, why);
    swarm.noteEnd(now, host.link, session.isFruitless);
    host.link.endSession();
    this.#endHold(why === "lease" || why === "slow" || why === "damaged", why === "not-bootable");
    this.#state = { tag: "open" };
    // On slow lines a lease may end before three waits have passed.
    announcer.handleLost(now, why === "lease" || why === "superseded");
    host.emit({ tag: "sessionLost", why });
    if (this.#isHealed) this.#finish(false);
  }

  /** Its rescuer ends it; with a link key that has to be proven. */
  handleBye(now: Millis, rescuerNonce: Uint8Array, proof: LinkProof | undefined): void {
    const { session } = this;
    if (!session?.isOf(rescuerNonce)) return;
    const { host, guard } = this.#parts;
    const verdict = guard.judge(session.peer, proof);
    if (guard.isKeyed && verdict !== "good") host.link.counters.unauthenticFrames++;
    else this.end(now, session.handleBye());
  }

  /** Leaves the session, if there is one, for that of another link: held against nobody. */
  giveUp(now: Millis): void {
    if (this.session === undefined) return;
    this.#sayBye(this.session.peer, ByeReason.stopped);
    this.lose(now, "bye");
  }

  /** The image that this session and that of another link brought was committed there, and boots. */
  handleHealedElsewhere(now: Millis, digest: Uint8Array): void {
    const { session } = this;
    if (session === undefined || session.isDone || !equalBytes(session.peer.digest, digest)) return;
    const end = session.handleHealedElsewhere(now);
    // Nothing of it came over this link yet.
    if (!session.isDone) this.#sayBye(session.peer, ByeReason.stopped);
    this.end(now, end);
  }

  /**
   * The board boots although the session that healed it was lost meanwhile. It has nothing to call for, and refuses what
   * another session brings, unless it was asked to call.
   */
  handleLateCommit(): void {
    if (this.isStopped) return;
    if (this.session === undefined) this.#finish(false);
    else this.#isHealed = (this.#options.cause ?? "help") === "help";
  }

  /** Who does not know that a session can be deferred hears the bye behind it. */
  #turnDown(now: Millis, end: Extract<SessionEnd, { tag: "refused" | "deferred" }>): void {
    const peer = this.session?.peer;
    if (peer === undefined) return;
    const { host, guard, offers, swarm, announcer } = this.#parts;
    const { link } = host;
    const { digest, rescuerId } = peer;
    const prove = guard.prove(peer);
    const isFlash = end.tag === "refused" && end.reason === "flash";
    link.endSession();
    if (end.tag === "refused") {
      link.send(refuseOf(peer, end.reason), prove);
      this.#emitRefused(end.reason, end.detail, rescuerId);
      if (!isFlash) offers.selection.strike(now, rescuerId);
    } else {
      const { deferral } = end;
      link.send(deferOf(peer, deferral.reason, deferral.forMs), prove);
      link.send(byeOf(peer, ByeReason.stopped), prove);
      host.emit({ tag: "deferred", deferral, digest, rescuerId });
    }
    swarm.noteEnd(now, link, true);
    this.#endHold(false, isFlash);
    this.#state = { tag: "open" };
    announcer.handleRefused(now);
    if (this.#isHealed) this.#finish(false);
  }

  #emitRefused(reason: RefusalReason, detail: string, rescuerId: Uint8Array): void {
    this.#parts.host.emit({ tag: "refused", reason, detail, rescuerId });
  }

  #finish(isHeard: boolean): void {
    const { host } = this.#parts;
    this.#endHold(false, false);
    // Without a session there may be a last word of the one before on its way, a refusal for instance.
    if (this.session !== undefined) host.link.endSession();
    this.#state = { tag: "stopped" };
    host.emit({ tag: "finished", isHeard });
  }

  stop(reason: ByeReason): void {
    if (this.session !== undefined) {
      this.#parts.host.link.endSession();
      this.#sayBye(this.session.peer, reason);
    }
    this.#endHold(false, false);
    this.#state = { tag: "stopped" };
  }

  #sayBye(peer: SessionIdentity, reason: ByeReason): void {
    const { host, guard } = this.#parts;
    host.link.send(byeOf(peer, reason), guard.prove(peer));
  }

  /** The session ends. `isWorthless`: it has served nothing; `isFailed`: its image cannot heal this board. */
  #endHold(isWorthless: boolean, isFailed: boolean): void {
    const { session } = this;
    if (session === undefined) return;
    session.leave();
    this.#parts.hold.noteSessionEnd(session.peer, isWorthless);
    if (isFailed) this.#parts.hold.release(session.peer.digest);
  }

  /** A bye, which anybody on the wire can say, is held against nobody; nor is a line that failed after a good start. */
  #strike(now: Millis, why: SessionLoss): void {
    const { session } = this;
    if (session === undefined) return;
    const isCertain = why === "damaged" || why === "slow";
    const isFruitless = (why === "lease" || why === "superseded") && !session.isOnPace(now);
    if (!isCertain && !isFruitless) return;
    this.#parts.offers.selection.strike(now, session.peer.rescuerId, isCertain);
  }
}
