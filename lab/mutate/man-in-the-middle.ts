import { equalBytes } from "../../src/base/bytes.ts";
import { type Random, randomBelow, randomChance } from "../../src/base/prng.ts";
import type { VirtualClock } from "../../src/base/virtual-clock.ts";
import { tagOf } from "../../src/session/identity.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { decodeCobs, encodeDelimited } from "../../src/wire/cobs.ts";
import { decodeFrame } from "../../src/wire/frame.ts";
import type { Accept, Frame, Offer } from "../../src/wire/messages.ts";
import { wrappedTransport } from "../../test/support/wrapped-transport.ts";
import { pick } from "../fuzz/mutate.ts";
import { encodeFrame, reseal } from "../fuzz/wire-parsers.ts";
import { MUTATIONS } from "./classes.ts";
import type { AttackView, Outgoing } from "./mutation.ts";
import type { Setup, Specimen } from "./specimens.ts";

/** How hard an attack is, drawn from its seed. */
export interface AttackPlan {
  readonly className: string;
  /** Chance that a frame of interest is mutated. */
  readonly rate: number;
  /** Frames of interest that pass untouched at first. */
  readonly skip: number;
  readonly decoy: Specimen;
}

const PAST_FRAMES_MAX = 48;
/** Session frames cannot be read or written before there is a tag; what is sent anyway has this one. */
const NO_TAG = 1;

/** Draws an attack of a class. */
export function drawPlan(random: Random, setup: Setup, className: string): AttackPlan {
  const rate = pick(random, [1, 1, 0.5, 0.2, 0.05]);
  const skip = pick(random, [0, 0, 0, 0, 1, randomBelow(random, 20)]);
  const [other = setup.wanted] = setup.decoys;
  return { className, rate, skip, decoy: pick(random, [other, other, other, ...setup.decoys]) };
}

/**
 * Sits on the wire between a target and a rescuer, reads every frame, and sends on what a mutation makes of it, with
 * right CRCs and right session tags on either side, even where both sides know different nonces and digests.
 */
export class ManInTheMiddle {
  isActive = true;
  /** Frames that were changed, held back, left out or added to. */
  mutations = 0;
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #setup: Setup;
  readonly #plan: AttackPlan;
  readonly #past: { toTarget: Frame[]; toRescuer: Frame[] } = { toTarget: [], toRescuer: [] };
  #ofInterest = 0;
  /** The last offer as the rescuer made it, and as the target got it. */
  #made: Offer | undefined;
  #got: Offer | undefined;
  /** Board and boot nonce as the target says them. */
  #targetId: Uint8Array = new Uint8Array(8);
  #targetNonce: Uint8Array | undefined;
  #targetTag = NO_TAG;
  #rescuerTag = NO_TAG;

  constructor(clock: VirtualClock, random: Random, setup: Setup, plan: AttackPlan) {
    this.#clock = clock;
    this.#random = random;
    this.#setup = setup;
    this.#plan = plan;
  }

  /** Puts it before one end's writes; `isTarget`: the target's end. */
  wrap(wire: Transport, isTarget: boolean): Transport {
    return wrappedTransport(wire, {
      write: (bytes) => {
        if (this.isActive) this.#forward(wire, bytes, !isTarget);
        else wire.write(bytes);
        return true;
      },
    });
  }

  #forward(wire: Transport, bytes: Uint8Array, isToTarget: boolean): void {
    const frameBytes = decodeCobs(bytes.subarray(bytes[0] === 0 ? 1 : 0, -1));
    const read = frameBytes && decodeFrame(frameBytes, isToTarget ? this.#rescuerTag : this.#targetTag);
    if (read === undefined || read.tag === "fault") {
      wire.write(bytes);
      return;
    }
    const frame = this.#translated(read, isToTarget);
    for (const outgoing of this.#mutate(frame, isToTarget)) this.#send(wire, outgoing, isToTarget);
    const past = isToTarget ? this.#past.toTarget : this.#past.toRescuer;
    past.push(frame);
    if (past.length > PAST_FRAMES_MAX) past.shift();
  }

  /** Learns from a frame as its sender meant it; the frame as the other side has to have it to go on. */
  #translated(frame: Frame, isToTarget: boolean): Frame {
    if (isToTarget && frame.tag === "offer") this.#made = frame;
    if (!isToTarget && (frame.tag === "distress" || frame.tag === "beacon")) {
      this.#targetId = frame.nodeId;
      this.#targetNonce = frame.bootNonce;
    }
    return !isToTarget && frame.tag === "accept" ? this.#accepted(frame) : frame;
  }

  #accepted(accept: Accept): Accept {
    const [made, got] = [this.#made, this.#got];
    if (made === undefined || got === undefined || !equalBytes(got.rescuerNonce, accept.rescuerNonce))
      return accept;
    const { targetNonce, rescuerNonce, digest } = accept;
    const targetId = this.#targetId;
    this.#targetTag = tagOf({ targetId, targetNonce, rescuerNonce, rescuerId: got.rescuerId, digest });
    this.#rescuerTag = tagOf({ ...made, targetId });
    return { ...accept, targetNonce: made.targetNonce, rescuerNonce: made.rescuerNonce, digest: made.digest };
  }

  #mutate(frame: Frame, isToTarget: boolean): readonly Outgoing[] {
    const { className, rate, skip } = this.#plan;
    const outgoing = MUTATIONS[className]?.(frame, this.#view(isToTarget));
    if (outgoing === undefined) return [{ frame }];
    const isSpared = this.#ofInterest++ < skip || !randomChance(this.#random, rate);
    if (isSpared) return [{ frame }];
    this.mutations++;
    return outgoing;
  }

  #view(isToTarget: boolean): AttackView {
    const made = this.#made;
    const nonces = [this.#targetNonce, this.#got?.rescuerNonce ?? made?.rescuerNonce];
    const { decoy } = this.#plan;
    return {
      random: this.#random,
      setup: this.#setup,
      decoy,
      isToTarget,
      past: isToTarget ? this.#past.toTarget : this.#past.toRescuer,
      context: {
        ids: [this.#targetId, ...(made === undefined ? [] : [made.rescuerId])],
        nonces: nonces.filter((nonce) => nonce !== undefined),
        digests: [this.#setup.wanted, decoy].map(({ digest }) => digest.slice(0, 8)),
      },
    };
  }

  #send(wire: Transport, { frame, afterMs }: Outgoing, isToTarget: boolean): void {
    if (isToTarget && !(frame instanceof Uint8Array) && frame.tag === "offer") this.#got = frame;
    const tag = isToTarget ? this.#targetTag : this.#rescuerTag;
    const bytes = frame instanceof Uint8Array ? reseal(frame, tag) : encodeFrame(frame, tag);
    const delimited = encodeDelimited(bytes);
    if (afterMs === undefined || afterMs === 0) wire.write(delimited);
    else this.#clock.after(afterMs, () => wire.write(delimited));
  }
}
