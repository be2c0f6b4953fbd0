import { ErrorEstimate } from "./error-estimate.ts";
import { LineDamage } from "./forms/line-damage.ts";

/** What the fate of packets has shown of one direction of a line, at one rate. */
export class LineQuality {
  /** From packets that were sent to peers that hear COBS only. */
  readonly errors: ErrorEstimate = new ErrorEstimate();
  /** From those that were sent to peers that hear both forms (PROTOCOL.md 2.5). */
  readonly damage: LineDamage = new LineDamage();

  /** Damage of packets per byte, above 0. */
  get errorRate(): number {
    const { hasEvidence, wrongRate, fatalRate } = this.damage;
    return hasEvidence ? wrongRate + fatalRate : this.errors.rate;
  }
}
