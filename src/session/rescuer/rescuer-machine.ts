import { unreachable } from "../../base/assert.ts";
import { equalBytes } from "../../base/bytes.ts";
import type { Random } from "../../base/prng.ts";
import type { RefusalReason } from "../../base/refusal.ts";
import type { TreeNode } from "../../base/tree-shape.ts";
import type { Millis } from "../../base/units.ts";
import type { LinkEvent, LinkOptions } from "../../link/link.ts";
import { ByeReason } from "../../wire/constants.ts";
import type { LinkProof } from "../../wire/link-proof.ts";
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
} from "../../wire/messages.ts";
import { byeOf } from "../handshake.ts";
import { freshNonce, tagOf } from "../identity.ts";
import { LinkGuard, rescuerMismatch } from "../link-guard.ts";
import { LinkMachine } from "../link-machine.ts";
import { Turns } from "../peer-selection.ts";
import { Offering } from "./offering.ts";
import { RefusedImages } from "./refused-images.ts";
import { Listening, type ListeningOptions } from "./rescuer-announcer.ts";
import type { BlockWish, OfferedImage, RescuerEvent, RescuerLoss, RunPayload } from "./rescuer-events.ts";
import { keepBeacon, nodeIdOf, peerOf, type RescuerState } from "./rescuer-state.ts";
import { Serving } from "./serving.ts";
import { ServingBudget } from "./serving-budget.ts";

export interface RescuerOptions extends ListeningOptions {
  readonly link: LinkOptions;
}

/** A board that was heard within this time is alive: another one on its wire is a fault of wiring (S1). */
const STRANGER_AFTER_MS = 2_000;
/** Offers that gave way to later calls and are remembered. */
const OFFERS_MAX = 16;

/** The rescuer: hears distress, offers one image, serves what the target asks for (PROTOCOL.md 6.2). Sans-IO. */
export class RescuerMachine extends LinkMachine<RescuerEvent> {
  readonly #guard: LinkGuard;
  readonly #random: Random;
  readonly #nodeId: Uint8Array;
  readonly #listening: Listening;
  readonly #refused: RefusedImages = new RefusedImages();
  /** Whose call is answered, if one wasted our time before, and what may still be sent in vain. */
  readonly #turns: Turns<Beacon>;
  readonly #budget: ServingBudget = new ServingBudget();
  /** Offers that gave way to a later call and may still be accepted, the youngest first. */
  #outstanding: Offering[] = [];
  #state: RescuerState = { tag: "listening" };

  constructor(now: Millis, options: RescuerOptions) {
    super(options.link);
    this.#guard = new LinkGuard(options.link.key, "rescuer");
    this.#random = options.random;
    this.#nodeId = options.nodeId;
    this.#listening = new Listening(now, this.link, options, this.#guard.isKeyed);
    this.#turns = new Turns(options.random);
  }

