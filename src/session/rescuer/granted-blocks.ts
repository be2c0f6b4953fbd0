import type { GrantEntry } from "../../wire/messages.ts";
import type { BlockWish } from "./rescuer-events.ts";
import { blockKey } from "./send-items.ts";

/** What a new grant changes. */
export interface GrantChange {
  /** Named for the first time: to be read and sent. */
  readonly wishes: readonly BlockWish[];
  /** Keys of what is no longer named. */
  readonly dropped: readonly string[];
  /** Blocks that the target is done with now, and was not before. */
  readonly settled: number;
}

/** The blocks of an image that its target wants now, and those that it is done with (PROTOCOL.md 5.9). */
export class GrantedBlocks {
  readonly #leafCount: number;
  #openMax: number;
  /** Keys of the blocks granted now. */
  #granted: ReadonlySet<string> = new Set();
  /** The same without attempts. */
  #open: ReadonlySet<number> = new Set();
  /** Blocks that the target finished once: a second time is not progress. */
  readonly #settled: Uint8Array;
  #settledCount = 0;
  /** Blocks that a grant has named: what only the accept asked for may lie with the target, and not be looked at yet. */
  readonly #named: Uint8Array;
  /** Keys of the granted blocks of which every byte was acked. */
  readonly #acked: Set<string> = new Set();

  /** `openMax`: what the target stated in ACCEPT; bounds what is held for it. At least one block is. */
  constructor(leafCount: number, openMax: number) {
    this.#leafCount = leafCount;
    this.#openMax = openMax;
    this.setOpenMax(openMax);
    this.#settled = new Uint8Array(leafCount);
    this.#named = new Uint8Array(leafCount);
  }

  /** What the target stated, when that was not known before. Counts from the next grant on. */
  setOpenMax(openMax: number): void {
    this.#openMax = Math.max(1, openMax);
  }

  get count(): number {
    return this.#granted.size;
  }

  /** Blocks that the target finished. */
  get settledCount(): number {
    return this.#settledCount;
  }

  has(key: string): boolean {
    return this.#granted.has(key);
  }

  /** Whether a block is granted now, in whatever attempt. */
  isOpen(block: number): boolean {
    return this.#open.has(block);
  }

  /** Whether the target is done with a block, so that a dictionary may name it (PROTOCOL.md 4.5). */
  isHeld(block: number): boolean {
    return this.#named[block] === 1 && !this.#open.has(block);
  }

  /** Every byte of a granted block was acked. */
  noteAcked(key: string): void {
    this.#acked.add(key);
  }

  /** Whether nothing is granted of which a byte was not acked. */
  get areAcked(): boolean {
    return [...this.#granted].every((key) => this.#acked.has(key));
  }

  /** Takes in the entries of a grant, or what the accept asks for, which replace all earlier ones. */
  take(entries: readonly GrantEntry[], from: "accept" | "grant"): GrantChange {
    const before = this.#granted;
    const granted = new Set<string>();
    const open = new Set<number>();
    const wishes: BlockWish[] = [];
    for (const { first, count, attempt, codecs } of entries) {
      for (let block = first; block < Math.min(first + count, this.#leafCount); block++) {
        const key = blockKey(block, attempt);
        if (granted.has(key)) continue;
        if (granted.size >= this.#openMax) break;
        granted.add(key);
        open.add(block);
        if (from === "grant") this.#named[block] = 1;
        if (!before.has(key)) wishes.push({ block, attempt, codecs });
      }
    }
    const dropped = [...before].filter((key) => !granted.has(key));
    for (const key of dropped) this.#acked.delete(key);
    let settled = 0;
    for (const block of this.#open) if (!open.has(block) && this.#settle(block)) settled++;
    this.#granted = granted;
    this.#open = open;
    return { wishes, dropped, settled };
  }

  #settle(block: number): boolean {
    if (this.#settled[block] === 1) return false;
    this.#settled[block] = 1;
    this.#settledCount++;
    return true;
  }
}
