/** Line that the estimate remembers, in bytes. */
const MEMORY_BYTES = 256 * 1024;
/** Events expected before anything was seen, of both kinds, and the bytes they were seen in. */
const PRIOR_WRONG = 0.09;
const PRIOR_FATAL = 0.01;
const PRIOR_BYTES = 700;
/** Fates that may overrule the estimate: at most, and at least. */
const RECENT_MAX = 32;
const RECENT_MIN = 8;
/** Recent events beyond (or below) this many standard deviations of what was expected contradict the estimate. */
const CONTRADICTION = 4;
/** Expected events in a row that did not come: beyond this the line got better. */
const MISSING_MAX = 5;
/** Weight of a hint, in bytes: what follows soon outweighs it. */
const HINT_BYTES = 1_000;
const EM_ROUNDS = 3;

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

interface Sums {
  wrong: number;
  fatal: number;
  bytes: number;
}

/**
 * Two rates of one direction of a line, estimated from what became of the frames sent there (PROTOCOL.md 2.5): wrong bytes,
 * which the second form mends, and fatal events, lost bytes and bursts, which it does not. A loss in COBS may be either: it is
 * shared out by what is known of both. Memory is exponential; a line that changed is noticed when the last fates contradict
 * the estimate, which then starts again from these.
 */
export class LineDamage {
  #sums: Sums = { wrong: PRIOR_WRONG, fatal: PRIOR_FATAL, bytes: PRIOR_BYTES };
  readonly #recent: FrameFate[] = [];
  #missing = 0;
  #hasEvidence = false;

  /** Wrong bytes per byte, above 0. */
  get wrongRate(): number {
    return this.#sums.wrong / this.#sums.bytes;
  }

  /** The same, a standard deviation higher: too little parity costs more than too much. */
  get cautiousWrongRate(): number {
    const { wrong, bytes } = this.#sums;
    return (wrong + Math.sqrt(wrong)) / bytes;
  }

  /** Fatal events per byte, above 0. */
  get fatalRate(): number {
    return this.#sums.fatal / this.#sums.bytes;
  }

  /** Damage was seen, in this direction or, by a hint, in the other one. */
  get hasEvidence(): boolean {
    return this.#hasEvidence;
  }

  /** The other direction has so many wrong bytes per byte. Counts until this one has shown damage itself. */
  hint(wrongRate: number): void {
    if (this.#hasEvidence) return;
    this.#hasEvidence = true;
    this.#sums = { wrong: wrongRate * HINT_BYTES, fatal: PRIOR_FATAL, bytes: HINT_BYTES };
  }

  /** Takes in what became of a frame. The rates change. */
  settle(fate: FrameFate): void {
    this.#recent.push(fate);
    if (this.#recent.length > RECENT_MAX) this.#recent.shift();
    const events = eventsOf(fate);
    const keep = Math.exp(-fate.bytes / MEMORY_BYTES);
    this.#sums = takenIn(this.#sums, fate, keep);
    this.#hasEvidence ||= events > 0;
    this.#missing = events > 0 ? 0 : this.#missing + this.#expectedOf(fate).mean;
    if (this.#isContradicted() || this.#missing > MISSING_MAX) this.#believeRecent();
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
    if (fate.tag === "mended") {
      const mean = this.wrongRate * fate.bytes;
      return { mean, variance: mean };
    }
    const rate = this.fatalRate + (fate.tag === "plain" ? this.wrongRate : 0);
    const lost = 1 - Math.exp(-rate * fate.bytes) * (fate.tag === "plain" ? 1 : 1 - fate.odds);
    return { mean: lost, variance: lost * (1 - lost) };
  }

  /** Starts again from the recent fates alone. */
  #believeRecent(): void {
    const known = this.#sums;
    for (let round = 0; round < EM_ROUNDS; round++) {
      const start = round === 0 ? { ...known, wrong: PRIOR_WRONG, fatal: PRIOR_FATAL } : this.#sums;
      const rates = { wrong: start.wrong / start.bytes, fatal: start.fatal / start.bytes };
      let sums: Sums = { wrong: PRIOR_WRONG, fatal: PRIOR_FATAL, bytes: 0 };
      for (const fate of this.#recent) sums = added(sums, fate, rates);
      this.#sums = { ...sums, bytes: Math.max(1, sums.bytes) };
    }
    this.#recent.length = 0;
    this.#missing = 0;
  }
}

/** Things that happened: losses, or wrong bytes that were mended. */
function eventsOf(fate: FrameFate): number {
  switch (fate.tag) {
    case "plain":
      return fate.isLost ? 1 : 0;
    case "mended":
      return fate.wrongBytes;
    case "unmended":
      return 1;
  }
}

function takenIn(sums: Sums, fate: FrameFate, keep: number): Sums {
  const rates = { wrong: sums.wrong / sums.bytes, fatal: sums.fatal / sums.bytes };
  return added({ wrong: sums.wrong * keep, fatal: sums.fatal * keep, bytes: sums.bytes * keep }, fate, rates);
}

/** The sums with the events of one more fate, as they are expected at these rates. */
function added(sums: Sums, fate: FrameFate, rates: { wrong: number; fatal: number }): Sums {
  const { wrong, fatal } = shareOf(fate, rates);
  return { wrong: sums.wrong + wrong, fatal: sums.fatal + fatal, bytes: sums.bytes + fate.bytes };
}

function shareOf(fate: FrameFate, rates: { wrong: number; fatal: number }): { wrong: number; fatal: number } {
  if (fate.tag === "mended") return { wrong: fate.wrongBytes, fatal: 0 };
  if (fate.tag === "plain") {
    if (!fate.isLost) return { wrong: 0, fatal: 0 };
    const total = rates.wrong + rates.fatal;
    const events = expectedEvents(total * fate.bytes);
    return { wrong: (events * rates.wrong) / total, fatal: (events * rates.fatal) / total };
  }
  const fatalOdds = 1 - Math.exp(-rates.fatal * fate.bytes);
  const byWrong = fate.odds / (fate.odds + fatalOdds);
  const ordinary = rates.wrong * fate.bytes;
  return {
    wrong: byWrong * Math.max(fate.wrongBytes, ordinary) + (1 - byWrong) * ordinary,
    fatal: 1 - byWrong,
  };
}

/** Events that a lost frame has met on average, where `mean` are expected: one or more. */
function expectedEvents(mean: number): number {
  return mean < 1e-6 ? 1 : mean / (1 - Math.exp(-mean));
}
