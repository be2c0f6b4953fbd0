import { ExitCode } from "../base/errors.ts";
import type { HeardRefusal } from "../base/refusal.ts";
import type { HealedEvent } from "./node-event.ts";
import { type Ending, refusedEnding, type SessionFigures } from "./verdict.ts";

/** An image that a board refused, or that none suits it. */
export interface BoardRefusal {
  readonly reason: HeardRefusal;
  readonly detail: string;
  readonly peer: string | undefined;
  readonly isProven: boolean;
  readonly digest?: Uint8Array | undefined;
}

/** What a rescuer's run came to so far, on all links: for its verdict. */
export class RescuerOutcome {
  /** Blocks sent. */
  blocks = 0;
  /** Id of the board that was heard last. */
  lastHeard: string | undefined;
  #heals = 0;
  #lastHealed: HealedEvent | undefined;
  #refusal: BoardRefusal | undefined;

  /** A board was healed. `isDecisive`: the verdict describes it, as long as no other one comes. */
  noteHealed(event: HealedEvent, isDecisive: boolean): void {
    this.#heals++;
    if (isDecisive) this.#lastHealed = event;
  }

  /** A board refused its image, or none suits it. */
  noteRefusal(refusal: BoardRefusal): void {
    this.#refusal = refusal;
  }

  /** The ending at the timeout; undefined when no board was healed and none refused anything. */
  get ending(): Ending | undefined {
    if (this.#lastHealed !== undefined) return { code: ExitCode.done, reason: "healed" };
    return this.#refusal && refusedEnding(this.#refusal);
  }

  /** The session that a verdict with this code describes: the refused one, the last healed one, or else the last board heard. */
  figures(code: ExitCode): SessionFigures {
    const { blocks } = this;
    const healed = this.#heals;
    if (code === ExitCode.refused && this.#refusal !== undefined)
      return { blocks, seconds: 0, peer: this.#refusal.peer, digest: undefined, healed };
    const { seconds = 0, peer = this.lastHeard, digest, baud } = this.#lastHealed ?? {};
    return { blocks, seconds, peer, digest, healed, ...(baud !== undefined && { baud }) };
  }
}