  override handleLinkUp(now: Millis, isUp: boolean): void {
    super.handleLinkUp(now, isUp);
    if (isUp && this.#state.tag === "listening") this.#listening.start(now);
  }

  protected override handleDamage(now: Millis): void {
    if (this.#state.tag === "listening") this.#listening.stir(now);
  }

  protected override handleTaken(): void {
    if (this.#state.tag === "serving") this.#state.serving.dropDelivered();
  }

  protected override handle(now: Millis, event: LinkEvent): void {
    switch (event.tag) {
      case "message":
        this.#handleMessage(now, event.message, event.proof);
        return;
      case "chunk":
        return;
      case "console":
      case "stranger":
        this.emit(event);
        return;
      case "foreignVersion":
        this.emit({ tag: "refused", reason: "protocol", digest: undefined });
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
        else this.#listening.asked(now, this.#state.tag !== "serving");
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
        if (this.#state.tag === "serving") this.#state.serving.busy(now, message.forMs);
        return;
      case "done":
        this.#handleDone(message.digest);
        return;
      default:
        this.#echoed();
    }
  }

  #echoed(): void {
    this.link.counters.echoes++;
    this.emit({ tag: "link", state: "echo" });
  }

  #handleDistress(now: Millis, beacon: Beacon): void {
    this.#listening.heard();
    const state = this.#state;
    const offering = state.tag === "offering" ? state.offering : undefined;
    if (offering !== undefined && equalBytes(offering.beacon.bootNonce, beacon.bootNonce)) {
      offering.hurry(now);
      return;
    }
    if (state.tag === "serving") {
      if (this.#isStranger(now, beacon.nodeId, state.serving)) return;
      if (this.#guard.isKeyed) {
        state.serving.doubt();
        return;
      }
      const isSameStart = equalBytes(state.serving.peer.targetNonce, beacon.bootNonce);
      this.#loseSession(now, isSameStart ? "silence" : "restarted");
    }
    // The same board, started anew without having answered; another one's call just comes later than the first.
    if (offering !== undefined && equalBytes(offering.beacon.nodeId, beacon.nodeId))
      this.#turns.strike(now, beacon.nodeId);
    const kept = keepBeacon(beacon);
    this.emit({ tag: "heard", beacon: kept });
    if (this.#budget.isLeft(now)) this.#pick(now, this.#turns.consider(now, beacon.nodeId, kept));
  }

  #pick(now: Millis, beacon: Beacon | undefined): void {
    if (beacon === undefined) return;
    this.link.endSession();
    this.#turns.forget();
    if (this.#state.tag === "offering")
      this.#outstanding = [this.#state.offering, ...this.#outstanding].slice(0, OFFERS_MAX);
    this.#state = { tag: "picking", beacon };
    this.emit({ tag: "pick", beacon, refused: this.#refused.by(now, beacon.bootNonce) });
  }

  /** Another board on the same wire, while the one we serve is alive: it is let be, and the wiring is named. */
  #isStranger(now: Millis, nodeId: Uint8Array, { peer }: Serving): boolean {
    if (equalBytes(nodeId, peer.targetId) || now - this.link.lastHeardAt > STRANGER_AFTER_MS) return false;
    this.emit({ tag: "link", state: "two-nodes" });
    return true;
  }

  #handleBeacon(beacon: Beacon): void {
    if (equalBytes(beacon.nodeId, this.#nodeId)) {
      this.#echoed();
      return;
    }
    this.#listening.heard();
    const state = this.#state;
    this.emit({ tag: "heard", beacon: keepBeacon(beacon) });
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
    this.#state = { tag: "offering", offering: new Offering(now, beacon, image, offer) };
    this.emit({ tag: "offered", offer });
    this.handleTimeout(now);
  }

  #handleAccept(now: Millis, accept: Accept, proof: LinkProof | undefined): void {
    const state = this.#state;
    if (state.tag === "serving") state.serving.sendManifest();
    if (state.tag !== "offering") return;
    // Of several offers about one image any may be accepted: a ghost that calls without end does not void the others.
    const accepted = [state.offering, ...this.#outstanding].find((offering) =>
      offering.isAcceptedBy(now, accept, state.offering.image),
    );
    if (accepted === undefined) return;
    const { image, peer } = accepted;
    this.#outstanding = [];
    const payloadMax = Math.min(accept.payloadMax, this.#guard.payloadMax);
    const seal = this.#guard.seal(peer, proof?.nonce);
    const sender = this.link.startSending(now, tagOf(peer), payloadMax, seal);
    const serving = new Serving(now, peer, image, this.link, sender, accept.openBlocks);
    this.#state = { tag: "serving", serving };
    this.emit({ tag: "accepted", image, targetId: peer.targetId });
    serving.sendManifest();
  }

  #handleRefusal(now: Millis, reason: RefusalReason, digest: Uint8Array): void {
    const state = this.#state;
    const nonce = peerOf(state)?.targetNonce;
    if (nonce !== undefined) this.#refused.add(now, nonce, digest);
    this.#charge(now);
    this.link.endSession();
    this.#state = { tag: "listening" };
    this.emit({ tag: "refused", reason, digest: digest.slice() });
  }

  #handleGrant(grant: Grant): void {
    if (this.#state.tag !== "serving") return;
    const { serving } = this.#state;
    const wishes = serving.handleGrant(grant);
    if (wishes === undefined) return;
    for (const wish of wishes) this.emit({ tag: "readBlock", wish });
    this.emit({ tag: "progress", openBlocks: serving.openBlocks });
  }

  /** Completes `readBlock`. */
  handleBlockRead(wish: BlockWish, bytes: Uint8Array): void {
    if (this.#state.tag === "serving") this.#state.serving.addBlock(wish, bytes);
  }

  #handleRequest(request: Request): void {
    if (this.#state.tag !== "serving") return;
    for (const node of this.#state.serving.handleRequest(request)) this.emit({ tag: "readRun", node });
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
    this.link.send({ tag: "doneAck", digest });
    if (state.tag !== "serving") return;
    state.serving.dropAll();
    this.#turns.forgive(state.serving.peer.targetId);
    this.#budget.clear();
    this.#state = { tag: "healed", digest: state.serving.image.digest };
    this.emit({ tag: "healed", digest: state.serving.image.digest });
  }

  /** Whether this is about our offer or session, and proven if we have a link key. What is not makes an offer doubtful. */
  #isAnswer(now: Millis, answer: Accept | Refuse | StandDown | Bye, proof: LinkProof | undefined): boolean {
    const state = this.#state;
    const offers = answer.tag === "accept" ? this.#outstanding : [];
    const peers = [peerOf(state), ...offers.map((offering) => offering.peer)];
    const peer = peers.find(
      (known) => known !== undefined && equalBytes(known.rescuerNonce, answer.rescuerNonce),
    );
    if (peer === undefined) return false;
    if (!this.#guard.isKeyed || this.#guard.judge(peer, proof) === "good") return true;
    this.link.counters.unauthenticFrames++;
    if (state.tag === "offering") state.offering.doubt(now);
    return false;
  }

  #endOffer(now: Millis, { beacon, image, isDoubtful }: Offering): void {
    if (!isDoubtful) {
      this.#loseSession(now, "silence");
      return;
    }
    this.#state = { tag: "listening" };
    const mismatch = rescuerMismatch(beacon.wantsLinkKey === true);
    this.emit({ tag: "refused", reason: "link-key", digest: image.digest, mismatch });
  }

  /** What was sent in this session was in vain. */
  #charge(now: Millis): void {
    if (this.#state.tag !== "serving") return;
    const { serving } = this.#state;
    this.#budget.charge(now, serving.bytesSent, serving.image.size);
  }

  #loseSession(now: Millis, why: RescuerLoss): void {
    const nodeId = nodeIdOf(this.#state);
    const wasWorth = this.#state.tag === "serving" && this.#state.serving.wasWorth(now);
    this.#charge(now);
    // A bye, which anybody on the wire can say, is held against nobody; nor is a line that failed after a good start.
    const isSilence = why === "silence" || why === "restarted";
    const isWasted = why === "slow" || (isSilence && !wasWorth);
    if (isWasted && nodeId !== undefined) {
      this.#turns.strike(now, nodeId, why === "slow");
      this.#listening.start(now);
    }
    this.link.endSession();
    this.#state = { tag: "listening" };
    this.emit({ tag: "sessionLost", why });
  }

  /** Leaves: says bye if a session runs. Drain {@link pollTransmit} once more afterwards. */
  stop(reason: ByeReason = ByeReason.stopped): void {
    if (this.#state.tag === "serving") {
      const { peer } = this.#state.serving;
      this.link.endSession();
      this.link.send(byeOf(peer, reason), this.#guard.prove(peer));
    }
    // Once more: nobody will be here to answer a repeated DONE.
    if (this.#state.tag === "healed") this.link.send({ tag: "doneAck", digest: this.#state.digest });
    this.#state = { tag: "stopped" };
  }

  /** Does what is due. Extra calls are harmless. */
  handleTimeout(now: Millis): void {
    const state = this.#state;
    this.#listening.sendDue(now, state.tag === "listening" && this.isUp);
    if (state.tag === "offering") {
      const { offering } = state;
      if (offering.isOver(now)) this.#endOffer(now, offering);
      else if (offering.take(now)) this.link.send(offering.offer, this.#guard.prove(offering.peer));
    } else if (state.tag === "serving" && now >= state.serving.silentAt) {
      this.#loseSession(now, state.serving.isDelivered ? "done-not-heard" : "silence");
      this.#listening.start(now);
    } else if (state.tag === "serving" && state.serving.isTooSlow(now)) {
      this.#loseSession(now, "slow");
    }
    if (state.tag === "listening") this.#pick(now, this.#turns.take(now));
  }

  /** When {@link handleTimeout} or {@link pollTransmit} has something to do; undefined when nothing is waited for. */
  pollTimeout(): Millis | undefined {
    const state = this.#state;
    const wishes = [this.#listening.answerAt];
    if (state.tag === "listening" && this.isUp) wishes.push(this.#listening.queryAt, this.#turns.chooseAt);
    if (state.tag === "offering") wishes.push(...state.offering.timeouts);
    if (state.tag === "serving") wishes.push(state.serving.silentAt, state.serving.paceEndsAt);
    return this.soonest(wishes);
  }
}

function isInstalled(beacon: Beacon, digest: Uint8Array): boolean {
  return beacon.installedDigest !== undefined && equalBytes(beacon.installedDigest, digest);
}
