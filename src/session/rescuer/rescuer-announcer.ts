import type { Random } from "../../base/prng.ts";
import type { Millis } from "../../base/units.ts";
import type { Link } from "../../link/link.ts";
import { providerBeacon } from "../beacon.ts";
import { BeaconTimer } from "../beacon-timer.ts";
import { QueryTimer } from "../query-timer.ts";

/** What an announcer needs to know of its node. */
export interface RescuerOptions {
  readonly random: Random;
  readonly nodeId: Uint8Array;
  /** Fixed for one start of the node. */
  readonly bootNonce: Uint8Array;
}

/** What a rescuer says of itself: queries until somebody is heard, and answers to those of others (PROTOCOL.md 5.1). */
export class RescuerAnnouncer {
  readonly #link: Link;
  readonly #nodeId: Uint8Array;
  readonly #bootNonce: Uint8Array;
  readonly #isKeyed: boolean;
  readonly #queries: QueryTimer = new QueryTimer();
  readonly #answers: BeaconTimer;
  #isAnswerDue = false;

  /** `isKeyed`: it has a link key. */
  constructor(now: Millis, link: Link, options: RescuerOptions, isKeyed: boolean) {
    this.#link = link;
    this.#nodeId = options.nodeId;
    this.#bootNonce = options.bootNonce;
    this.#isKeyed = isKeyed;
    this.#answers = new BeaconTimer(now, options.random);
  }

  /** The link came up, or a board was lost: asks who is there. */
  start(now: Millis): void {
    this.#queries.start(now);
  }

  /** Somebody is there: no more queries. */
  handleHeard(): void {
    this.#queries.stop();
  }

  /** Something unreadable came, which may have been a call. */
  handleNoise(now: Millis): void {
    this.#queries.handleNoise(now);
  }

  /** Somebody asked who is there. `mayAnswer`: false while a session needs the line. */
  handleQuestion(now: Millis, mayAnswer: boolean): void {
    this.#answers.handleQuestion(now);
    this.#isAnswerDue = mayAnswer;
  }

  /** Sends the answer that is due and, if `mayAsk`, the query that is due. */
  sendDue(now: Millis, mayAsk: boolean): void {
    if (this.#isAnswerDue && this.#answers.nextAt <= now) {
      this.#isAnswerDue = false;
      this.#answers.sent(now);
      this.#link.send(providerBeacon(this.#nodeId, this.#bootNonce, this.#isKeyed));
    }
    if (mayAsk && this.#queries.take(now))
      this.#link.send({ tag: "query", nodeId: this.#nodeId, bootNonce: this.#bootNonce });
  }

  /** When the answer is due. */
  get answerAt(): Millis | undefined {
    return this.#isAnswerDue ? this.#answers.nextAt : undefined;
  }

  /** When the next query is due. */
  get queryAt(): Millis | undefined {
    return this.#queries.nextAt;
  }
}
