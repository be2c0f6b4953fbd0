import {
  CODEWORD_MAX,
  CRC_LENGTH,
  DATA_HEADER_LENGTH,
  MENDABLE_MAX,
  PAYLOAD_MIN,
} from "../../wire/constants.ts";
import { codedLength, layoutFor, layoutOn } from "../../wire/fec/coded-frame.ts";
import type { FrameSizerOptions, Sizer } from "../frame-sizer.ts";
import type { LineQuality } from "../line-quality.ts";
import {
  bestPayload,
  cobsGoodput,
  equalPart,
  FRAME_TIME_MAX_MS,
  largestPayload,
  wholePayload,
} from "../payload-sizes.ts";
import { mendOdds } from "./form-odds.ts";
import type { LineDamage } from "./line-damage.ts";

/** Strengths and payloads that are compared; larger frames save little, and lose more at once. */
const STRENGTHS: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16];
const PAYLOADS: readonly number[] = [96, 192, 320, 416, 512, 704, 832, 1024, 1376, 2016];
/** The second form has to promise this much more, so that the choice does not waver. */
const ADVANTAGE = 1.003;
/** Once in so many frames something else is tried: by turns a larger frame, and, where the line is bad, the second form. */
const TRIAL_EVERY = 32;
/** A frame that shows how many bytes are wrong even on a line that is far worse than thought. */
const TRIAL_PAYLOAD = 192;
/** Longest payload in the second form before that has mended anything: what is lost may be bytes, which it cannot mend. */
const UNSURE_PAYLOAD_MAX = 512;
/** Events per byte below which a line is good: nothing is to be gained. */
const GOOD_RATE = 3e-6;

interface Choice {
  readonly payload: number;
  /** Wrong bytes that each codeword may have; 0: COBS. */
  readonly mendable: number;
  /** Share of the line that is payload which arrives. */
  readonly goodput: number;
}

/**
 * Chooses form and payload of the next frame for a peer that hears both forms (PROTOCOL.md 2.5): what promises the most payload
 * per byte of line at the estimated rates. In COBS one frame in 32 is a trial, so that a line that changed is noticed; in the
 * second form each frame shows how the line is.
 */
export class FormSizer implements Sizer {
  #damage: LineDamage;
  #max = PAYLOAD_MIN;
  #payloadMax: number;
  #bytesPerMs: number | undefined;
  readonly #fixed: number | undefined;
  /** Bytes of a data frame beyond its payload, before the line code, and on the line in COBS. */
  readonly #frameOverhead: number;
  readonly #overhead: number;
  /** Longest frame in the second form, by its time on the line. */
  #wireMax = Number.POSITIVE_INFINITY;
  #choice: Choice = { payload: PAYLOAD_MIN, mendable: 0, goodput: 0 };
  #untilTrial = TRIAL_EVERY;
  #isCodedTrialNext = true;
  #mendable = 0;

  /** `sealLength`: what a seal adds to each frame, in bytes; part of `overhead`. */
  constructor(damage: LineDamage, options: FrameSizerOptions, sealLength: number) {
    const { payloadMax, overhead, bytesPerMs, payload } = options;
    this.#damage = damage;
    this.#fixed = payload;
    this.#frameOverhead = DATA_HEADER_LENGTH + CRC_LENGTH + sealLength;
    this.#overhead = DATA_HEADER_LENGTH + CRC_LENGTH + overhead;
    this.#payloadMax = payloadMax;
    this.#setRate(bytesPerMs);
  }

  setLine({ damage }: LineQuality, bytesPerMs: number | undefined): void {
    this.#damage = damage;
    this.#setRate(bytesPerMs);
  }

