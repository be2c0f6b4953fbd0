import { unreachable } from "../base/assert.ts";
import { equalBytes } from "../base/bytes.ts";
import type { Random } from "../base/prng.ts";
import type { BootFailure, RefusalReason } from "../base/refusal.ts";
import type { TreeNode } from "../base/tree-shape.ts";
import type { Millis } from "../base/units.ts";
import type { LinkCounters } from "../link/counters.ts";
import { Link, type LinkEvent, type LinkOptions } from "../link/link.ts";
import type { Stranger } from "../link/stranger.ts";
import { ByeReason, MANIFEST_MAX, ObjectKind } from "../wire/constants.ts";
import type { LinkProof } from "../wire/link-proof.ts";
import type { Message, ObjectChunk, Offer, Query } from "../wire/messages.ts";
import { Assembly } from "./assembly.ts";
import { BeaconTimer } from "./beacon-timer.ts";
import { acceptOf, byeOf, identityOf, keepOffer, refuseOf, standDownOf } from "./handshake.ts";
import { type SessionIdentity, tagOf } from "./identity.ts";
import { LinkGuard, type ProofVerdict, targetMismatch } from "./link-guard.ts";
import { askAgainAfter, Lease } from "./patience.ts";
import { QueryTimer } from "./query-timer.ts";
import { Receiving } from "./receiving.ts";
import { beaconOf, type NodeStatus } from "./status.ts";
import type { BlockOutcome, ManifestOutcome, SessionLoss, TargetEvent } from "./target-events.ts";
import type { TargetState } from "./target-state.ts";
import type { RunOutcome } from "./transfer.ts";
import { Turns } from "./turns.ts";

export interface TargetOptions {
  readonly link: LinkOptions;
  readonly random: Random;
  readonly status: NodeStatus;
  /** Fixed for one start of the node. */
  readonly bootNonce: Uint8Array;
  /** Call for help although the firmware boots. */
  readonly isForced?: boolean;
}

const DONE_INTERVAL_MIN_MS = 200;
const DONE_PATIENCE_MS = 15_000;
/** A fresh offer or query supersedes a session that was silent for this many timeouts (protocol decision S5). */
const SUPERSEDE_TIMEOUTS = 3;
/** Comparing or verifying a whole slot makes a target deaf: no more than this (protocol decision L6). */
const BUSY_MS = 10_000;

/**
 * The target: calls for help, takes one offer, asks for what its flash lacks, and says when it is whole
 * (PROTOCOL.md 6.1). Sans-IO: drain {@link pollTransmit} and {@link pollEvent} until undefined after every call, and
 * call {@link handleTimeout} at {@link pollTimeout}.
 */
export class TargetMachine {
  readonly #link: Link;
  readonly #guard: LinkGuard;
  readonly #random: Random;
  readonly #bootNonce: Uint8Array;
  readonly #isForced: boolean;
  readonly #queries: QueryTimer = new QueryTimer();
  readonly #beacons: BeaconTimer;
  /** Whose offer is taken, if one wasted our time before. */
  readonly #turns: Turns<Offer>;
  readonly #events: TargetEvent[] = [];
  #status: NodeStatus;
  #state: TargetState = { tag: "calling" };
  /** A stranger knocked while a session ran: it ends then if the session stays silent. */
  #supersedeAt: Millis | undefined;
  /** Served over another link: offers here are stood down. */
  #servedBy: Uint8Array | undefined;
  #isUp = false;

  constructor(now: Millis, options: TargetOptions) {
    this.#link = new Link(options.link);
    this.#guard = new LinkGuard(options.link.key, "target");
    this.#random = options.random;
    this.#bootNonce = options.bootNonce;
    this.#isForced = options.isForced ?? false;
    this.#status = options.status;
    this.#beacons = new BeaconTimer(now, options.random);
    this.#turns = new Turns(options.random);
  }

  get counters(): LinkCounters {
    return this.#link.counters;
  }

  /** Who is on the line, if it is no mayday node. */
  get stranger(): Stranger | undefined {
    return this.#link.stranger;
  }

