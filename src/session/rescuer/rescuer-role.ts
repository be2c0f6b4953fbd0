import { unreachable } from "../../base/assert.ts";
import { equalBytes } from "../../base/bytes.ts";
import type { Random } from "../../base/prng.ts";
import type { RefusalReason } from "../../base/refusal.ts";
import type { TreeNode } from "../../base/tree-shape.ts";
import type { Millis } from "../../base/units.ts";
import type { ByeReason } from "../../wire/constants.ts";
import type { LinkProof } from "../../wire/link-proof.ts";
import type { Accept, Beacon, Bye, Message, Refuse, StandDown } from "../../wire/messages.ts";
import { type Deadlines, isDue, soonest } from "../deadlines.ts";
import { byeOf } from "../handshake.ts";
import { freshNonce, tagOf } from "../identity.ts";
import { LinkGuard, rescuerMismatch } from "../link-guard.ts";
import type { HeardEvent, Role, RoleHost } from "../role.ts";
import { Callers } from "./callers.ts";
import { Offering } from "./offering.ts";
import { isAbout, Offers } from "./offers.ts";
import { RescuerAnnouncer, type RescuerOptions } from "./rescuer-announcer.ts";
import type { BlockWish, OfferedImage, RescuerEvent, RescuerLoss, RunPayload } from "./rescuer-events.ts";
import { keepBeacon, nodeIdOf, peerOf, type RescuerState } from "./rescuer-state.ts";
import { Serving } from "./serving.ts";

/** A board that was heard within this time is alive: another one on its wire is a wiring fault (PROTOCOL.md 6.2). */
const STRANGER_AFTER_MS = 2_000;

/**
 * What a rescuer waits for:
 * - `answer`: the beacon that answers a query.
 * - `query`, `choose`: while it listens, the next query; and the draw among several boards that call.
 * - `offer`, `offerEnd`: the offer is sent again; nobody accepted it in time.
 * - `silence`: the target was silent for too long. `progress`: a window ends in which enough has to have been asked for.
 */
type RescuerDeadline = "answer" | "query" | "choose" | "offer" | "offerEnd" | "silence" | "progress";

/** The rescuer: hears distress, offers one image, and serves what the target asks for (PROTOCOL.md 6.2). */
export class RescuerRole implements Role {
  readonly #host: RoleHost<RescuerEvent>;
  readonly #guard: LinkGuard;
  readonly #random: Random;
  readonly #nodeId: Uint8Array;
  readonly #announcer: RescuerAnnouncer;
  readonly #callers: Callers;
  readonly #offers: Offers = new Offers();
  #state: RescuerState = { tag: "listening" };

  constructor(now: Millis, host: RoleHost<RescuerEvent>, options: RescuerOptions) {
    this.#host = host;
    this.#guard = new LinkGuard(host.link.key, "rescuer");
    this.#random = options.random;
    this.#nodeId = options.nodeId;
    this.#announcer = new RescuerAnnouncer(now, host.link, options, this.#guard.isKeyed);
    this.#callers = new Callers(options.random);
  }

