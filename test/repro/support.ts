import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { type ImageSource, memoryImage } from "../../src/image/image-source.ts";
import { chooseImage, type RepositoryEntry } from "../../src/image/repository.ts";
import type { RescuerEvent } from "../../src/session/rescuer/rescuer-events.ts";
import type { TargetEvent } from "../../src/session/target/target-events.ts";
import type { Beacon } from "../../src/wire/messages.ts";
import { testKey, VirtualRescue, type VirtualRescueOptions } from "../support/virtual-rescue.ts";

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const HARDWARE = { vendor: "acme", hardwareClass: "gate" };

export function bytesOf(seed: number, size: number): Uint8Array {
  return randomBytes(new SeededRandom(seed), size);
}

/** An image of random bytes, signed by the key that each board here trusts. */
export function imageOf(
  seed: number,
  size: number,
  major = 1,
  fields: { readonly vendor?: string } = {},
): ImageSource {
  const version = { major, minor: 0, patch: 0 };
  return memoryImage(bytesOf(seed, size), { ...HARDWARE, version, ...fields }, testKey);
}

/** What {@link FlashOracle} lets into flash besides the rescue's own image. */
export function originalOf(seed: number, size: number, { digest }: ImageSource) {
  return { name: `seed ${seed}`, data: bytesOf(seed, size), digest };
}

/** The image that a repository of `images` offers to a board that calls. */
export function pickFrom<Entry extends RepositoryEntry>(
  images: readonly Entry[],
  beacon: Beacon,
  refused: readonly Uint8Array[],
): Entry | undefined {
  const choice = chooseImage(images, {
    hardwareId: beacon.hardwareId,
    revision: beacon.revision,
    counterFloor: beacon.counterFloor,
    runs: beacon.failure === undefined ? beacon : undefined,
    allowUnsigned: false,
    receivingDigest8: beacon.receivingDigest,
    installedDigest8: beacon.installedDigest,
    refused,
  });
  return choice.tag === "chosen" ? choice.entry : undefined;
}

/** An event in short, with its time in milliseconds: "12034:sessionLost/lease". */
type Line = string;

const UNTOLD = ["progress", "receiving", "heard"];

function lineOf(at: Millis, event: TargetEvent | RescuerEvent): Line[] {
  if (UNTOLD.includes(event.tag)) return [];
  const why = "why" in event ? event.why : "reason" in event ? event.reason : undefined;
  return [`${at.toFixed(0)}:${event.tag}${why === undefined ? "" : `/${why}`}`];
}

/** A rescue in virtual time, and what each side told, with the time of it. Effects are left out once carried out. */
export interface Watched {
  readonly rescue: VirtualRescue;
  readonly clock: VirtualClock;
  readonly target: Line[];
  readonly rescuer: Line[];
}

const EFFECTS = ["checkManifest", "checkRun", "writeBlock", "commit", "pick", "readRun", "readBlock"];

/** `options` may be made for the clock of the rescue, which stands at 0. */
export function watched(make: (clock: VirtualClock) => VirtualRescueOptions): Watched {
  const clock = new VirtualClock();
  const options = make(clock);
  const target: Line[] = [];
  const rescuer: Line[] = [];
  const noteIn =
    <Event extends TargetEvent | RescuerEvent>(
      lines: Line[],
      next: ((event: Event, proceed: () => void) => void) | undefined,
    ) =>
    (event: Event, proceed: () => void): void => {
      if (!EFFECTS.includes(event.tag)) lines.push(...lineOf(clock.now(), event));
      if (next === undefined) proceed();
      else next(event, proceed);
    };
  const rescue = new VirtualRescue({
    baud: 115_200,
    ...options,
    clock,
    onTargetEvent: noteIn(target, options.onTargetEvent),
    onRescuerEvent: noteIn(rescuer, options.onRescuerEvent),
  });
  return { rescue, clock, target, rescuer };
}

/** How many of these lines are about `what`, such as "sessionLost" or "sessionLost/lease". */
export function countOf(lines: readonly Line[], what: string): number {
  return linesAbout(lines, what).length;
}

export function linesAbout(lines: readonly Line[], ...whats: readonly string[]): Line[] {
  return lines.filter((line) => whats.some((what) => line.includes(`:${what}`)));
}

/** Time in seconds of the first line about `what`; undefined when there is none. */
export function secondsOf(lines: readonly Line[], what: string): number | undefined {
  const [line] = linesAbout(lines, what);
  return line === undefined ? undefined : Number.parseInt(line, 10) / 1000;
}

/** The time that a target's work takes, during which its CPU does nothing else. */
export class SlowTarget {
  readonly #clock: VirtualClock;
  readonly #takesMs: (tag: TargetEvent["tag"]) => Millis;
  readonly #keepsLate: boolean;
  #busyUntil: Millis = -1;
  #session = 0;

  /** `keepsLate`: an effect that ends after its session was lost is answered all the same. */
  constructor(clock: VirtualClock, takesMs: (tag: TargetEvent["tag"]) => Millis, keepsLate = false) {
    this.#clock = clock;
    this.#takesMs = takesMs;
    this.#keepsLate = keepsLate;
  }

  get isWorking(): boolean {
    return this.#clock.now() < this.#busyUntil;
  }

  /** For `onTargetEvent`. */
  readonly handle = (event: TargetEvent, proceed: () => void): void => {
    const ms = this.#takesMs(event.tag);
    if (event.tag === "sessionLost") {
      this.#session++;
      this.#busyUntil = -1;
    }
    if (ms === 0) {
      proceed();
      return;
    }
    const session = this.#session;
    this.#busyUntil = Math.max(this.#clock.now(), this.#busyUntil) + ms;
    this.#clock.after(this.#busyUntil - this.#clock.now(), () => {
      if (this.#keepsLate || session === this.#session) proceed();
    });
  };
}
