import { unreachable } from "../../base/assert.ts";
import { equalBytes } from "../../base/bytes.ts";
import type { BootFailure, RefusalReason } from "../../base/refusal.ts";
import type { RunOutcome, TreeNode } from "../../base/tree-shape.ts";
import type { Millis } from "../../base/units.ts";
import { ByeReason } from "../../wire/constants.ts";
import type { LinkProof } from "../../wire/link-proof.ts";
import { type Beacon, isCall, type Message, type None, type Offer } from "../../wire/messages.ts";
import { keepBeacon, type NodeStatus } from "../beacon.ts";
import { type Deadlines, soonest } from "../deadlines.ts";
import { byeOf, deferOf, refuseOf } from "../handshake.ts";
import { heardFrom } from "../heard-node.ts";
import { type SessionIdentity, tagOf } from "../identity.ts";
import { LinkGuard } from "../link-guard.ts";
import type { HeardEvent, Role, RoleHost } from "../role.ts";
import { EffectAnswers } from "./effect-answers.ts";
import type { FetchedImage } from "./fetched-image.ts";
import { ImageHold } from "./image-hold.ts";
import { type JudgedOffer, OfferAnswers, type OfferVerdict, type ServingElsewhere } from "./offer-answers.ts";
import { RateFollow } from "./rate-follow.ts";
import { Supersession } from "./supersession.ts";
import { Swarm } from "./swarm.ts";
import { TargetAnnouncer, type TargetOptions } from "./target-announcer.ts";
import type { BlockOutcome, ManifestOutcome, SessionLoss, TargetEvent } from "./target-events.ts";
import {
  NO_SESSION,
  type SessionDeadline,
  type SessionEnd,
  type SessionOptions,
  TargetSession,
} from "./target-session.ts";
import type { TargetStart } from "./target-start.ts";

/**
 * What a target waits for outside a session; inside one, see {@link SessionDeadline}.
 * - `supersede`: another node knocked during a session, which ends then if it stays silent.
 * - `call`: the next call, while nobody serves this board. `knock`: the next query into silence.
 * - `choose`: the time to hear several rescuers is over, and one is drawn.
 * - `rate`: a new rate of the line is not proven, or nothing came at it for too long.
 */
type TargetDeadline = "supersede" | "knock" | "call" | "choose" | "rate" | SessionDeadline;

/**
 * The target: calls for help, accepts one offer at a time, and runs a {@link TargetSession} with it; decides which offers
 * are stood down, and when a session gives way to another (PROTOCOL.md 6.1).
 */
export class TargetRole implements Role {
  readonly #host: RoleHost<TargetEvent>;
  readonly #guard: LinkGuard;
  readonly #start: TargetStart;
  readonly #announcer: TargetAnnouncer;
  readonly #offers: OfferAnswers;
  readonly #hold: ImageHold;
  readonly #swarm: Swarm;
  readonly #nodeId: Uint8Array;
  #session: TargetSession | undefined;
  /** The board is healed, or its owner stopped this role: no more calls. */
  #isStopped = false;
  /** Calls although it boots. */
  readonly #isForced: boolean;
  readonly #sessionOptions: SessionOptions;
  /** A commit of a session that was over by then made the board boot. */
  #isHealed = false;
  readonly #supersession: Supersession;
  readonly #answers: EffectAnswers;
  readonly #rate: RateFollow;

