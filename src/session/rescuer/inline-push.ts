import type { Millis } from "../../base/units.ts";
import { type ByeReason, INLINE_BLOCKS_MAX, INLINE_PAYLOAD_MAX } from "../../wire/constants.ts";
import type { Accept } from "../../wire/messages.ts";
import { PLAIN_CODECS } from "../codecs.ts";
import { byeOf } from "../handshake.ts";
import { tagOf } from "../identity.ts";
import type { RoleHost } from "../role.ts";
import type { Callers } from "./callers.ts";
import type { Offering } from "./offering.ts";
import type { RescuerEvent } from "./rescuer-events.ts";
import { Serving } from "./serving.ts";

/** Bytes of a hash in a run. */
const HASH_BYTES = 32;

/**
 * The accept that an offer's image may follow at once, as if it had come (PROTOCOL.md 6.10); undefined where the image has to be
 * asked for: the board takes none inline, or it is larger than what the board said, or not all of it is here.
 */
function impliedAccept({ beacon, image, offer }: Offering): Accept | undefined {
  const { inlineBytes = 0, isServed } = beacon;
  const blocks = Math.ceil(image.size / image.blockSize);
  const runBytes = blocks > 1 ? blocks * HASH_BYTES : 0;
  const bytes = image.envelope.length + runBytes + image.size;
  if (isServed === true || image.partial !== undefined) return undefined;
  if (blocks > INLINE_BLOCKS_MAX || bytes > inlineBytes) return undefined;
  const { targetNonce, rescuerNonce, digest } = offer;
  const limits = { payloadMax: INLINE_PAYLOAD_MAX, openBlocks: blocks, codecs: PLAIN_CODECS };
  return { tag: "accept", targetNonce, rescuerNonce, digest, ...limits };
}

interface Pushing {
  readonly offering: Offering;
  readonly serving: Serving;
  readonly accept: Accept;
}

/** An image that is sent behind its offer, before the accept (PROTOCOL.md 6.10): one at a time, for as long as the offer is repeated. */
export class InlinePush {
  readonly #host: RoleHost<RescuerEvent>;
  readonly #callers: Callers;
  readonly #isOn: boolean;
  #pushing: Pushing | undefined;

  /** `isOn`: the rescuer is eager, and has no link key. */
  constructor(host: RoleHost<RescuerEvent>, callers: Callers, isOn: boolean) {
    this.#host = host;
    this.#callers = callers;
    this.#isOn = isOn;
  }

  /** The session that the target's accept will find running. */
  get serving(): Serving | undefined {
    return this.#pushing?.serving;
  }

  /** The accept that is assumed. */
  get accept(): Accept | undefined {
    return this.#pushing?.accept;
  }

  /** Sends the image of the present offer, if its board takes that, once for each offer. No session runs on the link. */
  begin(now: Millis, offering: Offering | undefined): void {
    if (!this.#isOn || offering === undefined || offering.packetsSent > 0 || this.#pushing !== undefined)
      return;
    const accept = impliedAccept(offering);
    if (accept === undefined) return;
    const sender = this.#host.link.startSending(now, tagOf(offering.peer), accept.payloadMax);
    const serving = new Serving(now, this.#host, offering, sender, accept);
    this.#pushing = { offering, serving, accept };
    serving.push(now, accept);
  }

  /** It ends when its offer is no longer the one that is repeated. Extra calls are harmless. */
  check(now: Millis, present: Offering | undefined): void {
    if (present !== this.#pushing?.offering) this.end(now);
  }

  /** An offer was accepted: the session, if its image is being sent. That of another one ends. */
  take(now: Millis, offering: Offering): Serving | undefined {
    const pushing = this.#pushing;
    if (pushing?.offering !== offering) {
      this.end(now);
      return undefined;
    }
    this.#pushing = undefined;
    return pushing.serving;
  }

  /** Ends it, if it is this one; else false. */
  endOf(now: Millis, serving: Serving): boolean {
    if (serving !== this.serving) return false;
    this.end(now);
    return true;
  }

  /** Ends it, if one runs: nobody was healed by it so far. */
  end(now: Millis): void {
    const pushing = this.#pushing;
    if (pushing === undefined) return;
    this.#pushing = undefined;
    pushing.offering.packetsSent = pushing.serving.packetsSent;
    this.#callers.charge(now, pushing.serving);
    this.#host.link.endSession();
  }

  /** The node stops: a target that took the offer is told. */
  stop(reason: ByeReason): void {
    const pushing = this.#pushing;
    if (pushing === undefined) return;
    this.#pushing = undefined;
    this.#host.link.endSession();
    this.#host.link.send(byeOf(pushing.serving.peer, reason));
  }
}
