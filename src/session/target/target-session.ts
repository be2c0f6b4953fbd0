import { equalBytes } from "../../base/bytes.ts";
import type { BootFailure, RefusalReason } from "../../base/refusal.ts";
import type { BlockRange, Differences, RunOutcome, TreeNode } from "../../base/tree-shape.ts";
import type { Millis } from "../../base/units.ts";
import type { Link } from "../../link/link.ts";
import { BLOCK_MAX, ObjectKind } from "../../wire/constants.ts";
import type { AcceptAsks, DataChunk, ObjectChunk, Offer } from "../../wire/messages.ts";
import type { Deadlines } from "../deadlines.ts";
import type { Deferral } from "../handshake.ts";
import type { SessionIdentity } from "../identity.ts";
import type { LinkGuard } from "../link-guard.ts";
import type { RoleHost } from "../role.ts";
import { Accepting } from "./accepting.ts";
import { EarlyChunks } from "./early-chunks.ts";
import type { FetchedImage } from "./fetched-image.ts";
import { HadBlocks } from "./had-blocks.ts";
import { OwnWork } from "./own-work.ts";
import { Receiving } from "./receiving.ts";
import { SayingDone } from "./saying-done.ts";
import type { SessionWords } from "./session-words.ts";
import type { Swarm } from "./swarm.ts";
import type { BlockOutcome, ManifestOutcome, SessionLoss, TargetEvent } from "./target-events.ts";
import { codecsWithin, openBlocksWithin, type TargetLimits } from "./target-limits.ts";

/** Where a session is (PROTOCOL.md 6.1). */
type State =
  | { readonly tag: "accepting"; readonly accepting: Accepting }
  | { readonly tag: "checking" }
  | { readonly tag: "receiving"; readonly receiving: Receiving }
  | { readonly tag: "committing"; readonly receiving: Receiving }
  | { readonly tag: "done"; readonly saying: SayingDone };

/** How a session ends; each handler gives it when it is over. */
export type SessionEnd =
  | { readonly tag: "lost"; readonly why: SessionLoss }
  | { readonly tag: "refused"; readonly reason: RefusalReason; readonly detail: string }
  | { readonly tag: "deferred"; readonly deferral: Deferral }
  | { readonly tag: "finished"; readonly isHeard: boolean };

/** What a session has to know of its board. */
export interface SessionOptions {
  /** Nothing is heard while a block is written. */
  readonly isDeafWhileWriting: boolean;
  readonly limits: TargetLimits;
  /** What the sessions on all links of the board share. */
  readonly swarm: Swarm;
  /** What the call said that it takes behind an offer; 0: nothing. */
  readonly inlineBytes: number;
  /** The board has a network, and its owner allows images from there. */
  readonly takesLocators: boolean;
}

/**
 * What a session waits for:
 * - `repeat`: the accept is sent again, or DONE is.
 * - `lease`: nothing verified came for too long; the next offer counts.
 * - `ask`: requests and grants that stayed unanswered are sent again.
 * - `progress`: a window ends in which enough has to have come.
 * - `busy`: own work runs, and the rescuer is told so.
 * - `write`: blocks that were held back are written.
 * - `feed`: something is missing that an image that was fetched has.
 * - `giveUp`: nobody answers DONE.
 */
export type SessionDeadline = "repeat" | "lease" | "ask" | "feed" | "progress" | "busy" | "write" | "giveUp";

/** The deadlines when no session runs. */
export const NO_SESSION: Deadlines<SessionDeadline> = {
  repeat: undefined,
  lease: undefined,
  ask: undefined,
  feed: undefined,
  progress: undefined,
  busy: undefined,
  write: undefined,
  giveUp: undefined,
};

/** Larger images take long to compare with what flash holds. */
const SHORT_CHECK_BYTES_MAX = 16 * 1024 * 1024;

/** What a session has to ask for beyond what the ledger says that others began. */
const NOTHING_MORE: Differences = { nodes: [], blocks: [] };

const lost = (why: SessionLoss): SessionEnd => ({ tag: "lost", why });
const refused = (reason: RefusalReason, detail: string): SessionEnd => ({ tag: "refused", reason, detail });
const finished = (isHeard: boolean): SessionEnd => ({ tag: "finished", isHeard });

