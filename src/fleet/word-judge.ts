import { BoundedMap } from "../base/bounded-map.ts";
import { toHex } from "../base/bytes.ts";
import type { Millis } from "../base/units.ts";
import { sha256 } from "../image/hash.ts";
import type { TrustedKey } from "../image/keys.ts";
import { type OwnerWord, openWord, type StopWord, type WordFault } from "./owner-word.ts";

/** Things about which words are remembered; the oldest ones give way. */
export const FLOORS_MAX = 512;
/** A stop holds an image up for this long at most, ... */
export const STOP_MAX_MS: Millis = 30 * 86_400_000;
/** ... and for this long after each start where the clock is not sure, so that nobody knows when it ends. */
export const STOP_UNSURE_MS: Millis = 86_400_000;

/** The highest word that was heard about one thing. */
export interface WordFloor {
  /** "offer" or "stop", and the id. */
  readonly about: string;
  readonly sequence: number;
  /** SHA-256 of the signed word. */
  readonly hash: string;
  /** When a stop ends. */
  readonly expires?: number | undefined;
}

/** Wall time of a site, and whether it is known to be right. */
export interface WallTime {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly sure: boolean;
}

/**
 * What came of a message in an owner's topic. `again`: the very word that counts already. `replayed`: an older one than that.
 * `misplaced`: it is not about what the topic says. `taken`: a new one; `expiryUnknown` where the clock is not sure.
 */
export type WordVerdict =
  | { readonly tag: WordFault | "foreign-fleet" | "misplaced" | "replayed" | "expired" | "again" }
  | { readonly tag: "taken"; readonly word: OwnerWord; readonly expiryUnknown: boolean };

/** Judges the words of a fleet's owner: signature, place, floor, then expiry (ADR 0043). Its floors have to be kept over restarts. */
export class WordJudge {
  readonly #fleet: string;
  readonly #keys: readonly TrustedKey[];
  readonly #floors: BoundedMap<string, WordFloor> = new BoundedMap(FLOORS_MAX);

  constructor(fleet: string, keys: readonly TrustedKey[], floors: readonly WordFloor[]) {
    this.#fleet = fleet;
    this.#keys = keys;
    for (const floor of floors) this.#floors.set(floor.about, floor);
  }

  get floors(): readonly WordFloor[] {
    return [...this.#floors.values()];
  }

  /** `kind` and `id`: of the topic. After `taken` the floors have changed. */
  judge(kind: "offers" | "stop", id: string, bytes: Uint8Array, wall: WallTime): WordVerdict {
    const word = openWord(bytes, this.#keys);
    if (typeof word === "string") return { tag: word };
    if (word.fleet !== this.#fleet) return { tag: "foreign-fleet" };
    const subject = word.word === "offer" ? word.hardware : word.digest;
    if (subject !== id || (word.word === "offer") !== (kind === "offers")) return { tag: "misplaced" };
    const about = `${word.word} ${subject}`;
    const floor = this.#floors.get(about);
    const hash = toHex(sha256(bytes));
    if (floor !== undefined && floor.hash === hash) return { tag: "again" };
    if (floor !== undefined && word.sequence <= floor.sequence) return { tag: "replayed" };
    if (wall.sure && word.expires <= wall.at) return { tag: "expired" };
    const { sequence, expires } = word;
    this.#floors.set(about, { about, sequence, hash, ...(word.word === "stop" && { expires }) });
    return { tag: "taken", word, expiryUnknown: !wall.sure };
  }

  /** Stops that count, with how long they still do: at a start, or when the clock has become sure. */
  *stops(wall: WallTime): Generator<{ readonly digest: string; readonly forMs: Millis }> {
    for (const { about, expires } of this.#floors.values()) {
      if (expires === undefined) continue;
      const forMs = stopMs(expires, wall);
      if (forMs > 0) yield { digest: about.slice("stop ".length), forMs };
    }
  }
}

/** How long a stop holds an image up from now on. */
export function stopMs(expires: StopWord["expires"], { at, sure }: WallTime): Millis {
  return sure ? Math.max(0, Math.min(STOP_MAX_MS, expires - at)) : STOP_UNSURE_MS;
}
