import { unreachable } from "../../base/assert.ts";
import { equalBytes } from "../../base/bytes.ts";
import type { BlockRange, RunPayload, TreeNode } from "../../base/tree-shape.ts";
import type { Millis } from "../../base/units.ts";
import type { ByeReason } from "../../wire/constants.ts";
import type { LinkProof } from "../../wire/link-proof.ts";
import { isTargetControl } from "../../wire/message-codec.ts";
import { isBeacon, type Message, type NoneReason, type Offer } from "../../wire/messages.ts";
import type { BlockCoder } from "../codecs.ts";
import { type Deadlines, soonest } from "../deadlines.ts";
import { identityOf, keepOffer, RETRY_AFTER_MS, refuseOf, standDownOf } from "../handshake.ts";
import { LinkGuard } from "../link-guard.ts";
import type { HeardEvent, Role, RoleHost } from "../role.ts";
import { Callers } from "./callers.ts";
import { type Answer, Handshaking } from "./handshaking.ts";
import { HeardBeacons } from "./heard-beacons.ts";
import { InlinePush } from "./inline-push.ts";
import { RescuerAnnouncer, type RescuerOptions } from "./rescuer-announcer.ts";
import type { BlockWish, OfferedImage, RescuerEvent } from "./rescuer-events.ts";
import { ServedBoard, type ServedDeadline } from "./served-board.ts";
import type { Serving } from "./serving.ts";

/** What a rescuer waits for, beside what its handshake and its served board do: an answer to a query, saying the status unasked. */
type RescuerDeadline = "answer" | "announce" | ServedDeadline;

/**
 * The rescuer: hears distress, offers one image, and serves what the target asks for (PROTOCOL.md 6.2). Each message goes from
 * here to the part that it is for: beacons to {@link HeardBeacons}, answers to {@link Handshaking} before a session and to
 * {@link ServedBoard} in one, questions to {@link RescuerAnnouncer}.
 */
export class RescuerRole implements Role {
  readonly #host: RoleHost<RescuerEvent>;
  readonly #guard: LinkGuard;
  readonly #nodeId: Uint8Array;
  readonly #bootNonce: Uint8Array;
  /** What is sent behind an offer, before its accept. */
  readonly #push: InlinePush;
  readonly #announcer: RescuerAnnouncer;
  readonly #callers: Callers;
  readonly #handshaking: Handshaking;
  readonly #served: ServedBoard;
  readonly #beacons: HeardBeacons;

