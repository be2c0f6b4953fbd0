import { SeededRandom } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import type { LinkKey } from "../../src/link/link-key.ts";
import { callDigestOf } from "../../src/session/call-digest.ts";
import { byeOf, identityOf } from "../../src/session/handshake.ts";
import { type SessionIdentity, tagOf } from "../../src/session/identity.ts";
import { LinkEnd } from "../../src/session/link-end.ts";
import { LinkGuard } from "../../src/session/link-guard.ts";
import type { TargetEvent } from "../../src/session/target/target-events.ts";
import { TargetRole } from "../../src/session/target/target-role.ts";
import type { TargetStart } from "../../src/session/target/target-start.ts";
import { decodeCobs, encodeDelimited } from "../../src/wire/cobs.ts";
import { ByeReason, CRC_LENGTH } from "../../src/wire/constants.ts";
import { carriedCall, decodeFrame, encodeMessage } from "../../src/wire/frame.ts";
import { linkProofOf } from "../../src/wire/link-proof.ts";
import type { Accept, Beacon, Message, Offer } from "../../src/wire/messages.ts";

export const TARGET_ID: Uint8Array = new Uint8Array(8).fill(7);
const ANY_TAG = 1;

/** An offer as a rescuer with the key sends it, and the session that it would begin. */
export interface MadeOffer {
  readonly frame: Uint8Array;
  readonly peer: SessionIdentity;
}

/** A call that a target sent. */
export interface HeardCall {
  readonly beacon: Beacon;
  readonly digest: Uint8Array;
}

/** A target that is alone on a link with a key, whose rescuers are the test. Time passes only by {@link pass}. */
export class LoneTarget {
  readonly end: LinkEnd<TargetEvent>;
  readonly role: TargetRole;
  /** All frames that it sent, without line code. */
  readonly sent: Uint8Array[] = [];
  readonly events: TargetEvent[] = [];
  readonly #rescuer: LinkGuard;
  now: Millis;

  constructor(key: LinkKey, start: TargetStart, now: Millis = 0) {
    this.now = now;
    this.#rescuer = new LinkGuard(key, "rescuer");
    this.end = new LinkEnd<TargetEvent>({ baud: undefined, rtoFloorMs: 10, key });
    const status = {
      ...{ nodeId: TARGET_ID, hardwareId: new Uint8Array(8), revision: 0, counterFloor: 0 },
      ...{ failure: "empty" as const, installed: undefined, receivingDigest: undefined },
    };
    const options = { random: new SeededRandom(1), status: () => status, start };
    this.role = this.end.exchange(now, (host) => new TargetRole(now, host, options));
    this.end.handleLinkUp(now, true);
    this.pass(0);
  }

  /** Lets time pass, in steps of 10 ms, and hears what the target says. */
  pass(ms: Millis): void {
    for (const until = this.now + ms; ; this.now = Math.min(until, this.now + 10)) {
      this.end.handleTimeout(this.now);
      for (let out = this.end.pollTransmit(this.now); out; out = this.end.pollTransmit(this.now)) {
        const frame = decodeCobs(out.subarray(out[0] === 0 ? 1 : 0, -1));
        if (frame !== undefined) this.sent.push(frame.slice());
      }
      for (let event = this.end.pollEvent(); event; event = this.end.pollEvent()) this.events.push(event);
      if (this.now >= until) return;
    }
  }

  hear(frame: Uint8Array): void {
    this.end.handleRun(this.now, encodeDelimited(frame).subarray(1));
    this.pass(0);
  }

  /** The call that was sent last. */
  get call(): HeardCall {
    for (const frame of this.sent.toReversed()) {
      const beacon = decodeFrame(frame, undefined);
      if (beacon.tag === "distress")
        return { beacon, digest: callDigestOf((carriedCall(frame) ?? frame).subarray(0, -CRC_LENGTH)) };
    }
    throw new Error("no call");
  }

  /** An offer of the rescuer with these id and nonce, each byte of them, to a call: the last one unless given. */
  offer(nonce: number, { beacon, digest }: HeardCall = this.call, id = 9): MadeOffer {
    const rescuerNonce = new Uint8Array(8).fill(0x55);
    new DataView(rescuerNonce.buffer).setUint32(0, nonce, true);
    const offer: Offer = {
      ...{
        tag: "offer",
        rescuerId: new Uint8Array(8).fill(id),
        rescuerNonce,
        digest: new Uint8Array(8).fill(3),
      },
      ...{ targetNonce: beacon.bootNonce, version: { major: 1, minor: 0, patch: 0 }, size: 5, counter: 0 },
      blockSize: 1024,
    };
    const peer = identityOf(offer, TARGET_ID, digest);
    return { frame: encodeMessage(offer, ANY_TAG, this.#rescuer.proveOffer(peer)), peer };
  }

  /** The rescuer of this offer leaves. */
  bye({ peer }: MadeOffer): void {
    this.hear(encodeMessage(byeOf(peer, ByeReason.stopped), ANY_TAG, this.#rescuer.prove(peer)));
  }

  /** A frame of the session that this offer began, as its rescuer sends it first. */
  sealed({ peer }: MadeOffer, message: Message): Uint8Array {
    const frame = this.sent.findLast((sent) => decodeFrame(sent, undefined).tag === "accept");
    const proof = frame && linkProofOf(decodeFrame(frame, undefined) as Message, frame);
    const seal = this.#rescuer.seal(peer, proof?.extra);
    if (seal === undefined) throw new Error("no session");
    return encodeMessage(message, tagOf(peer), (bytes) => seal.seal(bytes));
  }

  /** Messages of this kind about an offer that were sent from the frame with this number on, with a right proof. */
  answers(tag: Message["tag"], { peer }: MadeOffer, from = 0): Accept[] {
    return this.sent.slice(from).flatMap((frame) => {
      const message = decodeFrame(frame, undefined);
      if (message.tag !== tag || !("rescuerNonce" in message)) return [];
      const isAboutIt = Buffer.compare(message.rescuerNonce, peer.rescuerNonce) === 0;
      const isProven = this.#rescuer.judge(peer, linkProofOf(message as Message, frame)) === "good";
      return isAboutIt && isProven ? [message as Accept] : [];
    });
  }
}
