import type { DataChunk, ObjectChunk } from "../../wire/messages.ts";

/** Hash runs on the longest way down a tree, in bytes: five of 16 hashes. */
const RUNS_BYTES = 5 * 512;
/** Shortest chunk but the last one of a block, in bytes. */
const CHUNK_BYTES_MIN = 32;

/**
 * Runs and blocks that came before the manifest was accepted, as the accept asked for them (PROTOCOL.md 5.4), or right behind
 * the offer, as the call said that it takes them (6.10). What is more than that is dropped.
 */
export class EarlyChunks {
  readonly #takesData: boolean;
  readonly #bytesMax: number;
  readonly #countMax: number;
  #chunks: (DataChunk | ObjectChunk)[] = [];
  #bytes = 0;
  #hasDropped = false;

  /** `blockBytes`: of all blocks that were asked for; 0: of none, and each that comes is dropped (PROTOCOL.md 4.5). */
  constructor(blockBytes: number) {
    this.#takesData = blockBytes > 0;
    this.#bytesMax = RUNS_BYTES + blockBytes;
    this.#countMax = Math.ceil(this.#bytesMax / CHUNK_BYTES_MIN);
  }

  add(chunk: DataChunk | ObjectChunk): void {
    const isBlock = chunk.tag === "data";
    const bytes = this.#bytes + chunk.payload.length;
    const isFull = bytes > this.#bytesMax || this.#chunks.length >= this.#countMax;
    if (isFull || (isBlock && !this.#takesData)) {
      this.#hasDropped ||= isBlock;
      return;
    }
    this.#bytes = bytes;
    this.#chunks.push(chunk);
  }

  /** A chunk of a block was dropped: it was acked, and does not come again in its attempt (PROTOCOL.md 4.3). */
  get hasDropped(): boolean {
    return this.#hasDropped;
  }

  /** Takes all that came of runs. */
  takeObjects(): readonly ObjectChunk[] {
    const objects = this.#chunks.filter((chunk) => chunk.tag === "object");
    this.#chunks = this.#chunks.filter((chunk) => chunk.tag === "data");
    return objects;
  }

  /** Takes all that came of blocks. */
  takeData(): readonly DataChunk[] {
    const data = this.#chunks.filter((chunk) => chunk.tag === "data");
    this.#chunks = this.#chunks.filter((chunk) => chunk.tag === "object");
    return data;
  }
}
