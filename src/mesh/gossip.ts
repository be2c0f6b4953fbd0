import { BoundedMap } from "../base/bounded-map.ts";
import { toHex } from "../base/bytes.ts";
import type { Millis } from "../base/units.ts";
import type { ImageWord } from "../wire/messages.ts";

/** Links that a word travels at most. */
export const HOPS_MAX = 32;
/** A word is said on each link so often, ... */
const SAID_MAX = 3;
/** ... after these times. */
const SAID_AFTER_MS: readonly Millis[] = [0, 5_000, 60_000];
/** Between two words on one link: of those that wait for the line only the last one of a kind would be sent. */
const GAP_MS: Millis = 1_000;
/** What could not be said until then is not said any more. */
const SAYING_MS: Millis = 3_600_000;
/** Words that are said at the same time. */
const SAYING_MAX = 8;
/** Words that are known again. */
const KNOWN_MAX = 128;

interface Saying {
  readonly advice: ImageWord;
  readonly at: Millis;
  /** Where it came from; it is not said there. */
  readonly from: number | undefined;
  /** How often it was said on each link. */
  readonly said: Map<number, number>;
}

/** Something to say on a link. */
export interface Word {
  readonly link: number;
  readonly advice: ImageWord;
}

/**
 * Words about images that go from board to board: said on each link three times, as no answer shows that they were heard, and
 * passed on once by each board (PROTOCOL.md 6.8).
 */
export class Gossip {
  readonly #saying: Saying[] = [];
  readonly #known: BoundedMap<string, true> = new BoundedMap(KNOWN_MAX);
  /** When something was said last on each link. */
  readonly #saidAt: Map<number, Millis> = new Map();

  /** Whether a word was heard or said before; from now on it was. */
  takeNew(advice: ImageWord): boolean {
    const name = `${advice.tag} ${toHex(advice.originId)} ${toHex(advice.digest)}`;
    if (this.#known.has(name)) return false;
    this.#known.set(name, true);
    return true;
  }

  /** Says a word on all links but the one it came from. Dropped when it has come too far. Copies what it keeps. */
  say(now: Millis, advice: ImageWord, from?: number): void {
    if (advice.hops < 1) return;
    const kept = { ...advice, originId: advice.originId.slice(), digest: advice.digest.slice() };
    this.#saying.push({ advice: kept, at: now, from, said: new Map() });
    if (this.#saying.length > SAYING_MAX) this.#saying.shift();
  }

  /** What is due on the links that can say something now, at most one word on each. */
  take(now: Millis, links: readonly number[]): Word[] {
    while (this.#saying[0] !== undefined && now - this.#saying[0].at >= SAYING_MS) this.#saying.shift();
    const due: Word[] = [];
    for (const link of links) {
      const saying = this.#saying.find((one) => (this.#dueAt(one, link) ?? Number.POSITIVE_INFINITY) <= now);
      if (saying === undefined) continue;
      saying.said.set(link, (saying.said.get(link) ?? 0) + 1);
      this.#saidAt.set(link, now);
      due.push({ link, advice: aged(saying.advice, now - saying.at) });
    }
    return due;
  }

  /** When {@link take} has something to do on these links. */
  nextAt(links: readonly number[]): Millis | undefined {
    let soonest: Millis | undefined;
    for (const saying of this.#saying)
      for (const link of links) {
        const at = this.#dueAt(saying, link);
        if (at !== undefined && (soonest === undefined || at < soonest)) soonest = at;
      }
    return soonest;
  }

  #dueAt({ at, from, said }: Saying, link: number): Millis | undefined {
    const times = said.get(link) ?? 0;
    if (link === from || times >= SAID_MAX) return undefined;
    const freeAt = (this.#saidAt.get(link) ?? Number.NEGATIVE_INFINITY) + GAP_MS;
    return Math.max(freeAt, at + (SAID_AFTER_MS[times] ?? 0));
  }
}

/** The word as it is after this time. */
function aged(advice: ImageWord, byMs: Millis): ImageWord {
  if (advice.tag !== "suspect") return advice;
  return { ...advice, ageMinutes: Math.min(0xffff, advice.ageMinutes + Math.floor(byMs / 60_000)) };
}
