import { unreachable } from "../../base/assert.ts";
import { equalBytes } from "../../base/bytes.ts";
import type { BootFailure } from "../../base/refusal.ts";
import type { RunOutcome, TreeNode } from "../../base/tree-shape.ts";
import type { Millis } from "../../base/units.ts";
import type { ByeReason } from "../../wire/constants.ts";
import type { LinkProof } from "../../wire/link-proof.ts";
import { type Beacon, isCall, type Message, type Offer } from "../../wire/messages.ts";
import { keepBeacon } from "../beacon.ts";
import { type Deadlines, soonest } from "../deadlines.ts";
import { heardFrom } from "../heard-node.ts";
import { LinkGuard } from "../link-guard.ts";
import type { HeardEvent, Role, RoleHost } from "../role.ts";
import { EffectAnswers } from "./effect-answers.ts";
import type { FetchedImage } from "./fetched-image.ts";
import { ImageHold } from "./image-hold.ts";
import { OfferAnswers, type OfferVerdict, type ServingElsewhere } from "./offer-answers.ts";
import { PresentSession } from "./present-session.ts";
import { RateFollow } from "./rate-follow.ts";
import { Supersession } from "./supersession.ts";
import { Swarm } from "./swarm.ts";
import { TargetAnnouncer, type TargetOptions } from "./target-announcer.ts";
import type { BlockOutcome, ManifestOutcome, TargetEvent } from "./target-events.ts";
import { NO_SESSION, type SessionDeadline, type TargetSession } from "./target-session.ts";

/**
 * What a target waits for outside a session; inside one, see {@link SessionDeadline}.
 * - `supersede`: another node knocked during a session, which ends then if it stays silent.
 * - `call`: the next call, while nobody serves this board. `knock`: the next query into silence.
 * - `choose`: the time to hear several rescuers is over, and one is drawn.
 * - `rate`: a new rate of the line is not proven, or nothing came at it for too long.
 */
type TargetDeadline = "supersede" | "knock" | "call" | "choose" | "rate" | SessionDeadline;

/**
 * The target: calls for help, accepts one offer at a time, and runs a {@link TargetSession} with it (PROTOCOL.md 6.1). Each
 * message goes from here to the part that it is for: offers to {@link OfferAnswers}, questions to {@link TargetAnnouncer},
 * those of a session to the one that runs; {@link PresentSession} begins and ends that.
 */
export class TargetRole implements Role {
  readonly #host: RoleHost<TargetEvent>;
  readonly #guard: LinkGuard;
  readonly #announcer: TargetAnnouncer;
  readonly #offers: OfferAnswers;
  readonly #nodeId: Uint8Array;
  readonly #present: PresentSession;
  readonly #supersession: Supersession;
  readonly #answers: EffectAnswers;
  readonly #rate: RateFollow;