  #setRate(bytesPerMs: number | undefined): void {
    this.#bytesPerMs = bytesPerMs;
    this.#wireMax = (bytesPerMs ?? Number.POSITIVE_INFINITY) * FRAME_TIME_MAX_MS;
    this.#max = largestPayload(this.#payloadMax, this.#overhead, bytesPerMs);
    this.#choose();
  }

  setPayloadMax(payloadMax: number): void {
    this.#payloadMax = payloadMax;
    this.#setRate(this.#bytesPerMs);
  }

  get goodput(): number {
    return this.#choice.goodput;
  }

  get payload(): number {
    return this.#choice.payload;
  }

  /** Form of the frame that was cut last: wrong bytes that each of its codewords may have; 0: COBS. */
  get mendable(): number {
    return this.#mendable;
  }

  cut(available: number): number {
    const { payload, mendable } = this.#nextChoice();
    this.#mendable = mendable;
    return equalPart(available, payload);
  }

  #nextChoice(): Pick<Choice, "payload" | "mendable"> {
    const { payload, mendable } = this.#choice;
    if (this.#fixed !== undefined || mendable > 0 || --this.#untilTrial > 0) return this.#choice;
    this.#untilTrial = TRIAL_EVERY;
    const isCoded = this.#isCodedTrialNext && this.#isBad;
    this.#isCodedTrialNext = !isCoded;
    return isCoded
      ? { payload: Math.min(TRIAL_PAYLOAD, this.#max), mendable: MENDABLE_MAX }
      : { payload: Math.min(this.#max, 2 * payload), mendable: 0 };
  }

  get #isBad(): boolean {
    return this.#damage.hasEvidence && this.#damage.wrongRate + this.#damage.fatalRate > GOOD_RATE;
  }

  settle(bytes: number, isLost: boolean, mendable = 0): void {
    if (mendable === 0) this.#damage.settle({ tag: "plain", bytes, isLost });
    else if (isLost) this.#settleUnmended(bytes, mendable);
    else return;
    this.#choose();
  }

  /** A lost codeword has at least one wrong byte too many; where it is only one of several, the others are as always. */
  #settleUnmended(bytes: number, mendable: number): void {
    const { wrongRate, cautiousWrongRate } = this.#damage;
    const odds = 1 - mendOdds(layoutOn(bytes, mendable), cautiousWrongRate);
    const wrongBytes = mendable + 1 + wrongRate * Math.max(0, bytes - CODEWORD_MAX);
    this.#damage.settle({ tag: "unmended", bytes, odds, wrongBytes });
  }

  noteMended(bytes: number, wrongBytes: number): void {
    this.#damage.settle({ tag: "mended", bytes, wrongBytes });
    this.#choose();
  }

  #choose(): void {
    const plain = this.#plainChoice();
    const coded = this.#damage.hasEvidence ? this.#codedChoice() : undefined;
    this.#choice = coded !== undefined && coded.goodput > plain.goodput * ADVANTAGE ? coded : plain;
  }

  #plainChoice(): Choice {
    const rate = this.#damage.wrongRate + this.#damage.fatalRate;
    const payload =
      this.#fixed === undefined
        ? bestPayload(this.#overhead, rate, this.#max)
        : wholePayload(this.#fixed, this.#max);
    return { payload, mendable: 0, goodput: cobsGoodput(payload, this.#overhead, rate) };
  }

  #codedChoice(): Choice | undefined {
    const { cautiousWrongRate, fatalRate, hasMended } = this.#damage;
    const most = hasMended ? this.#max : Math.min(this.#max, UNSURE_PAYLOAD_MAX);
    const payloads = this.#fixed === undefined ? PAYLOADS : [Math.min(this.#fixed, ...PAYLOADS.slice(-1))];
    let best: Choice | undefined;
    for (const payload of payloads.filter((bytes) => bytes <= most)) {
      for (const mendable of STRENGTHS) {
        const layout = layoutFor(payload + this.#frameOverhead, mendable);
        const wire = codedLength(layout);
        if (wire > this.#wireMax) continue;
        const arrives = mendOdds(layout, cautiousWrongRate) * Math.exp(-fatalRate * wire);
        const goodput = (payload / wire) * arrives;
        if (best === undefined || goodput > best.goodput) best = { payload, mendable, goodput };
      }
    }
    return best;
  }
}
