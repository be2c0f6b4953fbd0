import { lineTime, type Millis } from "../base/units.ts";
import type { LineRate } from "../link/line-rate.ts";

/** Rates that a line is tried at, in bit/s, lowest first (PROTOCOL.md 4.9). */
export const RATES: readonly number[] = [115_200, 230_400, 460_800, 921_600, 1_500_000, 2_000_000, 3_000_000];
/** The highest of them. */
export const RATE_MAX = 3_000_000;

/** Between a message about the rate and the change, beyond its line time: what adapter and driver still hold. */
export const RATE_GUARD_MS: Millis = 30;
/** A frame has to come within this time at a new rate, or the side returns to the one before. */
export const RATE_PROOF_MS: Millis = 300;
/** Both sides return to the meeting rate when nothing valid came for this long, announced time not counted. */
export const RATE_SILENCE_MS: Millis = 1_000;
/** Changes in one session, at most. */
export const RATE_STEPS_MAX = 12;
/** What a trial of another rate may cost: a proof that does not come, and both changes. */
const TRIAL_COST_MS: Millis = 400;
/** A rate of which nothing is known is expected to carry this much. */
const UNKNOWN_SHARE = 0.97;
/** Another rate has to promise so much more. */
const BETTER = 1.15;
/** A line that carries less than this share of its rate is set too high. */
const SLOWER = 0.8;

/** What is to be carried, and how well the line carries at its present rate. */
export interface RateMoment {
  /** Highest rate of both ends. */
  readonly max: number;
  /** Bytes that are still to be sent, as far as that is known. */
  readonly bytesLeft: number;
  /** Payload that arrives at the present rate, as a share of the line; undefined while too little was seen. */
  readonly share: number | undefined;
  /** What the line carries, in bit/s, where it was found to be slower than it is set to. */
  readonly measured: number | undefined;
}

/** The rate to try next, or to go back to; undefined when the present one is best, or too little is left to send. */
export function nextRate(now: Millis, line: LineRate, moment: RateMoment): number | undefined {
  const { bytesLeft, max, measured, share } = moment;
  if (measured !== undefined && measured < SLOWER * line.present) return slowRate(now, line, measured);
  const goodput = line.present * (share ?? UNKNOWN_SHARE);
  const isWorth = (baud: number | undefined): baud is number => {
    if (baud === undefined) return false;
    const promised = baud * (line.shareOf(now, baud) ?? UNKNOWN_SHARE);
    return lineTime(bytesLeft, goodput) - lineTime(bytesLeft, promised) > TRIAL_COST_MS;
  };
  const isGood = share === undefined || share * BETTER >= 1;
  const untried = isGood ? higherRate(now, line, max) : undefined;
  return [untried, betterRate(now, line, moment)].find(isWorth);
}

/** The rate of a line that carries this much whatever it is set to; all higher ones carry no more. */
function slowRate(now: Millis, line: LineRate, measured: number): number | undefined {
  const fitting = RATES.find((baud) => baud >= line.meeting && baud > SLOWER * measured);
  const wanted = fitting ?? line.meeting;
  for (const baud of RATES) if (baud > wanted) line.learn(now, baud, Math.min(1, measured / baud));
  return wanted < line.present ? wanted : undefined;
}

/** A higher rate that was not tried: the highest; below one that did not work, the middle of those between. */
function higherRate(now: Millis, line: LineRate, max: number): number | undefined {
  const higher = RATES.filter((baud) => baud > line.present && baud <= max);
  const untried = higher.filter((baud) => line.shareOf(now, baud) === undefined);
  const tooHigh = higher.find((baud) => line.shareOf(now, baud) !== undefined);
  const between = tooHigh === undefined ? [] : untried.filter((baud) => baud < tooHigh);
  return between.length > 0 ? between[between.length >> 1] : untried.at(-1);
}

/** The rate with the most goodput, by what was learned of it, where that is clearly more than at the present one. */
function betterRate(now: Millis, line: LineRate, { max, share }: RateMoment): number | undefined {
  if (share === undefined) return undefined;
  let best: number | undefined;
  let bestGoodput = line.present * share * BETTER;
  for (const baud of [line.meeting, ...RATES]) {
    if (baud > max || baud === line.present) continue;
    const goodput = baud * (line.shareOf(now, baud) ?? UNKNOWN_SHARE);
    if (goodput <= bestGoodput) continue;
    best = baud;
    bestGoodput = goodput;
  }
  return best;
}
