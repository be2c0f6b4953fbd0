import type { Clock, Timer } from "../base/clock.ts";
import type { Millis } from "../base/units.ts";
import type { InstallPlan } from "../board/target-store.ts";
import type { Manifest } from "../image/manifest.ts";
import { ringOf } from "../image/ring.ts";
import { type GateOptions, Gates } from "../mesh/gates.ts";
import type { KeptImage } from "../mesh/rollout.ts";
import type { Deferral } from "../session/handshake.ts";

/** Where a board keeps what it knows of images, through its restarts. */
export interface ImageMemory {
  load(): readonly KeptImage[];
  /** Keeps these instead of those before. A board whose memory fails waits again. */
  save(images: readonly KeptImage[]): void;
}

export interface ImageGatesOptions extends Omit<GateOptions, "kept"> {
  readonly clock: Clock;
  readonly nodeId: Uint8Array;
  readonly links: number;
  readonly fanOut: number;
  /** An image is handed on once it was started again so often: starts are kept if that is not 0. */
  readonly soakResets?: number;
  readonly memory?: ImageMemory | undefined;
}

/** While an image waits, how long it has is kept this often: a restart takes back no more. */
const SAVE_EVERY_MS: Millis = 60_000;

/** The gates of a node with what its board says of its images, and keeps of them (PROTOCOL.md 6.8). */
export class ImageGates {
  readonly gates: Gates;
  readonly #options: ImageGatesOptions;
  #timer: Timer | undefined;

  constructor(options: ImageGatesOptions) {
    const { clock, nodeId, links, fanOut, memory } = options;
    this.#options = options;
    const kept = memory?.load() ?? [];
    this.gates = new Gates(clock.now(), nodeId, links, fanOut, { ...options, kept });
    this.#schedule();
  }

  get #now(): Millis {
    return this.#options.clock.now();
  }

  /** Why a board that boots takes the image of a verified manifest later; undefined when it takes it now. */
  judge(link: number, { manifest, digest8 }: InstallPlan): Deferral | undefined {
    if (manifest.rollout.rings > 1) {
      this.gates.rollout.noteManifest(this.#now, digest8, ringOf(this.#options.nodeId, manifest.rollout));
      this.#save();
    }
    return this.gates.deferralOf(this.#now, link, digest8);
  }

  /** The image came to a board that did not boot: it waits for no ring. */
  markCanary(digest8: Uint8Array): void {
    this.gates.rollout.markCanary(this.#now, digest8);
  }

  isCanary(digest8: Uint8Array): boolean {
    return this.gates.rollout.isCanary(digest8);
  }

  /** The image was started, and is in order; how often so far. */
  noteStarted(digest8: Uint8Array): number {
    const starts = this.gates.rollout.noteStarted(this.#now, digest8);
    if ((this.#options.soakResets ?? 0) > 0) this.#save();
    return starts;
  }

  noteFailed(digest8: Uint8Array, count: number): void {
    this.gates.noteFailed(this.#now, digest8, count);
  }

  /** The image is confirmed, and has run for long enough to be handed on. */
  noteProven(digest8: Uint8Array, { rollout }: Pick<Manifest, "rollout">): void {
    if (rollout.rings < 2) return;
    const ring = this.isCanary(digest8) ? 0 : ringOf(this.#options.nodeId, rollout);
    this.gates.noteConfirmed(this.#now, digest8, ring);
  }

  #save(): void {
    this.#options.memory?.save(this.gates.rollout.kept(this.#now));
    this.#schedule();
  }

  /** Keeps the time again as long as an image waits. */
  #schedule(): void {
    const { clock, memory } = this.#options;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (memory === undefined || this.gates.rollout.nextDueAt(this.#now) === undefined) return;
    this.#timer = clock.after(SAVE_EVERY_MS, () => this.#save());
  }

  close(): void {
    this.#timer?.cancel();
  }
}