  get #serving(): Serving | undefined {
    return this.#state.tag === "serving" ? this.#state.serving : undefined;
  }

  handleLinkUp(now: Millis, isUp: boolean): void {
    if (isUp && this.#state.tag === "listening") this.#announcer.start(now);
  }

  handleDamage(now: Millis): void {
    if (this.#state.tag === "listening") this.#announcer.handleNoise(now);
  }

  handleInputEnd(): void {
    this.#serving?.dropDelivered();
  }

  handleHeard(now: Millis, event: HeardEvent): void {
    switch (event.tag) {
      case "message":
        this.#handleMessage(now, event.message, event.proof);
        return;
      case "chunk":
        return;
      case "foreignVersion":
        this.#host.emit({ tag: "refused", reason: "protocol", digest: undefined });
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
        if (equalBytes(message.nodeId, this.#nodeId)) this.#host.reportEcho();
        else this.#announcer.handleQuestion(now, this.#state.tag !== "serving");
        return;
      case "accept":
        if (this.#checkAnswer(now, message, proof)) this.#handleAccept(now, message, proof);
        return;
      case "refuse":
        if (this.#checkAnswer(now, message, proof)) this.#handleRefusal(now, message.reason, message.digest);
        return;
      case "standDown":
        if (this.#checkAnswer(now, message, proof)) this.#loseSession(now, "stood-down");
        return;
      case "bye":
        if (this.#checkAnswer(now, message, proof)) this.#loseSession(now, "bye");
        return;
      case "grant":
        this.#serving?.handleGrant(message);
        return;
      case "request":
        this.#serving?.handleRequest(message);
        return;
      case "busy":
        this.#serving?.handleBusy(now, message.forMs);
        return;
      case "done":
        this.#handleDone(message.digest);
        return;
      default:
        this.#host.reportEcho();
    }
  }

  #handleDistress(now: Millis, beacon: Beacon): void {
    this.#announcer.handleHeard();
    const state = this.#state;
    const offering = state.tag === "offering" ? state.offering : undefined;
    if (offering !== undefined && equalBytes(offering.beacon.bootNonce, beacon.bootNonce)) {
      offering.handleCallRepeat(now);
      return;
    }
    if (state.tag === "serving") {
      if (this.#checkStranger(now, beacon.nodeId, state.serving)) return;
      if (this.#guard.isKeyed) {
        state.serving.markDoubtful();
        return;
      }
      const isSameStart = equalBytes(state.serving.peer.targetNonce, beacon.bootNonce);
      this.#loseSession(now, isSameStart ? "silence" : "restarted");
    }
    // The same board restarted without answering. A call of another board only came later than the first.
    if (offering !== undefined && equalBytes(offering.beacon.nodeId, beacon.nodeId))
      this.#callers.noteRestart(now, beacon.nodeId);
    const kept = keepBeacon(beacon);
    this.#host.emit({ tag: "heard", beacon: kept });
    this.#pick(now, this.#callers.consider(now, kept));
  }

  #pick(now: Millis, beacon: Beacon | undefined): void {
    if (beacon === undefined) return;
    this.#host.link.endSession();
    this.#callers.forget();
    if (this.#state.tag === "offering") this.#offers.replace(this.#state.offering);
    const number = this.#host.nextSession();
    this.#state = { tag: "picking", number, beacon };
    const refused = this.#callers.refusedBy(now, beacon.bootNonce);
    this.#host.emit({ tag: "pick", session: number, beacon, refused });
  }

  /** Whether this is another board on the wire while the one we serve is alive: ignored, and reported as miswiring. */
  #checkStranger(now: Millis, nodeId: Uint8Array, { peer }: Serving): boolean {
    if (equalBytes(nodeId, peer.targetId) || now - this.#host.link.lastHeardAt > STRANGER_AFTER_MS)
      return false;
    this.#host.emit({ tag: "link", state: "two-nodes" });
    return true;
  }

  #handleBeacon(beacon: Beacon): void {
    if (equalBytes(beacon.nodeId, this.#nodeId)) {
      this.#host.reportEcho();
      return;
    }
    this.#announcer.handleHeard();
    const state = this.#state;
    this.#host.emit({ tag: "heard", beacon: keepBeacon(beacon) });
    // A beacon proves nothing: with a link key only a sealed DONE ends a session.
    if (state.tag !== "serving" || this.#guard.isKeyed) return;
    if (!equalBytes(beacon.nodeId, state.serving.peer.targetId)) return;
    const { digest } = state.serving.image;
    if (isInstalled(beacon, digest)) this.#handleDone(digest);
  }

  /** Completes `pick` with this number: the image to offer, or undefined when none suits. */
  handlePicked(now: Millis, session: number, image: OfferedImage | undefined): void {
    if (this.#state.tag !== "picking" || this.#state.number !== session) return;
    const { beacon } = this.#state;
    const refused = this.#callers.refusedBy(now, beacon.bootNonce);
    if (image === undefined || refused.some((digest) => equalBytes(digest, image.digest))) {
      this.#state = { tag: "listening" };
      return;
    }
    const offering = new Offering(now, beacon, image, this.#nodeId, freshNonce(this.#random));
    this.#state = { tag: "offering", offering };
    this.#host.emit({ tag: "offered", offer: offering.offer });
    this.handleTimeout(now);
  }

  #handleAccept(now: Millis, accept: Accept, proof: LinkProof | undefined): void {
    const state = this.#state;
    if (state.tag === "serving") state.serving.sendManifest();
    if (state.tag !== "offering") return;
    const accepted = this.#offers.acceptedBy(now, accept, state.offering);
    if (accepted === undefined) return;
    const { image, peer } = accepted;
    this.#offers.clear();
    const payloadMax = Math.min(accept.payloadMax, this.#guard.payloadMax);
    const seal = this.#guard.seal(peer, proof?.nonce);
    const sender = this.#host.link.startSending(now, tagOf(peer), payloadMax, seal);
    const serving = new Serving(now, this.#host, peer, image, sender, accept.openBlocks);
    this.#state = { tag: "serving", serving };
    this.#host.emit({ tag: "accepted", image, targetId: peer.targetId });
    serving.sendManifest();
  }

  #handleRefusal(now: Millis, reason: RefusalReason, digest: Uint8Array): void {
    const nonce = peerOf(this.#state)?.targetNonce;
    if (nonce !== undefined) this.#callers.noteRefusal(now, nonce, digest);
    if (this.#serving !== undefined) this.#callers.charge(now, this.#serving);
    this.#host.link.endSession();
    this.#state = { tag: "listening" };
    this.#host.emit({ tag: "refused", reason, digest: digest.slice() });
  }

  /** The session that an effect belongs to; undefined when the answer comes too late for it. */
  #servingOf(session: number): Serving | undefined {
    return this.#serving?.number === session ? this.#serving : undefined;
  }

  /** Completes `readBlock` of the session with this number. */
  handleBlockRead(session: number, wish: BlockWish, bytes: Uint8Array): void {
    this.#servingOf(session)?.addBlock(wish, bytes);
  }

  /** Completes `readRun`; undefined when the image has no such node. */
  handleRunRead(session: number, node: TreeNode, payload: RunPayload | undefined): void {
    if (payload !== undefined) this.#servingOf(session)?.addRun(node, payload);
  }

  #handleDone(digest: Uint8Array): void {
    const state = this.#state;
    const known = state.tag === "serving" ? state.serving.image.digest : undefined;
    const isOurs = state.tag === "healed" || (known !== undefined && equalBytes(known, digest));
    if (!isOurs) return;
    // The link's session stays until the next one, to acknowledge a repeated DONE.
    this.#host.link.send({ tag: "doneAck", digest });
    if (state.tag !== "serving") return;
    state.serving.dropAll();
    this.#callers.noteHealed(state.serving.peer.targetId);
    this.#state = { tag: "healed", digest: state.serving.image.digest };
    this.#host.emit({ tag: "healed", digest: state.serving.image.digest });
  }

  /**
   * Checks that this is about our offer or session, and proven if we have a link key. An unproven answer is counted and
   * makes the offer doubtful.
   */
  #checkAnswer(
    now: Millis,
    answer: Accept | Refuse | StandDown | Bye,
    proof: LinkProof | undefined,
  ): boolean {
    const state = this.#state;
    const peers = [peerOf(state), ...(answer.tag === "accept" ? this.#offers.peers : [])];
    const peer = peers.find((known) => isAbout(known, answer.rescuerNonce));
    if (peer === undefined) return false;
    if (!this.#guard.isKeyed || this.#guard.judge(peer, proof) === "good") return true;
    this.#host.link.counters.unauthenticFrames++;
    if (state.tag === "offering") state.offering.markDoubtful(now);
    return false;
  }

  #endOffer(now: Millis, { beacon, image, isDoubtful }: Offering): void {
    if (!isDoubtful) {
      this.#loseSession(now, "silence");
      return;
    }
    this.#state = { tag: "listening" };
    const mismatch = rescuerMismatch(beacon.wantsLinkKey === true);
    this.#host.emit({ tag: "refused", reason: "link-key", digest: image.digest, mismatch });
  }

  #loseSession(now: Millis, why: RescuerLoss): void {
    const nodeId = nodeIdOf(this.#state);
    const serving = this.#serving;
    if (serving !== undefined) this.#callers.charge(now, serving);
    if (nodeId !== undefined && this.#callers.noteLoss(now, nodeId, serving, why)) this.#announcer.start(now);
    this.#host.link.endSession();
    this.#state = { tag: "listening" };
    this.#host.emit({ tag: "sessionLost", why });
  }

  stop(reason: ByeReason): void {
    if (this.#state.tag === "serving") {
      const { peer } = this.#state.serving;
      this.#host.link.endSession();
      this.#host.link.send(byeOf(peer, reason), this.#guard.prove(peer));
    }
    // Once more: nobody will be here to answer a repeated DONE.
    if (this.#state.tag === "healed") this.#host.link.send({ tag: "doneAck", digest: this.#state.digest });
    this.#state = { tag: "stopped" };
  }

  #deadlines(): Deadlines<RescuerDeadline> {
    const state = this.#state;
    const isListening = state.tag === "listening" && this.#host.isUp;
    const offering = state.tag === "offering" ? state.offering : undefined;
    const serving = this.#serving;
    return {
      answer: this.#announcer.answerAt,
      query: isListening ? this.#announcer.queryAt : undefined,
      choose: isListening ? this.#callers.chooseAt : undefined,
      offer: offering?.repeatAt,
      offerEnd: offering?.endsAt,
      silence: serving?.silentAt,
      progress: serving?.progressEndsAt,
    };
  }

  handleTimeout(now: Millis): void {
    const state = this.#state;
    this.#announcer.sendDue(now, state.tag === "listening" && this.#host.isUp);
    if (state.tag === "offering") {
      const { offering } = state;
      if (offering.isOver(now)) this.#endOffer(now, offering);
      else if (offering.take(now)) this.#host.link.send(offering.offer, this.#guard.prove(offering.peer));
    } else if (state.tag === "serving" && isDue(state.serving.silentAt, now)) {
      this.#loseSession(now, state.serving.isDelivered ? "done-not-heard" : "silence");
      this.#announcer.start(now);
    } else if (state.tag === "serving" && state.serving.checkProgress(now) === "tooSlow") {
      this.#loseSession(now, "slow");
    }
    if (state.tag === "listening") this.#pick(now, this.#callers.take(now));
  }

  pollTimeout(): Millis | undefined {
    return soonest(this.#deadlines());
  }
}

function isInstalled(beacon: Beacon, digest: Uint8Array): boolean {
  return beacon.installedDigest !== undefined && equalBytes(beacon.installedDigest, digest);
}
