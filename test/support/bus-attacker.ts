import { type SessionIdentity, tagOf } from "../../src/session/identity.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { decodeCobs, encodeDelimited } from "../../src/wire/cobs.ts";
import { decodeFrame } from "../../src/wire/frame.ts";
import { wrappedTransport } from "./wrapped-transport.ts";

/** An end of the wire: 0 target, 1 rescuer. */
export type End = 0 | 1;

/** What an attacker knows: everything that is not secret. */
export interface Known {
  /** The session that was offered last. */
  readonly identity: SessionIdentity;
  readonly tag: number;
  /** Frames so far from each end, the newest last. */
  readonly heard: readonly [readonly Uint8Array[], readonly Uint8Array[]];
}

/** Frames for each end, after a frame that `from` sent. */
export type Attack = (known: Known, frame: Uint8Array, from: End) => { readonly [to in End]?: Uint8Array[] };

/**
 * Somebody on the wire without the key, who hears all frames and puts his own between them; never into one, which would
 * be jamming. Hand {@link wrap} to a VirtualRescue.
 */
export class BusAttacker {
  readonly #attack: Attack;
  /** Frames so far from each end. */
  readonly heard: [Uint8Array[], Uint8Array[]] = [[], []];
  readonly #waiting: [Uint8Array[], Uint8Array[]] = [[], []];
  #targetId: Uint8Array | undefined;
  #identity: SessionIdentity | undefined;
  /** Frames that were put on the wire. */
  injected = 0;

  constructor(attack: Attack) {
    this.#attack = attack;
  }

  readonly wrap = (wire: Transport, end: End): Transport =>
    wrappedTransport(wire, {
      onBytes: (bytes, handlers) => {
        handlers.onBytes(bytes);
        // Between frames only.
        if (bytes.at(-1) !== 0) return;
        for (const frame of this.#waiting[end].splice(0)) {
          this.injected++;
          handlers.onBytes(encodeDelimited(frame));
        }
      },
      write: (bytes) => {
        this.#hear(bytes, end);
        return wire.write(bytes);
      },
    });

  #hear(bytes: Uint8Array, from: End): void {
    const frame = decodeCobs(bytes.subarray(bytes[0] === 0 ? 1 : 0, -1));
    if (frame === undefined) return;
    this.heard[from].push(frame.slice());
    this.#learn(frame);
    if (this.#identity === undefined) return;
    const known = { identity: this.#identity, tag: tagOf(this.#identity), heard: this.heard };
    const frames = this.#attack(known, frame, from);
    for (const to of [0, 1] as const) this.#waiting[to].push(...(frames[to] ?? []));
  }

  #learn(frame: Uint8Array): void {
    const message = decodeFrame(frame, undefined);
    if (message.tag === "distress") this.#targetId = message.nodeId.slice();
    if (message.tag !== "offer" || this.#targetId === undefined) return;
    const { targetNonce, rescuerNonce, rescuerId, digest } = message;
    const [tn, rn, ri, d] = [targetNonce, rescuerNonce, rescuerId, digest].map((part) => part.slice());
    if (tn === undefined || rn === undefined || ri === undefined || d === undefined) return;
    this.#identity = {
      targetId: this.#targetId,
      targetNonce: tn,
      rescuerNonce: rn,
      rescuerId: ri,
      digest: d,
    };
  }
}
