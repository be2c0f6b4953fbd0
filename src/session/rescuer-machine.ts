import { unreachable } from "../base/assert.ts";
import { equalBytes } from "../base/bytes.ts";
import type { Random } from "../base/prng.ts";
import type { RefusalReason } from "../base/refusal.ts";
import type { TreeNode } from "../base/tree-shape.ts";
import type { Millis } from "../base/units.ts";
import type { LinkCounters } from "../link/counters.ts";
import { Link, type LinkEvent, type LinkOptions } from "../link/link.ts";
import type { Stranger } from "../link/stranger.ts";
import { ByeReason } from "../wire/constants.ts";
import type { LinkProof } from "../wire/link-proof.ts";
import type {
  Accept,
  Beacon,
  Bye,
  Grant,
  Message,
  Offer,
  Refuse,
  Request,
  StandDown,
} from "../wire/messages.ts";
import { BeaconTimer } from "./beacon-timer.ts";
import { byeOf, identityOf } from "./handshake.ts";
import { freshNonce, tagOf } from "./identity.ts";
import { LinkGuard, rescuerMismatch } from "./link-guard.ts";
import { QueryTimer } from "./query-timer.ts";
import { RefusedImages } from "./refused-images.ts";
import type { BlockWish, OfferedImage, RescuerEvent, RescuerLoss, RunPayload } from "./rescuer-events.ts";
import { keepBeacon, peerOf, type RescuerState, sessionOf } from "./rescuer-state.ts";
import { Serving } from "./serving.ts";
import { ServingBudget } from "./serving-budget.ts";
import { providerBeacon } from "./status.ts";
import { Turns } from "./turns.ts";

export interface RescuerOptions {
  readonly link: LinkOptions;
  readonly random: Random;
  readonly nodeId: Uint8Array;
  readonly bootNonce: Uint8Array;
}

const OFFER_INTERVAL_MS = 250;
const OFFER_PATIENCE_MS = 5_000;
/** Silence after which a session is given up (protocol decision S12). */
const SILENCE_MAX_MS = 20_000;
/** The same with a link key, once the target calls: it restarted, or somebody says so (PROTOCOL.md 14.5). */
const DOUBTFUL_SILENCE_MS = 5_000;
/** Time for the proven answer to an offer, from one on that is not (PROTOCOL.md 14.6). */
const DOUBTFUL_OFFER_MS = 2_000;
/** A board that was heard within this time is alive: another one on its wire is a fault of wiring (S1). */
const STRANGER_AFTER_MS = 2_000;
/** Longest time that one BUSY may ask for (protocol decision L6). */
const BUSY_MAX_MS = 10_000;
/** Offers that gave way to later calls and are remembered. */
const OFFERS_MAX = 16;

/** The rescuer: hears distress, offers one image, serves what the target asks for (PROTOCOL.md 6.2). Sans-IO. */
export class RescuerMachine {
  readonly #link: Link;
  readonly #guard: LinkGuard;
  readonly #random: Random;
  readonly #nodeId: Uint8Array;
  readonly #bootNonce: Uint8Array;
  readonly #queries: QueryTimer = new QueryTimer();
  readonly #answers: BeaconTimer;
  readonly #events: RescuerEvent[] = [];
  readonly #refused: RefusedImages = new RefusedImages();
  /** Whose call is answered, if one wasted our time before, and what may still be sent in vain. */
  readonly #turns: Turns<Beacon>;
  readonly #budget: ServingBudget = new ServingBudget();
  /** Offers that gave way to a later call and may still be accepted, the youngest first. */
  #outstanding: Extract<RescuerState, { tag: "offering" }>[] = [];
  #isAnswerDue = false;
  /** The target said that it is deaf until then. */
  #busyUntil: Millis = 0;
  #busyAt: Millis = 0;
  /** With a link key: the target of the session that runs calls, which proves nothing. */
  #isCalling = false;
  #state: RescuerState = { tag: "listening" };
  #isUp = false;

  constructor(now: Millis, options: RescuerOptions) {
    this.#link = new Link(options.link);
    this.#guard = new LinkGuard(options.link.key, "rescuer");
    this.#random = options.random;
    this.#nodeId = options.nodeId;
    this.#bootNonce = options.bootNonce;
    this.#answers = new BeaconTimer(now, options.random);
    this.#turns = new Turns(options.random);
  }

  get counters(): LinkCounters {
    return this.#link.counters;
  }

  /** Who is on the line, if it is no mayday node. */
  get stranger(): Stranger | undefined {
    return this.#link.stranger;
  }

