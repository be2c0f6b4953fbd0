import { unreachable } from "../base/assert.ts";
import { equalBytes, toHex } from "../base/bytes.ts";
import type { Random } from "../base/prng.ts";
import type { RefusalReason } from "../base/refusal.ts";
import type { TreeNode } from "../base/tree-shape.ts";
import type { Millis } from "../base/units.ts";
import type { LinkCounters } from "../link/counters.ts";
import { Link, type LinkEvent, type LinkOptions } from "../link/link.ts";
import { ByeReason, CHUNK_UNIT, Codec, codecBit, ObjectKind } from "../wire/constants.ts";
import type { Accept, Beacon, Grant, Message, Offer, Request, WireVersion } from "../wire/messages.ts";
import { BeaconTimer } from "./beacon-timer.ts";
import { freshNonce, isAfter, type SessionIdentity, tagOf } from "./identity.ts";
import { QueryTimer } from "./query-timer.ts";
import { blockItem, blockKey, objectItem, objectKey } from "./send-items.ts";
import { providerBeacon } from "./status.ts";

/** An image as a rescuer offers it. */
export interface OfferedImage {
  /** Short digest. */
  readonly digest: Uint8Array;
  readonly version: WireVersion;
  /** Octets. */
  readonly size: number;
  readonly blockSize: number;
  readonly counter: number;
  /** The manifest as it goes over the wire. */
  readonly envelope: Uint8Array;
}

/** Effects (`pick`, `readRun`, `readBlock`: answered by the call of the same name) and news. */
export type RescuerEvent =
  | { readonly tag: "pick"; readonly beacon: Beacon }
  | { readonly tag: "readRun"; readonly node: TreeNode }
  | { readonly tag: "readBlock"; readonly block: number; readonly attempt: number; readonly codecs: number }
  | { readonly tag: "heard"; readonly beacon: Beacon }
  | { readonly tag: "offered"; readonly offer: Offer }
  | { readonly tag: "accepted"; readonly image: OfferedImage }
  | { readonly tag: "refused"; readonly reason: RefusalReason; readonly digest: Uint8Array | undefined }
  | { readonly tag: "progress"; readonly openBlocks: number }
  | { readonly tag: "healed"; readonly digest: Uint8Array }
  | { readonly tag: "sessionLost"; readonly why: RescuerLoss }
  | { readonly tag: "console"; readonly text: string }
  | { readonly tag: "link"; readonly state: "echo" };

/** Why a session ended early. `done-not-heard`: every block was acked, but DONE never came. */
export type RescuerLoss = "silence" | "restarted" | "bye" | "stood-down" | "done-not-heard";

/** A hash run, or the octet that a node's whole range consists of. */
export type RunPayload =
  | { readonly tag: "hashes"; readonly hashes: Uint8Array }
  | { readonly tag: "uniform"; readonly byte: number };

export interface RescuerOptions {
  readonly link: LinkOptions;
  readonly random: Random;
  readonly nodeId: Uint8Array;
  readonly bootNonce: Uint8Array;
}

interface Serving {
  readonly tag: "serving";
  readonly peer: SessionIdentity;
  readonly image: OfferedImage;
  grantSequence: number | undefined;
  requestSequence: number | undefined;
  /** Blocks granted now, by key. */
  granted: Set<string>;
  /** Something beyond the manifest was asked for: all of that acked, only DONE is missing. */
  hasServed: boolean;
}

type State =
  | { readonly tag: "listening" }
  | { readonly tag: "picking"; readonly beacon: Beacon }
  | {
      readonly tag: "offering";
      readonly beacon: Beacon;
      readonly image: OfferedImage;
      readonly offer: Offer;
      repeatAt: Millis;
      readonly until: Millis;
    }
  | Serving
  | { readonly tag: "healed"; readonly digest: Uint8Array }
  | { readonly tag: "stopped" };