  constructor(now: Millis, host: RoleHost<TargetEvent>, options: TargetOptions) {
    this.#host = host;
    this.#guard = new LinkGuard(host.link.key, "target");
    this.#start = options.start;
    this.#isForced = (options.cause ?? "help") !== "help";
    const { isDeafWhileWriting = false, limits = {}, swarm = new Swarm(), takesLocators = false } = options;
    this.#swarm = swarm;
    const inlineBytes = this.#guard.isKeyed ? 0 : (limits.inlineBytes ?? 0);
    this.#sessionOptions = { isDeafWhileWriting, limits, swarm, inlineBytes, takesLocators };
    this.#announcer = new TargetAnnouncer(now, host.link, options, this.#guard.isKeyed);
    const { random, start, hold = new ImageHold() } = options;
    this.#hold = hold;
    const { nodeId } = this.#noteStatus(now);
    this.#nodeId = nodeId;
    const { calls } = this.#announcer;
    const parts = { host, guard: this.#guard, random, start, calls, hold, swarm, nodeId };
    this.#offers = new OfferAnswers(parts);
    this.#supersession = new Supersession(host.link);
    this.#rate = new RateFollow(host.link, (event) => host.emit(event));
    this.#answers = new EffectAnswers({
      hold,
      noteStatus: (at) => void this.#noteStatus(at),
      sessionOf: (number) => this.#sessionOf(number),
      onEnd: (at, end) => this.#end(at, end),
    });
  }

  handleLinkUp(now: Millis, isUp: boolean): void {
    this.#offers.selection.forget();
    if (isUp && this.#isCalling) this.#announcer.start(now);
  }

  /** Whether a rescuer serves this board over this link. */
  get isServed(): boolean {
    return this.#session !== undefined;
  }

  get #isCalling(): boolean {
    return this.#session === undefined && !this.#isStopped;
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
    const peer = this.#session?.peer;
    if (peer === undefined) return;
    this.#host.link.send(byeOf(peer, ByeReason.stopped), this.#guard.prove(peer));
    this.#loseSession(now, "bye");
  }

  /** The image that this session and that of another link brought was committed there, and boots. */
  handleHealedElsewhere(now: Millis, digest: Uint8Array): void {
    const session = this.#session;
    if (session === undefined || session.isDone || !equalBytes(session.peer.digest, digest)) return;
    const end = session.handleHealedElsewhere(now);
    // Nothing of it came over this link yet.
    if (!session.isDone)
      this.#host.link.send(byeOf(session.peer, ByeReason.stopped), this.#guard.prove(session.peer));
    this.#end(now, end);
  }

  /** The board worked: what its record says is being received is held to. */
  #noteStatus(now: Millis): NodeStatus {
    const { status } = this.#announcer;
    this.#hold.noteReceiving(now, status.receivingDigest);
    return status;
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
        this.#emitRefused("protocol", `the neighbour speaks protocol version ${event.version}`);
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
        if (equalBytes(message.rescuerId, this.#nodeId)) this.#host.reportEcho();
        else this.#handleOffer(now, message, proof);
        return;
      case "bye":
        if (this.#session?.isOf(message.rescuerNonce)) this.#handleBye(now, this.#session, proof);
        return;
      case "none":
        if (equalBytes(message.rescuerId, this.#nodeId)) this.#host.reportEcho();
        else this.#handleNone(message);
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
        this.#end(now, this.#session?.handleDoneAck(message.digest));
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
    else if (this.#session?.isDone) this.#announcer.answerHealed(now);
    else if (!this.#guard.isKeyed) this.#considerSupersession(now);
    // A query proves nothing: a session with a link key continues until a proven offer supersedes it, or its lease ends.
    else if (this.#session !== undefined && this.#supersession.isSilent(now, this.#session))
      this.#announcer.answerInSession(now);
  }

  /** Advice: it changes nothing here. */
  #handleNone({ reason, rescuerId, targetNonce }: None): void {
    if (!this.#isCalling || !equalBytes(targetNonce, this.#start.bootNonce)) return;
    this.#host.emit({ tag: "none", reason, rescuerId: rescuerId.slice() });
  }

  #handleBye(now: Millis, session: TargetSession, proof: LinkProof | undefined): void {
    const verdict = this.#guard.judge(session.peer, proof);
    if (this.#guard.isKeyed && verdict !== "good") this.#host.link.counters.unauthenticFrames++;
    else this.#end(now, session.handleBye());
  }

  #handleOffer(now: Millis, offer: Offer, proof: LinkProof | undefined): void {
    const session = this.#session;
    const isSilent = session !== undefined && this.#supersession.isSilent(now, session);
    const moment = { session, isCalling: this.#isCalling, isSilent };
    this.#obey(now, this.#offers.handle(now, offer, proof, moment));
  }

  #obey(now: Millis, verdict: OfferVerdict): void {
    switch (verdict.tag) {
      case "accept":
        this.#accept(now, verdict);
        return;
      case "repeat":
        this.#session?.handleOfferRepeat(now);
        return;
      case "done":
        this.#announcer.answerHealed(now);
        return;
      case "knock":
        this.#considerSupersession(now);
        return;
      case "renewed":
        if (this.#isCalling) this.#announcer.handleQuestion(now);
        return;
      case "nothing":
        return;
    }
  }

  #accept(now: Millis, { offer, peer: offered }: JudgedOffer): void {
    if (this.#session !== undefined) {
      this.#host.emit({ tag: "sessionLost", why: "superseded" });
      this.#endHold(false, false);
    }
    this.#strike(now, "superseded");
    const acceptNonce = this.#guard.isKeyed ? this.#start.acceptNonce() : undefined;
    const peer: SessionIdentity = { ...offered, acceptNonce };
    this.#offers.selection.forget();
    this.#host.link.startReceiving(now, tagOf(peer), this.#guard.seal(peer, acceptNonce));
    this.#announcer.handleServed();
    this.#supersession.clear();
    this.#rate.beginSession();
    const says = {
      sayBeacon: (): void => this.#announcer.sendBeacon(),
      askSilent: (at: Millis): void => this.#announcer.askSilent(at),
    };
    // What others receive already is not asked for twice.
    const isJoining = this.#offers.isServedWith(offer.digest);
    const asks = isJoining ? undefined : this.#announcer.asksFor(offer);
    const [host, guard, options] = [this.#host, this.#guard, { ...this.#sessionOptions, isJoining }];
    this.#session = new TargetSession(now, peer, offer, asks, host, guard, says, options);
    this.#host.emit({ tag: "offered", offer });
    this.handleTimeout(now);
  }

  /** Whether the session with this number, which its effects carry, still runs: else they need not be carried out. */
  holds(number: number): boolean {
    return this.#sessionOf(number) !== undefined;
  }

  /** The session that an effect belongs to; undefined when the answer comes too late for it. */
  #sessionOf(number: number): TargetSession | undefined {
    return this.#session?.number === number ? this.#session : undefined;
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
    this.#sessionOf(session)?.handleFetched(now, image);
  }

  /** Completes `writeBlock`. */
  handleBlockWritten(now: Millis, session: number, block: number, outcome: BlockOutcome): void {
    this.#answers.blockWritten(now, session, block, outcome);
  }

  /** Completes `commit`: the boot decision after the root was read back from flash. */
  handleCommitted(now: Millis, session: number, failure: BootFailure | undefined): void {
    const isInTime = this.#answers.committed(now, session, failure);
    if (!isInTime && failure === undefined) this.#handleLateCommit();
    // Others who knocked get beacons now: this session ends as healed, whether DONE is heard or not.
    if (this.#session?.isDone) this.#supersession.clear();
  }

  /**
   * The board boots although the session that healed it was lost meanwhile. It has nothing to call for, and refuses what
   * another session brings, unless it was asked to call.
   */
  #handleLateCommit(): void {
    if (this.#isStopped) return;
    if (this.#session === undefined) this.#finish(false);
    else this.#isHealed = !this.#isForced;
  }

  #end(now: Millis, end: SessionEnd | undefined): void {
    if (end?.tag === "lost") this.#loseSession(now, end.why);
    else if (end?.tag === "finished") this.#finish(end.isHeard);
    else if (end !== undefined) this.#turnDown(now, end);
  }

  #loseSession(now: Millis, why: SessionLoss): void {
    this.#strike(now, why);
    this.#swarm.noteEnd(now, this.#host.link, this.#session?.isFruitless === true);
    this.#host.link.endSession();
    this.#endHold(why === "lease" || why === "slow" || why === "damaged", why === "not-bootable");
    this.#session = undefined;
    this.#supersession.clear();
    // On slow lines a lease may end before three waits have passed.
    this.#announcer.handleLost(now, why === "lease" || why === "superseded");
    this.#host.emit({ tag: "sessionLost", why });
    if (this.#isHealed) this.#finish(false);
  }

  /** Who does not know that a session can be deferred hears the bye behind it. */
  #turnDown(now: Millis, end: Extract<SessionEnd, { tag: "refused" | "deferred" }>): void {
    const peer = this.#session?.peer;
    if (peer === undefined) return;
    const { link } = this.#host;
    const { digest, rescuerId } = peer;
    const prove = this.#guard.prove(peer);
    const isFlash = end.tag === "refused" && end.reason === "flash";
    link.endSession();
    if (end.tag === "refused") {
      link.send(refuseOf(peer, end.reason), prove);
      this.#emitRefused(end.reason, end.detail, rescuerId);
      if (!isFlash) this.#offers.selection.strike(now, rescuerId);
    } else {
      const { deferral } = end;
      link.send(deferOf(peer, deferral.reason, deferral.forMs), prove);
      link.send(byeOf(peer, ByeReason.stopped), prove);
      this.#host.emit({ tag: "deferred", deferral, digest, rescuerId });
    }
    this.#swarm.noteEnd(now, link, true);
    this.#endHold(false, isFlash);
    this.#session = undefined;
    this.#announcer.handleRefused(now);
    if (this.#isHealed) this.#finish(false);
  }

  /** The session ends. `isWorthless`: it has served nothing; `isFailed`: its image cannot heal this board. */
  #endHold(isWorthless: boolean, isFailed: boolean): void {
    const peer = this.#session?.peer;
    if (peer === undefined) return;
    this.#session?.leave();
    this.#hold.noteSessionEnd(peer, isWorthless);
    if (isFailed) this.#hold.release(peer.digest);
  }

  #emitRefused(reason: RefusalReason, detail: string, rescuerId?: Uint8Array): void {
    this.#host.emit({ tag: "refused", reason, detail, ...(rescuerId && { rescuerId }) });
  }

  #finish(isHeard: boolean): void {
    this.#endHold(false, false);
    // Without a session there may be a last word of the one before on its way, a refusal for instance.
    if (this.#session !== undefined) this.#host.link.endSession();
    this.#session = undefined;
    this.#isStopped = true;
    this.#host.emit({ tag: "finished", isHeard });
  }

  stop(reason: ByeReason): void {
    const peer = this.#session?.peer;
    if (peer !== undefined) {
      this.#host.link.endSession();
      this.#host.link.send(byeOf(peer, reason), this.#guard.prove(peer));
    }
    this.#endHold(false, false);
    this.#session = undefined;
    this.#isStopped = true;
  }

  #considerSupersession(now: Millis): void {
    if (this.#session === undefined) return;
    if (this.#supersession.isSilent(now, this.#session)) {
      this.#loseSession(now, "superseded");
      this.#announcer.handleQuestion(now);
    } else this.#supersession.schedule(now);
  }

  /** A bye, which anybody on the wire can say, is held against nobody; nor is a line that failed after a good start. */
  #strike(now: Millis, why: SessionLoss): void {
    const session = this.#session;
    if (session === undefined) return;
    const isCertain = why === "damaged" || why === "slow";
    const isFruitless = (why === "lease" || why === "superseded") && !session.isOnPace(now);
    if (isCertain || isFruitless) this.#offers.selection.strike(now, session.peer.rescuerId, isCertain);
  }

  #deadlines(): Deadlines<TargetDeadline> {
    const isAnnouncing = this.#isCalling && this.#host.isUp;
    const announcer = isAnnouncing ? this.#announcer : undefined;
    const { chooseAt } = this.#offers.selection;
    return {
      supersede: this.#supersession.checkAt,
      knock: chooseAt === undefined ? this.#knockAt : undefined,
      call: chooseAt === undefined ? announcer?.callAt : undefined,
      choose: isAnnouncing ? chooseAt : undefined,
      rate: this.#rate.nextAt(this.#session),
      ...(this.#session?.deadlines() ?? NO_SESSION),
    };
  }

  get #knockAt(): Millis | undefined {
    if (!this.#host.isUp || this.#isStopped) return undefined;
    return this.#supersession.knockAt(this.#session, this.#announcer);
  }

  handleTimeout(now: Millis): void {
    if (this.#supersession.takeCheck(now, this.#session)) this.#considerSupersession(now);
    if (this.#session !== undefined) {
      if (this.#host.isUp) this.#supersession.knock(now, this.#session, this.#announcer);
      this.#end(now, this.#session.handleTimeout(now));
    } else if (!this.#isStopped) {
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
