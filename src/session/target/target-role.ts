import { unreachable } from "../../base/assert.ts";
import { equalBytes } from "../../base/bytes.ts";
import type { Random } from "../../base/prng.ts";
import type { BootFailure, RefusalReason } from "../../base/refusal.ts";
import type { RunOutcome, TreeNode } from "../../base/tree-shape.ts";
import type { Millis } from "../../base/units.ts";
import type { ByeReason } from "../../wire/constants.ts";
import type { LinkProof } from "../../wire/link-proof.ts";
import type { Message, Offer, Query } from "../../wire/messages.ts";
import type { NodeStatus } from "../beacon.ts";
import { type Deadlines, soonest } from "../deadlines.ts";
import { byeOf, identityOf, keepOffer, refuseOf, standDownOf } from "../handshake.ts";
import { heardFrom } from "../heard-node.ts";
import { type SessionIdentity, tagOf } from "../identity.ts";
import { LinkGuard, type ProofVerdict, targetMismatch } from "../link-guard.ts";
import { PeerSelection } from "../peer-selection.ts";
import type { HeardEvent, Role, RoleHost } from "../role.ts";
import { Supersession } from "./supersession.ts";
import { TargetAnnouncer, type TargetOptions } from "./target-announcer.ts";
import type { BlockOutcome, ManifestOutcome, SessionLoss, TargetEvent } from "./target-events.ts";
import { NO_SESSION, type SessionDeadline, type SessionEnd, TargetSession } from "./target-session.ts";

/**
 * What a target waits for outside a session; inside one, see {@link SessionDeadline}.
 * - `supersede`: another node knocked during a session, which ends then if it stays silent.
 * - `query`, `call`: the next query and the next distress, while nobody serves this board.
 * - `choose`: the time to hear several rescuers is over, and one is drawn.
 */
type TargetDeadline = "supersede" | "query" | "call" | "choose" | SessionDeadline;

/**
 * The target: calls for help, accepts one offer at a time, and runs a {@link TargetSession} with it; decides which offers
 * are stood down, and when a session gives way to another (PROTOCOL.md 6.1).
 */
export class TargetRole implements Role {
  readonly #host: RoleHost<TargetEvent>;
  readonly #guard: LinkGuard;
  readonly #random: Random;
  readonly #bootNonce: Uint8Array;
  readonly #announcer: TargetAnnouncer;
  /** Chooses among rescuers, once one wasted our time. */
  readonly #selection: PeerSelection<Offer>;
  #session: TargetSession | undefined;
  /** The board is healed, or its owner stopped this role: no more calls. */
  #isStopped = false;
  readonly #isForced: boolean;
  readonly #isDeafWhileWriting: boolean;
  /** A commit of a session that was over by then made the board boot. */
  #isHealed = false;
  readonly #supersession: Supersession;
  /** Served over another link: offers here are stood down. */
  #servedBy: Uint8Array | undefined;

  constructor(now: Millis, host: RoleHost<TargetEvent>, options: TargetOptions) {
    this.#host = host;
    this.#guard = new LinkGuard(host.link.key, "target");
    this.#random = options.random;
    this.#bootNonce = options.bootNonce;
    this.#isForced = options.isForced ?? false;
    this.#isDeafWhileWriting = options.isDeafWhileWriting ?? false;
    this.#announcer = new TargetAnnouncer(now, host.link, options, this.#guard.isKeyed);
    this.#selection = new PeerSelection(options.random);
    this.#supersession = new Supersession(host.link);
  }

  handleLinkUp(now: Millis, isUp: boolean): void {
    this.#selection.forget();
    if (isUp && this.#isCalling) this.#announcer.start(now);
  }

  /** Whether a rescuer serves this board over this link. */
  get isServed(): boolean {
    return this.#session !== undefined;
  }

  get #nodeId(): Uint8Array {
    return this.#announcer.status.nodeId;
  }

