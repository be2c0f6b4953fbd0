import { equalBytes } from "../../src/base/bytes.ts";
import { type Random, randomBelow, randomBytes, randomChance } from "../../src/base/prng.ts";
import { hasNode, rootNode, type TreeNode } from "../../src/base/tree-shape.ts";
import type { Millis } from "../../src/base/units.ts";
import type { ImageSource } from "../../src/image/image-source.ts";
import { shortDigest } from "../../src/image/manifest.ts";
import { PickedImages } from "../../src/node/rescuer-effects.ts";
import { identityOf } from "../../src/session/handshake.ts";
import { tagOf } from "../../src/session/identity.ts";
import { LinkEnd } from "../../src/session/link-end.ts";
import type { RescuerEvent } from "../../src/session/rescuer/rescuer-events.ts";
import { RescuerRole } from "../../src/session/rescuer/rescuer-role.ts";
import { CHUNK_UNIT, Codec, ObjectKind } from "../../src/wire/constants.ts";
import { decodeFrame, encodeMessage, encodePacket } from "../../src/wire/frame.ts";
import {
  type Accept,
  type Beacon,
  type Grant,
  isCall,
  type Message,
  type Offer,
} from "../../src/wire/messages.ts";
import { pick } from "../fuzz/mutate.ts";
import { NODE_ID } from "./boards.ts";

/** Somebody who hears what the TypeScript side sends, and says something. */
export interface Peer {
  /** Hears a request of the C side that the TypeScript side did not need. */
  hearRequest?(now: Millis, frame: Uint8Array): void;
  /** Tag of its session; undefined without one. */
  readonly tag: number | undefined;
  hear(now: Millis, frame: Uint8Array): void;
  /** Does what is due; the frames that it sends. */
  take(now: Millis): Uint8Array[];
  readonly timeout: Millis | undefined;
}

/** A rescuer of the TypeScript side, in full. */
export class RealPeer implements Peer {
  readonly #end: LinkEnd<RescuerEvent>;
  readonly #role: RescuerRole;
  readonly #images: PickedImages = new PickedImages();
  readonly #image: ImageSource;
  readonly #random: Random;
  readonly #id: Uint8Array;
  #offers: readonly Offer[] = [];
  #tag: number | undefined;

