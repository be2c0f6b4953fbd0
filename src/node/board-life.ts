import { assert } from "../base/assert.ts";
import { equalBytes, toHex } from "../base/bytes.ts";
import type { Clock, Timer } from "../base/clock.ts";
import type { Millis } from "../base/units.ts";
import type { BootOutcome } from "../board/boot.ts";
import type { RunningBoard } from "../board/running-board.ts";
import type { ImageSource } from "../image/image-source.ts";
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

export interface BoardLifeOptions {
  readonly board: RunningBoard;
  readonly clock: Clock;
  /** Starts the image, and says whether it is in order. Always unless given. Does not reject. */
  readonly onBoot?: ((boot: BootReport) => Promise<boolean>) | undefined;
  /** An image that started in order is confirmed; otherwise somebody else confirms it. */
  readonly confirms: boolean;
  /** An image runs for this long before it is handed on. */
  readonly soakMs: Millis;
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
  /** The image that was started in order, by its short digest, and when. */
  #runs: { readonly digest8: Uint8Array; readonly since: Millis } | undefined;
  #starting: Promise<void> | undefined;
  #isStartedAgain = false;
  #soaked: Timer | undefined;
  #isClaiming = false;
  #isClosed = false;

  constructor(options: BoardLifeOptions) {
    this.#options = options;
    this.#board = options.board;
  }

  /** The board's status as its beacon says it. What is on trial, or does not run for long enough, is not passed on. */
  status(): NodeStatus {
    const status = this.#board.status();
    const isTrial = status.isBootable && (status.isTrial || !this.#isSoaked);
    return { ...nodeStatusOf(status), isTrial, isClaiming: this.#isClaiming };
  }

  own(): OwnBoard {
    return { status: this.status(), layout: this.#board.status().layout };
  }

  /** How long the installed image has run; undefined when it was not started in order. One that was just received was not. */
  get #runsFor(): Millis | undefined {
    const installed = this.#board.status().installed?.digest8;
    const runs = this.#runs;
    if (runs === undefined || installed === undefined || !equalBytes(runs.digest8, installed))
      return undefined;
    return this.#options.clock.now() - runs.since;
  }

  get #isSoaked(): boolean {
    const ranFor = this.#runsFor;
    return ranFor !== undefined && ranFor >= this.#options.soakMs;
  }

  /** Says in the beacon that the board is about to overwrite its only image. */
  setClaiming(isClaiming: boolean): void {
    this.#isClaiming = isClaiming;
  }

  /** The image to hand on: the confirmed one once it was started in order, for an update once it has run for long enough. */
  source(cause: "heal" | "update"): ImageSource | undefined {
    const isFit = cause === "heal" ? this.#runsFor !== undefined : this.#isSoaked;
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
      await this.#start(this.#board.attempt());
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
    if (isInOrder) this.#handleInOrder();
    // A trial that fails is tried again, as a boot loader would, until its starts are used up and the board falls back.
    else if (isTrial) this.#isStartedAgain = true;
  }

  #handleInOrder(): void {
    const { clock, confirms, soakMs, onChange } = this.#options;
    if (confirms) this.#board.confirm();
    const digest8 = this.#board.status().installed?.digest8;
    this.#runs = digest8 && { digest8, since: clock.now() };
    if (soakMs > 0) this.#soaked = clock.after(soakMs, onChange);
    onChange();
  }

  /** A start has not ended yet. */
  get isStarting(): boolean {
    return this.#starting !== undefined;
  }

  /** Confirms the image that runs, for who knows that it is in order. NotBootableError when none does. */
  confirm(): ConfirmReport {
    const outcome = this.#board.confirm();
    this.#options.onChange();
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
