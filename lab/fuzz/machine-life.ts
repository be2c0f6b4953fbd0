import { type Random, randomBelow } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import type { Machine } from "../../src/node/link-driver.ts";
import { decodeCobs } from "../../src/wire/cobs.ts";
import { decodeFrame } from "../../src/wire/frame.ts";
import { RUN_MAX } from "../../src/wire/line-code.ts";
import type { Frame } from "../../src/wire/messages.ts";
import { PureSplitter } from "../../src/wire/run-splitter.ts";
import { must } from "./fuzz-target.ts";

/** Turns that a machine may take before it rests; a session at its busiest takes some hundred. */
const TURNS_MAX = 20_000;
const DELIMITED_MIN = 3;
/** Rates of the lines that machines live on; undefined: not known. */
export const BAUDS = [undefined, 9_600, 115_200, 3_000_000] as const;

/** Drives one machine through time by hand, and notes what it says. */
export class MachineLife<Event> {
  now: Millis = 0;
  /** Frames that it sent. */
  sent = 0;
  readonly #machine: Machine<Event>;
  readonly #onEvent: (event: Event) => void;
  readonly #onFrame: (frame: Frame) => void;
  /** Tag of the session that its frames are read with. */
  readonly #tag: () => number | undefined;

  constructor(
    machine: Machine<Event>,
    tag: () => number | undefined,
    onEvent: (event: Event) => void,
    onFrame: (frame: Frame) => void,
  ) {
    this.#machine = machine;
    this.#tag = tag;
    this.#onEvent = onEvent;
    this.#onFrame = onFrame;
  }

  /** Lets the machine do all that it can do now. */
  pump(): void {
    this.#machine.handleTimeout(this.now);
    let turns = 0;
    for (;;) {
      must(turns++ < TURNS_MAX, "the machine comes to rest");
      const event = this.#machine.pollEvent();
      if (event !== undefined) {
        this.#onEvent(event);
        continue;
      }
      const bytes = this.#machine.pollTransmit(this.now);
      if (bytes === undefined) return;
      this.sent++;
      this.#read(bytes);
    }
  }

  #read(bytes: Uint8Array): void {
    must(bytes.length >= DELIMITED_MIN && bytes.at(-1) === 0, "what is sent is delimited");
    // Back to back, the delimiter that ends one frame begins the next.
    const frame = decodeCobs(bytes.subarray(bytes[0] === 0 ? 1 : 0, -1));
    must(frame !== undefined, "what is sent is COBS");
    const decoded = decodeFrame(frame, this.#tag());
    if (decoded.tag !== "fault") this.#onFrame(decoded);
  }

  /** Lets bytes arrive, and then nothing for a while: a run ends with a zero, or with them. */
  hear(bytes: Uint8Array): void {
    const splitter = new PureSplitter((run) => this.#machine.handleRun(this.now, run), { maxRun: RUN_MAX });
    splitter.push(this.now, bytes);
    splitter.close();
    this.pump();
  }

  /** Lets time pass, timer by timer. A machine that sets its timers ever closer does not get to the end. */
  pass(duration: Millis): void {
    const end = this.now + duration;
    for (let turns = 0; ; turns++) {
      must(turns < TURNS_MAX, "timers let time pass");
      const at = this.#machine.pollTimeout();
      if (at === undefined || at > end) break;
      this.now = Math.max(this.now, at);
      this.pump();
    }
    this.now = end;
    this.pump();
  }
}

/** How long nothing happens: mostly moments, now and then longer than any patience. */
export function randomPause(random: Random): Millis {
  const most = [0, 2, 20, 200, 2_000, 8_000, 30_000][randomBelow(random, 7)] ?? 0;
  return randomBelow(random, most + 1);
}
