import { leavesBelow, RUN_LEVELS, runChildren, type TreeNode } from "../../base/tree-shape.ts";
import type { Millis } from "../../base/units.ts";
import {
  CHUNK_UNIT,
  Codec,
  codecBit,
  GRANT_ENTRIES_MAX,
  ObjectKind,
  POSITION_SPAN,
  REQUEST_ENTRIES_MAX,
} from "../../wire/constants.ts";
import type { DataChunk, Grant, GrantEntry, ObjectChunk, Request } from "../../wire/messages.ts";
import { Assembly } from "./chunk-assembly.ts";

/** What a verified manifest says about the transfer. */
export interface TransferPlan {
  /** Short digest of the image. */
  readonly digest: Uint8Array;
  /** Bytes. */
  readonly size: number;
  /** Bytes, a power of two. */
  readonly blockSize: number;
  readonly leafCount: number;
}

/** Where flash differs from the image: nodes to ask for, and blocks whose data is wanted, both in order. */
export interface Differences {
  readonly nodes: readonly TreeNode[];
  readonly blocks: readonly number[];
}

/** What the flash's side found out about a run of child hashes. `bad`: not what was promised, nothing was learnt. */
export type RunOutcome =
  | { readonly tag: "bad" }
  | { readonly tag: "failed" }
  | ({ readonly tag: "good" } & Differences);

/** A whole hash run, or the claim that a node's range is one byte over and over. */
export interface ReceivedRun {
  readonly node: TreeNode;
  readonly kind: typeof ObjectKind.run | typeof ObjectKind.uniform;
  readonly payload: Uint8Array;
}

interface OpenBlock {
  attempt: number;
  assembly: Assembly;
  /** Complete and handed on to be checked and written. */
  isSettling: boolean;
}

interface Wanted {
  readonly node: TreeNode;
  askedAt: Millis;
  assembly: Assembly | undefined;
  /** Complete and handed on to be checked. */
  isChecking: boolean;
  /** Asked for before its parent's run is known: see {@link Transfer.advance}. */
  isGuess: boolean;
  /** A guess that arrived before its parent was checked. */
  held: ReceivedRun | undefined;
}

/** Nodes asked for at the same time: as many as one request names. */
const REQUESTS_MAX = REQUEST_ENTRIES_MAX;
/** No further hashes are asked for while this many blocks are wanted or open. */
const BLOCKS_AHEAD = 64;
/** Longest run object: 16 hashes. */
const RUN_BYTES_MAX = 512;
/** A block that fails this often ends the session: four bits of attempt are on the wire. */
export const ATTEMPTS_MAX = 8;

/**
 * The target's plan of one transfer (PROTOCOL.md 6.3): walks down the hash tree where flash differs, opens the blocks
 * that are wanted, and puts chunks together. Pure bookkeeping: hashes and flash are others' work.
 */
export class Transfer {
  readonly plan: TransferPlan;
  readonly #openMax: number;
  #frontier: TreeNode[] = [];
  readonly #asked: Map<string, Wanted> = new Map();
  #wantedBlocks: number[] = [];
  readonly #open: Map<number, OpenBlock> = new Map();
  #grantSequence = 0;
  #requestSequence = 0;
  #grantChanged = true;
  #requestChanged = true;
  #blocksWritten = 0;

  /** `start`: where flash differs from the root on. `openMax`: blocks that may be unfinished at once. */
  constructor(plan: TransferPlan, start: Differences, openMax: number) {
    this.plan = plan;
    this.#openMax = openMax;
    this.#descend(start);
  }

  /** Blocks written in this session. */
  get blocksWritten(): number {
    return this.#blocksWritten;
  }

