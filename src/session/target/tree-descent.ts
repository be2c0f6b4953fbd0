import {
  type BlockRange,
  type Differences,
  leavesBelow,
  leftmostPath,
  RUN_LEVELS,
  runChildren,
  type TreeNode,
} from "../../base/tree-shape.ts";
import type { Millis } from "../../base/units.ts";
import { ObjectKind, REQUEST_ENTRIES_MAX } from "../../wire/constants.ts";
import type { AcceptAsks, ObjectChunk, Request } from "../../wire/messages.ts";
import { ChunkAssembly } from "./chunk-assembly.ts";
import type { DescentPlan } from "./descent-plan.ts";
import type { HadBlocks } from "./had-blocks.ts";
import { ImageLedger, type LedgerShare } from "./image-ledger.ts";
import type { Locating } from "./locating.ts";
import type { SharePace } from "./share-pace.ts";
import { type BlockChoice, WantedBlocks } from "./wanted-blocks.ts";

/** A complete run of hashes, or the claim that a node's range repeats one byte. */
export interface ReceivedRun {
  readonly node: TreeNode;
  readonly kind: typeof ObjectKind.run | typeof ObjectKind.uniform;
  readonly payload: Uint8Array;
}

interface Wanted {
  readonly node: TreeNode;
  askedAt: Millis;
  /** Requests that named it: with more than one, an answer does not tell how long it took (Karn's rule). */
  timesAsked: number;
  assembly: ChunkAssembly | undefined;
  /** Complete and handed on to be checked. */
  isChecking: boolean;
  /** Asked for before its parent's run is known: see {@link TreeDescent.advance}. */
  isGuess: boolean;
  /** A guess that arrived before its parent was checked. */
  held: ReceivedRun | undefined;
}

/** Nodes asked for at the same time: as many as one request names. */
const REQUESTS_MAX = REQUEST_ENTRIES_MAX;
/** No further hashes are asked for while this many blocks are wanted or open. */
const BLOCKS_AHEAD = 64;
/** Blocks that a run lists at most. */
const RUN_BLOCKS = 2 ** RUN_LEVELS;
/** Longest run object: 16 hashes. */
const RUN_BYTES_MAX = 512;
/** A session that brings nothing for so long, and for so many blocks, waits for what its rescuer does not have. */
const STUCK_MS = 500;
const STUCK_BLOCKS = 2;

/**
 * A session's walk down the hash tree of one image, where flash differs from it (PROTOCOL.md 6.3): asks for runs of hashes
 * and finds the blocks that are wanted; of what the ledger has, which several sessions may share. Pure bookkeeping: the board
 * hashes, compares and writes.
 */
export class TreeDescent implements LedgerShare {
  readonly plan: DescentPlan;
  readonly blocks: WantedBlocks;
  readonly ledger: ImageLedger;
  readonly #pace: SharePace | undefined;
  readonly #had: HadBlocks | undefined;
  readonly #runsMax: number;
  readonly #blocksAhead: number;
  readonly #asked: Map<string, Wanted> = new Map();
  #requestSequence = 0;
  #requestChanged = true;
  /** The root's run is on its way, and nothing below it: what to ask for next is known when it is here. */
  #isRootComing = false;

  /**
   * `start`: where flash differs from the root on. `openMax`: blocks that may be unfinished at once. `runsMax`: runs that
   * are kept at once, until their blocks are written. `codecs`: of blocks, those that the accept stated. `ledger`: of this session
   * alone unless given; then `pace` says how fast the session is. `had`: what a rescuer says it has that is still receiving.
   */
  constructor(
    plan: DescentPlan,
    start: Differences,
    openMax: number,
    runsMax: number = REQUESTS_MAX,
    codecs?: number,
    ledger: ImageLedger = new ImageLedger(plan),
    pace?: SharePace,
    had?: HadBlocks,
  ) {
    this.plan = plan;
    this.ledger = ledger;
    this.#pace = pace;
    this.#had = had;
    this.#runsMax = runsMax;
    this.#blocksAhead = Math.min(BLOCKS_AHEAD, 1 + RUN_BLOCKS * (runsMax - 1));
    this.blocks = new WantedBlocks(plan, openMax, codecs, ledger.waiting);
    ledger.add(start);
    ledger.join(this);
  }

  /** Blocks that are known to be right in flash, out of the plan's `leafCount`: by whatever session they came. */
  get blocksRight(): number {
    return this.ledger.blocksRight;
  }

  /** Nothing is left to ask for, to wait for, or to write. */
  get isFinished(): boolean {
    return this.isIdle && this.ledger.isFinished;
  }

  /** This session has asked for nothing that is not there. */
  get isIdle(): boolean {
    return this.#asked.size === 0 && this.blocks.openCount === 0;
  }

