import { assert } from "../base/assert.ts";
import { equalBytes, toHex } from "../base/bytes.ts";
import type { Clock, Timer } from "../base/clock.ts";
import type { Millis } from "../base/units.ts";
import type { BootOutcome } from "../board/boot.ts";
import type { RunningBoard } from "../board/running-board.ts";
import type { ImageSource } from "../image/image-source.ts";
import type { Manifest } from "../image/manifest.ts";
import { formatVersion } from "../image/version.ts";
import type { OwnBoard } from "../mesh/own-board.ts";
import type { NodeStatus } from "../session/beacon.ts";
import type { NodeEvent } from "./node-event.ts";
import { nodeStatusOf } from "./target-effects.ts";

/** A start of the board's image, as a hook is told of it. */
export interface BootReport {
  readonly version: string;
  /** 64 hexadecimal digits. */
  readonly digest: string;
  readonly slot: number;
  readonly isTrial: boolean;
}

/** What was confirmed. */
export interface ConfirmReport {
  readonly slot: number;
  readonly version: string;
  /** 64 hexadecimal digits. */
  readonly digest: string;
  /** The board's floor from now on. */
  readonly counterFloor: number;
}

/** What a board's starts mean for the spread of its images. */
export interface LifeGates {
  /** The image was started, and is in order; how often so far. */
  noteStarted(digest8: Uint8Array): number;
  /** It came to this board while the board did not boot. */
  isCanary(digest8: Uint8Array): boolean;
  /** It failed to confirm, so many times by now. */
  noteFailed(digest8: Uint8Array, count: number): void;
  /** It is confirmed, and has run for long enough to be handed on. */
  noteProven(digest8: Uint8Array, manifest: Manifest): void;
}

/** An image that was started in order. */
interface RunningImage {
  readonly digest8: Uint8Array;
  readonly manifest: Manifest;
  /** Starts of it that were in order, this one among them. */
  readonly starts: number;
}

export interface BoardLifeOptions {
  readonly board: RunningBoard;
  readonly clock: Clock;
  /** Starts the image, and says whether it is in order. Always unless given. Does not reject. */
  readonly onBoot?: ((boot: BootReport) => Promise<boolean>) | undefined;
  /** An image that started in order is confirmed; otherwise somebody else confirms it. */
  readonly confirms: boolean;
  /** An image runs for this long before it is handed on, ... */
  readonly soakMs: Millis;
  /** ... and was started again so often. */
  readonly soakResets: number;
  /** What the node does about images that fail, or prove themselves. */
  readonly gates: LifeGates;
  /** The board's status changed. */
  onChange(): void;
  /** The flash failed. */
  onFailed(error: unknown): void;
  report(event: NodeEvent): void;
}

/**
 * The starts of a node's own board: the boot decision, the hook that starts the image, its confirmation, and the time from
 * which on it is handed on to neighbours.
 */
export class BoardLife {
  readonly #options: BoardLifeOptions;
  readonly #board: RunningBoard;
  #runs: RunningImage | undefined;
  /** How often images failed to confirm, as far as that was told. */
  #failures: ReadonlyMap<string, number>;
  #isProven = false;
  /** When the image that runs has run for long enough. */
  #soakedAt: Millis = Number.POSITIVE_INFINITY;
  #starting: Promise<void> | undefined;
  #isStartedAgain = false;
  #soaked: Timer | undefined;
  #isClaiming = false;
  #isClosed = false;

  constructor(options: BoardLifeOptions) {
    this.#options = options;
    this.#board = options.board;
    this.#failures = failuresOf(options.board);
  }