  /** Blocks that are known to be right in flash, out of the plan's `leafCount`. */
  get blocksRight(): number {
    let left = this.#wantedBlocks.length + this.#open.size;
    const { leafCount } = this.plan;
    for (const node of this.#frontier) left += leavesBelow(leafCount, node).count;
    for (const { node } of this.#asked.values()) left += leavesBelow(leafCount, node).count;
    // Blocks of a unit that is rewritten are wanted again although a run found them equal.
    return Math.max(0, leafCount - left);
  }

  /** Nothing is left to ask for, to wait for, or to write. */
  get isFinished(): boolean {
    return (
      this.#frontier.length === 0 &&
      this.#asked.size === 0 &&
      this.#wantedBlocks.length === 0 &&
      this.#open.size === 0
    );
  }

  #descend(differences: Differences): void {
    this.#frontier.unshift(...differences.nodes);
    this.#wantedBlocks.push(...differences.blocks);
    this.#wantedBlocks.sort((a, b) => a - b);
  }

  /**
   * Asks for more hashes and opens more blocks, as far as the limits allow. With no block in sight it also asks along
   * the leftmost path below what it asks for: where all differs, that saves a round trip for each step down.
   */
  advance(now: Millis): void {
    this.#openBlocks();
    while (this.#asked.size < REQUESTS_MAX && this.#wantedBlocks.length + this.#open.size < BLOCKS_AHEAD) {
      const node = this.#frontier.shift();
      if (node === undefined) break;
      this.#ask(now, node, false);
    }
    if (this.#wantedBlocks.length + this.#open.size === 0) this.#guess(now);
  }

  #ask(now: Millis, node: TreeNode, isGuess: boolean): void {
    const known = this.#asked.get(keyOf(node));
    if (known !== undefined) known.isGuess &&= isGuess;
    if (known !== undefined || this.#asked.size >= REQUESTS_MAX) return;
    const fresh = { assembly: undefined, isChecking: false, held: undefined };
    this.#asked.set(keyOf(node), { node, askedAt: now, isGuess, ...fresh });
    this.#requestChanged = true;
  }

  #guess(now: Millis): void {
    let node: TreeNode | undefined = this.#asked.values().next().value?.node;
    while (node !== undefined && node.level > RUN_LEVELS) {
      node = runChildren(this.plan.leafCount, node)[0];
      if (node !== undefined) this.#ask(now, node, true);
    }
  }

  #openBlocks(): void {
    for (let i = 0; i < this.#wantedBlocks.length && this.#open.size < this.#openMax; ) {
      const block = this.#wantedBlocks[i] as number;
      if (this.#isAmbiguous(block)) {
        i++;
        continue;
      }
      this.#open.set(block, { attempt: 0, assembly: this.#assembly(block), isSettling: false });
      if (this.#grantEntries().length > GRANT_ENTRIES_MAX) {
        this.#open.delete(block);
        return;
      }
      this.#wantedBlocks.splice(i, 1);
      this.#grantChanged = true;
    }
  }

  /** Whether the 16 position bits of a chunk could not tell this block from one that is open (PROTOCOL.md 4.5). */
  #isAmbiguous(block: number): boolean {
    const modulus = POSITION_SPAN / this.plan.blockSize;
    for (const other of this.#open.keys()) if (other % modulus === block % modulus) return true;
    return false;
  }

