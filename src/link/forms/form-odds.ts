import { CODEWORD_MAX } from "../../wire/constants.ts";
import { type CodedLayout, codewordCount } from "../../wire/fec/coded-frame.ts";

/**
 * Probability that every codeword of a frame in the second form can be mended where a byte is wrong with probability
 * `wrongRate` (Poisson, which errs on the side of more wrong bytes).
 */
export function mendOdds(layout: CodedLayout, wrongRate: number): number {
  const count = codewordCount(layout);
  const length = Math.min(CODEWORD_MAX, Math.ceil(layout.contentLength / count) + 2 * layout.mendable);
  const mean = length * wrongRate;
  let term = Math.exp(-mean);
  let sum = term;
  for (let wrong = 1; wrong <= layout.mendable; wrong++) {
    term *= mean / wrong;
    sum += term;
  }
  return Math.min(1, sum) ** count;
}