  /** The link can carry octets, or no longer can. */
  handleLinkUp(now: Millis, isUp: boolean): void {
    this.#isUp = isUp;
    this.#turns.forget();
    if (!isUp || this.#state.tag !== "calling") return;
    this.#queries.start(now);
    this.#beacons.asked(now);
  }

  /** Whether a rescuer serves this board over this link. */
  get isServed(): boolean {
    return "peer" in this.#state;
  }

  /** Another link serves this board now (its rescuer's id), or no longer does: one session at a time. */
  setServedElsewhere(rescuerId: Uint8Array | undefined): void {
    this.#servedBy = rescuerId;
    this.#turns.forget();
  }

  /** The firmware status changed, after a commit for instance. */
  setStatus(status: NodeStatus): void {
    this.#status = status;
  }

  /** Takes in the octets between two delimiters (PROTOCOL.md 2). */
  handleRun(now: Millis, run: Uint8Array): void {
    this.#take(now, () => this.#link.handleRun(now, run));
  }

  /** Takes in one frame of a link that carries frames whole (PROTOCOL.md 10). */
  handleFrame(now: Millis, frame: Uint8Array): void {
    this.#take(now, () => this.#link.handleFrame(now, frame));
  }

  #take(now: Millis, handle: () => void): void {
    const damaged = this.#link.counters.crcErrors;
    handle();
    if (this.#link.counters.crcErrors > damaged && this.#state.tag === "calling") this.#beacons.stir(now);
    for (let event = this.#link.pollEvent(); event; event = this.#link.pollEvent()) this.#handle(now, event);
  }

  #handle(now: Millis, event: LinkEvent): void {
    switch (event.tag) {
      case "message":
        this.#handleMessage(now, event.message, event.proof);
        return;
      case "chunk":
        if (this.#state.tag === "receiving") this.#emit(this.#state.receiving.handleChunk(now, event.chunk));
        else if (event.chunk.tag === "object") this.#handleManifestChunk(now, event.chunk);
        return;
      case "console":
      case "stranger":
        this.#emit(event);
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
        if (this.#isInSessionWith(message.rescuerNonce)) this.#handleBye(now, proof);
        return;
      case "later":
        if (this.#state.tag === "receiving") this.#state.receiving.handleLater(now);
        return;
      case "doneAck":
        if (this.#state.tag === "done" && equalBytes(message.digest, this.#state.peer.digest))
          this.#finish(true);
        return;
      case "beacon":
      case "distress":
        if (equalBytes(message.nodeId, this.#status.nodeId)) this.#echoed();
        return;
      default:
        this.#echoed();
    }
  }

  #echoed(): void {
    this.#link.counters.echoes++;
    this.#emit({ tag: "link", state: "echo" });
  }

  #handleQuery(now: Millis, query: Query): void {
    if (equalBytes(query.nodeId, this.#status.nodeId)) this.#echoed();
    else if (this.#state.tag === "calling") this.#beacons.asked(now);
    else if (this.#state.tag === "done") this.#tellHealth();
    // Whoever asks proves nothing: with a link key the lease alone ends a session that fell silent.
    else if (!this.#guard.isKeyed) this.#considerSupersession(now);
  }

  /** To whoever knocks after the commit: a beacon with the digest installed stands for DONE (protocol decision S12). */
  #tellHealth(): void {
    this.#link.send(beaconOf(this.#status, this.#bootNonce, false, this.#guard.isKeyed));
  }

  #handleBye(now: Millis, proof: LinkProof | undefined): void {
    if (!("peer" in this.#state)) return;
    const verdict = this.#guard.judge(this.#state.peer, proof);
    if (this.#guard.isKeyed && verdict !== "good") this.#link.counters.unauthenticFrames++;
    else if (this.#state.tag === "done") this.#finish(false);
    else this.#loseSession(now, "bye");
  }

  #handleOffer(now: Millis, offer: Offer, proof: LinkProof | undefined): void {
    if (!equalBytes(offer.targetNonce, this.#bootNonce)) return;
    const peer = identityOf(offer, this.#status.nodeId);
    const verdict = this.#guard.judge(peer, proof);
    if (verdict !== "good") this.#handleMismatch(now, peer, verdict);
    else if (this.#servedBy !== undefined) this.#standDown(peer, this.#servedBy);
    else if (this.#isInSessionWith(offer.rescuerNonce)) {
      if (this.#state.tag === "accepting") this.#state.repeatAt = now;
    } else if (this.#state.tag === "done") this.#tellHealth();
    else if (this.#state.tag === "calling") {
      this.#accept(now, this.#turns.consider(now, offer.rescuerId, keepOffer(offer)));
    } else if (this.#isSilent(now) && !this.#turns.isBarred(now, offer.rescuerId)) {
      this.#accept(now, keepOffer(offer));
    } else {
      this.#nameMiswiring(offer.rescuerId);
      this.#standDown(peer, this.#peerId ?? offer.rescuerId);
      this.#considerSupersession(now);
    }
  }

  /** An offer that our link key, or the lack of one, forbids. It has no say in a session. */
  #handleMismatch(now: Millis, peer: SessionIdentity, verdict: Exclude<ProofVerdict, "good">): void {
    if (this.#guard.isKeyed) this.#link.counters.unauthenticFrames++;
    if (this.#state.tag !== "calling" || this.#servedBy !== undefined) return;
    // Without a proof: else whoever spoils an offer on its way would get one that ends the rescuer's attempt.
    this.#link.send(refuseOf(peer, "link-key"));
    if (this.#guard.mayTell(now)) this.#emitRefused("link-key", targetMismatch(verdict));
  }

  get #peerId(): Uint8Array | undefined {
    return "peer" in this.#state ? this.#state.peer.rescuerId : undefined;
  }

  /** Version 1 links join two nodes: a third one on the wire is told, and served when the session ends. */
  #nameMiswiring(nodeId: Uint8Array): void {
    const peerId = this.#peerId;
    if (peerId !== undefined && !equalBytes(peerId, nodeId)) this.#emit({ tag: "link", state: "two-nodes" });
  }

  #standDown(peer: SessionIdentity, winnerId: Uint8Array): void {
    this.#guard.spend(peer.rescuerNonce);
    this.#link.send(standDownOf(peer, winnerId), this.#guard.prove(peer));
  }

  #accept(now: Millis, offer: Offer | undefined): void {
    if (offer === undefined || !this.#guard.spend(offer.rescuerNonce)) return;
    if ("peer" in this.#state) this.#emit({ tag: "sessionLost", why: "superseded" });
    this.#strike(now, "superseded");
    const acceptNonce = this.#guard.freshNonce(this.#random);
    const peer: SessionIdentity = { ...identityOf(offer, this.#status.nodeId), acceptNonce };
    this.#turns.forget();
    this.#link.startReceiving(now, tagOf(peer), this.#guard.seal(peer, acceptNonce));
    this.#queries.stop();
    this.#supersedeAt = undefined;
    const lease = new Lease(now, this.#link, MANIFEST_MAX);
    this.#state = { tag: "accepting", peer, lease, manifest: undefined, repeatAt: now };
    this.#emit({ tag: "offered", offer });
    this.handleTimeout(now);
  }

  #handleManifestChunk(now: Millis, chunk: ObjectChunk): void {
    const state = this.#state;
    if (state.tag !== "accepting") return;
    if (chunk.name.kind !== ObjectKind.manifest || chunk.total > MANIFEST_MAX) return;
    if (state.manifest?.octets.length !== chunk.total) state.manifest = new Assembly(chunk.total);
    state.manifest.add(chunk.offset, chunk.payload);
    state.repeatAt = now + askAgainAfter(this.#link);
    if (!state.manifest.isComplete) return;
    this.#state = { tag: "checking", peer: state.peer };
    this.#link.send({ tag: "busy", forMs: BUSY_MS });
    this.#emit({ tag: "checkManifest", envelope: state.manifest.octets });
  }

  /** Completes `checkManifest`. */
  handleManifestChecked(now: Millis, outcome: ManifestOutcome): void {
    if (this.#state.tag !== "checking") return;
    const { peer } = this.#state;
    if (outcome.tag === "refused") this.#refuse(now, peer, outcome.reason, outcome.detail);
    else if (!equalBytes(outcome.plan.digest, peer.digest)) {
      this.#refuse(now, peer, "manifest", "the manifest is not the one that was offered");
    } else if (outcome.start.tag !== "good") {
      this.#refuse(now, peer, "flash", "the slot could not be prepared");
    } else {
      const receiving = new Receiving(now, this.#link, outcome.plan, outcome.start);
      this.#state = { tag: "receiving", peer, receiving };
      this.#emit({ tag: "receiving", plan: outcome.plan });
      this.#goOn(now, receiving);
    }
  }

  #refuse(now: Millis, peer: SessionIdentity, reason: RefusalReason, detail: string): void {
    this.#link.endSession();
    this.#link.send(refuseOf(peer, reason), this.#guard.prove(peer));
    this.#emitRefused(reason, detail);
    if (reason !== "flash") this.#turns.strike(now, peer.rescuerId);
    this.#state = { tag: "calling" };
    this.#beacons.sent(now);
  }

  #emitRefused(reason: RefusalReason, detail: string): void {
    this.#emit({ tag: "refused", reason, detail });
  }

  #emit(event: TargetEvent | undefined): void {
    if (event !== undefined) this.#events.push(event);
  }

  /** Completes `checkRun`. */
  handleRunChecked(now: Millis, node: TreeNode, outcome: RunOutcome): void {
    if (this.#state.tag !== "receiving") return;
    const { peer, receiving } = this.#state;
    if (outcome.tag === "failed") {
      this.#refuse(now, peer, "flash", "a sector could not be erased or programmed");
      return;
    }
    this.#emit(receiving.handleRunChecked(now, node, outcome.tag === "good" ? outcome : undefined));
    this.#goOn(now, receiving);
  }

  /** Completes `writeBlock`. */
  handleBlockWritten(now: Millis, block: number, outcome: BlockOutcome): void {
    if (this.#state.tag !== "receiving") return;
    const { peer, receiving } = this.#state;
    if (outcome === "failed") {
      this.#refuse(now, peer, "flash", `block ${block} could not be erased or programmed`);
    } else if (receiving.handleBlockWritten(now, block, outcome === "written")) this.#goOn(now, receiving);
    else this.#loseSession(now, "damaged");
  }

  /** Asks for what is missing next, or has the board commit when nothing is. */
  #goOn(now: Millis, receiving: Receiving): void {
    if (this.#state.tag !== "receiving") return;
    this.#emit({ tag: "progress", transfer: receiving.transfer });
    if (!receiving.transfer.isFinished) receiving.ask(now);
    else {
      this.#state = { tag: "committing", peer: this.#state.peer };
      this.#link.send({ tag: "busy", forMs: BUSY_MS });
      this.#emit({ tag: "commit" });
    }
  }

  /** Completes `commit`: the boot decision after the root was read back from flash. */
  handleCommitted(now: Millis, failure: BootFailure | undefined): void {
    if (this.#state.tag !== "committing") return;
    const { peer } = this.#state;
    if (failure !== undefined) {
      this.#loseSession(now, "not-bootable");
      return;
    }
    // Whoever knocked before is told by beacons now: this session ends as healed, heard or not.
    this.#supersedeAt = undefined;
    this.#emit({ tag: "verified", digest: peer.digest });
    this.#state = { tag: "done", peer, repeatAt: now, until: now + DONE_PATIENCE_MS };
    this.handleTimeout(now);
  }

  #finish(isHeard: boolean): void {
    this.#link.endSession();
    this.#state = { tag: "stopped" };
    this.#emit({ tag: "finished", isHeard });
  }

  /** Leaves: says bye if a session runs. Let {@link takeFarewell} out afterwards. */
  stop(reason: ByeReason = ByeReason.stopped): void {
    if ("peer" in this.#state) {
      const { peer } = this.#state;
      this.#link.endSession();
      this.#link.send(byeOf(peer, reason), this.#guard.prove(peer));
    }
    this.#state = { tag: "stopped" };
  }

  #isInSessionWith(rescuerNonce: Uint8Array): boolean {
    return "peer" in this.#state && equalBytes(this.#state.peer.rescuerNonce, rescuerNonce);
  }

  /** Long enough that whoever knocks may take over. */
  #isSilent(now: Millis): boolean {
    return now - this.#link.lastHeardAt >= SUPERSEDE_TIMEOUTS * askAgainAfter(this.#link);
  }

  #considerSupersession(now: Millis): void {
    if (!("peer" in this.#state)) return;
    if (this.#isSilent(now)) this.#loseSession(now, "superseded");
    else this.#supersedeAt ??= now + SUPERSEDE_TIMEOUTS * askAgainAfter(this.#link);
  }

  #loseSession(now: Millis, why: SessionLoss): void {
    this.#strike(now, why);
    this.#link.endSession();
    this.#state = { tag: "calling" };
    this.#supersedeAt = undefined;
    this.#beacons.asked(now);
    this.#emit({ tag: "sessionLost", why });
  }

  /** A bye, which anybody on the wire can say, is held against nobody; nor is a line that failed after a good start. */
  #strike(now: Millis, why: SessionLoss): void {
    const state = this.#state;
    const isCertain = why === "damaged" || why === "slow";
    const isFruitless = !(state.tag === "receiving" && state.receiving.wasWorth(now));
    const isWasted = isCertain || (isFruitless && (why === "lease" || why === "superseded"));
    if ("peer" in state && isWasted) this.#turns.strike(now, state.peer.rescuerId, isCertain);
  }

  /** Does what is due. Extra calls are harmless. */
  handleTimeout(now: Millis): void {
    if (this.#supersedeAt !== undefined && this.#supersedeAt <= now) {
      this.#supersedeAt = undefined;
      if (this.#isSilent(now)) this.#considerSupersession(now);
    }
    const state = this.#state;
    switch (state.tag) {
      case "calling":
        this.#sendDueAnnouncements(now);
        this.#accept(now, this.#turns.take(now));
        return;
      case "accepting":
        if (now >= state.lease.endsAt) this.#loseSession(now, "lease");
        else if (now >= state.repeatAt) {
          state.repeatAt = now + askAgainAfter(this.#link);
          const accept = acceptOf(state.peer, this.#guard.payloadMax);
          this.#link.send(accept, this.#guard.prove(state.peer, state.peer.acceptNonce));
        }
        return;
      case "receiving": {
        const why = state.receiving.handleTimeout(now);
        if (why !== undefined) this.#loseSession(now, why);
        return;
      }
      case "done":
        if (now >= state.until) this.#finish(false);
        else if (now >= state.repeatAt) {
          state.repeatAt = now + Math.max(this.#link.rtt.timeout, DONE_INTERVAL_MIN_MS);
          this.#link.send({ tag: "done", digest: state.peer.digest });
          // Not the first DONE: the rescuer may be another one by now, which cannot read it.
          if (now > state.until - DONE_PATIENCE_MS) this.#tellHealth();
        }
        return;
      default:
        return;
    }
  }

  #sendDueAnnouncements(now: Millis): void {
    if (!this.#isUp) return;
    if (this.#queries.take(now)) {
      this.#link.send({ tag: "query", nodeId: this.#status.nodeId, bootNonce: this.#bootNonce });
    }
    if (this.#beacons.nextAt <= now) {
      this.#beacons.sent(now);
      this.#link.send(beaconOf(this.#status, this.#bootNonce, this.#isForced, this.#guard.isKeyed));
    }
  }

  /** When {@link handleTimeout} or {@link pollTransmit} has something to do; undefined when nothing is waited for. */
  pollTimeout(): Millis | undefined {
    const wishes = [this.#supersedeAt, ...this.#stateTimeouts()];
    // While the link is down nothing is sent, and what waits to be sent must not keep the driver awake.
    if (this.#isUp) wishes.push(this.#link.pollTimeout());
    const times = wishes.filter((time) => time !== undefined);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  #stateTimeouts(): (Millis | undefined)[] {
    const state = this.#state;
    switch (state.tag) {
      case "calling":
        return this.#isUp ? [this.#queries.nextAt, this.#beacons.nextAt, this.#turns.chooseAt] : [];
      case "accepting":
        return [state.repeatAt, state.lease.endsAt];
      case "receiving":
        return [state.receiving.timeoutAt];
      case "done":
        return [state.repeatAt, state.until];
      default:
        return [];
    }
  }

  /** The next octets to send, paced; undefined when there is nothing to send now. */
  pollTransmit(now: Millis): Uint8Array | undefined {
    return this.#isUp ? this.#link.pollTransmit(now) : undefined;
  }

  /** All messages that wait, whatever the pace: for the last words before the link is closed. */
  takeFarewell(now: Millis): { frames: Uint8Array[]; lineMs: Millis } {
    return this.#isUp ? this.#link.takeFarewell(now) : { frames: [], lineMs: 0 };
  }

  /** The next effect to carry out or thing to tell. */
  pollEvent(): TargetEvent | undefined {
    return this.#events.shift();
  }
}
