import { unreachable } from "../base/assert.ts";
import { equalBytes } from "../base/bytes.ts";
import type { Random } from "../base/prng.ts";
import type { BootFailure, RefusalReason } from "../base/refusal.ts";
import type { TreeNode } from "../base/tree-shape.ts";
import type { Millis } from "../base/units.ts";
import type { LinkCounters } from "../link/counters.ts";
import { Link, type LinkEvent, type LinkOptions } from "../link/link.ts";
import { ByeReason, Codec, codecBit, MANIFEST_MAX, ObjectKind, PAYLOAD_MAX } from "../wire/constants.ts";
import type { DataChunk, Done, Message, ObjectChunk, Offer, Query } from "../wire/messages.ts";
import { Assembly } from "./assembly.ts";
import { BeaconTimer } from "./beacon-timer.ts";
import { type SessionIdentity, tagOf } from "./identity.ts";
import { QueryTimer } from "./query-timer.ts";
import { beaconOf, type NodeStatus } from "./status.ts";
import { type ReceivedRun, type RunOutcome, Transfer, type TransferPlan } from "./transfer.ts";

/** What the driver has to do (effects, answered by a `…Checked`, `…Written` or `…Committed` call) or may tell. */
export type TargetEvent =
  | { readonly tag: "checkManifest"; readonly envelope: Uint8Array }
  | { readonly tag: "checkRun"; readonly run: ReceivedRun }
  | { readonly tag: "writeBlock"; readonly block: number; readonly octets: Uint8Array }
  | { readonly tag: "commit" }
  | { readonly tag: "offered"; readonly offer: Offer }
  | { readonly tag: "refused"; readonly reason: RefusalReason; readonly detail: string }
  | { readonly tag: "receiving"; readonly plan: TransferPlan }
  | { readonly tag: "progress"; readonly transfer: Transfer }
  | { readonly tag: "sessionLost"; readonly why: SessionLoss }
  | { readonly tag: "verified"; readonly digest: Uint8Array }
  | { readonly tag: "finished"; readonly isHeard: boolean }
  | { readonly tag: "console"; readonly text: string }
  | { readonly tag: "link"; readonly state: LinkState };

/** Why a session ended early. */
export type SessionLoss = "lease" | "superseded" | "bye" | "damaged" | "not-bootable";
/** Things worth telling about the line. */
export type LinkState = "echo" | "foreign-version";

export type ManifestOutcome =
  | { readonly tag: "accepted"; readonly plan: TransferPlan; readonly start: RunOutcome }
  | { readonly tag: "refused"; readonly reason: RefusalReason; readonly detail: string };

export interface TargetOptions {
  readonly link: LinkOptions;
  readonly random: Random;
  readonly status: NodeStatus;
  /** Fixed for one start of the node. */
  readonly bootNonce: Uint8Array;
  /** Call for help although the firmware boots. */
  readonly isForced?: boolean;
  /** Octets of block buffers; decides how many blocks are open at once. Default 64 KiB, at least 4 blocks. */
  readonly bufferOctets?: number;
}

interface Peer extends SessionIdentity {
  readonly offer: Offer;
}

type State =
  | { readonly tag: "calling" }
  | { readonly tag: "accepting"; readonly peer: Peer; manifest: Assembly | undefined; repeatAt: Millis }
  | { readonly tag: "checking"; readonly peer: Peer }
  | { readonly tag: "receiving"; readonly peer: Peer; readonly transfer: Transfer }
  | { readonly tag: "committing"; readonly peer: Peer }
  | { readonly tag: "done"; readonly peer: Peer; repeatAt: Millis; readonly until: Millis }
  | { readonly tag: "stopped" };

const LEASE_MIN_MS = 5_000;
const LEASE_LINE_TIMES = 8;
const BUFFER_DEFAULT = 64 * 1024;
const OPEN_BLOCKS_MIN = 4;
const OPEN_BLOCKS_MAX = 64;
const DONE_INTERVAL_MIN_MS = 200;
const DONE_PATIENCE_MS = 15_000;
/** A rescuer that is stood down comes back after this long. */
const RETRY_AFTER_MS = 5_000;
/** A fresh offer or query supersedes a session that was silent for this many timeouts (protocol decision S5). */
const SUPERSEDE_TIMEOUTS = 3;
/** Requests wait behind what the rescuer's tty holds: this much of line time, in octets. */
const RESCUER_QUEUE_OCTETS = 6_000;

