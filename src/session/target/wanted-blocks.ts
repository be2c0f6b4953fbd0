import { CHUNK_UNIT, type Codec, codecBit, GRANT_ENTRIES_MAX, POSITION_SPAN } from "../../wire/constants.ts";
import type { DataChunk, Grant, GrantEntry } from "../../wire/messages.ts";
import { codecOf, codecsFor, isCodedCodec, KNOWN_CODECS, payloadBound } from "../codecs.ts";
import { isCodedComplete } from "../coded-block.ts";
import { ChunkAssembly } from "./chunk-assembly.ts";
import { type DescentPlan, lengthOfBlock } from "./descent-plan.ts";
import type { CompleteBlock } from "./held-writes.ts";
import { WAITING_LOOKED_AT_MAX, WaitingBlocks } from "./waiting-blocks.ts";

interface OpenBlock {
  attempt: number;
  /** Tries before this one. */
  failures: number;
  /** The payload so far, in the codec of its first chunk. */
  coded: { readonly codec: Codec; readonly assembly: ChunkAssembly } | undefined;
  /** Complete, and handed on to be checked and written. */
  isSettling: boolean;
}

/** What is known of who has which block, where the rescuer of a session has a part. */
export interface BlockChoice {
  /** The rescuer has it. */
  has(block: number): boolean;
  /** The rescuer of another session has it. */
  isElsewhere(block: number): boolean;
}

/** Bytes of open blocks that are taken to be on their way: they stand first in the queue of the rescuer. */
const COMING_BYTES = 8_192;
/** A block that fails this often ends the session: attempts begin at 0 or 1, and have four bits on the wire. */
const ATTEMPTS_MAX = 8;

/**
 * The blocks that a session is to bring: those that wait, for it or for other sessions, and those that it has open, which its
 * grant names (PROTOCOL.md 6.3). Puts their chunks together.
 */
export class WantedBlocks {
  readonly #plan: DescentPlan;
  readonly #openMax: number;
  /** Codecs that the board takes. */
  readonly #codecs: number;
  readonly #waiting: WaitingBlocks;
  readonly #open: Map<number, OpenBlock> = new Map();
  /** Blocks this far apart have the same position bits. */
  readonly #modulus: number;
  /** Position bits of open blocks, in blocks. */
  readonly #openPositions: Set<number> = new Set();
  /** The last attempt at these position bits, of a block that is done with. */
  readonly #lastAttempts: Map<number, number> = new Map();
  /** Attempt at blocks that were not open before. */
  #firstAttempt = 0;
  #grantSequence = 0;
  #grantChanged = false;
  #written = 0;

  /** `openMax`: blocks that may be unfinished at once. `codecs`: those that the accept stated. `waiting`: taken from. */
  constructor(
    plan: DescentPlan,
    openMax: number,
    codecs: number = KNOWN_CODECS,
    waiting: WaitingBlocks = new WaitingBlocks(),
  ) {
    this.#waiting = waiting;
    this.#plan = plan;
    this.#openMax = openMax;
    this.#codecs = codecs;
    this.#modulus = POSITION_SPAN / plan.blockSize;
  }

  /** What came of blocks that are opened from now on, before they were, is void: they begin with another attempt. */
  voidEarly(): void {
    this.#firstAttempt = 1;
  }

  /** Blocks that are not written yet, but for those that other sessions have open. */
  get count(): number {
    return this.#waiting.count + this.#open.size;
  }

  /** Blocks that this session has open. */
  get openCount(): number {
    return this.#open.size;
  }

  /** Blocks written in this session. */
  get written(): number {
    return this.#written;
  }

