import type { Millis } from "../../base/units.ts";
import type { ImageSource } from "../../image/image-source.ts";
import { ringOf } from "../../image/ring.ts";
import type { NodeEvent } from "../../node/node-event.ts";
import type { SimBoard } from "./sim-board.ts";
import { type SimGates, withoutGates } from "./sim-gates.ts";

/** What a board runs, and since when. */
export interface RunningSince {
  readonly image: ImageSource;
  readonly at: Millis;
}

/** How often each rule was looked at. */
export interface GateLooks {
  /** Updates that were offered by a board that has to run what it hands on. */
  soaked: number;
  /** First starts of the newest image on boards that have to wait for their ring. */
  rings: number;
  /** Images that were held up. */
  suspects: number;
}

type OfferEvent = Extract<NodeEvent, { event: "offer" }>;

/** Looks at what staged updates may not do (PROTOCOL.md 6.8). Says what is wrong, as the checkers do. */
export class GateChecks {
  readonly looks: GateLooks = { soaked: 0, rings: 0, suspects: 0 };
  readonly #gates: SimGates;
  readonly #object: (board: number, what: string) => void;
  /** Boards that were healed, and need not wait. */
  readonly #healed: Set<number> = new Set();
  readonly #started: Set<number> = new Set();
  /** Until when an image is held up, by board, image and, unless it was proven, link. */
  readonly #heldUntil: Map<string, Millis> = new Map();

  constructor(gates: SimGates, object: (board: number, what: string) => void) {
    this.#gates = gates;
    this.#object = object;
  }

  get #isOn(): boolean {
    return !withoutGates(this.#gates);
  }

  /** A board lost its power: it does not know any more what was held up. */
  notePowerOff(board: number): void {
    for (const key of this.#heldUntil.keys()) if (key.startsWith(`${board} `)) this.#heldUntil.delete(key);
  }

  noteSuspect(now: Millis, board: number, event: Extract<NodeEvent, { event: "suspect" }>): void {
    this.looks.suspects++;
    const { digest, link, proven, seconds } = event;
    // What began before continues.
    this.#heldUntil.set(`${board} ${digest} ${proven ? "" : link}`, now + seconds * 1000);
  }

  /** A board that boots takes an offer. */
  checkAsked(now: Millis, { number, store }: SimBoard, { link, digest }: OfferEvent): void {
    if (store?.status().isBootable !== true) this.#healed.add(number);
    else if (this.#isHeldUp(now, number, digest, link))
      this.#object(number, `takes ${digest} over ${link}, which it holds up`);
  }

  #isHeldUp(now: Millis, board: number, digest: string, link: string): boolean {
    const keys = [`${board} ${digest} `, `${board} ${digest} ${link}`];
    // Seconds are rounded up.
    return keys.some((key) => (this.#heldUntil.get(key) ?? now) - 1000 > now);
  }

  /** A board offers an update to one that boots. `runs`: what it runs itself. */
  checkOffered(
    now: Millis,
    board: number,
    { link, digest }: OfferEvent,
    runs: RunningSince | undefined,
  ): void {
    if (this.#isHeldUp(now, board, digest, link))
      this.#object(board, `offers ${digest} over ${link}, which it holds up`);
    if (!this.#isOn || this.#gates.soakMs === 0) return;
    this.looks.soaked++;
    const ranMs = runs === undefined ? 0 : now - runs.at;
    // But for a rounding.
    if (ranMs < this.#gates.soakMs - 1) this.#object(board, `offers ${digest} after it ran for ${ranMs} ms`);
  }

  /** A board starts an image. */
  checkStarted(now: Millis, { number, identity }: SimBoard, { manifest }: ImageSource): void {
    const { rollout } = manifest;
    if (!this.#isOn || rollout.rings < 2 || this.#started.has(number)) return;
    this.#started.add(number);
    // The image is on board 0 from the start, and who was broken does not wait.
    if (number === 0 || this.#healed.has(number)) return;
    this.looks.rings++;
    const dueAt = ringOf(identity.nodeId, rollout) * this.#gates.ringTimeMs;
    if (now < dueAt - 1) this.#object(number, `starts an image at ${now} ms, before its ring at ${dueAt} ms`);
  }
}