/**
 * The target: calls for help, takes one offer, asks for what its flash lacks, and says when it is whole
 * (PROTOCOL.md 6.1). Sans-IO: drain {@link pollTransmit} and {@link pollEvent} until undefined after every call, and
 * call {@link handleTimeout} at {@link pollTimeout}.
 */
export class TargetMachine {
  readonly #link: Link;
  readonly #bootNonce: Uint8Array;
  readonly #buffer: number;
  readonly #queries: QueryTimer = new QueryTimer();
  readonly #beacons: BeaconTimer;
  readonly #events: TargetEvent[] = [];
  #status: NodeStatus;
  #state: State = { tag: "calling" };
  #progressAt: Millis = 0;
  #lastAskedAt: Millis = 0;
  /** A stranger knocked while a session ran: it ends then if the session stays silent. */
  #supersedeAt: Millis | undefined;
  /** Served over another link: offers here are stood down. */
  #servedBy: Uint8Array | undefined;
  readonly #isCalling: boolean;
  #isUp = false;

  constructor(now: Millis, options: TargetOptions) {
    this.#isCalling = options.isForced ?? false;
    this.#link = new Link(options.link);
    this.#bootNonce = options.bootNonce;
    this.#buffer = options.bufferOctets ?? BUFFER_DEFAULT;
    this.#status = options.status;
    this.#beacons = new BeaconTimer(now, options.random);
  }

  get counters(): LinkCounters {
    return this.#link.counters;
  }

  /** The rescuer of the current session. */
  get peerId(): Uint8Array | undefined {
    return "peer" in this.#state ? this.#state.peer.rescuerId : undefined;
  }

