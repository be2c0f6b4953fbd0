import type { Differences, TreeNode } from "../../base/tree-shape.ts";
import type { Millis } from "../../base/units.ts";
import type { Link } from "../../link/link.ts";
import type { AcceptAsks, DataChunk, ObjectChunk } from "../../wire/messages.ts";
import { answerTimeout } from "../answer-timeout.ts";
import { type Deadlines, isDue } from "../deadlines.ts";
import { nominalLineTime } from "../progress-floor.ts";
import { type DescentPlan, lengthOfBlock } from "./descent-plan.ts";
import type { EarlyChunks } from "./early-chunks.ts";
import { FetchedChunks, type FetchedImage } from "./fetched-image.ts";
import type { HadBlocks } from "./had-blocks.ts";
import { type CompleteBlock, HeldWrites } from "./held-writes.ts";
import { Locating } from "./locating.ts";
import type { OwnWork } from "./own-work.ts";
import { ReceivingLimits } from "./receiving-limits.ts";
import type { SessionWords } from "./session-words.ts";
import { SharePace } from "./share-pace.ts";
import { SilentRescuer } from "./silent-rescuer.ts";
import type { Swarm } from "./swarm.ts";
import type { BlockOutcome, SessionLoss, TargetEvent } from "./target-events.ts";
import { codecsWithin, openBlocksWithin, type TargetLimits } from "./target-limits.ts";
import { type ReceivedRun, TreeDescent } from "./tree-descent.ts";

/** Blocks are held back for this time at most, or for so many line times of a block: half of a lease without its round trips. */
const HELD_MAX_MS = 2_500;
const HELD_LINE_TIMES = 4;
/** What a transfer shares with its session. */
export interface ReceivingParts {
  readonly link: Link;
  /** Number of the session, for its effects. */
  readonly session: number;
  readonly work: OwnWork;
  readonly says: SessionWords;
  /** Nothing is heard while a block is written. */
  readonly isDeafWhileWriting: boolean;
  readonly limits: TargetLimits;
  /** The call said that it takes an image behind the offer. */
  readonly isInline: boolean;
  /** The rescuer knows where on a network its image lies, and the board's owner allows such. */
  readonly locates: boolean;
  /** What it shares with the sessions on other links. */
  readonly swarm: Swarm;
  /** What the rescuer says it has; undefined of one that has all of the image. */
  readonly had: HadBlocks | undefined;
}

/** The target's side of a running transfer: chunks in, requests and grants out, within its {@link ReceivingLimits}. */
export class Receiving {
  readonly descent: TreeDescent;
  readonly #link: Link;
  readonly #work: OwnWork;
  readonly #limits: ReceivingLimits;
  readonly #session: number;
  readonly #isDeafWhileWriting: boolean;
  readonly #isInline: boolean;
  readonly #held: HeldWrites = new HeldWrites();
  readonly #pace: SharePace;
  /** What came of blocks before the first of them was opened. */
  #early: EarlyChunks | undefined;
  readonly #locating: Locating | undefined;
  /** The image, fetched from where it lies. */
  #fetched: FetchedChunks | undefined;
  /** Something may be missing that it has. */
  #feedAt: Millis | undefined;
  /** Blocks that are being written. */
  #writing = 0;
  readonly #silence: SilentRescuer;
  readonly #says: SessionWords;

