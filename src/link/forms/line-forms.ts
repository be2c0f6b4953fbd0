import { FrameSizer, type FrameSizerOptions, type Sizer } from "../frame-sizer.ts";
import type { LineQuality } from "../line-quality.ts";
import { ControlForms } from "./control-forms.ts";
import { FormSizer } from "./form-sizer.ts";

/** Which forms a link uses towards its peer, in all of its sessions. */
export class LineForms {
  readonly ofMessages: ControlForms;
  readonly #quality: () => LineQuality;

  /** `isHunting`: this end hears the second form. `quality`: of the line towards the peer, at its present rate. */
  constructor(isHunting: boolean, quality: () => LineQuality) {
    this.#quality = quality;
    this.ofMessages = new ControlForms(isHunting, () => {
      const { damage } = quality();
      return damage.hasEvidence ? damage.wrongRate : 0;
    });
  }

  /** For the packets of a session. `sealLength`: what a seal adds to each frame, in bytes; part of the overhead. */
  sizer(options: FrameSizerOptions, sealLength: number): Sizer {
    const { hearing, areBothHunting } = this.ofMessages;
    const quality = this.#quality();
    if (!areBothHunting) return new FrameSizer(quality.errors, options);
    if (hearing.isBad && hearing.hasMended) quality.damage.hint(hearing.wrongRate);
    return new FormSizer(quality.damage, options, sealLength);
  }
}