  constructor(now: Millis, host: RoleHost<TargetEvent>, options: TargetOptions) {
    this.#host = host;
    this.#guard = new LinkGuard(host.link.key, "target");
    this.#announcer = new TargetAnnouncer(now, host.link, options, this.#guard.isKeyed);
    const { random, start, status, hold = new ImageHold(), swarm = new Swarm() } = options;
    const { nodeId, receivingDigest } = status();
    // What its record says is being received is held to.
    hold.noteReceiving(now, receivingDigest);
    this.#nodeId = nodeId;
    const announcer = this.#announcer;
    const shared = { host, guard: this.#guard, hold, swarm };
    this.#offers = new OfferAnswers({ ...shared, random, start, calls: announcer.calls, nodeId });
    const present = new PresentSession({ ...shared, announcer, offers: this.#offers }, options);
    this.#present = present;
    const { isKeyed } = this.#guard;
    this.#supersession = new Supersession({ host, isKeyed, announcer, present });
    this.#rate = new RateFollow(host.link, (event) => host.emit(event));
    this.#answers = new EffectAnswers({ hold, status, present });
  }

  handleLinkUp(now: Millis, isUp: boolean): void {
    this.#offers.selection.forget();
    if (isUp && this.#isCalling) this.#announcer.start(now);
  }

  /** Whether a rescuer serves this board over this link. */
  get isServed(): boolean {
    return this.#session !== undefined;
  }

  get #session(): TargetSession | undefined {
    return this.#present.session;
  }

  get #isCalling(): boolean {
    return this.#present.isOpen;
  }

  /**
   * Another link serves this board now, or no longer does: sessions run at the same time only for one image (PROTOCOL.md 6.9).
   * `callsOnce`: says so at once, so that a rescuer on this link may bring a part.
   */
  setServedElsewhere(now: Millis, serving: ServingElsewhere | undefined, callsOnce = false): void {
    this.#offers.setServedElsewhere(serving);
    this.#announcer.setServedElsewhere(now, serving !== undefined);
    if (callsOnce) this.#announcer.callNow(now);
  }

  /** The session on another link changed what is left to ask for (PROTOCOL.md 6.9). Extra calls are harmless. */
  handleShared(now: Millis): void {
    this.#session?.handleShared(now);
  }

  /** Leaves its session, if it has one, for that of another link: held against nobody. */
  giveUp(now: Millis): void {
    this.#present.giveUp(now);
  }

  /** The image that this session and that of another link brought was committed there, and boots. */
  handleHealedElsewhere(now: Millis, digest: Uint8Array): void {
    this.#present.handleHealedElsewhere(now, digest);
  }

  handleInputEnd(): void {}

  handleHeard(now: Millis, event: HeardEvent): void {
    switch (event.tag) {
      case "message":
        this.#handleMessage(now, event.message, event.proof);
        return;
      case "chunk":
        this.#session?.handleChunk(now, event.chunk);
        return;
      case "damaged":
      case "changed":
        return;
      case "stale":
        // The rescuer of the last session still serves it.
        if (this.#isCalling) this.#announcer.handleQuestion(now);
        return;
      case "foreignVersion":
        this.#host.emit({
          tag: "refused",
          reason: "protocol",
          detail: `the neighbour speaks protocol version ${event.version}`,
        });
        return;
      default:
        unreachable(event);
    }
  }

  #handleMessage(now: Millis, message: Message, proof: LinkProof | undefined): void {
    switch (message.tag) {
      case "query":
        this.#handleQuestion(now, message.nodeId);
        return;
      case "offer":
      case "none":
        if (equalBytes(message.rescuerId, this.#nodeId)) this.#host.reportEcho();
        else if (message.tag === "offer") this.#handleOffer(now, message, proof);
        else if (this.#isCalling) this.#offers.handleNone(message);
        return;
      case "bye":
        this.#present.handleBye(now, message.rescuerNonce, proof);
        return;
      case "later":
        this.#session?.handleLater(now, message.forMs);
        return;
      case "have":
        this.#session?.handleHave(now, message.ranges);
        return;
      case "rate":
        if (this.#session !== undefined) this.#rate.handleRate(now, message);
        return;
      case "doneAck":
        this.#present.end(now, this.#session?.handleDoneAck(message.digest));
        return;
      case "beacon":
      case "distress":
        this.#handleBeacon(now, message);
        return;
      case "suspect":
      case "confirmed":
        this.#host.emit({ tag: "advice", advice: message, proof });
        return;
      default:
        this.#host.reportEcho();
    }
  }

  #handleBeacon(now: Millis, beacon: Beacon): void {
    if (!equalBytes(beacon.nodeId, this.#nodeId))
      this.#host.emit({ tag: "heard", who: heardFrom(beacon), beacon: keepBeacon(beacon) });
    // Two boards that call do not answer each other without end. One that is served may hand on what it receives.
    const mayHandOn =
      beacon.tag === "distress" && beacon.isServed === true && !this.#announcer.isServedElsewhere;
    if (!isCall(beacon) || mayHandOn) this.#handleQuestion(now, beacon.nodeId);
    else if (equalBytes(beacon.nodeId, this.#nodeId)) this.#host.reportEcho();
  }

  /** Another node asks who is there, or answered our query: in both cases it holds no session with us. */
  #handleQuestion(now: Millis, nodeId: Uint8Array): void {
    if (equalBytes(nodeId, this.#nodeId) || this.#announcer.isOwnQuery(nodeId)) this.#host.reportEcho();
    else if (this.#isCalling) this.#announcer.handleQuestion(now);
    else this.#supersession.handleQuestion(now);
  }

  #handleOffer(now: Millis, offer: Offer, proof: LinkProof | undefined): void {
    const isSilent = this.#supersession.isSilent(now);
    const moment = { session: this.#session, isCalling: this.#isCalling, isSilent };
    this.#obey(now, this.#offers.handle(now, offer, proof, moment));
  }

  #obey(now: Millis, verdict: OfferVerdict): void {
    switch (verdict.tag) {
      case "accept":
        this.#present.begin(now, verdict);
        this.#rate.beginSession();
        this.handleTimeout(now);
        return;
      case "repeat":
        this.#session?.handleOfferRepeat(now);
        return;
      case "done":
        this.#announcer.answerHealed(now);
        return;
      case "knock":
        this.#supersession.consider(now);
        return;
      case "renewed":
        if (this.#isCalling) this.#announcer.handleQuestion(now);
        return;
      case "nothing":
        return;
    }
  }

  /** Whether the session with this number, which its effects carry, still runs: else they need not be carried out. */
  holds(number: number): boolean {
    return this.#present.of(number) !== undefined;
  }

  /** Completes `checkManifest` of the session with this number. */
  handleManifestChecked(now: Millis, session: number, outcome: ManifestOutcome): void {
    this.#answers.manifestChecked(now, session, outcome);
  }

  /** Completes `checkRun`. */
  handleRunChecked(now: Millis, session: number, node: TreeNode, outcome: RunOutcome): void {
    this.#answers.runChecked(now, session, node, outcome);
  }

  /** Answers `locator` of the session with this number: its image was fetched, and is known to be right. */
  handleFetched(now: Millis, session: number, image: FetchedImage): void {
    this.#present.of(session)?.handleFetched(now, image);
  }

  /** Completes `writeBlock`. */
  handleBlockWritten(now: Millis, session: number, block: number, outcome: BlockOutcome): void {
    this.#answers.blockWritten(now, session, block, outcome);
  }

  /** Completes `commit`: the boot decision after the root was read back from flash. */
  handleCommitted(now: Millis, session: number, failure: BootFailure | undefined): void {
    this.#answers.committed(now, session, failure);
  }

  stop(reason: ByeReason): void {
    this.#present.stop(reason);
  }

  #deadlines(): Deadlines<TargetDeadline> {
    const isAnnouncing = this.#isCalling && this.#host.isUp;
    const announcer = isAnnouncing ? this.#announcer : undefined;
    const { chooseAt } = this.#offers.selection;
    return {
      supersede: this.#supersession.checkAt,
      knock: chooseAt === undefined ? this.#supersession.knockAt : undefined,
      call: chooseAt === undefined ? announcer?.callAt : undefined,
      choose: isAnnouncing ? chooseAt : undefined,
      rate: this.#rate.nextAt(this.#session),
      ...(this.#session?.deadlines() ?? NO_SESSION),
    };
  }

  handleTimeout(now: Millis): void {
    this.#supersession.handleTimeout(now);
    if (this.#session !== undefined) {
      this.#supersession.knock(now);
      this.#present.end(now, this.#session.handleTimeout(now));
    } else if (!this.#present.isStopped) {
      // While others are heard before one is drawn, a further call would only bring further offers of who answers most.
      const isChoosing = this.#offers.selection.chooseAt !== undefined;
      if (this.#host.isUp && !isChoosing) this.#announcer.sendDue(now);
      this.#obey(now, this.#offers.takeDrawn(now));
    }
    this.#rate.handleTimeout(now, this.#session);
  }

  pollTimeout(): Millis | undefined {
    return soonest(this.#deadlines());
  }
}
