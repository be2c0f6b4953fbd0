import type { BlockRange } from "../../base/tree-shape.ts";
import type { Millis } from "../../base/units.ts";
import type { Link } from "../../link/link.ts";
import { HAVE_ENTRIES_MAX } from "../../wire/constants.ts";
import type { Have } from "../../wire/messages.ts";

/** Shortest time between two HAVE. */
const HAVE_INTERVAL_MS: Millis = 250;
/** Share of the line that they take at most. */
const HAVE_SHARE = 0.01;
/** Bytes on the line of one without entries, and of an entry. */
const HAVE_BYTES = 9;
const ENTRY_BYTES = 6;

/** What the target was told of a block. */
const Said = { absent: 0, no: 1, yes: 2 } as const;

/**
 * Tells the target which blocks are there of an image that is still being received (PROTOCOL.md 5.21): at first, as more come,
 * and again when it waits for what is not there. Keeps a byte a block.
 */
export class SayingHaves {
  readonly #link: Link;
  readonly #said: Uint8Array;
  #isDue = false;
  #nextAt: Millis = Number.NEGATIVE_INFINITY;

  constructor(link: Link, leafCount: number) {
    this.#link = link;
    this.#said = new Uint8Array(leafCount);
  }

  /** Blocks are there. Of those that `isOpen` names nothing needs to be said: they are sent now. */
  note(ranges: readonly BlockRange[], isOpen: (block: number) => boolean): void {
    for (const { first, count } of ranges) {
      for (let block = first; block < first + count; block++) {
        if (this.#said[block] !== Said.absent) continue;
        const isNews = !isOpen(block);
        this.#said[block] = isNews ? Said.no : Said.yes;
        this.#isDue ||= isNews;
      }
    }
  }

  /** The target waits: what it was told may be lost. Nothing is said again of an image that is whole. */
  sayAgain(): void {
    if (!this.#said.includes(Said.absent)) return;
    for (const [block, said] of this.#said.entries()) if (said === Said.yes) this.#said[block] = Said.no;
    this.#isDue = this.#said.includes(Said.no);
  }

  /** When there is something to say; undefined while there is not. */
  get nextAt(): Millis | undefined {
    return this.#isDue ? this.#nextAt : undefined;
  }

  /** Takes what is to be said first: whole ranges, also where a part was said before, which may be lost. */
  take(now: Millis): Have {
    const ranges: BlockRange[] = [];
    let at = this.#said.indexOf(Said.no);
    while (at >= 0 && ranges.length < HAVE_ENTRIES_MAX) {
      const first = this.#said.lastIndexOf(Said.absent, at) + 1;
      const absent = this.#said.indexOf(Said.absent, at);
      const end = absent < 0 ? this.#said.length : absent;
      this.#said.fill(Said.yes, first, end);
      ranges.push({ first, count: end - first });
      at = this.#said.indexOf(Said.no, end);
    }
    this.#isDue = at >= 0;
    const lineMs = this.#link.lineTime(HAVE_BYTES + ENTRY_BYTES * ranges.length);
    this.#nextAt = now + Math.max(HAVE_INTERVAL_MS, lineMs / HAVE_SHARE);
    return { tag: "have", ranges };
  }
}
