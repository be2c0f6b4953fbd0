import { errorsWhenLost, MEMORY_BYTES, PRIOR_BYTES, PRIOR_ERRORS } from "../error-estimate.ts";

/** Most of the events that one kind is thought to cause as long as nothing tells them apart. */
const SHARE_MAX = 0.9;
/** Fates that may overrule the estimate: at most, and at least. */
const RECENT_MAX = 32;
const RECENT_MIN = 8;
/** Recent events beyond (or below) this many standard deviations of what was expected contradict the estimate. */
const CONTRADICTION = 4;
/** Expected events in a row that did not come: beyond this the line got better. */
const MISSING_MAX = 5;
/** Weight of a hint, in bytes: what follows soon outweighs it. */
const HINT_BYTES = 1_000;
/** Rounds of expectation maximisation. */
const ROUNDS = 4;

/** What became of frames that were sent. */
export type FrameFate =
  /** A frame in COBS. */
  | { readonly tag: "plain"; readonly bytes: number; readonly isLost: boolean }
  /** Frames of the second form that arrived, with so many wrong bytes in all. */
  | { readonly tag: "mended"; readonly bytes: number; readonly wrongBytes: number }
  /**
   * A frame of the second form that did not arrive. `odds`: the probability that wrong bytes alone do that; `wrongBytes`:
   * how many it had then, on average.
   */
  | {
      readonly tag: "unmended";
      readonly bytes: number;
      readonly odds: number;
      readonly wrongBytes: number;
    };

/** What was seen: events in COBS, which may be of either kind, and those of the second form, which tell them apart. */
interface Sums {
  readonly plainEvents: number;
  readonly wrong: number;
  readonly fatal: number;
  readonly bytes: number;
}

interface Rates {
  readonly wrong: number;
  readonly fatal: number;
}

/** Nothing was seen yet; `share`: of events, those that are thought to be wrong bytes. */
function nothingSeen(share: number): Sums {
  return { plainEvents: 0, wrong: PRIOR_ERRORS * share, fatal: PRIOR_ERRORS * (1 - share), bytes: 0 };
}

/**
 * Two rates of one direction of a line, estimated from what became of the frames sent there (PROTOCOL.md 2.5): wrong bytes,
 * which the second form mends, and fatal events, lost bytes and bursts, which it does not. A loss in COBS may be either: it is
 * shared out by what the second form has shown. Memory is exponential; a line that changed is noticed when the last fates
 * contradict the estimate, which then starts again from these.
 */
export class LineDamage {
  #sums: Sums = { ...nothingSeen(SHARE_MAX), bytes: PRIOR_BYTES };
  #rates: Rates = ratesOf(this.#sums);
  readonly #recent: FrameFate[] = [];
  #missing = 0;
  #hasEvidence = false;
  #hasMended = false;

  /** Wrong bytes per byte, above 0. */
  get wrongRate(): number {
    return this.#rates.wrong;
  }

  /** The same, a standard deviation higher: too little parity costs more than too much. */
  get cautiousWrongRate(): number {
    return this.#rates.wrong + Math.sqrt(this.#rates.wrong / this.#sums.bytes);
  }

  /** Fatal events per byte, above 0. */
  get fatalRate(): number {
    return this.#rates.fatal;
  }

  /** Damage was seen, in this direction or, by a hint, in the other one. */
  get hasEvidence(): boolean {
    return this.#hasEvidence;
  }

  /** The second form has mended something. */
  get hasMended(): boolean {
    return this.#hasMended;
  }