const OFFER_INTERVAL_MS = 250;
const OFFER_PATIENCE_MS = 5_000;
/** Silence after which a session is given up (protocol decision S12). */
const SILENCE_MAX_MS = 20_000;
/** A refused image is not offered to the same start of a target again for this long. */
const REFUSED_FOR_MS = 60_000;
const REFUSED_MAX = 64;

/** The rescuer: hears distress, offers one image, serves what the target asks for (PROTOCOL.md 6.2). Sans-IO. */
export class RescuerMachine {
  readonly #link: Link;
  readonly #random: Random;
  readonly #nodeId: Uint8Array;
  readonly #bootNonce: Uint8Array;
  readonly #queries: QueryTimer = new QueryTimer();
  readonly #answers: BeaconTimer;
  readonly #events: RescuerEvent[] = [];
  /** Target nonce and digest of what was refused, and until when it is not offered again. */
  readonly #refused: Map<string, Millis> = new Map();
  #isAnswerDue = false;
  #state: State = { tag: "listening" };
  #isUp = false;

  constructor(now: Millis, options: RescuerOptions) {
    this.#link = new Link(options.link);
    this.#random = options.random;
    this.#nodeId = options.nodeId;
    this.#bootNonce = options.bootNonce;
    this.#answers = new BeaconTimer(now, options.random);
  }

  get counters(): LinkCounters {
    return this.#link.counters;
  }

  /** The target of the current session. */
  get peerId(): Uint8Array | undefined {
    return this.#state.tag === "serving" ? this.#state.peer.targetId : undefined;
  }

