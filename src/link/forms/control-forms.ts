import { FrameForm } from "../../wire/constants.ts";
import { saysForms } from "../../wire/extensions.ts";
import { codedLength, layoutFor } from "../../wire/fec/coded-frame.ts";
import type { CodedFrame } from "../../wire/fec/frame-hunter.ts";
import { type Frame, isBeacon, isCall, isMessage, type Message } from "../../wire/messages.ts";
import { Hearing, isBadRate } from "./hearing.ts";

/** Wrong bytes that a codeword of anything but data may have: an ack takes 56 bytes on the line, a call 96. */
export const CONTROL_MENDABLE = 8;
/** What a node says that hears the second form. */
const OWN_FORMS: number = 1 << FrameForm.reedSolomon;

/** Messages of which another one soon says as much; all others are waited for when they are lost. */
const RENEWED: ReadonlySet<Message["tag"]> = new Set(["ack", "grant", "busy", "query", "beacon", "distress"]);

/** In which forms a message goes out; `both`: the second form, and COBS behind it. */
export type MessageForm = "plain" | "coded" | "both";

/**
 * Chooses the form of everything but data and objects (PROTOCOL.md 2.5): by what this end hears, and by what is not answered.
 * Knows whether the peer hears the second form.
 */
export class ControlForms {
  readonly hearing: Hearing = new Hearing();
  /** This end hears the second form, and says so. */
  readonly isHunting: boolean;
  /** Wrong bytes per byte towards the peer, as far as known. */
  readonly #sentRate: () => number;
  #isHeard = false;
  /** Calls since a frame came. */
  #calls = 0;

  constructor(isHunting: boolean, sentRate: () => number) {
    this.isHunting = isHunting;
    this.#sentRate = sentRate;
  }

  /** The peer hears the second form, and so does this end. */
  get areBothHunting(): boolean {
    return this.isHunting && this.#isHeard;
  }

  /** Short frames in COBS are lost too often. */
  get isBad(): boolean {
    return this.areBothHunting && (this.hearing.isBad || isBadRate(this.#sentRate()));
  }

  /** A frame of the peer came, of `wireBytes` in COBS, or `coded`. */
  noteHeard(frame: Frame, wireBytes: number, coded?: CodedFrame): void {
    this.#calls = 0;
    if (coded === undefined) this.hearing.noteFrame(wireBytes, 0);
    else this.hearing.noteCoded(coded.wireBytes, coded.mendedBytes);
    if (coded !== undefined) this.#isHeard = true;
    else if (isMessage(frame) && saysForms(frame))
      this.#isHeard = ((frame.forms ?? 0) & (1 << FrameForm.reedSolomon)) !== 0;
  }

  /** The message with the forms that this end hears, where it says so. */
  announced<M extends Message>(message: M): M {
    return this.isHunting && saysForms(message) ? { ...message, forms: OWN_FORMS } : message;
  }

  /** The forms for a message that goes out now. */
  choose(message: Message): MessageForm {
    if (!this.isHunting) return "plain";
    const isOwnCall = isBeacon(message) && isCall(message);
    const isCarried = message.tag === "query" && message.call !== undefined;
    // Who hears a call is not known: a node without the second form takes the copy behind it.
    if (isOwnCall || isCarried) return this.isBad || this.#calls++ % 2 === 1 ? "both" : "plain";
    return this.isBad || (this.areBothHunting && !RENEWED.has(message.tag)) ? "coded" : "plain";
  }

  /** Bytes on the line of the copy of a call that takes `bytes` in COBS, on average over calls. */
  copyBytes(bytes: number): number {
    if (!this.isHunting) return 0;
    const copy = codedLength(layoutFor(bytes, CONTROL_MENDABLE));
    return this.isBad ? copy : copy / 2;
  }

  /** Codewords of a probe: see {@link CONTROL_MENDABLE}; 0 for COBS. */
  get probeMendable(): number {
    return this.isBad ? CONTROL_MENDABLE : 0;
  }
}