  #assembly(block: number): Assembly {
    return new Assembly(this.lengthOf(block));
  }

  /** Bytes of a block: the last may be short. */
  lengthOf(block: number): number {
    return Math.min(this.plan.blockSize, this.plan.size - block * this.plan.blockSize);
  }

  /** The grant to send, if it changed since it was last taken, or in any case with `again`. */
  takeGrant(again = false): Grant | undefined {
    if (!this.#grantChanged && !again) return undefined;
    this.#grantChanged = false;
    this.#grantSequence = (this.#grantSequence + 1) & 0xffff;
    const entries = this.#grantEntries().slice(0, GRANT_ENTRIES_MAX);
    return { tag: "grant", sequence: this.#grantSequence, entries };
  }

  #grantEntries(): GrantEntry[] {
    const entries: { first: number; count: number; attempt: number; codecs: number }[] = [];
    for (const [block, { attempt, isSettling }] of this.#open) {
      if (isSettling) continue;
      const last = entries.at(-1);
      const continues =
        last && last.attempt === attempt && last.first + last.count === block && last.count < 255;
      if (continues) last.count++;
      else entries.push({ first: block, count: 1, attempt, codecs: codecsFor(attempt) });
    }
    return entries;
  }

  /** The request to send, if it changed since it was last taken, or in any case with `again`. */
  takeRequest(now: Millis, again = false): Request | undefined {
    if (!this.#requestChanged && !again) return undefined;
    const waiting = [...this.#asked.values()].filter((wanted) => !wanted.isChecking && !wanted.held);
    this.#requestChanged = false;
    if (waiting.length === 0) return undefined;
    for (const wanted of waiting) wanted.askedAt = now;
    this.#requestSequence = (this.#requestSequence + 1) & 0xffff;
    return { tag: "request", sequence: this.#requestSequence, wanted: waiting.map(({ node }) => node) };
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
    if (wanted.assembly?.bytes.length !== chunk.total) wanted.assembly = new Assembly(chunk.total);
    wanted.assembly.add(chunk.offset, chunk.payload);
    const waited = isFirst ? { waited: now - wanted.askedAt } : {};
    if (!wanted.assembly.isComplete) return waited;
    const run = { node: wanted.node, kind, payload: wanted.assembly.bytes };
    if (wanted.isGuess) wanted.held = run;
    else wanted.isChecking = true;
    return wanted.isGuess ? waited : { ...waited, run };
  }

  /**
   * What a complete run was found to be: the differences below it, or undefined: bad, it is asked for again. Gives the
   * run of a right guess that has arrived already and can be checked now.
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
    this.#asked.delete(keyOf(node));
    this.#descend(outcome);
    return this.#settleGuess(now, node);
  }

  /** The guess below `node` was right, and is now asked for in earnest, or wrong, and with all below it forgotten. */
  #settleGuess(now: Millis, node: TreeNode): ReceivedRun | undefined {
    const child = node.level > RUN_LEVELS ? runChildren(this.plan.leafCount, node)[0] : undefined;
    const guess = child && this.#asked.get(keyOf(child));
    if (child === undefined || !guess?.isGuess) return undefined;
    const at = this.#frontier.findIndex(({ level, index }) => level === child.level && index === child.index);
    if (at < 0) {
      for (const [key, { isGuess }] of this.#asked) if (isGuess) this.#asked.delete(key);
      return undefined;
    }
    this.#frontier.splice(at, 1);
    this.#ask(now, child, false);
    const run = guess.held;
    guess.held = undefined;
    guess.isChecking = run !== undefined;
    return run;
  }

  /** Takes in a chunk of a block; the block's bytes when that completes it. */
  handleData(chunk: DataChunk): { block: number; bytes: Uint8Array } | undefined {
    for (const [block, open] of this.#open) {
      const start = (block * this.plan.blockSize) / CHUNK_UNIT;
      const offset = ((chunk.position - start) & 0xffff) * CHUNK_UNIT;
      if (offset >= open.assembly.bytes.length) continue;
      if (open.isSettling || (open.attempt & 1) !== chunk.attempt) return undefined;
      if (!this.#place(open.assembly, chunk, offset) || !open.assembly.isComplete) return undefined;
      open.isSettling = true;
      this.#grantChanged = true;
      return { block, bytes: open.assembly.bytes };
    }
    return undefined;
  }

  #place(assembly: Assembly, chunk: DataChunk, offset: number): boolean {
    if (chunk.codec === Codec.raw) return assembly.add(offset, chunk.payload);
    if (chunk.codec !== Codec.uniform || offset !== 0 || chunk.payload.length !== 1) return false;
    return assembly.add(0, new Uint8Array(assembly.bytes.length).fill(chunk.payload[0] as number));
  }

  /** What became of a complete block; false when it failed too often. A mismatch asks for it again, raw. */
  blockSettled(block: number, isWritten: boolean): boolean {
    const open = this.#open.get(block);
    if (open === undefined) return true;
    this.#grantChanged = true;
    if (isWritten) {
      this.#open.delete(block);
      this.#blocksWritten++;
      return true;
    }
    this.#open.set(block, { attempt: open.attempt + 1, assembly: this.#assembly(block), isSettling: false });
    return open.attempt + 1 < ATTEMPTS_MAX;
  }
}

/** Codecs allowed in an attempt: all that this version knows, then only raw (PROTOCOL.md 5.9). */
function codecsFor(attempt: number): number {
  return attempt === 0 ? codecBit(Codec.raw) | codecBit(Codec.uniform) : codecBit(Codec.raw);
}

function keyOf(node: TreeNode): string {
  return `${node.level}/${node.index}`;
}