  /** Nodes that were asked for and not checked yet, but for guesses, which others may ask for. */
  get askedNodes(): readonly TreeNode[] {
    return [...this.#asked.values()].filter(({ isGuess }) => !isGuess).map(({ node }) => node);
  }

  get openCount(): number {
    return this.blocks.openCount;
  }

  timeFor(now: Millis, blocks: number): Millis {
    return this.#pace?.timeFor(now, blocks) ?? 0;
  }

  doneAt(now: Millis): Millis {
    return this.#pace?.doneAt(now, this.openCount) ?? now;
  }

  release(count: number, areBegunToo: boolean): readonly number[] {
    return this.blocks.release(count, areBegunToo);
  }

  releaseNodes(): readonly TreeNode[] {
    return this.#releaseNodes(() => true);
  }

  #releaseNodes(suits: (range: BlockRange) => boolean): readonly TreeNode[] {
    const released: TreeNode[] = [];
    for (const [key, { node, isChecking, isGuess }] of this.#asked) {
      if (isChecking || !suits(this.#below(node))) continue;
      if (!isGuess) released.push(node);
      this.#asked.delete(key);
      this.#requestChanged = true;
    }
    return released;
  }

  hasAnyOf(range: BlockRange): boolean {
    return this.#had?.hasAnyOf(range) ?? true;
  }

  isQuiet(now: Millis): boolean {
    if (this.#pace === undefined || this.isIdle) return false;
    return this.#pace.silentFor(now) > Math.max(STUCK_MS, this.#pace.timeFor(now, STUCK_BLOCKS));
  }

  /** Its rescuer, which is still receiving, brings nothing: others may have what it waits for. */
  isStuck(now: Millis): boolean {
    return this.#known !== undefined && this.isQuiet(now);
  }

  releaseThose(suits: (range: BlockRange) => boolean, most: number = this.openCount): Differences {
    const nodes = this.#releaseNodes(suits);
    return { nodes, blocks: this.blocks.release(most, true, (first) => suits({ first, count: 1 })) };
  }

  /** The session is over: others of the ledger are to bring what it has not. */
  leave(): void {
    const nodes = this.askedNodes;
    this.#asked.clear();
    this.ledger.leave(this, this.blocks.releaseAll(), nodes);
  }

  /** The accept asked for the first runs: they are not asked for again, unless they stay away (PROTOCOL.md 5.4). */
  expect(now: Millis, asks: AcceptAsks): void {
    this.#isRootComing = asks === "run";
    this.advance(now);
    const coming = leftmostPath(this.plan.leafCount).slice(0, asks === "run" ? 1 : undefined);
    const names = new Set(coming.map(keyOf));
    if (![...this.#asked.keys()].every((name) => names.has(name))) return;
    // Nobody measured when they were asked for: no answer to them tells a round trip.
    for (const wanted of this.#asked.values()) wanted.timesAsked = 2;
    this.#requestChanged = false;
  }

  /**
   * Asks for more hashes and opens more blocks, as far as the limits allow. With no block in sight it also asks along
   * the leftmost path below what it asks for: where all differs, that saves a round trip for each step down.
   */
  advance(now: Millis): void {
    this.blocks.openMore(this.#choice);
    while (this.#asked.size < this.#runsMax) {
      const node = this.#takeNode();
      if (node === undefined) break;
      this.#ask(now, node, false);
    }
    if (this.blocks.count === 0 && !this.#isRootComing) this.#guess(now);
  }

  /** What the rescuer has, if anything is known of what it lacks. */
  get #known(): HadBlocks | undefined {
    return this.#had?.isEmpty === false ? this.#had : undefined;
  }

  get #choice(): BlockChoice | undefined {
    const known = this.#known;
    if (known === undefined) return undefined;
    return {
      has: (block) => known.has(block),
      isElsewhere: (first) => this.ledger.isElsewhere(this, { first, count: 1 }),
    };
  }

  #below(node: TreeNode): BlockRange {
    return leavesBelow(this.plan.leafCount, node);
  }

  /** The next node to ask for: chosen like blocks, where the rescuer has a part. */
  #takeNode(): TreeNode | undefined {
    const { ledger } = this;
    const known = this.#known;
    const isEnough = this.blocks.count >= this.#blocksAhead;
    if (known === undefined) return isEnough ? undefined : ledger.takeNode();
    const had = (range: BlockRange): boolean => known.hasAnyOf(range);
    // Blocks that others have may wait in great number, and none that this one has.
    if (isEnough) return this.#hasWork(known) ? undefined : ledger.takeNode(had);
    const best = ledger.takeNode(had) ?? ledger.takeNode((range) => !ledger.isElsewhere(this, range));
    return best ?? (this.isIdle ? ledger.takeNode() : undefined);
  }

  /** Whether something was asked for that the rescuer has. */
  #hasWork(known: HadBlocks): boolean {
    for (const block of this.blocks.open) if (known.has(block)) return true;
    for (const { node } of this.#asked.values()) if (known.hasAnyOf(this.#below(node))) return true;
    return false;
  }

  #ask(now: Millis, node: TreeNode, isGuess: boolean): void {
    const known = this.#asked.get(keyOf(node));
    if (known !== undefined) known.isGuess &&= isGuess;
    if (known !== undefined || this.#asked.size >= this.#runsMax) return;
    const fresh = { assembly: undefined, isChecking: false, held: undefined };
    this.#asked.set(keyOf(node), { node, askedAt: now, timesAsked: 0, isGuess, ...fresh });
    this.#requestChanged = true;
  }

  #guess(now: Millis): void {
    const first = this.#asked.values().next().value?.node;
    if (first === undefined) return;
    for (const node of leftmostPath(this.plan.leafCount, first).slice(1)) this.#ask(now, node, true);
  }

  get #waiting(): Wanted[] {
    return [...this.#asked.values()].filter((wanted) => !wanted.isChecking && !wanted.held);
  }

  /** Nodes whose runs were asked for, and have not arrived. */
  get awaitedNodes(): readonly TreeNode[] {
    return this.#waiting.map(({ node }) => node);
  }

  /**
   * The request to send, if it changed since it was last taken, or in any case with `again`. `locating`: it may ask for the locator
   * as well.
   */
  takeRequest(now: Millis, again = false, locating?: Locating): Request | undefined {
    if (!this.#requestChanged && !again && locating?.isNew !== true) return undefined;
    const waiting = this.#waiting;
    this.#requestChanged = false;
    const hasRoom = waiting.length < REQUEST_ENTRIES_MAX;
    const locator = hasRoom && locating?.take() === true ? (["locator"] as const) : [];
    if (waiting.length + locator.length === 0) return undefined;
    for (const wanted of waiting) {
      wanted.askedAt = now;
      wanted.timesAsked++;
    }
    this.#requestSequence = (this.#requestSequence + 1) & 0xffff;
    const wanted = [...locator, ...waiting.map(({ node }) => node)];
    return { tag: "request", sequence: this.#requestSequence, wanted };
  }

  /** When the oldest unanswered question was asked; undefined when none is open. */
  get oldestQuestionAt(): Millis | undefined {
    let oldest: Millis | undefined;
    for (const { askedAt, isChecking, held } of this.#asked.values()) {
      if (!isChecking && !held) oldest = Math.min(oldest ?? askedAt, askedAt);
    }
    return oldest;
  }

  /** Takes in a chunk of a run; the run when that completes it. `waited`: time since the request, on its first chunk. */
  handleObject(now: Millis, chunk: ObjectChunk): { run?: ReceivedRun; waited?: Millis } {
    const kind = chunk.name.kind;
    const wanted = this.#asked.get(keyOf(chunk.name.node));
    if (wanted === undefined || wanted.isChecking || wanted.held) return {};
    if ((kind !== ObjectKind.run && kind !== ObjectKind.uniform) || chunk.total > RUN_BYTES_MAX) return {};
    const isFirst = wanted.assembly === undefined;
    if (wanted.assembly?.bytes.length !== chunk.total) wanted.assembly = new ChunkAssembly(chunk.total);
    wanted.assembly.add(chunk.offset, chunk.payload);
    const waited = isFirst && wanted.timesAsked === 1 ? { waited: now - wanted.askedAt } : {};
    if (!wanted.assembly.isComplete) return waited;
    const run = { node: wanted.node, kind, payload: wanted.assembly.bytes };
    if (wanted.isGuess) wanted.held = run;
    else wanted.isChecking = true;
    return wanted.isGuess ? waited : { ...waited, run };
  }

  /**
   * The outcome of checking a complete run: the differences below it, or undefined if it was bad and is asked for again.
   * Returns the run of a correct guess that has arrived already and can be checked now.
   */
  runChecked(now: Millis, node: TreeNode, outcome: Differences | undefined): ReceivedRun | undefined {
    const wanted = this.#asked.get(keyOf(node));
    if (wanted === undefined) return undefined;
    if (outcome === undefined) {
      wanted.isChecking = false;
      wanted.assembly = undefined;
      this.#requestChanged = true;
      return undefined;
    }
    this.#isRootComing = false;
    this.#asked.delete(keyOf(node));
    this.ledger.add(outcome);
    return this.#settleGuess(now, node);
  }

  /** The guess below `node` was correct and becomes a normal request, or wrong and is dropped with everything below it. */
  #settleGuess(now: Millis, node: TreeNode): ReceivedRun | undefined {
    const child = node.level > RUN_LEVELS ? runChildren(this.plan.leafCount, node)[0] : undefined;
    const guess = child && this.#asked.get(keyOf(child));
    if (child === undefined || !guess?.isGuess) return undefined;
    if (!this.ledger.takeThis(child)) {
      for (const [key, { isGuess }] of this.#asked) if (isGuess) this.#asked.delete(key);
      return undefined;
    }
    this.#ask(now, child, false);
    const run = guess.held;
    guess.held = undefined;
    guess.isChecking = run !== undefined;
    return run;
  }
}

function keyOf(node: TreeNode): string {
  return `${node.level}/${node.index}`;
}
