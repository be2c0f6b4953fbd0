import type { Random } from "../../base/prng.ts";
import type { Millis } from "../../base/units.ts";
import type { Link } from "../../link/link.ts";
import { AnswerTimer } from "../answer-timer.ts";
import { providerBeacon } from "../beacon.ts";

/** What an announcer needs to know of its node. */
export interface RescuerOptions {
  readonly random: Random;
  readonly nodeId: Uint8Array;
  /** Fixed for one start of the node. */
  readonly bootNonce: Uint8Array;
}

/** What a rescuer says of itself: it answers queries, and asks nothing: a boot loader may read the line (PROTOCOL.md 2.4). */
export class RescuerAnnouncer {
  readonly #link: Link;
  readonly #nodeId: Uint8Array;
  readonly #bootNonce: Uint8Array;
  readonly #isKeyed: boolean;
  readonly #answers: AnswerTimer = new AnswerTimer();

  /** `isKeyed`: it has a link key. */
  constructor(link: Link, options: RescuerOptions, isKeyed: boolean) {
    this.#link = link;
    this.#nodeId = options.nodeId;
    this.#bootNonce = options.bootNonce;
    this.#isKeyed = isKeyed;
  }

  /** Somebody asked who is there. */
  handleQuestion(now: Millis): void {
    this.#answers.ask(now);
  }

  /** Gives the answer that is due: a beacon, or while it serves a probe. */
  sendDue(now: Millis, isServing: boolean): void {
    if (!this.#answers.take(now)) return;
    if (isServing) this.#link.sender?.probeNow(now);
    else this.#link.send(providerBeacon(this.#nodeId, this.#bootNonce, this.#isKeyed));
  }

  /** When the answer is due. */
  get answerAt(): Millis | undefined {
    return this.#answers.dueAt;
  }
}
