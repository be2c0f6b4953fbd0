import type { Millis } from "../base/units.ts";
import { LineQuality } from "./line-quality.ts";

/** Between the last byte that left by the pacer's reckoning and a change of rate: what adapter and driver still hold. */
export const SWITCH_GUARD_MS: Millis = 30;
/** What was learned of a rate is believed for this long. */
const REMEMBERED_FOR_MS: Millis = 600_000;

/** Goodput at a rate, as a share of the rate, when it was left last: 0 for one that did not work. */
interface Learned {
  readonly share: number;
  readonly until: Millis;
}

/**
 * The rate of a line whose ends can change it (PROTOCOL.md 4.9): which one is set, which one is wanted, and what was learned
 * of each on this link, in all its sessions. Rates in bit/s.
 */
export class LineRate {
  /** The rate at which both ends meet. */
  readonly meeting: number;
  /** The highest one that this end can be set to. */
  readonly max: number;
  #present: number;
  #wanted: { readonly baud: number; readonly at: Millis } | undefined;
  /** The port is being set to this rate. */
  #settingTo: number | undefined;
  #changedAt: Millis = Number.NEGATIVE_INFINITY;
  readonly #qualities: Map<number, LineQuality> = new Map();
  readonly #learned: Map<number, Learned> = new Map();

  constructor(meeting: number, max: number) {
    this.meeting = meeting;
    this.max = max;
    this.#present = meeting;
  }

  /** The rate that is set now. */
  get present(): number {
    return this.#present;
  }

  /** The rate that will be set when all that is wanted is done. */
  get goal(): number {
    return this.#wanted?.baud ?? this.#settingTo ?? this.#present;
  }

  /** The port is being set. */
  get isSetting(): boolean {
    return this.#settingTo !== undefined;
  }

  /** When the rate was changed last. */
  get changedAt(): Millis {
    return this.#changedAt;
  }

  /** No change is under way or wanted. */
  get isSettled(): boolean {
    return this.#wanted === undefined && this.#settingTo === undefined;
  }

  /** What is known of the line towards the peer at the present rate. */
  get quality(): LineQuality {
    const known = this.#qualities.get(this.#present);
    if (known !== undefined) return known;
    const fresh = new LineQuality();
    this.#qualities.set(this.#present, fresh);
    return fresh;
  }

  /** Wants this rate from `at` on; replaces what was wanted before. */
  want(baud: number, at: Millis): void {
    this.#wanted = { baud, at };
  }

  /** When a change is due, given when the line will be free; undefined when none is wanted, or one is under way. */
  dueAt(freeAt: Millis): Millis | undefined {
    if (this.#wanted === undefined || this.#settingTo !== undefined) return undefined;
    return Math.max(this.#wanted.at, freeAt + SWITCH_GUARD_MS);
  }

  /** The wanted change begins; undefined when it is none. */
  begin(): number | undefined {
    const baud = this.#wanted?.baud;
    this.#wanted = undefined;
    if (baud === this.#present) return undefined;
    this.#settingTo = baud;
    return baud;
  }

  /** The port was set to the rate of {@link begin}, or refused it; false when nothing waited for that any more. */
  end(now: Millis, isSet: boolean): boolean {
    if (this.#settingTo === undefined) return false;
    this.#changedAt = now;
    if (isSet) this.#present = this.#settingTo;
    this.#settingTo = undefined;
    return true;
  }

  /** The port was opened: it is at the meeting rate. */
  reset(): void {
    this.#present = this.meeting;
    this.#wanted = undefined;
    this.#settingTo = undefined;
  }

  /** This share of the rate arrived as payload there; 0 when nothing did. */
  learn(now: Millis, baud: number, share: number): void {
    if (share === 0) this.#qualities.delete(baud);
    this.#learned.set(baud, { share, until: now + REMEMBERED_FOR_MS });
  }

  /** The share that was learned of a rate; undefined when nothing is known, or no longer. */
  shareOf(now: Millis, baud: number): number | undefined {
    const learned = this.#learned.get(baud);
    return learned === undefined || now >= learned.until ? undefined : learned.share;
  }
}
