import { BoundedMap } from "../base/bounded-map.ts";
import { toHex } from "../base/bytes.ts";
import type { Random } from "../base/prng.ts";
import { Reservoir } from "../base/reservoir.ts";
import type { Millis } from "../base/units.ts";

/** Most peers whose strikes are remembered; the one struck longest ago is dropped first. */
const STRUCK_MAX = 16;
/** Strikes that cost nothing: a bad line causes them, too. */
const STRIKES_FREE = 1;
/** How long a struck peer has to let others go first: doubled with each further strike. */
const STRIKE_DELAY_MIN_MS = 1_000;
/** Long enough to hear any other peer, and short for a peer that is alone on a bad line. */
const STRIKE_DELAY_MAX_MS = 8_000;
/** After two strikes in a row nobody is taken immediately: others are listened for this long. */
const CHOICE_MS = 600;
/** Most candidates that are kept. */
const CANDIDATES_MAX = 8;

/**
 * Chooses among peers: offers at a target, calls at a rescuer (PROTOCOL.md 6.5). The first to come is taken until peers
 * wasted time twice. After that one is drawn at random among those heard, and a peer that wasted time waits longer each
 * time. An id proves nothing: this bounds what one stubborn peer costs, and leaves chance against one that changes its id.
 */
export class PeerSelection<T> {
  readonly #struck: BoundedMap<string, { strikes: number; until: Millis }> = new BoundedMap(STRUCK_MAX);
  #strikesInRow = 0;
  readonly #candidates: Reservoir<T>;
  #chooseAt: Millis | undefined;

  constructor(random: Random) {
    this.#candidates = new Reservoir(random, CANDIDATES_MAX);
  }

  /** A peer asks to be served; returns what to take now, if anything. `yields`: others are listened for first. */
  consider(now: Millis, id: Uint8Array, item: T, yields = false): T | undefined {
    if (this.isBarred(now, id)) return undefined;
    if (this.#strikesInRow <= STRIKES_FREE && !yields) return item;
    this.#chooseAt ??= now + CHOICE_MS;
    this.#candidates.put(toHex(id), item);
    return this.take(now);
  }

  /** The peer that is drawn, once the time to hear them is over. */
  take(now: Millis): T | undefined {
    if (this.#chooseAt === undefined || now < this.#chooseAt) return undefined;
    this.#chooseAt = undefined;
    return this.#candidates.drawAndClear();
  }

  /** When {@link take} has something. */
  get chooseAt(): Millis | undefined {
    return this.#chooseAt;
  }

  /** Drops the candidates: one was taken, or what they said is no longer true. */
  forget(): void {
    this.#candidates.clear();
    this.#chooseAt = undefined;
  }

  /** Whether a peer has to let others go first. */
  isBarred(now: Millis, id: Uint8Array): boolean {
    return now < (this.#struck.get(toHex(id))?.until ?? Number.NEGATIVE_INFINITY);
  }

  /** A peer was taken and nothing came of it. `isCertain`: no line is that bad; counts twice. */
  strike(now: Millis, id: Uint8Array, isCertain = false): void {
    const key = toHex(id);
    const weight = isCertain ? 1 + STRIKES_FREE : 1;
    const strikes = (this.#struck.get(key)?.strikes ?? 0) + weight;
    const doubled = STRIKE_DELAY_MIN_MS * 2 ** (strikes - STRIKES_FREE - 1);
    const delay = strikes <= STRIKES_FREE ? 0 : Math.min(STRIKE_DELAY_MAX_MS, doubled);
    this.#struck.set(key, { strikes, until: now + delay });
    this.#strikesInRow += weight;
  }

  /** A peer was worth it: its strikes are dropped, and the first to come is taken again. */
  forgive(id: Uint8Array): void {
    this.#struck.delete(toHex(id));
    this.#strikesInRow = 0;
  }
}