  /** The other direction has so many wrong bytes per byte. Counts until this one has shown damage itself. */
  hint(wrongRate: number): void {
    if (this.#hasEvidence) return;
    this.#hasEvidence = true;
    this.#hasMended = true;
    this.#set({ ...nothingSeen(SHARE_MAX), wrong: wrongRate * HINT_BYTES, bytes: HINT_BYTES });
  }

  /** Takes in what became of a frame. The rates change. */
  settle(fate: FrameFate): void {
    this.#recent.push(fate);
    if (this.#recent.length > RECENT_MAX) this.#recent.shift();
    const events = eventsOf(fate);
    const keep = Math.exp(-fate.bytes / MEMORY_BYTES);
    const { plainEvents, wrong, fatal, bytes } = this.#sums;
    const kept = {
      plainEvents: plainEvents * keep,
      wrong: wrong * keep,
      fatal: fatal * keep,
      bytes: bytes * keep,
    };
    this.#set(withFate(kept, fate, this.#rates));
    this.#hasEvidence ||= events > 0;
    this.#hasMended ||= fate.tag === "mended" && events > 0;
    this.#missing = events > 0 ? 0 : this.#missing + this.#expectedOf(fate).mean;
    if (this.#isContradicted() || this.#missing > MISSING_MAX) this.#believeRecent();
  }

  #set(sums: Sums): void {
    this.#sums = sums;
    this.#rates = ratesOf(sums);
  }

  #isContradicted(): boolean {
    if (this.#recent.length < RECENT_MIN) return false;
    let difference = 0;
    let variance = 0.5;
    for (const fate of this.#recent) {
      const expected = this.#expectedOf(fate);
      difference += eventsOf(fate) - expected.mean;
      variance += expected.variance;
    }
    return Math.abs(difference) > CONTRADICTION * Math.sqrt(variance);
  }

  #expectedOf(fate: FrameFate): { mean: number; variance: number } {
    const { wrong, fatal } = this.#rates;
    if (fate.tag === "mended") return { mean: wrong * fate.bytes, variance: wrong * fate.bytes };
    const rate = fatal + (fate.tag === "plain" ? wrong : 0);
    const lost = 1 - Math.exp(-rate * fate.bytes) * (fate.tag === "plain" ? 1 : 1 - fate.odds);
    return { mean: lost, variance: lost * (1 - lost) };
  }

  /** Starts again from the recent fates alone. Of the two kinds of damage is kept which one is more likely. */
  #believeRecent(): void {
    const { wrong, fatal } = this.#rates;
    const share = Math.min(SHARE_MAX, Math.max(1 - SHARE_MAX, wrong / (wrong + fatal)));
    let rates: Rates = {
      wrong: (share * PRIOR_ERRORS) / PRIOR_BYTES,
      fatal: ((1 - share) * PRIOR_ERRORS) / PRIOR_BYTES,
    };
    for (let round = 0; round < ROUNDS; round++) {
      const start = rates;
      this.#set(this.#recent.reduce((sums, fate) => withFate(sums, fate, start), nothingSeen(share)));
      rates = this.#rates;
    }
    this.#recent.length = 0;
    this.#missing = 0;
  }
}

/** Things that happened: losses, or wrong bytes that were mended. */
function eventsOf(fate: FrameFate): number {
  if (fate.tag === "mended") return fate.wrongBytes;
  return fate.tag === "unmended" || fate.isLost ? 1 : 0;
}

/** The rates that explain the sums best: events in COBS are shared out as the rates say, until that changes nothing. */
function ratesOf({ plainEvents, wrong, fatal, bytes }: Sums): Rates {
  let share = wrong / (wrong + fatal);
  for (let round = 0; round < ROUNDS; round++)
    share = (wrong + plainEvents * share) / (wrong + fatal + plainEvents);
  const all = wrong + fatal + plainEvents;
  return { wrong: (all * share) / bytes, fatal: (all * (1 - share)) / bytes };
}

/** The sums with one more fate, as it is explained at these rates. */
function withFate(sums: Sums, fate: FrameFate, rates: Rates): Sums {
  const bytes = sums.bytes + fate.bytes;
  if (fate.tag === "mended") return { ...sums, bytes, wrong: sums.wrong + fate.wrongBytes };
  if (fate.tag === "plain") {
    const events = fate.isLost ? errorsWhenLost((rates.wrong + rates.fatal) * fate.bytes) : 0;
    return { ...sums, bytes, plainEvents: sums.plainEvents + events };
  }
  const fatalOdds = 1 - Math.exp(-rates.fatal * fate.bytes);
  const byWrong = fate.odds / (fate.odds + fatalOdds);
  const ordinary = rates.wrong * fate.bytes;
  const wrong = byWrong * Math.max(fate.wrongBytes, ordinary) + (1 - byWrong) * ordinary;
  return { ...sums, bytes, wrong: sums.wrong + wrong, fatal: sums.fatal + 1 - byWrong };
}