  constructor(now: Millis, parts: ReceivingParts, plan: DescentPlan, start: Differences) {
    const { limits, link } = parts;
    this.#session = parts.session;
    this.#link = link;
    this.#work = parts.work;
    this.#isDeafWhileWriting = parts.isDeafWhileWriting;
    this.#isInline = parts.isInline;
    this.#locating = parts.locates ? new Locating() : undefined;
    const openMax = openBlocksWithin(limits, plan.blockSize);
    this.#pace = new SharePace(now, link, plan.blockSize);
    const ledger = parts.swarm.ledgerFor(plan);
    const codecs = codecsWithin(limits);
    this.descent = new TreeDescent(plan, start, openMax, limits.runs, codecs, ledger, this.#pace, parts.had);
    this.#limits = new ReceivingLimits(now, link, plan.blockSize);
    this.#silence = new SilentRescuer(now, link);
    this.#says = parts.says;
  }

  /** Whether the session brought enough blocks for the time it took: hashes can be had again and again. */
  isOnPace(now: Millis): boolean {
    const { plan, blocks } = this.descent;
    return this.#limits.isOnPace(now, blocks.written * plan.blockSize);
  }

  /** Line time of what is not known to be right. */
  get lackMs(): Millis {
    const { plan, blocksRight } = this.descent;
    const blocks = plan.leafCount - blocksRight;
    return nominalLineTime(this.#link, Math.min(plan.size, blocks * plan.blockSize));
  }

  /**
   * Takes over what came before the manifest was accepted; gives the checks of the runs that are complete. `asks`: what the
   * accept asked for, unless the rescuer was told to stop since.
   */
  begin(now: Millis, asks: AcceptAsks | undefined, early: EarlyChunks): readonly TargetEvent[] {
    this.#early = early;
    this.#noteDropped();
    if (asks !== undefined) this.descent.expect(now, asks);
    return early.takeObjects().flatMap((chunk) => this.handleChunk(now, chunk));
  }

  /** Something was pushed that could not be kept (PROTOCOL.md 6.10). Before blocks are opened. */
  #noteDropped(): void {
    if (this.#isInline && this.#early?.hasDropped === true) this.descent.blocks.voidEarly();
  }

  /** Once the first blocks are open: takes in what came of them before. Later chunks of others are no use. */
  takeEarly(now: Millis): readonly TargetEvent[] {
    if (this.#early === undefined) return [];
    this.#noteDropped();
    this.descent.advance(now);
    if (!this.descent.blocks.isAwaiting) return [];
    const chunks = this.#early.takeData();
    this.#early = undefined;
    return chunks.flatMap((chunk) => this.handleChunk(now, chunk));
  }

  /** Takes in a chunk; gives the effects that a complete block or run calls for. */
  handleChunk(now: Millis, chunk: DataChunk | ObjectChunk): readonly TargetEvent[] {
    if (chunk.tag === "data") {
      const complete = this.descent.blocks.handleData(chunk);
      if (complete === undefined) {
        this.#early?.add(chunk);
        return [];
      }
      this.#link.ackNow(now);
      return this.#takeBlock(now, complete);
    }
    const { run, waited } = this.descent.handleObject(now, chunk);
    // Behind blocks an answer waits in the rescuer's queue.
    const isPrompt = waited !== undefined && !this.descent.blocks.isAwaiting;
    const changedAt = this.#link.lineRate?.changedAt ?? Number.NEGATIVE_INFINITY;
    if (isPrompt && Math.max(changedAt, this.#limits.lastStoodAt(now)) <= now - waited)
      this.#link.rtt.sample(waited - this.#link.lineTime(chunk.payload.length));
    return run === undefined ? [] : [this.#check(now, run)];
  }

  #takeBlock(now: Millis, complete: CompleteBlock): readonly TargetEvent[] {
    if (!this.#isDeafWhileWriting) return [this.#write(now, complete)];
    this.#held.add(now, complete);
    return this.takeWrites(now);
  }

  /** A chunk of the locator, perhaps; the whole of it when that completes it. */
  takeLocator(chunk: DataChunk | ObjectChunk): Uint8Array | undefined {
    return chunk.tag === "object" ? this.#locating?.handleChunk(chunk) : undefined;
  }

  /** The image was fetched from where it lies: what is missing comes from there, too. */
  setFetched(now: Millis, image: FetchedImage): void {
    this.#fetched = new FetchedChunks(image);
    this.#feedAt = now;
  }

  /** Takes what is missing from the image that was fetched, if that is due, as much as is asked for at once. */
  takeFetched(now: Millis): readonly TargetEvent[] {
    const fetched = this.#fetched;
    if (fetched === undefined || !isDue(this.#feedAt, now)) return [];
    this.#feedAt = undefined;
    this.#noteDropped();
    this.descent.advance(now);
    const { awaitedNodes, blocks, plan } = this.descent;
    const runs = awaitedNodes.flatMap((node) => {
      const chunk = fetched.run(node);
      const run = chunk && this.descent.handleObject(now, chunk).run;
      return run === undefined ? [] : [this.#check(now, run)];
    });
    const written = blocks.awaited.flatMap(([block, attempt]) => {
      const chunk = fetched.block(block, attempt, plan.blockSize);
      const complete = chunk && blocks.handleData(chunk);
      return complete === undefined ? [] : this.#takeBlock(now, complete);
    });
    return [...runs, ...written];
  }

  /** Something was brought, or is no longer asked for elsewhere: more may be missing. */
  #noteChange(now: Millis): void {
    if (this.#fetched !== undefined) this.#feedAt = now;
  }

  #write(now: Millis, { block, bytes, coded }: CompleteBlock): TargetEvent {
    this.#writing++;
    this.#begin(now, this.#isDeafWhileWriting);
    const session = this.#session;
    if (coded === undefined) return { tag: "writeBlock", session, block, bytes };
    const { blockSize } = this.descent.plan;
    return { tag: "writeCodedBlock", session, block, payload: bytes, blockSize, ...coded };
  }

  #check(now: Millis, run: ReceivedRun): TargetEvent {
    this.#begin(now, false);
    return { tag: "checkRun", session: this.#session, run };
  }

  #begin(now: Millis, isLong: boolean): void {
    this.#work.begin(now, isLong);
    this.#limits.setWorking(now, true);
  }

  /** Blocks that were held back and can be written now: the line is silent, or they were held for long enough. */
  takeWrites(now: Millis): readonly TargetEvent[] {
    const isAwaiting = this.descent.blocks.isAwaiting || this.descent.oldestQuestionAt !== undefined;
    if (isAwaiting && !isDue(this.#writeAt, now)) return [];
    return this.#held.takeAll().map((complete) => this.#write(now, complete));
  }

  /** When blocks that are held back are written although others have not arrived. */
  get #writeAt(): Millis | undefined {
    if (this.#held.isEmpty) return undefined;
    const silentAt = this.#silence.aliveAt + answerTimeout(this.#link);
    const lineTimes = HELD_LINE_TIMES * this.#link.lineTime(this.descent.plan.blockSize);
    return Math.min(silentAt, this.#held.since + Math.max(HELD_MAX_MS, lineTimes));
  }

  /** The outcome of a check of a run (undefined: bad); returns the check of the next run, if that has arrived already. */
  handleRunChecked(
    now: Millis,
    node: TreeNode,
    differences: Differences | undefined,
  ): TargetEvent | undefined {
    if (differences === undefined) this.#limits.noteWrong();
    else this.#verified(now, this.descent.plan.blockSize, false);
    this.#work.end(now);
    const run = this.descent.runChecked(now, node, differences);
    const next = run && this.#check(now, run);
    this.#noteBusy(now);
    return next;
  }

  /** A run counts like a block: it saves blocks, and each run is asked for once. */
  #verified(now: Millis, bytes: number, isBlock: boolean): void {
    this.#pace.noteBrought(now, isBlock);
    this.#limits.noteVerified(now, bytes);
  }

  /** The outcome of writing a block; false when it failed too often to continue. */
  handleBlockWritten(now: Millis, block: number, outcome: BlockOutcome): boolean {
    const isWritten = outcome === "written";
    if (isWritten) this.#verified(now, lengthOfBlock(this.descent.plan, block), true);
    // What was fetched is not what it was taken for: its rescuer has not sent this.
    else if (this.#fetched?.hasGiven(block)) this.#fetched = undefined;
    // A rescuer may name a block in good faith that is not written yet.
    else if (outcome !== "missing") this.#limits.noteWrong();
    this.#writing = Math.max(0, this.#writing - 1);
    this.#work.endWrite(now, this.descent.plan.blockSize);
    const mayContinue = this.descent.blocks.settle(block, isWritten);
    this.#noteBusy(now);
    return mayContinue;
  }

  /** The limits stand still while own work runs, and while this session has nothing to bring, since others have all open. */
  #noteBusy(now: Millis): void {
    const { isIdle, openCount } = this.descent;
    this.#pace.setBusy(now, openCount > 0);
    this.#limits.setWorking(now, this.#work.isRunning || isIdle);
  }

  /** The session is over: what it has not brought is left to others. */
  leave(): void {
    this.descent.leave();
  }

  /** The rescuer serves later: believed for a minute without anything that verifies (PROTOCOL.md 6.5). */
  handleLater(now: Millis, forMs: Millis): void {
    this.#limits.handleLater(now, forMs);
  }

  /** Sends what changed in the plan, or all of it with `again`. */
  ask(now: Millis, again = false): void {
    // An answer would be lost. What is missing is asked for when all is written.
    if (this.#isDeafWhileWriting && this.#writing > 0) return;
    this.#noteDropped();
    this.descent.advance(now);
    if (this.descent.isStuck(now)) this.#exchange(now);
    if (this.descent.isIdle) this.#takeOver(now);
    this.#noteBusy(now);
    this.#noteChange(now);
    const request = this.descent.takeRequest(now, again, this.#locating);
    if (request !== undefined) this.#link.send(request);
    const grant = this.descent.blocks.takeGrant(again);
    if (grant !== undefined) this.#link.send(grant);
    if (request === undefined && grant === undefined) return;
    this.#silence.noteAsked(now);
    this.#work.handleAsked(now);
  }

  /** Its rescuer waits itself: what it has, and others wait for, is asked for in place of what it has not. */
  #exchange(now: Millis): void {
    this.descent.ledger.exchange(now, this.descent);
    this.descent.advance(now);
  }

  /** Nothing is left for this session: takes over what a slower one would bring later. */
  #takeOver(now: Millis): void {
    this.descent.ledger.relieve(now, this.descent);
    this.descent.advance(now);
  }

  /** Tells the rescuer that no block is wanted any more, so that it believes a DONE (PROTOCOL.md 5.12). */
  endGrants(): void {
    const grant = this.descent.blocks.takeGrant(true);
    if (grant !== undefined) this.#link.send(grant);
  }

  /** Repeats unanswered questions; returns why the session is over, if it is. */
  handleTimeout(now: Millis): SessionLoss | undefined {
    if (this.descent.ledger.state === "failed") return "not-bootable";
    const why = this.#limits.check(now);
    if (why !== undefined) return why;
    if (isDue(this.#askAgainAt, now)) {
      if (this.#silence.take(now) === "questions") this.ask(now, true);
      else this.#says.askSilent(now);
    }
    return undefined;
  }

  /** When {@link handleTimeout} has something to do, by name. */
  deadlines(): Deadlines<"ask" | "feed" | "lease" | "progress" | "write"> {
    return {
      feed: this.#feedAt,
      ask: this.#askAgainAt,
      lease: this.#limits.leaseEndsAt,
      progress: this.#limits.windowEndsAt,
      write: this.#writeAt,
    };
  }

  /** When silence, or one unanswered question, has lasted too long. A rescuer that was told to wait is not asked. */
  get #askAgainAt(): Millis | undefined {
    return this.#work.isAnnounced ? undefined : this.#silence.askAgainAt(this.descent.oldestQuestionAt);
  }
}