  /** Whether a block that was asked for has not arrived in full. */
  get isAwaiting(): boolean {
    for (const { isSettling } of this.#open.values()) if (!isSettling) return true;
    return false;
  }

  /** Blocks that were asked for and have not arrived in full, with their attempts. */
  get awaited(): readonly (readonly [block: number, attempt: number])[] {
    return [...this.#open]
      .filter(([, { isSettling }]) => !isSettling)
      .map(([block, { attempt }]) => [block, attempt] as const);
  }

  /** Adds blocks to those that wait. */
  add(blocks: readonly number[]): void {
    this.#waiting.add(blocks);
  }

  /**
   * Gives up to `count` open blocks that are not complete to another session, those opened last first; only with `areBegunToo` also
   * those of which a part has come, or is on its way. `suits`: only those.
   */
  release(count: number, areBegunToo: boolean, suits: (block: number) => boolean = () => true): number[] {
    const released: number[] = [];
    const waiting = [...this.#open].filter(([, { isSettling }]) => !isSettling);
    const comingBytes = areBegunToo ? 0 : COMING_BYTES;
    const coming = new Set(
      waiting.slice(0, Math.ceil(comingBytes / this.#plan.blockSize)).map(([block]) => block),
    );
    for (const [block, { attempt, coded }] of waiting.toReversed()) {
      if (released.length >= count) break;
      if (!areBegunToo && (coded !== undefined || coming.has(block))) continue;
      if (!suits(block)) continue;
      this.#close(block, attempt);
      released.push(block);
    }
    return released;
  }

  /** The open blocks. */
  get open(): Iterable<number> {
    return this.#open.keys();
  }

  /** The session is over: the blocks that it has not brought. */
  releaseAll(): number[] {
    const released = [...this.#open.keys()];
    for (const [block, { attempt }] of this.#open) this.#close(block, attempt);
    return released;
  }

  /** Late chunks of it belong to nothing. */
  #close(block: number, attempt: number): void {
    const position = block % this.#modulus;
    this.#open.delete(block);
    this.#openPositions.delete(position);
    this.#lastAttempts.set(position, attempt);
    this.#grantChanged = true;
  }

  /**
   * Opens blocks that wait, as far as the limits allow: with a choice those first that the rescuer has, then those that nobody else
   * is known to have; others only if there is nothing to bring besides.
   */
  openMore(choice?: BlockChoice): void {
    if (choice !== undefined) {
      this.#openThose((block) => choice.has(block), WAITING_LOOKED_AT_MAX);
      this.#openThose((block) => !choice.isElsewhere(block), WAITING_LOOKED_AT_MAX);
    }
    if (choice === undefined || this.#open.size === 0) this.#openThose(() => true);
  }

  #openThose(suits: (block: number) => boolean, most?: number): void {
    /** At least as many entries as the grant has; counted exactly only where that may be too many. */
    let entries = GRANT_ENTRIES_MAX;
    this.#waiting.offer((block) => {
      if (this.#open.size >= this.#openMax) return "enough";
      const position = block % this.#modulus;
      if (!suits(block)) return "left";
      // The position bits of a chunk could not tell this block from one that is open (PROTOCOL.md 4.5).
      if (this.#openPositions.has(position)) return "left";
      this.#open.set(block, { ...this.#firstTry(position), coded: undefined, isSettling: false });
      entries++;
      if (entries > GRANT_ENTRIES_MAX) entries = this.#grantEntries().length;
      if (entries > GRANT_ENTRIES_MAX) {
        this.#open.delete(block);
        return "enough";
      }
      this.#openPositions.add(position);
      this.#grantChanged = true;
      return "taken";
    }, most);
  }

  /** Not the attempt that a late chunk of an earlier block with these position bits may be of (PROTOCOL.md 4.5). */
  #firstTry(position: number): { readonly attempt: number; readonly failures: number } {
    const before = this.#lastAttempts.get(position);
    return { attempt: before === undefined ? this.#firstAttempt : (before + 1) & 1, failures: 0 };
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
    for (const [block, { attempt, failures, isSettling }] of this.#open) {
      if (isSettling) continue;
      const codecs = codecsFor(failures, this.#codecs);
      const last = entries.at(-1);
      const isNext = last && last.first + last.count === block && last.count < 255;
      if (isNext && last.attempt === attempt && last.codecs === codecs) last.count++;
      else entries.push({ first: block, count: 1, attempt, codecs });
    }
    return entries;
  }

  /** Takes in a chunk of a block; the block when that completes it. Chunks of codecs that the board does not take are dropped. */
  handleData(chunk: DataChunk): CompleteBlock | undefined {
    if ((this.#codecs & codecBit(chunk.codec)) === 0) return undefined;
    for (const [block, open] of this.#open) {
      const start = (block * this.#plan.blockSize) / CHUNK_UNIT;
      const offset = ((chunk.position - start) & 0xffff) * CHUNK_UNIT;
      const length = lengthOfBlock(this.#plan, block);
      if (offset >= length) continue;
      if (open.isSettling || (open.attempt & 1) !== chunk.attempt) return undefined;
      const complete = place(open, chunk, offset, length);
      if (complete === undefined) return undefined;
      open.isSettling = true;
      this.#grantChanged = true;
      return { block, ...complete };
    }
    return undefined;
  }

  /** The outcome of a complete block; false when it failed too often. After a mismatch it is asked for again, raw. */
  settle(block: number, isWritten: boolean): boolean {
    const open = this.#open.get(block);
    if (open === undefined) return true;
    this.#grantChanged = true;
    if (isWritten) {
      this.#close(block, open.attempt);
      this.#written++;
      return true;
    }
    const [attempt, failures] = [open.attempt + 1, open.failures + 1];
    this.#open.set(block, { attempt, failures, coded: undefined, isSettling: false });
    return failures < ATTEMPTS_MAX;
  }
}

/**
 * Adds a chunk to the payload of a block of `length` bytes; the block, or the coded block that stands for it, when that
 * completes it. A chunk of another codec than the first one is dropped (PROTOCOL.md 4.5).
 */
function place(
  open: OpenBlock,
  { codec, payload }: DataChunk,
  offset: number,
  length: number,
): Omit<CompleteBlock, "block"> | undefined {
  if (offset + payload.length > payloadBound(codec, length)) return undefined;
  open.coded ??= { codec, assembly: new ChunkAssembly(payloadBound(codec, length)) };
  if (open.coded.codec !== codec) return undefined;
  open.coded.assembly.add(offset, payload);
  const { prefix } = open.coded.assembly;
  if (isCodedCodec(codec))
    return isCodedComplete(prefix, length) ? { bytes: prefix, coded: { codec, length } } : undefined;
  const bytes = codecOf(codec)?.decode(prefix, length);
  return bytes && { bytes };
}
