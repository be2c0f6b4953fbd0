import { encodeFrame } from "../../lab/fuzz/wire-parsers.ts";
import { equalBytes } from "../../src/base/bytes.ts";
import type { Clock } from "../../src/base/clock.ts";
import { type Random, randomBytes } from "../../src/base/prng.ts";
import { hasNode } from "../../src/base/tree-shape.ts";
import type { ImageSource } from "../../src/image/image-source.ts";
import { shortDigest } from "../../src/image/manifest.ts";
import { PureRunSplitter } from "../../src/node/pure-run-splitter.ts";
import { tagOf } from "../../src/session/identity.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { decodeCobs, encodeDelimited } from "../../src/wire/cobs.ts";
import { CHUNK_UNIT, Codec, ObjectKind } from "../../src/wire/constants.ts";
import { decodeFrame } from "../../src/wire/frame.ts";
import type { Accept, Frame, ObjectName, Offer, WantedObject } from "../../src/wire/messages.ts";

/**
 * A node on the wire that reads everything and may send anything, with right CRCs and tags. It knows what can be overheard:
 * ids, nonces, offers. `onFrame` is its script.
 */
export class Attacker {
  readonly clock: Clock;
  readonly random: Random;
  onFrame: (frame: Frame) => void = () => {};
  /** Every frame of others that could be read, as it was on the wire. */
  readonly heard: Uint8Array[] = [];
  /** Of the session that was agreed on last. */
  tag = 1;
  accepted: Accept | undefined;
  /** It stays with the session that it accepted itself, whatever others accept. */
  keepsOwnSession = false;
  targetId: Uint8Array = new Uint8Array(8);
  targetNonce: Uint8Array = new Uint8Array(8);
  readonly #offers: Offer[] = [];
  readonly #wire: Transport;
  #packetNumber = 0;

  constructor(clock: Clock, random: Random, wire: Transport) {
    this.clock = clock;
    this.random = random;
    this.#wire = wire;
    const splitter = new PureRunSplitter((run) => this.#hear(run), clock);
    void wire.open({
      onUp: () => {},
      onDown: () => {},
      onWritable: () => {},
      onBytes: (bytes) => splitter.push(bytes),
    });
  }

  #hear(run: Uint8Array): void {
    const bytes = decodeCobs(run.at(-1) === 0 ? run.subarray(0, -1) : run);
    const frame = bytes && decodeFrame(bytes, this.tag);
    if (bytes === undefined || frame === undefined || frame.tag === "fault") return;
    this.heard.push(bytes);
    if (frame.tag === "distress") {
      this.targetId = frame.nodeId;
      this.targetNonce = frame.bootNonce;
    }
    if (frame.tag === "offer") this.#offers.push(frame);
    if (frame.tag === "accept" && !this.keepsOwnSession) this.#learnTag(frame);
    this.onFrame(frame);
  }

  #learnTag(accept: Accept): void {
    const offer = this.#offers.find(({ rescuerNonce }) => equalBytes(rescuerNonce, accept.rescuerNonce));
    if (offer === undefined) return;
    if (!equalBytes(this.accepted?.rescuerNonce ?? accept.digest, accept.rescuerNonce))
      this.#packetNumber = 0;
    this.accepted = accept;
    const { targetNonce, rescuerNonce, digest } = accept;
    this.tag = tagOf({
      targetId: this.targetId,
      targetNonce,
      rescuerNonce,
      rescuerId: offer.rescuerId,
      digest,
    });
  }

  /** Whether the running session is one that this attacker offered. */
  isServing(rescuerId: Uint8Array): boolean {
    const nonce = this.accepted?.rescuerNonce;
    return this.#offers.some(
      (offer) => nonce && equalBytes(offer.rescuerNonce, nonce) && equalBytes(offer.rescuerId, rescuerId),
    );
  }

  /** Accepts an offer in the name of `targetId`, as a board would. */
  accept(accept: Accept): void {
    this.send(accept);
    this.#learnTag(accept);
  }

  send(frame: Frame): void {
    this.#wire.write(encodeDelimited(encodeFrame(frame, this.tag)));
  }

  /** Sends the bytes of a frame again. */
  replay(frame: Uint8Array): void {
    this.#wire.write(encodeDelimited(frame));
  }

  /** Speaks in the session that this offer begins, whether it is accepted or not. */
  beginWith(offer: Offer): void {
    this.tag = tagOf({ ...offer, targetId: this.targetId });
    this.#packetNumber = 0;
  }

  /** Offers an image to the board that called last, under this id. */
  offer(rescuerId: Uint8Array, image: ImageSource): Offer {
    const { version, size, counter, blockSize } = image.manifest;
    const offer: Offer = {
      tag: "offer",
      rescuerId,
      rescuerNonce: randomBytes(this.random, 8),
      targetNonce: this.targetNonce.slice(),
      digest: shortDigest(image.digest),
      version,
      size,
      counter,
      blockSize,
    };
    this.#offers.push(offer);
    this.send(offer);
    return offer;
  }

  sendManifest({ envelope }: ImageSource): void {
    this.#sendObject({ kind: ObjectKind.manifest, node: { level: 0, index: 0 } }, envelope);
  }

  /** Answers a request for hashes with the truth. */
  sendRuns(image: ImageSource, wanted: readonly WantedObject[]): void {
    for (const node of wanted) {
      if (node === "manifest") this.sendManifest(image);
      else if (node !== "locator" && node.level > 0 && hasNode(image.manifest.leafCount, node))
        this.#sendObject({ kind: ObjectKind.run, node }, image.tree.run(node));
    }
  }

  #sendObject(name: ObjectName, payload: Uint8Array): void {
    const packetNumber = this.#packetNumber++ & 0xfff;
    this.send({ tag: "object", packetNumber, name, offset: 0, total: payload.length, payload });
  }

  /** Sends bytes as a block of up to 2048 bytes, in its first attempt. */
  sendBlock(index: number, blockSize: number, payload: Uint8Array, attempt = 0): void {
    const packetNumber = this.#packetNumber++ & 0xfff;
    const position = ((index * blockSize) / CHUNK_UNIT) & 0xffff;
    this.send({ tag: "data", packetNumber, codec: Codec.raw, attempt, position, payload });
  }
}
