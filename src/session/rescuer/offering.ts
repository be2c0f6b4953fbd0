import { equalBytes } from "../../base/bytes.ts";
import type { Millis } from "../../base/units.ts";
import type { Accept, Offer } from "../../wire/messages.ts";
import { ANSWER_INTERVAL_MS } from "../answer-timer.ts";
import { identityOf } from "../handshake.ts";
import type { SessionIdentity } from "../identity.ts";
import { Repeats } from "../repeats.ts";
import type { OfferedImage } from "./rescuer-events.ts";
import { type Call, callName } from "./rescuer-state.ts";

/** Between two offers at last. */
const OFFER_INTERVAL_MS = 250;
const OFFER_REPEATED_FOR_MS = 5_000;
/** How long a proven answer is still waited for after an unproven one (PROTOCOL.md 14.6). */
const DOUBTFUL_OFFER_MS = 2_000;

/** The choice of an image for one call. */
export interface Pick {
  /** As in the effect `pick`. */
  readonly number: number;
  /** The call. */
  readonly beacon: Call;
  /** When it is given up. */
  readonly until: Millis;
}

/** One offer, repeated until it is answered or its time is over. */
export class Offering {
  /** Number of the pick that chose its image, and of the session that it would begin. */
  readonly number: number;
  /** The call that it answers, and its name. */
  readonly beacon: Call;
  readonly name: string;
  readonly image: OfferedImage;
  readonly offer: Offer;
  /** The session that it would begin. */
  readonly peer: SessionIdentity;
  readonly #repeats: Repeats;
  readonly #turnMs: Millis;
  #until: Millis;
  #isDoubtful = false;
  /** Packets that were sent behind it before it was accepted: their numbers are not used again. */
  packetsSent = 0;

  /** `turnMs`: the soonest after which its answer is missed. */
  constructor(
    now: Millis,
    { number, beacon }: Pick,
    image: OfferedImage,
    rescuerId: Uint8Array,
    rescuerNonce: Uint8Array,
    turnMs: Millis,
  ) {
    const { digest, version, size, counter, blockSize, partial, locator } = image;
    const targetNonce = beacon.bootNonce;
    this.number = number;
    this.beacon = beacon;
    this.name = callName(beacon);
    this.image = image;
    const about = { digest, version, size, counter, blockSize, ...(partial !== undefined && { partial }) };
    const more = locator === undefined ? {} : { hasLocator: true as const };
    this.offer = { tag: "offer", rescuerId, rescuerNonce, targetNonce, ...about, ...more };
    this.peer = identityOf(this.offer, beacon.nodeId, beacon.callDigest);
    this.#turnMs = turnMs;
    this.#repeats = new Repeats(now, turnMs, OFFER_INTERVAL_MS);
    this.#until = now + OFFER_REPEATED_FOR_MS;
  }

  /** The call came again: the offer was not heard. */
  handleCallRepeat(now: Millis): void {
    this.#repeats.bringForward(now, this.#turnMs / 2);
  }

  /** Somebody asked who is there: it is sent again at once, at most five times a second. */
  handleQuestion(now: Millis): void {
    this.#repeats.bringForward(now, ANSWER_INTERVAL_MS);
  }

  /** A run came damaged: it may have been the answer. */
  handleDamage(now: Millis): void {
    this.#repeats.handleDamage(now);
  }

  /** An answer came that our link key does not prove. */
  markDoubtful(now: Millis): void {
    this.#isDoubtful = true;
    this.#until = Math.min(this.#until, now + DOUBTFUL_OFFER_MS);
  }

  get isDoubtful(): boolean {
    return this.#isDoubtful;
  }

  isOver(now: Millis): boolean {
    return now >= this.#until;
  }

  /** Takes the sending that is due; true if the offer has to be sent now. */
  take(now: Millis): boolean {
    return this.#repeats.take(now);
  }

  /** Whether `accept` accepts this offer, in time. */
  isAcceptedBy(now: Millis, { rescuerNonce, targetNonce }: Accept): boolean {
    return (
      now < this.#until &&
      equalBytes(this.offer.rescuerNonce, rescuerNonce) &&
      equalBytes(this.offer.targetNonce, targetNonce)
    );
  }

  /** When it is sent again. */
  get repeatAt(): Millis {
    return this.#repeats.at;
  }

  /** When its time is over. */
  get endsAt(): Millis {
    return this.#until;
  }
}