/**
 * One session of a target, from the accept until the board is healed or the session lost: manifest, transfer, commit, and
 * DONE until somebody has heard it.
 */
export class TargetSession {
  readonly peer: SessionIdentity;
  /** What its effects are numbered with. */
  readonly number: number;
  readonly #host: RoleHost<TargetEvent>;
  readonly #says: SessionWords;
  readonly #link: Link;
  readonly #work: OwnWork;
  readonly #options: SessionOptions;
  readonly #asks: AcceptAsks | undefined;
  readonly #early: EarlyChunks;
  /** What its rescuer says it has; undefined of one that has all of the image. */
  readonly #had: HadBlocks | undefined;
  /** The check of the manifest may take long: the rescuer is told at once. */
  readonly #isLongCheck: boolean;
  readonly #locates: boolean;
  #state: State;

  /**
   * `asks`: what the accept asks for beside the manifest, if anything.
   */
  constructor(
    now: Millis,
    peer: SessionIdentity,
    { size, blockSize, partial, hasLocator }: Offer,
    asks: AcceptAsks | undefined,
    host: RoleHost<TargetEvent>,
    guard: LinkGuard,
    says: SessionWords,
    options: SessionOptions & { readonly isJoining: boolean },
  ) {
    this.peer = peer;
    this.number = host.nextSession();
    this.#host = host;
    this.#says = says;
    this.#link = host.link;
    this.#work = new OwnWork(host.link);
    this.#options = options;
    const openBlocks = openBlocksWithin(options.limits, blockSize);
    const payloadMax = Math.min(guard.payloadMax, options.limits.payloadMax ?? guard.payloadMax);
    this.#asks = asks;
    const { lineRate } = host.link;
    const limits = lineRate && { payloadMax, baudMax: lineRate.max };
    const codecs = codecsWithin(options.limits);
    const acceptance = { payloadMax, openBlocks, codecs, asks, limits };
    const { inlineBytes, isJoining } = options;
    const isPushed = size <= inlineBytes;
    const accepting = new Accepting(now, this.#link, guard, peer, acceptance, isPushed);
    this.#state = { tag: "accepting", accepting };
    const askedBytes = asks === "blank" ? openBlocks * (blockSize || BLOCK_MAX) : 0;
    this.#early = new EarlyChunks(isJoining ? 0 : Math.max(askedBytes, inlineBytes));
    this.#had = partial === undefined ? undefined : new HadBlocks();
    this.#locates = hasLocator === true && options.takesLocators;
    this.#isLongCheck = options.isDeafWhileWriting || size > SHORT_CHECK_BYTES_MAX;
  }

  /** Whether this is the session of that offer. */
  isOf(rescuerNonce: Uint8Array): boolean {
    return equalBytes(this.peer.rescuerNonce, rescuerNonce);
  }

  /** Whether the board is healed, and only DONE has to be heard. */
  get isDone(): boolean {
    return this.#state.tag === "done";
  }

  /** Whether it waits for its rescuer, and not for its own work or for DONE to be heard. */
  get isListening(): boolean {
    return (this.#state.tag === "accepting" || this.#state.tag === "receiving") && !this.isWorking;
  }

  /** Own work runs, and the rescuer was told so: it says nothing. */
  get isWorking(): boolean {
    return this.#work.isAnnounced;
  }

  /** Since when the rescuer has been silent without having been told to wait, when no own work runs. */
  get silentSince(): Millis {
    return Math.max(this.#link.lastHeardAt, this.#work.announcedUntil);
  }

  /** Whether it brought enough blocks for the time it took. */
  isOnPace(now: Millis): boolean {
    return this.#state.tag === "receiving" && this.#state.receiving.isOnPace(now);
  }

  /** Line time of what its image lacks; undefined before that is known. */
  get lackMs(): Millis | undefined {
    return this.#state.tag === "receiving" ? this.#state.receiving.lackMs : undefined;
  }

  /** The offer came again: the accept was not heard. */
  handleOfferRepeat(now: Millis): void {
    if (this.#state.tag === "accepting") this.#state.accepting.handleOfferRepeat(now);
  }

  /** Takes in a chunk of the manifest, of a run or of a block. */
  handleChunk(now: Millis, chunk: DataChunk | ObjectChunk): void {
    if (this.#state.tag === "receiving") {
      const { receiving } = this.#state;
      const locator = receiving.takeLocator(chunk);
      if (locator === undefined) this.#emitAll(receiving.handleChunk(now, chunk));
      else this.#emit({ tag: "locator", session: this.number, locator, plan: receiving.descent.plan });
    } else if (chunk.tag === "data" || chunk.name.kind !== ObjectKind.manifest) this.#early.add(chunk);
    else this.#handleManifestChunk(now, chunk);
  }

  #handleManifestChunk(now: Millis, chunk: ObjectChunk): void {
    if (this.#state.tag !== "accepting") return;
    const envelope = this.#state.accepting.handleChunk(now, chunk);
    if (envelope === undefined) return;
    this.#state = { tag: "checking" };
    this.#work.begin(now, this.#isLongCheck);
    const isJoining = this.#options.swarm.ledgerOf(this.peer.digest) !== undefined;
    const joins = isJoining ? ({ joins: true } as const) : {};
    this.#emit({ tag: "checkManifest", session: this.number, envelope, ...joins });
  }

  handleManifestChecked(now: Millis, outcome: ManifestOutcome): SessionEnd | undefined {
    if (this.#state.tag !== "checking") return undefined;
    // A rescuer that was told to wait continues when it is asked.
    const asks = this.#work.isAnnounced ? undefined : this.#asks;
    this.#work.end(now);
    if (outcome.tag === "deferred") return outcome;
    if (outcome.tag === "refused") return refused(outcome.reason, outcome.detail);
    if (!equalBytes(outcome.plan.digest, this.peer.digest))
      return refused("manifest", "the manifest is not the one that was offered");
    if (outcome.start.tag !== "good") return refused("flash", "the slot could not be prepared");
    const about = { link: this.#link, session: this.number, work: this.#work, says: this.#says };
    const modes = { isInline: this.#options.inlineBytes > 0, locates: this.#locates, had: this.#had };
    const parts = { ...about, ...this.#options, ...modes };
    // What flash lacks is in the ledger, if others receive this image.
    const isJoining = this.#options.swarm.ledgerOf(outcome.plan.digest) !== undefined;
    const start = isJoining ? NOTHING_MORE : outcome.start;
    const receiving = new Receiving(now, parts, outcome.plan, start);
    this.#state = { tag: "receiving", receiving };
    this.#emit({ tag: "receiving", plan: outcome.plan });
    this.#emitAll(receiving.begin(now, asks, this.#early));
    this.#continue(now, receiving);
    return undefined;
  }

  handleRunChecked(now: Millis, node: TreeNode, outcome: RunOutcome): SessionEnd | undefined {
    if (this.#state.tag !== "receiving") return undefined;
    const { receiving } = this.#state;
    if (outcome.tag === "failed") return refused("flash", "a sector could not be erased or programmed");
    const differences = outcome.tag === "good" ? outcome : undefined;
    this.#emit(receiving.handleRunChecked(now, node, differences));
    this.#continue(now, receiving);
    return undefined;
  }

  handleBlockWritten(now: Millis, block: number, outcome: BlockOutcome): SessionEnd | undefined {
    if (this.#state.tag !== "receiving") return undefined;
    const { receiving } = this.#state;
    if (outcome === "failed") return refused("flash", `block ${block} could not be erased or programmed`);
    if (!receiving.handleBlockWritten(now, block, outcome)) return lost("damaged");
    this.#continue(now, receiving);
    return undefined;
  }

  /** Asks for what is missing next, or has the board commit when nothing is. */
  #continue(now: Millis, receiving: Receiving): void {
    this.#emit({ tag: "progress", descent: receiving.descent });
    this.#emitAll(receiving.takeEarly(now));
    if (receiving.descent.isFinished) this.#commit(now, receiving);
    else receiving.ask(now);
  }

  /** Has the board commit, unless the session on another link does. */
  #commit(now: Millis, receiving: Receiving): void {
    const { descent } = receiving;
    if (!descent.ledger.takeCommit(descent)) return;
    this.#state = { tag: "committing", receiving };
    this.#work.begin(now, true);
    this.#emit({ tag: "commit", session: this.number });
  }

  handleCommitted(now: Millis, failure: BootFailure | undefined): SessionEnd | undefined {
    if (this.#state.tag !== "committing") return undefined;
    this.#work.end(now);
    const { receiving } = this.#state;
    receiving.descent.ledger.noteCommitted(failure === undefined ? "committed" : "failed");
    if (failure !== undefined) return lost("not-bootable");
    this.#emit({ tag: "verified", digest: this.peer.digest });
    return this.#sayDone(now, receiving);
  }

  #sayDone(now: Millis, receiving: Receiving): SessionEnd | undefined {
    receiving.leave();
    const saying = new SayingDone(now, this.#link, this.peer.digest, receiving, () => this.#says.sayBeacon());
    this.#state = { tag: "done", saying };
    return this.handleTimeout(now);
  }

  /** The image of this session was committed by that of another link: its rescuer hears so, too. */
  handleHealedElsewhere(now: Millis): SessionEnd | undefined {
    return this.#state.tag === "receiving" ? this.#sayDone(now, this.#state.receiving) : finished(false);
  }

  /** The image was fetched from where its rescuer said that it lies. */
  handleFetched(now: Millis, image: FetchedImage): void {
    if (this.#state.tag === "receiving") this.#state.receiving.setFetched(now, image);
  }

  /** The session on another link brought something, took something over, or is over: there may be more to ask for, or less. */
  handleShared(now: Millis): void {
    if (this.#state.tag !== "receiving") return;
    const { receiving } = this.#state;
    if (receiving.descent.isFinished) this.#commit(now, receiving);
    else receiving.ask(now);
  }

  /** The session is over: what it has not brought is left to those on other links. */
  leave(): void {
    if (this.#state.tag === "receiving" || this.#state.tag === "committing") this.#state.receiving.leave();
  }

  /** It brought no block. */
  get isFruitless(): boolean {
    return this.#state.tag !== "receiving" || this.#state.receiving.descent.blocks.written === 0;
  }

  /** The rescuer says which blocks it has, also while the manifest is checked. */
  handleHave(now: Millis, ranges: readonly BlockRange[]): void {
    for (const range of ranges) this.#had?.add(range);
    if (this.#had !== undefined) this.handleShared(now);
  }

  handleLater(now: Millis, forMs: Millis): void {
    if (this.#state.tag === "receiving") this.#state.receiving.handleLater(now, forMs);
  }

  handleDoneAck(digest: Uint8Array): SessionEnd | undefined {
    return this.isDone && equalBytes(digest, this.peer.digest) ? finished(true) : undefined;
  }

  handleBye(): SessionEnd {
    return this.isDone ? finished(false) : lost("bye");
  }

  /** Does what is due. Extra calls are harmless. */
  handleTimeout(now: Millis): SessionEnd | undefined {
    const state = this.#state;
    this.#work.sendDue(now);
    switch (state.tag) {
      case "accepting":
        if (now >= state.accepting.endsAt) return lost("lease");
        state.accepting.sendDue(now);
        return undefined;
      case "receiving": {
        this.#emitAll(state.receiving.takeWrites(now));
        this.#emitAll(state.receiving.takeFetched(now));
        // Whose turn it was may be gone.
        if (state.receiving.descent.isFinished) this.#commit(now, state.receiving);
        if (this.#state.tag !== "receiving") return undefined;
        const why = state.receiving.handleTimeout(now);
        return why === undefined ? undefined : lost(why);
      }
      case "done":
        if (now >= state.saying.endsAt) return finished(false);
        state.saying.sayDue(now);
        return undefined;
      default:
        return undefined;
    }
  }

  /** When {@link handleTimeout} has something to do, by name. */
  deadlines(): Deadlines<SessionDeadline> {
    const state = this.#state;
    switch (state.tag) {
      case "accepting":
        return { ...NO_SESSION, repeat: state.accepting.repeatAt, lease: state.accepting.endsAt };
      case "receiving":
        return { ...NO_SESSION, ...state.receiving.deadlines(), busy: this.#work.busyAt };
      case "done":
        return { ...NO_SESSION, repeat: state.saying.repeatAt, giveUp: state.saying.endsAt };
      default:
        return { ...NO_SESSION, busy: this.#work.busyAt };
    }
  }

  #emitAll(events: readonly TargetEvent[]): void {
    for (const event of events) this.#host.emit(event);
  }

  #emit(event: TargetEvent | undefined): void {
    if (event !== undefined) this.#host.emit(event);
  }
}