  constructor(random: Random, image: ImageSource, payload: number) {
    this.#random = random;
    this.#image = image;
    this.#id = randomBytes(random, 8);
    this.#end = new LinkEnd<RescuerEvent>({ baud: undefined, rtoFloorMs: 10, framing: "message", payload });
    const options = { random, nodeId: this.#id, bootNonce: randomBytes(random, 8) };
    this.#role = this.#end.exchange(0, (host) => new RescuerRole(0, host, options));
    this.#end.handleLinkUp(0, true);
  }

  get tag(): number | undefined {
    return this.#tag;
  }

  get timeout(): Millis | undefined {
    return this.#end.pollTimeout();
  }

  hear(now: Millis, frame: Uint8Array): void {
    const heard = decodeFrame(frame, this.#tag);
    if (heard.tag === "accept") this.#learnTag(heard);
    this.#end.handleFrame(now, frame);
  }

  #learnTag({ rescuerNonce }: Accept): void {
    const offer = this.#offers.find((known) => equalBytes(known.rescuerNonce, rescuerNonce));
    if (offer !== undefined) this.#tag = tagOf(identityOf(offer, NODE_ID, undefined));
  }

  take(now: Millis): Uint8Array[] {
    const sent: Uint8Array[] = [];
    this.#end.handleTimeout(now);
    for (let turns = 0; turns < 10_000; turns++) {
      const event = this.#end.pollEvent();
      if (event !== undefined) {
        this.#carryOut(now, event);
        continue;
      }
      const frame = this.#end.pollTransmit(now)?.slice();
      if (frame === undefined) break;
      const said = decodeFrame(frame, undefined);
      if (said.tag === "offer") this.#offers = [...this.#offers, said].slice(-8);
      sent.push(frame);
    }
    return sent;
  }

  #carryOut(now: Millis, event: Parameters<PickedImages["apply"]>[1] | { readonly tag: string }): void {
    if (!("session" in event)) return;
    if (event.tag !== "pick") {
      this.#images.apply(now, event, this.#role);
      return;
    }
    const isRefused = event.refused.some((digest) => equalBytes(digest, shortDigest(this.#image.digest)));
    const image = isRefused && randomChance(this.#random, 0.7) ? undefined : this.#image;
    this.#images.answer(now, this.#role, event.session, image, image === undefined ? "version" : undefined);
  }
}

/** A rescuer that keeps to a script: it answers what it is asked at once, and some of it wrongly. */
export class ScriptPeer implements Peer {
  readonly #random: Random;
  readonly #image: ImageSource;
  readonly #id: Uint8Array;
  /** Share of what it says that is wrong. */
  readonly #wrong: number;
  #offer: Offer | undefined;
  #tag: number | undefined;
  #packet = 0;
  #payload = 1024;
  #queue: Uint8Array[] = [];
  /** Blocks that were sent, with their attempts. */
  #given: Set<string> = new Set();

  constructor(random: Random, image: ImageSource, wrong: number) {
    this.#random = random;
    this.#image = image;
    this.#wrong = wrong;
    this.#id = randomBytes(random, 8);
  }

  get tag(): number | undefined {
    return this.#tag;
  }

  get timeout(): undefined {
    return undefined;
  }

  take(): Uint8Array[] {
    const queue = this.#queue;
    this.#queue = [];
    return queue;
  }

  hear(_now: Millis, frame: Uint8Array): void {
    const heard = decodeFrame(frame, this.#tag);
    switch (heard.tag) {
      case "beacon":
      case "distress":
        if (isCall(heard) && (this.#tag === undefined || randomChance(this.#random, 0.5))) this.offer(heard);
        return;
      case "accept":
        if (this.#offer !== undefined && equalBytes(heard.rescuerNonce, this.#offer.rescuerNonce))
          this.#begin(heard);
        return;
      case "request":
        for (const node of heard.wanted) if (typeof node !== "string") this.#sendRun(node);
        return;
      case "grant":
        this.#sendBlocks(heard);
        return;
      case "done":
        this.#send({ tag: "doneAck", digest: heard.digest });
        return;
      case "refuse":
      case "bye":
      case "standDown":
      case "defer":
        if (this.#offer !== undefined && equalBytes(heard.rescuerNonce, this.#offer.rescuerNonce))
          this.#tag = undefined;
        return;
      default:
    }
  }

  hearRequest(_now: Millis, frame: Uint8Array): void {
    const heard = decodeFrame(frame, this.#tag);
    if (heard.tag !== "request") return;
    for (const node of heard.wanted) if (typeof node !== "string") this.#sendRun(node);
  }

  /** Offers its image to a call. */
  offer({ bootNonce }: Pick<Beacon, "bootNonce">): void {
    const { version, size, counter, blockSize } = this.#image.manifest;
    const about = { digest: shortDigest(this.#image.digest), version, size, counter, blockSize };
    const rescuerNonce = randomBytes(this.#random, 8);
    this.#offer = {
      tag: "offer",
      rescuerId: this.#id,
      rescuerNonce,
      targetNonce: bootNonce.slice(),
      ...about,
    };
    this.#tag = undefined;
    this.#send(this.#offer);
  }

  /** The running offer, again. */
  repeat(): void {
    if (this.#offer !== undefined) this.#send(this.#offer);
  }

  /** Leaves its session. */
  bye(): void {
    if (this.#offer === undefined) return;
    const { targetNonce, rescuerNonce } = this.#offer;
    this.#send({ tag: "bye", targetNonce, rescuerNonce, reason: 1 });
  }

  #begin({ payloadMax, asks }: Accept): void {
    if (this.#offer === undefined) return;
    const tag = tagOf(identityOf(this.#offer, NODE_ID, undefined));
    if (tag !== this.#tag) {
      this.#packet = 0;
      this.#given = new Set();
    }
    this.#tag = tag;
    const sizes = [payloadMax, payloadMax, Math.max(CHUNK_UNIT, Math.floor(payloadMax / 64) * 32)];
    this.#payload = Math.min(payloadMax, pick(this.#random, sizes));
    this.#sendObject(ObjectKind.manifest, { level: 0, index: 0 }, this.#image.envelope);
    const root = rootNode(this.#image.manifest.leafCount);
    if (asks !== undefined && root.level > 0) this.#sendRun(root);
  }

  #isWrong(): boolean {
    return randomChance(this.#random, this.#wrong);
  }

  #sendRun(node: TreeNode): void {
    const { leafCount } = this.#image.manifest;
    if (node.level < 1 || !hasNode(leafCount, node)) return;
    const byte = this.#image.uniformByteOf(node);
    if (byte !== undefined || this.#isWrong()) {
      this.#sendObject(ObjectKind.uniform, node, Uint8Array.of(byte ?? randomBelow(this.#random, 256)));
      return;
    }
    const hashes = this.#image.tree.run(node).slice();
    if (this.#isWrong()) hashes[randomBelow(this.#random, hashes.length)] = 0;
    this.#sendObject(ObjectKind.run, node, hashes);
  }

  #sendObject(kind: ObjectKind, node: TreeNode, bytes: Uint8Array): void {
    for (let offset = 0; offset < bytes.length; offset += this.#payload) {
      const payload = bytes.subarray(offset, offset + this.#payload);
      const packetNumber = this.#packet++ & 0xfff;
      const packet = {
        tag: "object",
        packetNumber,
        name: { kind, node },
        offset,
        total: bytes.length,
        payload,
      } as const;
      this.#queue.push(encodePacket(packet, this.#tag ?? 1));
    }
  }

  #sendBlocks({ entries }: Grant): void {
    for (const { first, count, attempt } of entries)
      for (let block = first; block < Math.min(first + count, this.#image.manifest.leafCount); block++) {
        const name = `${block} ${attempt}`;
        if (this.#given.has(name) && !randomChance(this.#random, 0.1)) continue;
        this.#given.add(name);
        this.#sendBlock(block, attempt);
      }
  }

  #sendBlock(block: number, attempt: number): void {
    const { blockSize, leafCount } = this.#image.manifest;
    const bytes = this.#image.readBlockSync(block).slice();
    if (this.#isWrong()) bytes[randomBelow(this.#random, bytes.length)] = 0x77;
    const position = ((block * blockSize) / CHUNK_UNIT) & 0xffff;
    const [value] = bytes;
    const isUniform = leafCount > 1 && bytes.every((byte) => byte === value);
    const whole = isUniform && randomChance(this.#random, 0.7) ? bytes.subarray(0, 1) : bytes;
    const codec = whole.length === bytes.length ? Codec.raw : Codec.uniform;
    for (let offset = 0; offset < whole.length; offset += this.#payload) {
      const payload = whole.subarray(offset, offset + this.#payload);
      const packetNumber = this.#packet++ & 0xfff;
      const at = (position + offset / CHUNK_UNIT) & 0xffff;
      const data = { tag: "data", packetNumber, codec, attempt: attempt & 1, position: at, payload } as const;
      this.#queue.push(encodePacket(data, this.#tag ?? 1));
    }
  }

  /** A probe, with the next number of its session. */
  probe(): void {
    this.#queue.push(encodePacket({ tag: "probe", packetNumber: this.#packet++ & 0xfff }, this.#tag ?? 1));
  }

  #send(message: Message): void {
    this.#queue.push(encodeMessage(message, this.#tag ?? 1));
  }
}
