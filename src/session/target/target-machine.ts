import { unreachable } from "../../base/assert.ts";
import { equalBytes } from "../../base/bytes.ts";
import type { Random } from "../../base/prng.ts";
import type { BootFailure, RefusalReason } from "../../base/refusal.ts";
import type { TreeNode } from "../../base/tree-shape.ts";
import type { Millis } from "../../base/units.ts";
import type { LinkEvent, LinkOptions } from "../../link/link.ts";
import { ByeReason } from "../../wire/constants.ts";
import type { LinkProof } from "../../wire/link-proof.ts";
import type { Message, Offer, Query } from "../../wire/messages.ts";
import type { NodeStatus } from "../beacon.ts";
import { byeOf, identityOf, keepOffer, refuseOf, standDownOf } from "../handshake.ts";
import { type SessionIdentity, tagOf } from "../identity.ts";
import { askAgainAfter } from "../lease.ts";
import { LinkGuard, type ProofVerdict, targetMismatch } from "../link-guard.ts";
import { LinkMachine } from "../link-machine.ts";
import { Turns } from "../peer-selection.ts";
import { Calling, type CallingOptions } from "./target-announcer.ts";
import {
  type BlockOutcome,
  heardFrom,
  type ManifestOutcome,
  type SessionLoss,
  type TargetEvent,
} from "./target-events.ts";
import { type SessionEnd, TargetSession } from "./target-session.ts";
import type { RunOutcome } from "./tree-descent.ts";

export interface TargetOptions extends CallingOptions {
  readonly link: LinkOptions;
}

/** A fresh offer or query supersedes a session that was silent for this many timeouts (protocol decision S5). */
const SUPERSEDE_TIMEOUTS = 3;

/**
 * The target: calls for help, takes one offer at a time and lets a {@link TargetSession} have what it brings, says which
 * offers it does not take, and when a session gives way to another (PROTOCOL.md 6.1). Sans-IO.
 */
export class TargetMachine extends LinkMachine<TargetEvent> {
  readonly #guard: LinkGuard;
  readonly #random: Random;
  readonly #bootNonce: Uint8Array;
  readonly #calling: Calling;
  /** Whose offer is taken, if one wasted our time before. */
  readonly #turns: Turns<Offer>;
  #session: TargetSession | undefined;
  /** The board is well, or its owner stopped us: no more calls. */
  #isStopped = false;
  /** A stranger knocked while a session ran: it ends then if the session stays silent. */
  #supersedeAt: Millis | undefined;
  /** Served over another link: offers here are stood down. */
  #servedBy: Uint8Array | undefined;

  constructor(now: Millis, options: TargetOptions) {
    super(options.link);
    this.#guard = new LinkGuard(options.link.key, "target");
    this.#random = options.random;
    this.#bootNonce = options.bootNonce;
    this.#calling = new Calling(now, this.link, options, this.#guard.isKeyed);
    this.#turns = new Turns(options.random);
  }

  override handleLinkUp(now: Millis, isUp: boolean): void {
    super.handleLinkUp(now, isUp);
    this.#turns.forget();
    if (isUp && this.#isCalling) this.#calling.start(now);
  }

  /** Whether a rescuer serves this board over this link. */
  get isServed(): boolean {
    return this.#session !== undefined;
  }

  get #nodeId(): Uint8Array {
    return this.#calling.status.nodeId;
  }