  /** The link can carry octets, or no longer can. */
  handleLinkUp(now: Millis, isUp: boolean): void {
    this.#isUp = isUp;
    if (!isUp || this.#state.tag !== "calling") return;
    this.#queries.start(now);
    this.#beacons.asked(now);
  }

  /** Another link serves this board now (its rescuer's id), or no longer does: one session at a time. */
  setServedElsewhere(rescuerId: Uint8Array | undefined): void {
    this.#servedBy = rescuerId;
  }

  /** The firmware status changed, after a commit for instance. */
  setStatus(status: NodeStatus): void {
    this.#status = status;
  }

  /** Takes in the octets between two delimiters (PROTOCOL.md 2). */
  handleRun(now: Millis, run: Uint8Array): void {
    this.#link.handleRun(now, run);
    for (let event = this.#link.pollEvent(); event; event = this.#link.pollEvent()) this.#handle(now, event);
  }

  #handle(now: Millis, event: LinkEvent): void {
    switch (event.tag) {
      case "message":
        this.#handleMessage(now, event.message);
        return;
      case "chunk":
        this.#handleChunk(now, event.chunk);
        return;
      case "console":
        this.#events.push(event);
        return;
      case "foreignVersion":
        this.#refused("protocol", `the neighbour speaks protocol version ${event.version}`);
        return;
      default:
        unreachable(event);
    }
  }

  #handleMessage(now: Millis, message: Message): void {
    switch (message.tag) {
      case "query":
        this.#handleQuery(now, message);
        return;
      case "offer":
        this.#handleOffer(now, message);
        return;
      case "bye":
        if (this.#isInSessionWith(message.rescuerNonce)) this.#loseSession(now, "bye");
        return;
      case "later":
        this.#progressAt = Math.max(this.#progressAt, now);
        return;
      case "doneAck":
        if (this.#state.tag === "done") this.#finish(true);
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
    this.#events.push({ tag: "link", state: "echo" });
  }

  #handleQuery(now: Millis, query: Query): void {
    if (equalBytes(query.nodeId, this.#status.nodeId)) this.#echoed();
    else if (this.#state.tag === "calling") this.#beacons.asked(now);
    else this.#considerSupersession(now);
  }

  #handleOffer(now: Millis, offer: Offer): void {
    if (!equalBytes(offer.targetNonce, this.#bootNonce)) return;
    if (this.#servedBy !== undefined) {
      this.#standDown(offer, this.#servedBy);
      return;
    }
    if (this.#isInSessionWith(offer.rescuerNonce)) {
      if (this.#state.tag === "accepting") this.#state.repeatAt = now;
      return;
    }
    if (this.#state.tag === "calling" || this.#isSuperseded(now)) this.#accept(now, offer);
    else this.#considerSupersession(now);
  }

  #standDown(offer: Offer, winnerId: Uint8Array): void {
    const { rescuerNonce } = offer;
    const targetId = this.#status.nodeId;
    this.#link.send({ tag: "standDown", targetId, rescuerNonce, winnerId, retryAfterMs: RETRY_AFTER_MS });
  }

  #accept(now: Millis, offer: Offer): void {
    if ("peer" in this.#state) this.#events.push({ tag: "sessionLost", why: "superseded" });
    const peer: Peer = {
      offer,
      targetId: this.#status.nodeId,
      targetNonce: this.#bootNonce,
      rescuerId: offer.rescuerId.slice(),
      rescuerNonce: offer.rescuerNonce.slice(),
      digest: offer.digest.slice(),
    };
    this.#link.startReceiving(now, tagOf(peer));
    this.#queries.stop();
    this.#state = { tag: "accepting", peer, manifest: undefined, repeatAt: now };
    this.#progressAt = now;
    this.#supersedeAt = undefined;
    this.#events.push({ tag: "offered", offer });
    this.handleTimeout(now);
  }

  #handleChunk(now: Millis, chunk: DataChunk | ObjectChunk): void {
    const state = this.#state;
    if (state.tag === "accepting" && chunk.tag === "object") this.#handleManifestChunk(now, chunk, state);
    if (state.tag !== "receiving") return;
    if (chunk.tag === "data") {
      const complete = state.transfer.handleData(chunk);
      if (complete === undefined) return;
      this.#link.ackNow(now);
      this.#events.push({ tag: "writeBlock", block: complete.block, octets: complete.octets });
    } else {
      const { run, waited } = state.transfer.handleObject(now, chunk);
      if (waited !== undefined) this.#link.rtt.sample(waited - this.#link.lineTime(chunk.payload.length));
      if (run !== undefined) this.#events.push({ tag: "checkRun", run });
    }
  }

  #handleManifestChunk(now: Millis, chunk: ObjectChunk, state: State & { tag: "accepting" }): void {
    if (chunk.name.kind !== ObjectKind.manifest || chunk.total > MANIFEST_MAX) return;
    if (state.manifest?.octets.length !== chunk.total) state.manifest = new Assembly(chunk.total);
    state.manifest.add(chunk.offset, chunk.payload);
    state.repeatAt = now + this.#askAgainAfter();
    if (!state.manifest.isComplete) return;
    this.#state = { tag: "checking", peer: state.peer };
    this.#events.push({ tag: "checkManifest", envelope: state.manifest.octets });
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
      const open = Math.floor(this.#buffer / outcome.plan.blockSize);
      const openMax = Math.max(OPEN_BLOCKS_MIN, Math.min(OPEN_BLOCKS_MAX, open));
      const transfer = new Transfer(outcome.plan, outcome.start, openMax);
      this.#state = { tag: "receiving", peer, transfer };
      this.#progressAt = now;
      this.#events.push({ tag: "receiving", plan: outcome.plan });
      this.#advance(now);
    }
  }

  #refuse(now: Millis, peer: Peer, reason: RefusalReason, detail: string): void {
    this.#link.endSession();
    const { targetNonce, rescuerNonce, digest } = peer;
    this.#link.send({ tag: "refuse", targetNonce, rescuerNonce, digest, reason });
    this.#refused(reason, detail);
    this.#state = { tag: "calling" };
    this.#beacons.sent(now);
  }

  #refused(reason: RefusalReason, detail: string): void {
    this.#events.push({ tag: "refused", reason, detail });
  }

  /** Completes `checkRun`. */
  handleRunChecked(now: Millis, node: TreeNode, outcome: RunOutcome): void {
    if (this.#state.tag !== "receiving") return;
    const { peer, transfer } = this.#state;
    if (outcome.tag === "failed") {
      this.#refuse(now, peer, "flash", "a sector could not be erased or programmed");
      return;
    }
    if (outcome.tag === "good") this.#progressAt = now;
    const next = transfer.runChecked(now, node, outcome.tag === "good" ? outcome : undefined);
    if (next !== undefined) this.#events.push({ tag: "checkRun", run: next });
    this.#events.push({ tag: "progress", transfer });
    this.#advance(now);
  }

  /** Completes `writeBlock`. */
  handleBlockWritten(now: Millis, block: number, outcome: "written" | "mismatch" | "failed"): void {
    if (this.#state.tag !== "receiving") return;
    const { peer, transfer } = this.#state;
    if (outcome === "failed") {
      this.#refuse(now, peer, "flash", `block ${block} could not be erased or programmed`);
      return;
    }
    if (outcome === "written") this.#progressAt = now;
    if (!transfer.blockSettled(block, outcome === "written")) {
      this.#loseSession(now, "damaged");
      return;
    }
    this.#events.push({ tag: "progress", transfer });
    this.#advance(now);
  }

  /** Sends what changed in the plan, and commits when nothing is left. */
  #advance(now: Millis, again = false): void {
    if (this.#state.tag !== "receiving") return;
    const { peer, transfer } = this.#state;
    if (transfer.isFinished) {
      this.#state = { tag: "committing", peer };
      this.#events.push({ tag: "commit" });
      return;
    }
    transfer.advance(now);
    const request = transfer.takeRequest(now, again);
    if (request !== undefined) this.#link.send(request);
    const grant = transfer.takeGrant(again);
    if (grant !== undefined) this.#link.send(grant);
    if (request !== undefined || grant !== undefined) this.#lastAskedAt = now;
  }

  /** Completes `commit`: the boot decision after the root was read back from flash. */
  handleCommitted(now: Millis, failure: BootFailure | undefined): void {
    if (this.#state.tag !== "committing") return;
    const { peer } = this.#state;
    if (failure !== undefined) {
      this.#loseSession(now, "not-bootable");
      return;
    }
    this.#events.push({ tag: "verified", digest: peer.digest });
    this.#state = { tag: "done", peer, repeatAt: now, until: now + DONE_PATIENCE_MS };
    this.handleTimeout(now);
  }

  #finish(isHeard: boolean): void {
    this.#link.endSession();
    this.#state = { tag: "stopped" };
    this.#events.push({ tag: "finished", isHeard });
  }

  /** Leaves: says bye if a session runs. Drain {@link pollTransmit} once more afterwards. */
  stop(reason: ByeReason = ByeReason.stopped): void {
    if ("peer" in this.#state) {
      const { targetNonce, rescuerNonce } = this.#state.peer;
      this.#link.endSession();
      this.#link.send({ tag: "bye", targetNonce, rescuerNonce, reason });
    }
    this.#state = { tag: "stopped" };
  }

  #isInSessionWith(rescuerNonce: Uint8Array): boolean {
    return "peer" in this.#state && equalBytes(this.#state.peer.rescuerNonce, rescuerNonce);
  }

  #isSuperseded(now: Millis): boolean {
    return now - this.#link.lastHeardAt >= SUPERSEDE_TIMEOUTS * this.#askAgainAfter();
  }

  #considerSupersession(now: Millis): void {
    if (!("peer" in this.#state)) return;
    if (this.#isSuperseded(now)) this.#loseSession(now, "superseded");
    else this.#supersedeAt ??= now + SUPERSEDE_TIMEOUTS * this.#askAgainAfter();
  }

  #loseSession(now: Millis, why: SessionLoss): void {
    this.#link.endSession();
    this.#state = { tag: "calling" };
    this.#supersedeAt = undefined;
    this.#beacons.asked(now);
    this.#events.push({ tag: "sessionLost", why });
  }

  /** A question is asked again after this long without an answer. */
  #askAgainAfter(): Millis {
    return this.#link.rtt.timeout + this.#link.lineTime(RESCUER_QUEUE_OCTETS);
  }

  #leaseMs(): Millis {
    const blockSize = this.#state.tag === "receiving" ? this.#state.transfer.plan.blockSize : MANIFEST_MAX;
    const lineTimes = LEASE_LINE_TIMES * (this.#link.lineTime(blockSize) + this.#link.rtt.timeout);
    return Math.max(LEASE_MIN_MS, lineTimes);
  }

  /** Does what is due. Extra calls are harmless. */
  handleTimeout(now: Millis): void {
    this.#sendDueAnnouncements(now);
    if (this.#supersedeAt !== undefined && this.#supersedeAt <= now) {
      this.#supersedeAt = undefined;
      this.#considerSupersession(now);
    }
    const state = this.#state;
    switch (state.tag) {
      case "accepting":
        if (now >= this.#progressAt + this.#leaseMs()) this.#loseSession(now, "lease");
        else if (now >= state.repeatAt) {
          state.repeatAt = now + this.#askAgainAfter();
          this.#link.send(this.#acceptOf(state.peer));
        }
        return;
      case "receiving":
        if (now >= this.#progressAt + this.#leaseMs()) this.#loseSession(now, "lease");
        else if (now >= this.#askAgainAt(state.transfer)) this.#advance(now, true);
        return;
      case "done":
        if (now >= state.until) this.#finish(false);
        else if (now >= state.repeatAt) {
          state.repeatAt = now + Math.max(this.#link.rtt.timeout, DONE_INTERVAL_MIN_MS);
          const done: Done = { tag: "done", digest: state.peer.digest };
          this.#link.send(done);
        }
        return;
      default:
        return;
    }
  }

  #acceptOf(peer: Peer): Message {
    const { targetNonce, rescuerNonce, digest } = peer;
    const codecs = codecBit(Codec.raw) | codecBit(Codec.uniform);
    const openBlocks = OPEN_BLOCKS_MAX;
    return { tag: "accept", targetNonce, rescuerNonce, digest, payloadMax: PAYLOAD_MAX, openBlocks, codecs };
  }

  #sendDueAnnouncements(now: Millis): void {
    if (this.#state.tag !== "calling" || !this.#isUp) return;
    if (this.#queries.take(now)) {
      this.#link.send({ tag: "query", nodeId: this.#status.nodeId, bootNonce: this.#bootNonce });
    }
    if (this.#beacons.nextAt <= now) {
      this.#beacons.sent(now);
      this.#link.send(beaconOf(this.#status, this.#bootNonce, this.#isCalling));
    }
  }

  /** Everything is silent, or a question stayed unanswered, for too long. */
  #askAgainAt(transfer: Transfer): Millis {
    const wait = this.#askAgainAfter();
    const silent = Math.max(this.#link.lastHeardAt, this.#lastAskedAt) + wait;
    return Math.min(silent, (transfer.oldestQuestionAt ?? Number.POSITIVE_INFINITY) + wait);
  }

  /** When {@link handleTimeout} or {@link pollTransmit} has something to do; undefined when nothing is waited for. */
  pollTimeout(): Millis | undefined {
    const wishes = [this.#link.pollTimeout(), this.#supersedeAt, ...this.#stateTimeouts()];
    const times = wishes.filter((time) => time !== undefined);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  #stateTimeouts(): (Millis | undefined)[] {
    const state = this.#state;
    switch (state.tag) {
      case "calling":
        return this.#isUp ? [this.#queries.nextAt, this.#beacons.nextAt] : [];
      case "accepting":
        return [state.repeatAt, this.#progressAt + this.#leaseMs()];
      case "receiving":
        return [this.#askAgainAt(state.transfer), this.#progressAt + this.#leaseMs()];
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