  constructor(now: Millis, host: RoleHost<RescuerEvent>, options: RescuerOptions) {
    this.#host = host;
    this.#guard = new LinkGuard(host.link.key, "rescuer");
    this.#nodeId = options.nodeId;
    this.#bootNonce = options.bootNonce;
    this.#announcer = new RescuerAnnouncer(host.link, options, this.#guard.isKeyed);
    host.link.foreign.muting.setOn(now, true);
    this.#callers = options.callers ?? new Callers(options.random);
    this.#push = new InlinePush(host, this.#callers, options.isEager === true && !this.#guard.isKeyed);
    const parts = { host, guard: this.#guard, callers: this.#callers };
    const { random, nodeId, handsOut = false } = options;
    const served = new ServedBoard({ ...parts, push: this.#push });
    const handshaking = new Handshaking({ ...parts, random, nodeId, onPick: () => served.reopen() });
    this.#served = served;
    this.#handshaking = handshaking;
    this.#beacons = new HeardBeacons({ host, guard: this.#guard, nodeId, handsOut, served, handshaking });
  }

  /** A board is served, or about to be: an image is picked for it or offered to it. */
  get isEngaged(): boolean {
    return this.#serving !== undefined || !this.#handshaking.isIdle;
  }

  /** A board accepted an offer, and is sent the image. */
  get isSending(): boolean {
    return this.#serving !== undefined;
  }

  /** An image was offered to a board, or is sent to it. */
  get isServing(): boolean {
    return this.#serving !== undefined || this.#handshaking.hasOffer;
  }

  /** Says the node's status once the line allows it. */
  announce(now: Millis): void {
    this.#announcer.announce("status");
    this.handleTimeout(now);
  }

  /** Asks who is there once the line allows it. Only for a node that its user told to: others stay silent until they hear somebody. */
  ask(now: Millis): void {
    this.#announcer.announce("query");
    this.handleTimeout(now);
  }

  /**
   * Says no to an offer that the node's own board did not call for: it wants no update, or `servedBy` serves it. With a link key
   * that cannot be proven, and is not said.
   */
  decline(offer: Offer, why: "healthy" | "served", servedBy?: Uint8Array): void {
    if (this.#guard.isKeyed) return;
    const peer = identityOf(offer, this.#nodeId, undefined);
    const isServed = why === "served" && servedBy !== undefined;
    this.#host.link.send(isServed ? standDownOf(peer, servedBy, RETRY_AFTER_MS) : refuseOf(peer, "healthy"));
  }

  get #serving(): Serving | undefined {
    return this.#served.serving;
  }

  /** Says nothing when the link comes up: it speaks only to whom it heard. */
  handleLinkUp(now: Millis): void {
    this.#host.link.foreign.muting.setOn(now, true);
  }

  handleInputEnd(): void {
    this.#serving?.dropDelivered();
  }

  handleHeard(now: Millis, event: HeardEvent): void {
    switch (event.tag) {
      case "message":
        this.#announcer.noteMessage();
        if (isBeacon(event.message)) this.#beacons.handle(now, event.message, event.covered);
        else this.#handleMessage(now, event.message, event.proof);
        this.#push.check(now, this.#handshaking.present);
        return;
      case "damaged":
        if (this.#serving === undefined) this.#handshaking.handleDamage(now);
        return;
      case "changed":
        // It may be a board that calls, and can learn of the line only from what it hears.
        if (this.#serving === undefined) this.#announcer.announceChange(now);
        return;
      case "chunk":
      case "stale":
        return;
      case "foreignVersion":
        this.#host.emit({
          tag: "refused",
          reason: "protocol",
          digest: undefined,
          targetId: undefined,
          isProven: false,
        });
        return;
      default:
        unreachable(event);
    }
  }

  #handleMessage(now: Millis, message: Message, proof: LinkProof | undefined): void {
    // A frame of a session whose accept did not come: if its image is pushed, its target took the offer.
    if (this.#push.accept !== undefined && isTargetControl(message))
      this.#handleAnswer(now, this.#push.accept, undefined);
    switch (message.tag) {
      case "query":
        if (this.#announcer.isOwnQuery(message.nodeId)) this.#host.reportEcho();
        else this.#handleQuestion(now);
        return;
      case "accept":
      case "refuse":
      case "standDown":
      case "bye":
      case "defer":
        this.#handleAnswer(now, message, proof);
        return;
      case "offer":
        this.#handleOffer(message);
        return;
      case "none":
        if (equalBytes(message.rescuerId, this.#nodeId)) this.#host.reportEcho();
        return;
      case "suspect":
      case "confirmed":
        this.#host.emit({ tag: "advice", advice: message, proof });
        return;
      case "grant":
        this.#serving?.handleGrant(now, message);
        return;
      case "request":
        this.#serving?.handleRequest(now, message);
        return;
      case "busy":
        this.#serving?.handleBusy(now, message.forMs);
        return;
      case "done":
        this.#served.handleDone(now, message.digest);
        return;
      case "rateOk":
        this.#serving?.handleRateOk(now, message);
        return;
      default:
        this.#host.reportEcho();
    }
  }

  /** Somebody asks who is there: answered at once in every state. */
  #handleQuestion(now: Millis): void {
    this.#announcer.handleQuestion(now);
    this.#handshaking.handleQuestion(now);
  }

  /** Another rescuer has an image for this node's own board: its owner decides whether the board asks for it. */
  #handleOffer(offer: Offer): void {
    if (equalBytes(offer.rescuerId, this.#nodeId)) this.#host.reportEcho();
    else if (equalBytes(offer.targetNonce, this.#bootNonce))
      this.#host.emit({ tag: "invited", offer: keepOffer(offer) });
  }

  /** Completes `pick` with this number: the image to offer, or undefined when none suits; `why` is told to the board. */
  handlePicked(now: Millis, session: number, image: OfferedImage | undefined, why?: NoneReason): void {
    this.#handshaking.handlePicked(now, session, image, why);
    this.#push.check(now, this.#handshaking.present);
    if (this.#served.isOpen) this.#push.begin(now, this.#handshaking.present);
    this.handleTimeout(now);
  }

  /** An answer to an offer, or the end of a session, if it is about ours and proven. */
  #handleAnswer(now: Millis, answer: Answer, proof: LinkProof | undefined): void {
    const peer = this.#serving?.peer;
    if (peer === undefined) {
      const offering = this.#handshaking.handleAnswer(now, answer, proof);
      if (offering !== undefined && answer.tag === "accept") this.#served.serve(now, answer, proof, offering);
    } else if (
      equalBytes(peer.rescuerNonce, answer.rescuerNonce) &&
      this.#handshaking.checkProof(peer, proof)
    )
      this.#served.handleAnswer(now, answer, this.#handshaking);
  }

  /** Completes `readBlock` of the session with this number. `coder`: makes coded blocks, if there is who can. */
  handleBlockRead(
    now: Millis,
    session: number,
    wish: BlockWish,
    bytes: Uint8Array,
    coder?: BlockCoder,
  ): void {
    this.#served.of(session)?.addBlock(now, wish, bytes, coder);
  }

  /** Completes `readRun`; undefined when the image has no such node. */
  handleRunRead(now: Millis, session: number, node: TreeNode, payload: RunPayload | undefined): void {
    this.#served.of(session)?.addRun(now, node, payload);
  }

  /**
   * More is there of an image that is still being received, one block or more: what its target wants, and was not there, is
   * to be read again. An effect that cannot be answered yet need not be.
   */
  handleGrown(block?: number): void {
    this.#serving?.readAgain(block);
  }

  /** These blocks are there, of an image that is still being received: the target of this session is told in time (PROTOCOL.md 5.21). */
  handleHeld(now: Millis, ranges: readonly BlockRange[]): void {
    this.#serving?.noteHeld(ranges);
    this.#serving?.sendDue(now);
  }

  /** The image of the session with this number cannot be read any more: the session ends, and the board is told. */
  handleUnreadable(now: Millis, session: number): void {
    this.#served.handleUnreadable(now, session);
  }

  stop(reason: ByeReason): void {
    this.#served.stop(reason);
    this.#handshaking.clear();
  }

  #deadlines(): Deadlines<RescuerDeadline> {
    return {
      answer: this.#host.isUp ? this.#announcer.answerAt : undefined,
      announce: this.#host.isUp && this.#serving === undefined ? this.#announcer.announceAt : undefined,
      ...this.#served.deadlines(),
    };
  }

  handleTimeout(now: Millis): void {
    const isServing = this.#serving !== undefined;
    if (this.#host.isUp) this.#announcer.sendDue(now, isServing);
    if (!isServing && !this.#served.isStopped) this.#handshaking.handleTimeout(now);
    this.#served.handleTimeout(now);
    this.#push.check(now, this.#handshaking.present);
  }

  pollTimeout(): Millis | undefined {
    const ownAt = soonest(this.#deadlines());
    // A session runs undisturbed by what was offered or picked before it.
    if (this.#serving !== undefined) return ownAt;
    const handshakeAt = soonest(this.#handshaking.deadlines(this.#host.isUp));
    if (ownAt === undefined || handshakeAt === undefined) return ownAt ?? handshakeAt;
    return Math.min(ownAt, handshakeAt);
  }
}
