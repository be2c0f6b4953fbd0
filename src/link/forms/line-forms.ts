import { ErrorEstimate } from "../error-estimate.ts";
import { FrameSizer, type FrameSizerOptions, type Sizer } from "../frame-sizer.ts";
import { ControlForms } from "./control-forms.ts";
import { FormSizer } from "./form-sizer.ts";
import { LineDamage } from "./line-damage.ts";

/** What a link knows of its line towards the peer, for all of its sessions, and the forms that follow from it. */
export class LineForms {
  readonly ofMessages: ControlForms;
  /** From the fate of all packets that were sent to peers that hear COBS only, and to those that hear both forms. */
  readonly #errors: ErrorEstimate = new ErrorEstimate();
  readonly #damage: LineDamage = new LineDamage();

  /** `isHunting`: this end hears the second form. */
  constructor(isHunting: boolean) {
    const sentRate = (): number => (this.#damage.hasEvidence ? this.#damage.wrongRate : 0);
    this.ofMessages = new ControlForms(isHunting, sentRate);
  }

  /** Damage of packets per byte, above 0. */
  get errorRate(): number {
    const { hasEvidence, wrongRate, fatalRate } = this.#damage;
    return hasEvidence ? wrongRate + fatalRate : this.#errors.rate;
  }

  /** For the packets of a session. `sealLength`: what a seal adds to each frame, in bytes; part of the overhead. */
  sizer(options: FrameSizerOptions, sealLength: number): Sizer {
    const { hearing, areBothHunting } = this.ofMessages;
    if (!areBothHunting) return new FrameSizer(this.#errors, options);
    if (hearing.isBad && hearing.hasMended) this.#damage.hint(hearing.wrongRate);
    return new FormSizer(this.#damage, options, sealLength);
  }
}
