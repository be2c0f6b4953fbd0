import type { Link } from "../../link/link.ts";
import { type BlockCoder, type CodedBlock, encodeBlock, isCodedCodec, PLAIN_CODECS } from "../codecs.ts";
import type { GrantedBlocks } from "./granted-blocks.ts";
import type { BlockWish } from "./rescuer-events.ts";

/** Coded blocks that the target asked for again, after which a session sends no more of them. */
const FAILURES_MAX = 4;
/** Coded blocks that may be on their way beyond those that were used: too few to be taken for one that damages. */
const UNPROVEN_MAX = 8;
/** Bytes in a millisecond of line beyond which coding and decoding take longer than what they save. */
const RATE_MAX = 4_000;
/** A block that takes no more bytes than this is not coded further. */
const SHORT_MAX = 32;

/** Chooses how the blocks of a session are sent: the cheapest way that its target allows (PROTOCOL.md 4.5). */
export class BlockCoding {
  readonly #blocks: GrantedBlocks;
  readonly #link: Link;
  /** Granted blocks that were sent as coded blocks. */
  readonly #coded: Set<number> = new Set();
  #failures = 0;
  /** Coded blocks that the target is done with. */
  #used = 0;

  constructor(link: Link, blocks: GrantedBlocks) {
    this.#link = link;
    this.#blocks = blocks;
  }

  /** Codes a block, now that its turn has come. */
  code({ block, codecs }: BlockWish, bytes: Uint8Array, coder: BlockCoder | undefined): CodedBlock {
    const plain = encodeBlock(bytes, codecs);
    if (coder === undefined || this.#failures >= FAILURES_MAX) return plain;
    if (this.#coded.size >= UNPROVEN_MAX + this.#used) return plain;
    const isAllowed = (codecs & ~PLAIN_CODECS) !== 0;
    if (!isAllowed || plain.payload.length <= SHORT_MAX || this.#isFast(bytes.length)) return plain;
    const coded = coder.code(block, bytes, codecs, (other) => this.#blocks.isHeld(other));
    if (coded === undefined || coded.payload.length >= plain.payload.length) return plain;
    if (isCodedCodec(coded.codec)) this.#coded.add(block);
    const { counters } = this.#link;
    counters.codedBlocks++;
    counters.savedBytes += bytes.length - coded.payload.length;
    return coded;
  }

  /** Links without a rate of their own count as slow: behind them may stand a serial server. */
  #isFast(bytes: number): boolean {
    return this.#link.lineTime(bytes) * RATE_MAX < bytes && this.#link.lineTime(bytes) > 0;
  }

  /** A grant came: what it asks for again, although it was sent as a coded block, could not be used. */
  noteGrant(wishes: readonly BlockWish[]): void {
    for (const { block } of wishes) if (this.#coded.delete(block)) this.#failures++;
    for (const block of this.#coded) {
      if (this.#blocks.isOpen(block)) continue;
      this.#coded.delete(block);
      this.#used++;
    }
  }
}