  get #isCalling(): boolean {
    return this.#session === undefined && !this.#isStopped;
  }

  /** Another link serves this board now (its rescuer's id), or no longer does: one session at a time. */
  setServedElsewhere(rescuerId: Uint8Array | undefined): void {
    this.#servedBy = rescuerId;
    this.#selection.forget();
  }

  /** The firmware status changed, after a commit for instance. */
  setStatus(status: NodeStatus): void {
    this.#announcer.status = status;
  }

  handleDamage(now: Millis): void {
    if (this.#isCalling) this.#announcer.handleNoise(now);
  }

  handleInputEnd(): void {}

  handleHeard(now: Millis, event: HeardEvent): void {
    switch (event.tag) {
      case "message":
        this.#handleMessage(now, event.message, event.proof);
        return;
      case "chunk":
        this.#session?.handleChunk(now, event.chunk);
        return;
      case "foreignVersion":
        this.#emitRefused("protocol", `the neighbour speaks protocol version ${event.version}`);
        return;
      default:
        unreachable(event);
    }
  }

  #handleMessage(now: Millis, message: Message, proof: LinkProof | undefined): void {
    switch (message.tag) {
      case "query":
        this.#handleQuery(now, message);
        return;
      case "offer":
        this.#handleOffer(now, message, proof);
        return;
      case "bye":
        if (this.#session?.isOf(message.rescuerNonce)) this.#handleBye(now, this.#session, proof);
        return;
      case "later":
        this.#session?.handleLater(now, message.forMs);
        return;
      case "doneAck":
        this.#end(now, this.#session?.handleDoneAck(message.digest));
        return;
      case "beacon":
      case "distress":
        if (equalBytes(message.nodeId, this.#nodeId)) this.#host.reportEcho();
        else this.#host.emit({ tag: "heard", who: heardFrom(message) });
        return;
      default:
        this.#host.reportEcho();
    }
  }

  #handleQuery(now: Millis, query: Query): void {
    if (equalBytes(query.nodeId, this.#nodeId)) this.#host.reportEcho();
    else if (this.#isCalling) this.#announcer.handleQuestion(now);
    else if (this.#session?.isDone) this.#announcer.sendBeacon();
    // A query proves nothing: with a link key only the lease ends a session that fell silent.
    else if (!this.#guard.isKeyed) this.#considerSupersession(now);
  }

  #handleBye(now: Millis, session: TargetSession, proof: LinkProof | undefined): void {
    const verdict = this.#guard.judge(session.peer, proof);
    if (this.#guard.isKeyed && verdict !== "good") this.#host.link.counters.unauthenticFrames++;
    else this.#end(now, session.handleBye());
  }

  #handleOffer(now: Millis, offer: Offer, proof: LinkProof | undefined): void {
    if (!equalBytes(offer.targetNonce, this.#bootNonce)) return;
    this.#host.emit({ tag: "heard", who: "offering" });
    const peer = identityOf(offer, this.#nodeId);
    const verdict = this.#guard.judge(peer, proof);
    const session = this.#session;
    if (verdict !== "good") this.#handleMismatch(now, peer, verdict);
    else if (this.#servedBy !== undefined) this.#standDown(peer, this.#servedBy);
    else if (session?.isOf(offer.rescuerNonce)) session.handleOfferRepeat(now);
    else if (session?.isDone) this.#announcer.sendBeacon();
    else if (this.#isCalling) {
      this.#accept(now, this.#selection.consider(now, offer.rescuerId, keepOffer(offer)));
    } else if (
      session !== undefined &&
      this.#supersession.isSilent(now) &&
      !this.#selection.isBarred(now, offer.rescuerId)
    ) {
      this.#accept(now, keepOffer(offer));
    } else {
      this.#nameMiswiring(offer.rescuerId);
      this.#standDown(peer, session?.peer.rescuerId ?? offer.rescuerId);
      this.#considerSupersession(now);
    }
  }

  /** An offer that our link key, or the lack of one, rules out. It has no effect on a session. */
  #handleMismatch(now: Millis, peer: SessionIdentity, verdict: Exclude<ProofVerdict, "good">): void {
    if (this.#guard.isKeyed) this.#host.link.counters.unauthenticFrames++;
    if (!this.#isCalling || this.#servedBy !== undefined) return;
    // Without a proof: otherwise an attacker who spoils an offer would obtain a proven refusal, which ends the rescuer's attempt.
    this.#host.link.send(refuseOf(peer, "link-key"));
    if (!this.#guard.takeReport(now)) return;
    const mismatch = targetMismatch(verdict);
    this.#host.emit({ tag: "refused", reason: "link-key", mismatch, rescuerId: peer.rescuerId });
  }

  /** Version 1 links join two nodes: a third one on the wire is reported, and served when the session ends. */
  #nameMiswiring(nodeId: Uint8Array): void {
    const peerId = this.#session?.peer.rescuerId;
    if (peerId !== undefined && !equalBytes(peerId, nodeId))
      this.#host.emit({ tag: "link", state: "two-nodes" });
  }

  #standDown(peer: SessionIdentity, winnerId: Uint8Array): void {
    this.#guard.claimOffer(peer.rescuerNonce);
    this.#host.link.send(standDownOf(peer, winnerId), this.#guard.prove(peer));
  }

  #accept(now: Millis, offer: Offer | undefined): void {
    if (offer === undefined || !this.#guard.claimOffer(offer.rescuerNonce)) return;
    if (this.#session !== undefined) this.#host.emit({ tag: "sessionLost", why: "superseded" });
    this.#strike(now, "superseded");
    const acceptNonce = this.#guard.freshNonce(this.#random);
    const peer: SessionIdentity = { ...identityOf(offer, this.#nodeId), acceptNonce };
    this.#selection.forget();
    this.#host.link.startReceiving(now, tagOf(peer), this.#guard.seal(peer, acceptNonce));
    this.#announcer.handleServed();
    this.#supersession.clear();
    const sendBeacon = (): void => this.#announcer.sendBeacon();
    const isDeaf = this.#isDeafWhileWriting;
    this.#session = new TargetSession(now, peer, this.#host, this.#guard, sendBeacon, isDeaf);
    this.#host.emit({ tag: "offered", offer });
    this.handleTimeout(now);
  }

  /** Whether the session with this number, which its effects carry, still runs: else they need not be carried out. */
  holds(number: number): boolean {
    return this.#sessionOf(number) !== undefined;
  }

  /** The session that an effect belongs to; undefined when the answer comes too late for it. */
  #sessionOf(number: number): TargetSession | undefined {
    return this.#session?.number === number ? this.#session : undefined;
  }

  /** Completes `checkManifest` of the session with this number. */
  handleManifestChecked(now: Millis, session: number, outcome: ManifestOutcome): void {
    this.#end(now, this.#sessionOf(session)?.handleManifestChecked(now, outcome));
  }

  /** Completes `checkRun`. */
  handleRunChecked(now: Millis, session: number, node: TreeNode, outcome: RunOutcome): void {
    this.#end(now, this.#sessionOf(session)?.handleRunChecked(now, node, outcome));
  }

  /** Completes `writeBlock`. */
  handleBlockWritten(now: Millis, session: number, block: number, outcome: BlockOutcome): void {
    this.#end(now, this.#sessionOf(session)?.handleBlockWritten(now, block, outcome));
  }

  /** Completes `commit`: the boot decision after the root was read back from flash. */
  handleCommitted(now: Millis, session: number, failure: BootFailure | undefined): void {
    const committed = this.#sessionOf(session);
    if (committed === undefined) {
      if (failure === undefined) this.#handleLateCommit();
      return;
    }
    this.#end(now, committed.handleCommitted(now, failure));
    // Others who knocked get beacons now: this session ends as healed, whether DONE is heard or not.
    if (this.#session?.isDone) this.#supersession.clear();
  }

  /**
   * The board boots although the session that healed it was lost meanwhile. It has nothing to call for, and refuses what
   * another session brings, unless it was asked to call.
   */
  #handleLateCommit(): void {
    if (this.#isStopped) return;
    if (this.#session === undefined) this.#finish(false);
    else this.#isHealed = !this.#isForced;
  }

  #end(now: Millis, end: SessionEnd | undefined): void {
    if (end?.tag === "lost") this.#loseSession(now, end.why);
    else if (end?.tag === "refused") this.#refuse(now, end.reason, end.detail);
    else if (end?.tag === "finished") this.#finish(end.isHeard);
  }

  #loseSession(now: Millis, why: SessionLoss): void {
    this.#strike(now, why);
    this.#host.link.endSession();
    this.#session = undefined;
    this.#supersession.clear();
    this.#announcer.handleQuestion(now);
    this.#host.emit({ tag: "sessionLost", why });
    if (this.#isHealed) this.#finish(false);
  }

  #refuse(now: Millis, reason: RefusalReason, detail: string): void {
    const peer = this.#session?.peer;
    if (peer === undefined) return;
    this.#host.link.endSession();
    this.#host.link.send(refuseOf(peer, reason), this.#guard.prove(peer));
    this.#emitRefused(reason, detail, peer.rescuerId);
    if (reason !== "flash") this.#selection.strike(now, peer.rescuerId);
    this.#session = undefined;
    this.#announcer.handleRefused(now);
    if (this.#isHealed) this.#finish(false);
  }

  #emitRefused(reason: RefusalReason, detail: string, rescuerId?: Uint8Array): void {
    this.#host.emit({ tag: "refused", reason, detail, ...(rescuerId && { rescuerId }) });
  }

  #finish(isHeard: boolean): void {
    // Without a session there may be a last word of the one before on its way, a refusal for instance.
    if (this.#session !== undefined) this.#host.link.endSession();
    this.#session = undefined;
    this.#isStopped = true;
    this.#host.emit({ tag: "finished", isHeard });
  }

  stop(reason: ByeReason): void {
    const peer = this.#session?.peer;
    if (peer !== undefined) {
      this.#host.link.endSession();
      this.#host.link.send(byeOf(peer, reason), this.#guard.prove(peer));
    }
    this.#session = undefined;
    this.#isStopped = true;
  }

  #considerSupersession(now: Millis): void {
    if (this.#session === undefined) return;
    if (this.#supersession.isSilent(now)) this.#loseSession(now, "superseded");
    else this.#supersession.schedule(now);
  }

  /** A bye, which anybody on the wire can say, is held against nobody; nor is a line that failed after a good start. */
  #strike(now: Millis, why: SessionLoss): void {
    const session = this.#session;
    if (session === undefined) return;
    const isCertain = why === "damaged" || why === "slow";
    const isFruitless = (why === "lease" || why === "superseded") && !session.isOnPace(now);
    if (isCertain || isFruitless) this.#selection.strike(now, session.peer.rescuerId, isCertain);
  }

  #deadlines(): Deadlines<TargetDeadline> {
    const isAnnouncing = this.#isCalling && this.#host.isUp;
    const announcer = isAnnouncing ? this.#announcer : undefined;
    return {
      supersede: this.#supersession.checkAt,
      query: announcer?.queryAt,
      call: announcer?.callAt,
      choose: isAnnouncing ? this.#selection.chooseAt : undefined,
      ...(this.#session?.deadlines() ?? NO_SESSION),
    };
  }

  handleTimeout(now: Millis): void {
    if (this.#supersession.takeCheck(now)) this.#considerSupersession(now);
    if (this.#session !== undefined) this.#end(now, this.#session.handleTimeout(now));
    else if (!this.#isStopped) {
      if (this.#host.isUp) this.#announcer.sendDue(now);
      this.#accept(now, this.#selection.take(now));
    }
  }

  pollTimeout(): Millis | undefined {
    return soonest(this.#deadlines());
  }
}