  get #isCalling(): boolean {
    return this.#session === undefined && !this.#isStopped;
  }

  /** Another link serves this board now (its rescuer's id), or no longer does: one session at a time. */
  setServedElsewhere(rescuerId: Uint8Array | undefined): void {
    this.#servedBy = rescuerId;
    this.#turns.forget();
  }

  /** The firmware status changed, after a commit for instance. */
  setStatus(status: NodeStatus): void {
    this.#calling.status = status;
  }

  protected override handleDamage(now: Millis): void {
    if (this.#isCalling) this.#calling.stir(now);
  }

  protected override handle(now: Millis, event: LinkEvent): void {
    switch (event.tag) {
      case "message":
        this.#handleMessage(now, event.message, event.proof);
        return;
      case "chunk":
        this.#session?.handleChunk(now, event.chunk);
        return;
      case "console":
      case "stranger":
        this.emit(event);
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
        this.#session?.handleLater(now);
        return;
      case "doneAck":
        this.#end(now, this.#session?.handleDoneAck(message.digest));
        return;
      case "beacon":
      case "distress":
        if (equalBytes(message.nodeId, this.#nodeId)) this.#echoed();
        else this.emit({ tag: "heard", who: heardFrom(message) });
        return;
      default:
        this.#echoed();
    }
  }

  #echoed(): void {
    this.link.counters.echoes++;
    this.emit({ tag: "link", state: "echo" });
  }

  #handleQuery(now: Millis, query: Query): void {
    if (equalBytes(query.nodeId, this.#nodeId)) this.#echoed();
    else if (this.#isCalling) this.#calling.asked(now);
    else if (this.#session?.isDone) this.#calling.tellHealth();
    // Whoever asks proves nothing: with a link key the lease alone ends a session that fell silent.
    else if (!this.#guard.isKeyed) this.#considerSupersession(now);
  }

  #handleBye(now: Millis, session: TargetSession, proof: LinkProof | undefined): void {
    const verdict = this.#guard.judge(session.peer, proof);
    if (this.#guard.isKeyed && verdict !== "good") this.link.counters.unauthenticFrames++;
    else this.#end(now, session.handleBye());
  }

  #handleOffer(now: Millis, offer: Offer, proof: LinkProof | undefined): void {
    if (!equalBytes(offer.targetNonce, this.#bootNonce)) return;
    this.emit({ tag: "heard", who: "offering" });
    const peer = identityOf(offer, this.#nodeId);
    const verdict = this.#guard.judge(peer, proof);
    const session = this.#session;
    if (verdict !== "good") this.#handleMismatch(now, peer, verdict);
    else if (this.#servedBy !== undefined) this.#standDown(peer, this.#servedBy);
    else if (session?.isOf(offer.rescuerNonce)) session.hurry(now);
    else if (session?.isDone) this.#calling.tellHealth();
    else if (this.#isCalling) {
      this.#accept(now, this.#turns.consider(now, offer.rescuerId, keepOffer(offer)));
    } else if (session !== undefined && this.#isSilent(now) && !this.#turns.isBarred(now, offer.rescuerId)) {
      this.#accept(now, keepOffer(offer));
    } else {
      this.#nameMiswiring(offer.rescuerId);
      this.#standDown(peer, session?.peer.rescuerId ?? offer.rescuerId);
      this.#considerSupersession(now);
    }
  }

  /** An offer that our link key, or the lack of one, forbids. It has no say in a session. */
  #handleMismatch(now: Millis, peer: SessionIdentity, verdict: Exclude<ProofVerdict, "good">): void {
    if (this.#guard.isKeyed) this.link.counters.unauthenticFrames++;
    if (!this.#isCalling || this.#servedBy !== undefined) return;
    // Without a proof: else whoever spoils an offer on its way would get one that ends the rescuer's attempt.
    this.link.send(refuseOf(peer, "link-key"));
    if (!this.#guard.mayTell(now)) return;
    const mismatch = targetMismatch(verdict);
    this.emit({ tag: "refused", reason: "link-key", mismatch, rescuerId: peer.rescuerId });
  }

  /** Version 1 links join two nodes: a third one on the wire is told, and served when the session ends. */
  #nameMiswiring(nodeId: Uint8Array): void {
    const peerId = this.#session?.peer.rescuerId;
    if (peerId !== undefined && !equalBytes(peerId, nodeId)) this.emit({ tag: "link", state: "two-nodes" });
  }

  #standDown(peer: SessionIdentity, winnerId: Uint8Array): void {
    this.#guard.spend(peer.rescuerNonce);
    this.link.send(standDownOf(peer, winnerId), this.#guard.prove(peer));
  }

  #accept(now: Millis, offer: Offer | undefined): void {
    if (offer === undefined || !this.#guard.spend(offer.rescuerNonce)) return;
    if (this.#session !== undefined) this.emit({ tag: "sessionLost", why: "superseded" });
    this.#strike(now, "superseded");
    const acceptNonce = this.#guard.freshNonce(this.#random);
    const peer: SessionIdentity = { ...identityOf(offer, this.#nodeId), acceptNonce };
    this.#turns.forget();
    this.link.startReceiving(now, tagOf(peer), this.#guard.seal(peer, acceptNonce));
    this.#calling.served();
    this.#supersedeAt = undefined;
    this.#session = new TargetSession(now, peer, {
      link: this.link,
      guard: this.#guard,
      emit: (event) => this.emit(event),
      tellHealth: () => this.#calling.tellHealth(),
    });
    this.emit({ tag: "offered", offer });
    this.handleTimeout(now);
  }

  /** Completes `checkManifest`. */
  handleManifestChecked(now: Millis, outcome: ManifestOutcome): void {
    this.#end(now, this.#session?.handleManifestChecked(now, outcome));
  }

  /** Completes `checkRun`. */
  handleRunChecked(now: Millis, node: TreeNode, outcome: RunOutcome): void {
    this.#end(now, this.#session?.handleRunChecked(now, node, outcome));
  }

  /** Completes `writeBlock`. */
  handleBlockWritten(now: Millis, block: number, outcome: BlockOutcome): void {
    this.#end(now, this.#session?.handleBlockWritten(now, block, outcome));
  }

  /** Completes `commit`: the boot decision after the root was read back from flash. */
  handleCommitted(now: Millis, failure: BootFailure | undefined): void {
    this.#end(now, this.#session?.handleCommitted(now, failure));
    // Whoever knocked before is told by beacons now: this session ends as healed, heard or not.
    if (this.#session?.isDone) this.#supersedeAt = undefined;
  }

  #end(now: Millis, end: SessionEnd | undefined): void {
    if (end?.tag === "lost") this.#loseSession(now, end.why);
    else if (end?.tag === "refused") this.#refuse(now, end.reason, end.detail);
    else if (end?.tag === "finished") this.#finish(end.isHeard);
  }

  #loseSession(now: Millis, why: SessionLoss): void {
    this.#strike(now, why);
    this.link.endSession();
    this.#session = undefined;
    this.#supersedeAt = undefined;
    this.#calling.asked(now);
    this.emit({ tag: "sessionLost", why });
  }

  #refuse(now: Millis, reason: RefusalReason, detail: string): void {
    const peer = this.#session?.peer;
    if (peer === undefined) return;
    this.link.endSession();
    this.link.send(refuseOf(peer, reason), this.#guard.prove(peer));
    this.#emitRefused(reason, detail, peer.rescuerId);
    if (reason !== "flash") this.#turns.strike(now, peer.rescuerId);
    this.#session = undefined;
    this.#calling.refused(now);
  }

  #emitRefused(reason: RefusalReason, detail: string, rescuerId?: Uint8Array): void {
    this.emit({ tag: "refused", reason, detail, ...(rescuerId && { rescuerId }) });
  }

  #finish(isHeard: boolean): void {
    this.link.endSession();
    this.#session = undefined;
    this.#isStopped = true;
    this.emit({ tag: "finished", isHeard });
  }

  /** Leaves: says bye if a session runs. Let {@link takeFarewell} out afterwards. */
  stop(reason: ByeReason = ByeReason.stopped): void {
    const peer = this.#session?.peer;
    if (peer !== undefined) {
      this.link.endSession();
      this.link.send(byeOf(peer, reason), this.#guard.prove(peer));
    }
    this.#session = undefined;
    this.#isStopped = true;
  }

  /** Long enough that whoever knocks may take over. */
  #isSilent(now: Millis): boolean {
    return now - this.link.lastHeardAt >= SUPERSEDE_TIMEOUTS * askAgainAfter(this.link);
  }

  #considerSupersession(now: Millis): void {
    if (this.#session === undefined) return;
    if (this.#isSilent(now)) this.#loseSession(now, "superseded");
    else this.#supersedeAt ??= now + SUPERSEDE_TIMEOUTS * askAgainAfter(this.link);
  }

  /** A bye, which anybody on the wire can say, is held against nobody; nor is a line that failed after a good start. */
  #strike(now: Millis, why: SessionLoss): void {
    const session = this.#session;
    if (session === undefined) return;
    const isCertain = why === "damaged" || why === "slow";
    const isFruitless = (why === "lease" || why === "superseded") && !session.wasWorth(now);
    if (isCertain || isFruitless) this.#turns.strike(now, session.peer.rescuerId, isCertain);
  }

  /** Does what is due. Extra calls are harmless. */
  handleTimeout(now: Millis): void {
    if (this.#supersedeAt !== undefined && this.#supersedeAt <= now) {
      this.#supersedeAt = undefined;
      if (this.#isSilent(now)) this.#considerSupersession(now);
    }
    if (this.#session !== undefined) this.#end(now, this.#session.handleTimeout(now));
    else if (!this.#isStopped) {
      if (this.isUp) this.#calling.sendDue(now);
      this.#accept(now, this.#turns.take(now));
    }
  }

  /** When {@link handleTimeout} or {@link pollTransmit} has something to do; undefined when nothing is waited for. */
  pollTimeout(): Millis | undefined {
    const calls = [...this.#calling.timeouts, this.#turns.chooseAt];
    const due = this.#session?.timeouts ?? (this.isUp && !this.#isStopped ? calls : []);
    return this.soonest([this.#supersedeAt, ...due]);
  }
}