  /** The board's status as its beacon says it. What is on trial, or does not run for long enough, is not passed on. */
  status(): NodeStatus {
    const status = this.#board.status();
    const isTrial = status.isBootable && (status.isTrial || !this.#isSoaked);
    return { ...nodeStatusOf(status), isTrial, isClaiming: this.#isClaiming };
  }

  own(): OwnBoard {
    return { status: this.status(), layout: this.#board.status().layout, soakLeftMs: this.#soakLeftMs };
  }

  /** The installed image, if it was started in order. One that was just received was not. */
  get #running(): RunningImage | undefined {
    const installed = this.#board.status().installed?.digest8;
    const runs = this.#runs;
    return runs !== undefined && installed !== undefined && equalBytes(runs.digest8, installed)
      ? runs
      : undefined;
  }

  get #isSoaked(): boolean {
    const running = this.#running;
    if (running === undefined || running.starts <= this.#options.soakResets) return false;
    return this.#options.clock.now() >= this.#soakedAt;
  }

  /** How long a confirmed image still has to run; undefined when it has, or is not confirmed. */
  get #soakLeftMs(): Millis | undefined {
    if (this.#running === undefined || this.#isSoaked || this.#board.status().isTrial) return undefined;
    return Math.max(0, this.#soakedAt - this.#options.clock.now());
  }

  /** Says in the beacon that the board is about to overwrite its only image. */
  setClaiming(isClaiming: boolean): void {
    this.#isClaiming = isClaiming;
  }

  /** The image to hand on: the confirmed one once it was started in order, for an update once it has run for long enough. */
  source(cause: "heal" | "update"): ImageSource | undefined {
    const isFit = cause === "heal" ? this.#running !== undefined : this.#isSoaked;
    return isFit ? this.#board.ownSource() : undefined;
  }

  /** The board starts: at the start of the node, and when an image was installed. Resolves when its hook has ended. */
  async boot(): Promise<void> {
    this.#isStartedAgain = true;
    this.#starting ??= this.#startAll().catch((error: unknown) => this.#options.onFailed(error));
    await this.#starting;
  }

  async #startAll(): Promise<void> {
    while (this.#isStartedAgain && !this.#isClosed) {
      this.#isStartedAgain = false;
      this.#forget();
      const outcome = this.#board.attempt();
      this.#tellFailures();
      await this.#start(outcome);
    }
    this.#starting = undefined;
  }

  async #start(outcome: BootOutcome): Promise<void> {
    if (outcome.tag === "recovery") {
      this.#options.onChange();
      return;
    }
    const { slot, isTrial, image } = outcome;
    const boot = {
      version: formatVersion(image.manifest.version),
      digest: toHex(image.digest),
      slot,
      isTrial,
    };
    this.#options.report({ event: "booted", version: boot.version, digest: boot.digest });
    this.#options.onChange();
    const { onBoot } = this.#options;
    const isInOrder = onBoot === undefined || (await onBoot(boot));
    if (this.#isClosed || this.#isStartedAgain || !this.#board.status().isBootable) return;
    if (isInOrder) this.#handleInOrder(image.manifest);
    // A trial that fails is tried again, as a boot loader would, until its starts are used up and the board falls back.
    else if (isTrial) this.#isStartedAgain = true;
  }

  #handleInOrder(manifest: Manifest): void {
    const { clock, confirms, soakMs, gates } = this.#options;
    const digest8 = this.#board.status().installed?.digest8;
    if (digest8 === undefined) return;
    // Its way back, and the counter floor, stay as they are until it has run for a while. Who did not boot has no such way.
    const confirmsLater = soakMs > 0 && manifest.rollout.rings > 1 && !gates.isCanary(digest8);
    if (confirms && !confirmsLater) this.#board.confirm();
    this.#runs = { digest8, manifest, starts: gates.noteStarted(digest8) };
    this.#soakedAt = clock.now() + soakMs;
    this.#isProven = false;
    if (soakMs > 0)
      this.#soaked = clock.after(soakMs, () => {
        // A timer may be early by a rounding.
        this.#soakedAt = Math.min(this.#soakedAt, clock.now());
        if (confirms && confirmsLater) this.#board.confirm();
        this.#handleChange();
      });
    this.#handleChange();
  }

  #handleChange(): void {
    this.#options.onChange();
    const runs = this.#runs;
    if (runs === undefined || this.#isProven || !this.#isSoaked || this.#board.status().isTrial) return;
    this.#isProven = true;
    this.#options.gates.noteProven(runs.digest8, runs.manifest);
    this.#options.onChange();
  }

  /** Images whose trial was given up since the last look. */
  #tellFailures(): void {
    const before = this.#failures;
    this.#failures = failuresOf(this.#board);
    for (const { adviceDigest8, count } of this.#board.status().failedConfirms ?? [])
      if (count > (before.get(toHex(adviceDigest8)) ?? 0))
        this.#options.gates.noteFailed(adviceDigest8, count);
  }

  /** A start has not ended yet. */
  get isStarting(): boolean {
    return this.#starting !== undefined;
  }

  /** Confirms the image that runs, for who knows that it is in order. NotBootableError when none does. */
  confirm(): ConfirmReport {
    const outcome = this.#board.confirm();
    this.#handleChange();
    assert(outcome.tag === "boot", "what is confirmed boots");
    const { image, slot } = outcome;
    const { counterFloor } = this.#board.status();
    return {
      slot,
      version: formatVersion(image.manifest.version),
      digest: toHex(image.digest),
      counterFloor,
    };
  }

  /** Looks at the flash again, which may have been damaged. */
  reverify(): void {
    const wasBootable = this.#board.status().isBootable;
    this.#board.reverify();
    if (wasBootable !== this.#board.status().isBootable) this.#forget();
    this.#options.onChange();
  }

  #forget(): void {
    this.#runs = undefined;
    this.#soaked?.cancel();
  }

  /** No hook is started, and nothing confirmed, any more. */
  close(): void {
    this.#isClosed = true;
    this.#soaked?.cancel();
  }
}

function failuresOf(board: RunningBoard): ReadonlyMap<string, number> {
  const failures = board.status().failedConfirms ?? [];
  return new Map(failures.map(({ adviceDigest8, count }) => [toHex(adviceDigest8), count]));
}
