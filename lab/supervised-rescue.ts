import { equalBytes } from "../src/base/bytes.ts";
import type { Millis } from "../src/base/units.ts";
import { VirtualClock } from "../src/base/virtual-clock.ts";
import { shortDigest } from "../src/image/manifest.ts";
import { VirtualRescue, type VirtualRescueOptions } from "../test/support/virtual-rescue.ts";
import { type FrameHook, FrameTap } from "./frame-tap.ts";

/** A run that has not ended by then in virtual time hangs. */
export const HANG_MS: Millis = 120_000;
/** After the end both sides are watched for this long, and may send no more than so many frames. */
const AFTERMATH_MS = 30_000;
const AFTERMATH_FRAMES_MAX = 40;

/** Leaves every frame as it is. */
export const passOn: FrameHook = (frame, pass) => pass(frame.bytes);

/** How a run ended. Times are virtual. */
export interface RunResult {
  /** What went wrong, or undefined: both sides know of the end, and the board boots exactly the image. */
  readonly failure: string | undefined;
  readonly ms: Millis;
  readonly frames: number;
  /** Bytes handed to the wire by both sides together. */
  readonly bytes: number;
}

/** One rescue with a tap on the wire, restarts, and a verdict that knows about them. */
export class SupervisedRescue {
  readonly clock: VirtualClock = new VirtualClock();
  readonly tap: FrameTap;
  readonly rescue: VirtualRescue;
  /** Of the present process of each side: where its events begin, and whether all was over when it started. */
  #target = { from: 0, isLate: false };
  #rescuer = { from: 0, isLate: false };

  /** `makeHook` is called before the first frame, when of this object only the clock exists. */
  constructor(options: VirtualRescueOptions, makeHook: (run: SupervisedRescue) => FrameHook = () => passOn) {
    this.tap = new FrameTap(makeHook(this));
    const wrap = this.tap.wrap.bind(this.tap);
    this.rescue = new VirtualRescue({ ...options, clock: this.clock, wrap });
  }

  get isBootable(): boolean {
    return this.rescue.board.boot().tag === "boot";
  }

  restartTarget(): void {
    this.rescue.restartTarget();
    this.#target = { from: this.rescue.targetEvents.length, isLate: this.isBootable };
  }

  /** The same node starts again, or another one if `nodeId` is undefined. */
  restartRescuer(nodeId: Uint8Array | undefined): void {
    const isLate = this.#isTargetDone || this.#isRescuerTold;
    this.rescue.restartRescuer(nodeId);
    this.#rescuer = { from: this.rescue.rescuerEvents.length, isLate };
  }

  /** Whether both sides know of the end; a rescuer that came after that cannot. */
  get isOver(): boolean {
    return this.#isTargetDone && (this.#rescuer.isLate || this.#isRescuerTold);
  }

  /** It has said all that it had to say, or was started again as a board that boots. */
  get #isTargetDone(): boolean {
    const { targetEvents } = this.rescue;
    return this.#target.isLate || someFrom(targetEvents, this.#target.from, ({ tag }) => tag === "finished");
  }

  /** By DONE, or by a beacon with the image installed. */
  get #isRescuerTold(): boolean {
    const digest = shortDigest(this.rescue.image.digest);
    return someFrom(this.rescue.rescuerEvents, this.#rescuer.from, (event) => {
      if (event.tag !== "heard") return event.tag === "healed";
      const { installedDigest, tag } = event.beacon;
      return tag === "beacon" && installedDigest !== undefined && equalBytes(installedDigest, digest);
    });
  }

  /** Runs to the end, or to `limitMs`, and judges what is in flash then. Never throws. */
  run(limitMs: Millis = HANG_MS): RunResult {
    let ms: Millis = 0;
    let failure: string | undefined;
    try {
      const hasEnded = this.rescue.run(limitMs, () => this.isOver);
      ms = this.clock.now();
      failure = this.#judge(hasEnded);
    } catch (error) {
      failure = `exception: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
    }
    return { failure, ms, frames: this.tap.total, bytes: this.rescue.bytesOnWire };
  }

  #judge(hasEnded: boolean): string | undefined {
    const isExact = Buffer.compare(this.rescue.flashed, this.rescue.data) === 0;
    if (this.isBootable && !isExact) return "wrong image";
    if (!hasEnded) return `hang: ${this.isBootable ? "the board is whole" : "the board does not boot"}`;
    if (!this.isBootable || !isExact) return "ended, but the board does not boot the image";
    const before = this.tap.total;
    this.rescue.run(AFTERMATH_MS, () => false);
    const after = this.tap.total - before;
    return after > AFTERMATH_FRAMES_MAX ? `no rest: ${after} frames after the end` : undefined;
  }
}

function someFrom<T>(list: readonly T[], from: number, test: (item: T) => boolean): boolean {
  for (let i = from; i < list.length; i++) if (test(list[i] as T)) return true;
  return false;
}