  /** The link can carry octets, or no longer can. */
  handleLinkUp(now: Millis, isUp: boolean): void {
    this.#isUp = isUp;
    if (isUp && this.#state.tag === "listening") this.#queries.start(now);
  }

  /** Takes in the octets between two delimiters (PROTOCOL.md 2). */
  handleRun(now: Millis, run: Uint8Array): void {
    this.#link.handleRun(now, run);
    for (let event = this.#link.pollEvent(); event; event = this.#link.pollEvent()) this.#handle(now, event);
    this.#dropDelivered();
  }

  #handle(now: Millis, event: LinkEvent): void {
    switch (event.tag) {
      case "message":
        this.#handleMessage(now, event.message);
        return;
      case "chunk":
        return;
      case "console":
        this.#events.push(event);
        return;
      case "foreignVersion":
        this.#events.push({ tag: "refused", reason: "protocol", digest: undefined });
        return;
      default:
        unreachable(event);
    }
  }

  #handleMessage(now: Millis, message: Message): void {
    switch (message.tag) {
      case "distress":
        this.#handleDistress(now, message);
        return;
      case "beacon":
        this.#handleBeacon(message);
        return;
      case "query":
        if (equalBytes(message.nodeId, this.#nodeId)) this.#echoed();
        else this.#handleQuery(now);
        return;
      case "accept":
        this.#handleAccept(now, message);
        return;
      case "refuse":
        if (this.#isAbout(message.rescuerNonce)) this.#handleRefusal(now, message.reason, message.digest);
        return;
      case "standDown":
        if (this.#isAbout(message.rescuerNonce)) this.#loseSession("stood-down");
        return;
      case "bye":
        if (this.#isAbout(message.rescuerNonce)) this.#loseSession("bye");
        return;
      case "grant":
        this.#handleGrant(message);
        return;
      case "request":
        this.#handleRequest(message);
        return;
      case "busy":
        return;
      case "done":
        this.#handleDone(message.digest);
        return;
      default:
        this.#echoed();
    }
  }

  #echoed(): void {
    this.#link.counters.echoes++;
    this.#events.push({ tag: "link", state: "echo" });
  }

  #handleQuery(now: Millis): void {
    this.#answers.asked(now);
    this.#isAnswerDue = this.#state.tag !== "serving";
  }

  #handleDistress(now: Millis, beacon: Beacon): void {
    this.#queries.stop();
    const state = this.#state;
    if (state.tag === "offering" && equalBytes(state.beacon.bootNonce, beacon.bootNonce)) {
      state.repeatAt = Math.min(state.repeatAt, now + OFFER_INTERVAL_MS / 2);
      return;
    }
    if (state.tag === "serving") {
      this.#loseSession(equalBytes(state.peer.targetNonce, beacon.bootNonce) ? "silence" : "restarted");
    }
    this.#link.endSession();
    const kept = keep(beacon);
    this.#state = { tag: "picking", beacon: kept };
    this.#events.push({ tag: "heard", beacon: kept }, { tag: "pick", beacon: kept });
  }

  #handleBeacon(beacon: Beacon): void {
    this.#queries.stop();
    const state = this.#state;
    this.#events.push({ tag: "heard", beacon: keep(beacon) });
    if (state.tag === "serving" && isInstalled(beacon, state.image.digest))
      this.#handleDone(state.image.digest);
  }

  /** Completes `pick`: the image to offer, or undefined when none suits. */
  handlePicked(now: Millis, image: OfferedImage | undefined): void {
    if (this.#state.tag !== "picking") return;
    const { beacon } = this.#state;
    if (image === undefined || this.#wasRefused(now, beacon, image.digest)) {
      this.#state = { tag: "listening" };
      return;
    }
    const offer: Offer = {
      tag: "offer",
      rescuerId: this.#nodeId,
      rescuerNonce: freshNonce(this.#random),
      targetNonce: beacon.bootNonce,
      digest: image.digest,
      version: image.version,
      size: image.size,
      counter: image.counter,
    };
    this.#state = { tag: "offering", beacon, image, offer, repeatAt: now, until: now + OFFER_PATIENCE_MS };
    this.#events.push({ tag: "offered", offer });
    this.handleTimeout(now);
  }

  #wasRefused(now: Millis, beacon: Beacon, digest: Uint8Array): boolean {
    return now < (this.#refused.get(toHex(beacon.bootNonce) + toHex(digest)) ?? 0);
  }

  #handleAccept(now: Millis, accept: Accept): void {
    const state = this.#state;
    if (state.tag === "serving" && equalBytes(state.peer.rescuerNonce, accept.rescuerNonce)) {
      if (!state.hasServed) this.#sendManifest(state);
      return;
    }
    if (state.tag !== "offering" || !equalBytes(state.offer.rescuerNonce, accept.rescuerNonce)) return;
    if (!equalBytes(accept.targetNonce, state.offer.targetNonce)) return;
    const { image, beacon, offer } = state;
    const peer: SessionIdentity = {
      targetId: beacon.nodeId,
      targetNonce: beacon.bootNonce,
      rescuerId: this.#nodeId,
      rescuerNonce: offer.rescuerNonce,
      digest: image.digest,
    };
    this.#link.startSending(now, tagOf(peer), accept.payloadMax);
    const serving: Serving = {
      tag: "serving",
      peer,
      image,
      grantSequence: undefined,
      requestSequence: undefined,
      granted: new Set(),
      hasServed: false,
    };
    this.#state = serving;
    this.#events.push({ tag: "accepted", image });
    this.#sendManifest(serving);
  }

  #sendManifest(serving: Serving): void {
    const name = { kind: ObjectKind.manifest, node: { level: 0, index: 0 } };
    this.#link.sender?.add(objectItem(name, serving.image.envelope));
  }

  #handleRefusal(now: Millis, reason: RefusalReason, digest: Uint8Array): void {
    const state = this.#state;
    const nonce = state.tag === "serving" ? state.peer.targetNonce : undefined;
    if (nonce !== undefined) {
      if (this.#refused.size >= REFUSED_MAX) this.#refused.clear();
      this.#refused.set(toHex(nonce) + toHex(digest), now + REFUSED_FOR_MS);
    }
    this.#link.endSession();
    this.#state = { tag: "listening" };
    this.#events.push({ tag: "refused", reason, digest: digest.slice() });
  }

  #handleGrant(grant: Grant): void {
    const state = this.#state;
    const sender = this.#link.sender;
    if (state.tag !== "serving" || sender === undefined) return;
    if (state.grantSequence !== undefined && !isAfter(grant.sequence, state.grantSequence)) return;
    state.grantSequence = grant.sequence;
    state.hasServed = true;
    const before = state.granted;
    const leafCount = Math.ceil(state.image.size / state.image.blockSize);
    state.granted = new Set();
    for (const { first, count, attempt, codecs } of grant.entries) {
      for (let block = first; block < Math.min(first + count, leafCount); block++) {
        const key = blockKey(block, attempt);
        state.granted.add(key);
        if (!before.has(key)) this.#events.push({ tag: "readBlock", block, attempt, codecs });
      }
    }
    for (const key of before) if (!state.granted.has(key)) sender.drop(key);
    this.#events.push({ tag: "progress", openBlocks: state.granted.size });
  }