  /** The link can carry octets, or no longer can. */
  handleLinkUp(now: Millis, isUp: boolean): void {
    this.#isUp = isUp;
    if (isUp && this.#state.tag === "listening") this.#queries.start(now);
  }

  /** Takes in the octets between two delimiters (PROTOCOL.md 2). */
  handleRun(now: Millis, run: Uint8Array): void {
    this.#take(now, () => this.#link.handleRun(now, run));
  }

  /** Takes in one frame of a link that carries frames whole (PROTOCOL.md 10). */
  handleFrame(now: Millis, frame: Uint8Array): void {
    this.#take(now, () => this.#link.handleFrame(now, frame));
  }

  #take(now: Millis, handle: () => void): void {
    const damaged = this.#link.counters.crcErrors;
    handle();
    if (this.#link.counters.crcErrors > damaged && this.#state.tag === "listening") this.#queries.stir(now);
    for (let event = this.#link.pollEvent(); event; event = this.#link.pollEvent()) this.#handle(now, event);
    if (this.#state.tag === "serving") this.#state.serving.dropDelivered();
  }

  #handle(now: Millis, event: LinkEvent): void {
    switch (event.tag) {
      case "message":
        this.#handleMessage(now, event.message, event.proof);
        return;
      case "chunk":
        return;
      case "console":
      case "stranger":
        this.#events.push(event);
        return;
      case "foreignVersion":
        this.#events.push({ tag: "refused", reason: "protocol", digest: undefined });
        return;
      default:
        unreachable(event);
    }
  }

  #handleMessage(now: Millis, message: Message, proof: LinkProof | undefined): void {
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
        if (this.#isAnswer(now, message, proof)) this.#handleAccept(now, message, proof);
        return;
      case "refuse":
        if (this.#isAnswer(now, message, proof)) this.#handleRefusal(now, message.reason, message.digest);
        return;
      case "standDown":
        if (this.#isAnswer(now, message, proof)) this.#loseSession(now, "stood-down");
        return;
      case "bye":
        if (this.#isAnswer(now, message, proof)) this.#loseSession(now, "bye");
        return;
      case "grant":
        this.#handleGrant(message);
        return;
      case "request":
        this.#handleRequest(message);
        return;
      case "busy":
        this.#busyAt = now;
        this.#busyUntil = now + Math.min(message.forMs, BUSY_MAX_MS);
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
      if (this.#isStranger(now, beacon.nodeId, state.serving)) return;
      this.#isCalling = this.#guard.isKeyed;
      if (this.#isCalling) return;
      const isSameStart = equalBytes(state.serving.peer.targetNonce, beacon.bootNonce);
      this.#loseSession(now, isSameStart ? "silence" : "restarted");
    }
    // The same board, started anew without having answered; another one's call just comes later than the first.
    const isAgain = state.tag === "offering" && equalBytes(state.beacon.nodeId, beacon.nodeId);
    if (isAgain) this.#turns.strike(now, beacon.nodeId);
    const kept = keepBeacon(beacon);
    this.#events.push({ tag: "heard", beacon: kept });
    if (this.#budget.isLeft(now)) this.#pick(now, this.#turns.consider(now, beacon.nodeId, kept));
  }

  #pick(now: Millis, beacon: Beacon | undefined): void {
    if (beacon === undefined) return;
    this.#link.endSession();
    this.#turns.forget();
    if (this.#state.tag === "offering")
      this.#outstanding = [this.#state, ...this.#outstanding].slice(0, OFFERS_MAX);
    this.#state = { tag: "picking", beacon };
    this.#events.push({ tag: "pick", beacon, refused: this.#refused.by(now, beacon.bootNonce) });
  }

  /** Another board on the same wire, while the one we serve is alive: it is let be, and the wiring is named. */
  #isStranger(now: Millis, nodeId: Uint8Array, { peer }: Serving): boolean {
    if (equalBytes(nodeId, peer.targetId) || now - this.#link.lastHeardAt > STRANGER_AFTER_MS) return false;
    this.#events.push({ tag: "link", state: "two-nodes" });
    return true;
  }

  #handleBeacon(beacon: Beacon): void {
    if (equalBytes(beacon.nodeId, this.#nodeId)) {
      this.#echoed();
      return;
    }
    this.#queries.stop();
    const state = this.#state;
    this.#events.push({ tag: "heard", beacon: keepBeacon(beacon) });
    // A beacon proves nothing: with a link key only a sealed DONE ends a session.
    if (state.tag !== "serving" || this.#guard.isKeyed) return;
    if (!equalBytes(beacon.nodeId, state.serving.peer.targetId)) return;
    const { digest } = state.serving.image;
    if (isInstalled(beacon, digest)) this.#handleDone(digest);
  }

  /** Completes `pick`: the image to offer, or undefined when none suits. */
  handlePicked(now: Millis, image: OfferedImage | undefined): void {
    if (this.#state.tag !== "picking") return;
    const { beacon } = this.#state;
    const refused = this.#refused.by(now, beacon.bootNonce);
    if (image === undefined || refused.some((digest) => equalBytes(digest, image.digest))) {
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
    const until = now + OFFER_PATIENCE_MS;
    this.#state = { tag: "offering", beacon, image, offer, repeatAt: now, until, isDoubtful: false };
    this.#events.push({ tag: "offered", offer });
    this.handleTimeout(now);
  }

  #handleAccept(now: Millis, accept: Accept, proof: LinkProof | undefined): void {
    const state = this.#state;
    if (state.tag === "serving") state.serving.sendManifest();
    if (state.tag !== "offering") return;
    // Of several offers about one image any may be accepted: a ghost that calls without end does not void the others.
    const accepted = [state, ...this.#outstanding].find(
      ({ offer, image, until }) =>
        now < until &&
        equalBytes(offer.rescuerNonce, accept.rescuerNonce) &&
        equalBytes(offer.targetNonce, accept.targetNonce) &&
        equalBytes(image.digest, state.image.digest),
    );
    if (accepted === undefined) return;
    const { image, beacon, offer } = accepted;
    this.#outstanding = [];
    const peer = identityOf(offer, beacon.nodeId);
    const payloadMax = Math.min(accept.payloadMax, this.#guard.payloadMax);
    const seal = this.#guard.seal(peer, proof?.nonce);
    const sender = this.#link.startSending(now, tagOf(peer), payloadMax, seal);
    this.#isCalling = false;
    const serving = new Serving(now, peer, image, this.#link, sender, accept.openBlocks);
    this.#state = { tag: "serving", serving };
    this.#events.push({ tag: "accepted", image });
    serving.sendManifest();
  }

  #handleRefusal(now: Millis, reason: RefusalReason, digest: Uint8Array): void {
    const state = this.#state;
    const nonce = peerOf(state)?.targetNonce;
    if (nonce !== undefined) this.#refused.add(now, nonce, digest);
    this.#charge(now);
    this.#link.endSession();
    this.#state = { tag: "listening" };
    this.#events.push({ tag: "refused", reason, digest: digest.slice() });
  }

  #handleGrant(grant: Grant): void {
    if (this.#state.tag !== "serving") return;
    const { serving } = this.#state;
    const wishes = serving.handleGrant(grant);
    if (wishes === undefined) return;
    for (const wish of wishes) this.#events.push({ tag: "readBlock", wish });
    this.#events.push({ tag: "progress", openBlocks: serving.openBlocks });
  }

  /** Completes `readBlock`. */
  handleBlockRead(wish: BlockWish, octets: Uint8Array): void {
    if (this.#state.tag === "serving") this.#state.serving.addBlock(wish, octets);
  }

  #handleRequest(request: Request): void {
    if (this.#state.tag !== "serving") return;
    for (const node of this.#state.serving.handleRequest(request))
      this.#events.push({ tag: "readRun", node });
  }

  /** Completes `readRun`; undefined when the image has no such node. */
  handleRunRead(node: TreeNode, payload: RunPayload | undefined): void {
    if (this.#state.tag === "serving" && payload !== undefined) this.#state.serving.addRun(node, payload);
  }

  #handleDone(digest: Uint8Array): void {
    const state = this.#state;
    const known = state.tag === "serving" ? state.serving.image.digest : undefined;
    const isOurs = state.tag === "healed" || (known !== undefined && equalBytes(known, digest));
    if (!isOurs) return;
    // The link's session stays until the next one, to acknowledge a repeated DONE.
    this.#link.send({ tag: "doneAck", digest });
    if (state.tag !== "serving") return;
    state.serving.dropAll();
    this.#turns.forgive(state.serving.peer.targetId);
    this.#budget.clear();
    this.#state = { tag: "healed", digest: state.serving.image.digest };
    this.#events.push({ tag: "healed", digest: state.serving.image.digest });
  }

  /** Whether this is about our offer or session, and proven if we have a link key. What is not makes an offer doubtful. */
  #isAnswer(now: Millis, answer: Accept | Refuse | StandDown | Bye, proof: LinkProof | undefined): boolean {
    const state = this.#state;
    const offers = answer.tag === "accept" ? this.#outstanding : [];
    const peers = [peerOf(state), ...offers.map(peerOf)];
    const peer = peers.find(
      (known) => known !== undefined && equalBytes(known.rescuerNonce, answer.rescuerNonce),
    );
    if (peer === undefined) return false;
    if (!this.#guard.isKeyed || this.#guard.judge(peer, proof) === "good") return true;
    this.#link.counters.unauthenticFrames++;
    if (state.tag === "offering") {
      state.isDoubtful = true;
      state.until = Math.min(state.until, now + DOUBTFUL_OFFER_MS);
    }
    return false;
  }

  #endOffer(now: Millis, { beacon, image, isDoubtful }: RescuerState & { readonly tag: "offering" }): void {
    if (!isDoubtful) {
      this.#loseSession(now, "silence");
      return;
    }
    this.#state = { tag: "listening" };
    const detail = rescuerMismatch(beacon.wantsLinkKey === true);
    this.#events.push({ tag: "refused", reason: "link-key", digest: image.digest, detail });
  }

  /** What was sent in this session was in vain. */
  #charge(now: Millis): void {
    const { serving } = sessionOf(this.#state);
    if (serving !== undefined) this.#budget.charge(now, serving.octetsSent, serving.image.size);
  }

  #loseSession(now: Millis, why: RescuerLoss): void {
    const { serving, nodeId } = sessionOf(this.#state);
    this.#charge(now);
    // A bye, which anybody on the wire can say, is held against nobody; nor is a line that failed after a good start.
    const isSilence = why === "silence" || why === "restarted";
    const isWasted = why === "slow" || (isSilence && serving?.wasWorth(now) !== true);
    if (isWasted && nodeId !== undefined) {
      this.#turns.strike(now, nodeId, why === "slow");
      this.#queries.start(now);
    }
    this.#link.endSession();
    this.#state = { tag: "listening" };
    this.#events.push({ tag: "sessionLost", why });
  }

  /** Leaves: says bye if a session runs. Drain {@link pollTransmit} once more afterwards. */
  stop(reason: ByeReason = ByeReason.stopped): void {
    if (this.#state.tag === "serving") {
      const { peer } = this.#state.serving;
      this.#link.endSession();
      this.#link.send(byeOf(peer, reason), this.#guard.prove(peer));
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
      this.#link.send(providerBeacon(this.#nodeId, this.#bootNonce, this.#guard.isKeyed));
    }
    if (state.tag === "listening" && this.#isUp && this.#queries.take(now)) {
      this.#link.send({ tag: "query", nodeId: this.#nodeId, bootNonce: this.#bootNonce });
    } else if (state.tag === "offering") {
      if (now >= state.until) this.#endOffer(now, state);
      else if (now >= state.repeatAt) {
        state.repeatAt = now + OFFER_INTERVAL_MS;
        this.#link.send(state.offer, this.#guard.prove(identityOf(state.offer, state.beacon.nodeId)));
      }
    } else if (state.tag === "serving" && now >= this.#silentAt()) {
      this.#loseSession(now, state.serving.isDelivered ? "done-not-heard" : "silence");
      this.#queries.start(now);
    } else if (state.tag === "serving" && state.serving.isTooSlow(now)) {
      this.#loseSession(now, "slow");
    }
    if (state.tag === "listening") this.#pick(now, this.#turns.take(now));
  }

  #silentAt(): Millis {
    const heardAt = this.#link.lastHeardAt;
    // Who was heard after it said that it is busy is not deaf any more.
    if (this.#isCalling && heardAt > this.#busyAt) return heardAt + DOUBTFUL_SILENCE_MS;
    return Math.max(heardAt, this.#busyUntil) + SILENCE_MAX_MS;
  }

  /** When {@link handleTimeout} or {@link pollTransmit} has something to do; undefined when nothing is waited for. */
  pollTimeout(): Millis | undefined {
    const state = this.#state;
    const wishes = [this.#isAnswerDue ? this.#answers.nextAt : undefined];
    // While the link is down nothing is sent, and what waits to be sent must not keep the driver awake.
    if (this.#isUp) wishes.push(this.#link.pollTimeout());
    if (state.tag === "listening" && this.#isUp) wishes.push(this.#queries.nextAt, this.#turns.chooseAt);
    if (state.tag === "offering") wishes.push(state.repeatAt, state.until);
    if (state.tag === "serving") wishes.push(this.#silentAt(), state.serving.paceEndsAt);
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