  /** Completes `readBlock`. `octets` undefined: the image can no longer be read; the target will ask elsewhere. */
  handleBlockRead(block: number, attempt: number, codecs: number, octets: Uint8Array): void {
    const state = this.#state;
    if (state.tag !== "serving" || !state.granted.has(blockKey(block, attempt))) return;
    const position = (block * state.image.blockSize) / CHUNK_UNIT;
    const isUniformAllowed = (codecs & codecBit(Codec.uniform)) !== 0;
    this.#link.sender?.add(blockItem(block, attempt, position, octets, isUniformAllowed));
  }

  #handleRequest(request: Request): void {
    const state = this.#state;
    if (state.tag !== "serving") return;
    if (state.requestSequence !== undefined && !isAfter(request.sequence, state.requestSequence)) return;
    state.requestSequence = request.sequence;
    for (const wanted of request.wanted) {
      if (wanted === "manifest") this.#sendManifest(state);
      else {
        state.hasServed = true;
        const isQueued = [ObjectKind.run, ObjectKind.uniform].some((kind) =>
          this.#link.sender?.has(objectKey({ kind, node: wanted })),
        );
        if (!isQueued) this.#events.push({ tag: "readRun", node: wanted });
      }
    }
  }

  /** Completes `readRun`; undefined when the image has no such node. */
  handleRunRead(node: TreeNode, payload: RunPayload | undefined): void {
    if (this.#state.tag !== "serving" || payload === undefined) return;
    const item =
      payload.tag === "hashes"
        ? objectItem({ kind: ObjectKind.run, node }, payload.hashes)
        : objectItem({ kind: ObjectKind.uniform, node }, Uint8Array.of(payload.byte));
    this.#link.sender?.add(item);
  }

  /** Objects are forgotten once acked; a block stays until the grant no longer names it. */
  #dropDelivered(): void {
    const sender = this.#link.sender;
    for (let key = sender?.takeCompleted(); key !== undefined; key = sender?.takeCompleted()) {
      if (!key.startsWith("block")) sender?.drop(key);
    }
  }

  #handleDone(digest: Uint8Array): void {
    const state = this.#state;
    const isOurs =
      (state.tag === "serving" && equalBytes(state.image.digest, digest)) || state.tag === "healed";
    if (!isOurs) return;
    // Objects and blocks end here; the session stays until the next one, to acknowledge a repeated DONE.
    for (const key of this.#link.sender?.keys ?? []) this.#link.sender?.drop(key);
    this.#link.send({ tag: "doneAck", digest });
    if (state.tag === "healed") return;
    this.#state = { tag: "healed", digest: state.image.digest };
    this.#events.push({ tag: "healed", digest: state.image.digest });
  }

  #isAbout(rescuerNonce: Uint8Array): boolean {
    const state = this.#state;
    if (state.tag === "serving") return equalBytes(state.peer.rescuerNonce, rescuerNonce);
    return state.tag === "offering" && equalBytes(state.offer.rescuerNonce, rescuerNonce);
  }

  #loseSession(why: RescuerLoss): void {
    this.#link.endSession();
    this.#state = { tag: "listening" };
    this.#events.push({ tag: "sessionLost", why });
  }

  /** Leaves: says bye if a session runs. Drain {@link pollTransmit} once more afterwards. */
  stop(reason: ByeReason = ByeReason.stopped): void {
    if (this.#state.tag === "serving") {
      const { targetNonce, rescuerNonce } = this.#state.peer;
      this.#link.endSession();
      this.#link.send({ tag: "bye", targetNonce, rescuerNonce, reason });
    }
    // Once more: nobody will be here to answer a repeated DONE.
    if (this.#state.tag === "healed") this.#link.send({ tag: "doneAck", digest: this.#state.digest });
    this.#state = { tag: "stopped" };
  }

  /** Does what is due. Extra calls are harmless. */
  handleTimeout(now: Millis): void {
    const state = this.#state;
    if (this.#isAnswerDue && this.#answers.nextAt <= now) {
      this.#isAnswerDue = false;
      this.#answers.sent(now);
      this.#link.send(providerBeacon(this.#nodeId, this.#bootNonce));
    }
    if (state.tag === "listening" && this.#isUp && this.#queries.take(now)) {
      this.#link.send({ tag: "query", nodeId: this.#nodeId, bootNonce: this.#bootNonce });
    } else if (state.tag === "offering") {
      if (now >= state.until) this.#loseSession("silence");
      else if (now >= state.repeatAt) {
        state.repeatAt = now + OFFER_INTERVAL_MS;
        this.#link.send(state.offer);
      }
    } else if (state.tag === "serving" && now >= this.#silentAt()) {
      const isDelivered = state.hasServed && (this.#link.sender?.isIdle ?? false);
      this.#loseSession(isDelivered ? "done-not-heard" : "silence");
      this.#queries.start(now);
    }
  }

  #silentAt(): Millis {
    return this.#link.lastHeardAt + SILENCE_MAX_MS;
  }

  /** When {@link handleTimeout} or {@link pollTransmit} has something to do; undefined when nothing is waited for. */
  pollTimeout(): Millis | undefined {
    const state = this.#state;
    const wishes = [this.#link.pollTimeout(), this.#isAnswerDue ? this.#answers.nextAt : undefined];
    if (state.tag === "listening" && this.#isUp) wishes.push(this.#queries.nextAt);
    if (state.tag === "offering") wishes.push(state.repeatAt, state.until);
    if (state.tag === "serving") wishes.push(this.#silentAt());
    const times = wishes.filter((time) => time !== undefined);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** The next octets to send, paced; undefined when there is nothing to send now. */
  pollTransmit(now: Millis): Uint8Array | undefined {
    return this.#isUp ? this.#link.pollTransmit(now) : undefined;
  }

  /** All messages that wait, whatever the pace: for the last words before the link is closed. */
  takeFarewell(now: Millis): { frames: Uint8Array[]; lineMs: Millis } {
    return this.#isUp ? this.#link.takeFarewell(now) : { frames: [], lineMs: 0 };
  }

  /** The next effect to carry out or thing to tell. */
  pollEvent(): RescuerEvent | undefined {
    return this.#events.shift();
  }
}

function isInstalled(beacon: Beacon, digest: Uint8Array): boolean {
  return beacon.installedDigest !== undefined && equalBytes(beacon.installedDigest, digest);
}

/** A copy that does not hold views into the run it came from. */
function keep(beacon: Beacon): Beacon {
  return {
    ...beacon,
    nodeId: beacon.nodeId.slice(),
    bootNonce: beacon.bootNonce.slice(),
    hardwareId: beacon.hardwareId.slice(),
    installedDigest: beacon.installedDigest?.slice(),
    receivingDigest: beacon.receivingDigest?.slice(),
  };
}
