import { equalBytes } from "../../base/bytes.ts";
import type { Random } from "../../base/prng.ts";
import type { Millis } from "../../base/units.ts";
import type { Link } from "../../link/link.ts";
import { encodeDelimited } from "../../wire/cobs.ts";
import { CRC_LENGTH, WireLimit } from "../../wire/constants.ts";
import { encodeMessage } from "../../wire/frame.ts";
import type { AcceptAsks, Beacon, Offer } from "../../wire/messages.ts";
import { AnswerTimer } from "../answer-timer.ts";
import { beaconOf, type CallCause, type NodeStatus } from "../beacon.ts";
import { SentCalls } from "../call-digest.ts";
import { HarmlessQueries } from "../harmless-query.ts";
import { CallTimer } from "./call-timer.ts";
import type { ImageHold } from "./image-hold.ts";
import { Knocking, QUERY_BYTES } from "./knocking.ts";
import type { Swarm } from "./swarm.ts";
import { asksWithin, type TargetLimits } from "./target-limits.ts";
import type { TargetStart } from "./target-start.ts";

/** What an announcer needs to know of its node. */
export interface TargetOptions {
  readonly random: Random;
  /** The board's status now: asked for whenever a beacon is sent, and after each effect. */
  readonly status: () => NodeStatus;
  /**
   * Whether the flash holds nothing where an image goes, by a look at every byte; asked for each session. Never unless
   * given.
   */
  readonly isBlank?: () => boolean;
  /** Which image the board holds to: one object for all its links. */
  readonly hold?: ImageHold;
  /** What its sessions share: one object for all its links. */
  readonly swarm?: Swarm;
  /** The same for all links of the node, from its start to its end. */
  readonly start: TargetStart;
  /** Why it calls; for help unless given. */
  readonly cause?: CallCause;
  /**
   * The board hears nothing while it erases or programs: its blocks are written together, when nothing more is on its way,
   * and the rescuer is told to wait (PROTOCOL.md 5.9). False unless given: the transport keeps what arrives meanwhile.
   */
  readonly isDeafWhileWriting?: boolean;
  /**
   * It listens for 1.5 s when a link comes up, unless a node is heard, and then calls: for boards that start with their
   * neighbours, which count down. It calls at once unless given.
   */
  readonly listensFirst?: boolean;
  /** It calls nobody known with plain distress, as a target does that has no room for drawing (PROTOCOL.md 2.4). */
  readonly callsPlainly?: boolean;
  /** The board has a network, and its owner allows images from there (PROTOCOL.md 6.11). False unless given. */
  readonly takesLocators?: boolean;
  /** What the board has memory for; as much as the reference keeps unless given. */
  readonly limits?: TargetLimits;
}

/** Calls and queries are in no session. */
const ANY_TAG = 1;
/** What a query that carries a call takes on the line besides, in bytes (PROTOCOL.md 5.1). */
const CARRIER_EXTRA = 30;
/** Longest call that a query carries, in bytes: with *forms*, *changes* and *inline*. */
const CARRIED_MAX: number = WireLimit.carrier - CARRIER_EXTRA;
/** A distress on the line, in bytes (PROTOCOL.md 5.2). */
const DISTRESS_BYTES = 69;
/** On a line where a distress takes longer than this, the board calls with queries: below 9600 baud. */
const DISTRESS_LINE_MS_MAX = 72;

/**
 * What a target says of itself: queries that a shell takes no harm from until a node is heard, distress until it is served,
 * queries into silence, and a beacon once it is healed (PROTOCOL.md 5.1, 5.2). What nobody asked for waits while text is on
 * the line (2.4).
 */
export class TargetAnnouncer {
  readonly #status: () => NodeStatus;
  readonly #isBlank: () => boolean;
  readonly #link: Link;
  readonly #start: TargetStart;
  readonly #cause: CallCause;
  readonly #limits: TargetLimits;
  readonly #isKeyed: boolean;
  readonly #listensFirst: boolean;
  readonly #callsPlainly: boolean;
  /** Whether the last query carried the call. */
  #isCarried = false;
  readonly #queries: HarmlessQueries;
  /** With a link key: the calls that offers may answer. */
  readonly calls: SentCalls = new SentCalls();
  readonly #timer: CallTimer;
  readonly #answers: AnswerTimer = new AnswerTimer();
  readonly knocking: Knocking;

  /** `isKeyed`: it has a link key. */
  constructor(now: Millis, link: Link, options: TargetOptions, isKeyed: boolean) {
    this.#status = options.status;
    this.#link = link;
    this.#start = options.start;
    this.#cause = options.cause ?? "help";
    this.#isKeyed = isKeyed;
    this.#limits = options.limits ?? {};
    this.#isBlank = options.isBlank ?? (() => false);
    this.#listensFirst = options.listensFirst ?? false;
    this.#callsPlainly = options.callsPlainly ?? false;
    this.#queries = new HarmlessQueries(link, options.random);
    this.#timer = new CallTimer(now, options.random);
    this.knocking = new Knocking(link);
  }

  /** The board's status now. */
  get status(): NodeStatus {
    return this.#status();
  }

  /** What an accept of this offer asks for beside the manifest: what differs is known where nothing is (PROTOCOL.md 5.4). */
  asksFor(offer: Offer): AcceptAsks | undefined {
    return asksWithin(this.#limits, this.#mostFor(offer));
  }

  #mostFor({ digest }: Offer): AcceptAsks {
    const { installed, receivingDigest } = this.status;
    const held = [installed?.digest, receivingDigest];
    if (held.some((known) => known !== undefined && equalBytes(known, digest))) return "run";
    return this.#isBlank() ? "blank" : "path";
  }

  /** The link came up: calls. */
  start(now: Millis): void {
    this.#isCarried = false;
    this.#timer.start(now);
  }

  /** Somebody asked, or was heard after a session was lost: calls at once, at most five times a second. */
  handleQuestion(now: Millis): void {
    this.#answers.ask(now);
  }

  /**
   * A session was lost: calls at once, and knocks if it was lost to silence. On a slow line the calls are queries
   * themselves, and take more of it than knocking may.
   */
  handleLost(now: Millis, isSilence: boolean): void {
    this.#timer.callNow(now);
    if (isSilence && !this.#isSlow) this.knocking.start(now);
    else this.knocking.stop();
  }

  /** An offer was refused. */
  handleRefused(now: Millis): void {
    this.#timer.handleRefused(now);
  }

  /** An offer was taken: no further call. */
  handleServed(): void {
    this.#answers.drop();
    this.knocking.stop();
  }

  /** Calls at once, also while another link serves the board. */
  callNow(now: Millis): void {
    this.#timer.callNow(now);
  }

  /** Another link serves the board now, or no longer does. */
  setServedElsewhere(now: Millis, isServed: boolean): void {
    if (isServed) this.knocking.stop();
    this.#timer.setServedElsewhere(now, isServed);
  }

  /** Another link serves the board. */
  get isServedElsewhere(): boolean {
    return this.#timer.isServedElsewhere;
  }

  /** Sends what is due while nobody serves the board over this link. */
  sendDue(now: Millis): void {
    if (this.#answers.take(now)) this.#call(now);
    else if (this.#mayCall(now)) {
      const isInDistress = this.#isInDistress(this.status);
      if (this.#isSlow && isInDistress) this.#callBarely(now);
      else if (this.#isNodeHeard(now)) {
        this.#link.foreign.noteSaid(now);
        this.#call(now);
      } else this.#callOpenly(now);
    } else this.knock(now);
  }

  /** Calls nobody known: by turns with a query that carries the call, and a bare one, which takes less of the line. */
  #callOpenly(now: Millis): void {
    this.#isCarried = !this.#isCarried;
    if (!this.#isCarried) this.#callBarely(now);
    else {
      const call = this.#noteCall();
      const frame = encodeMessage(call, ANY_TAG).subarray(0, -CRC_LENGTH);
      const isCarried = frame.length <= CARRIED_MAX;
      const query = isCarried ? this.#queries.carrying(frame) : this.#queries.next();
      const bytes = this.#link.callBytes(isCarried ? frame.length + CARRIER_EXTRA : QUERY_BYTES);
      this.#timer.sent(now, this.#link.lineTime(bytes), this.#isInDistress(this.status));
      this.#sendQuery(now, query, bytes);
    }
  }

  #callBarely(now: Millis): void {
    this.#timer.sent(now, this.#link.lineTime(QUERY_BYTES), this.#isInDistress(this.status));
    this.#sendQuery(now);
  }

  /** Else the board boots, and nobody wants anything else for it. */
  #isInDistress(status: NodeStatus): boolean {
    return status.failure !== undefined || this.#cause !== "help";
  }

  get #isSlow(): boolean {
    return this.#link.lineTime(DISTRESS_BYTES) > DISTRESS_LINE_MS_MAX;
  }

  /** Else a shell or a boot loader may read what is sent. */
  #isNodeHeard(now: Millis): boolean {
    return this.#callsPlainly || !this.#link.foreign.isShared || this.#link.foreign.unasked.wasNodeHeard(now);
  }

  #mayCall(now: Millis): boolean {
    return this.#dueAt <= now;
  }

  /** When the next call is due. */
  get #dueAt(): Millis {
    const { isShared, unasked } = this.#link.foreign;
    const listens = this.#listensFirst && isShared && !unasked.isNodeThere;
    const listenedAt = listens ? unasked.listenedAt : Number.NEGATIVE_INFINITY;
    return Math.max(this.#timer.nextAt, unasked.freeAt, listenedAt);
  }

  /** Whether it is the sender of a query with this id: it is heard back. */
  isOwnQuery(nodeId: Uint8Array): boolean {
    return this.#queries.isOwn(nodeId);
  }

  #call(now: Millis): void {
    this.#answers.drop();
    const lineMs = this.#link.lineTime(this.#link.callBytes(DISTRESS_BYTES));
    this.#timer.sent(now, lineMs, this.#isInDistress(this.status));
    this.#link.send(this.#noteCall());
  }

  /** The call as it is now; offers may answer it. */
  #noteCall(): Beacon {
    const isServed = this.#timer.isServedElsewhere;
    const { inlineBytes = 0 } = isServed ? {} : this.#limits;
    const manner = { cause: this.#cause, isKeyed: this.#isKeyed, inlineBytes };
    const beacon = beaconOf(this.status, this.#start.bootNonce, manner);
    const call = this.#link.announced(isServed ? ({ ...beacon, isServed: true } as const) : beacon);
    if (this.#isKeyed) this.calls.note(call);
    return call;
  }

  /** Knocks if that is due. */
  knock(now: Millis): void {
    if (this.#link.foreign.unasked.freeAt <= now && this.knocking.take(now)) this.#sendQuery(now);
  }

  /** Asks who is there, if the line allows it: a rescuer that fell silent is asked so, as a shell may have come in its place. */
  askSilent(now: Millis): void {
    if (this.#link.foreign.unasked.freeAt <= now) this.#sendQuery(now);
  }

  #sendQuery(now: Millis, query = this.#queries.next(), bytes: number = QUERY_BYTES): void {
    const { foreign } = this.#link;
    foreign.noteSaid(now);
    const wire = encodeDelimited(encodeMessage(this.#link.announced(query), ANY_TAG));
    foreign.noteAsked(now, wire, this.#link.lineTime(bytes));
    this.#link.send(query);
  }

  /** Calls although a session is open: somebody is there who does not hold it. At most five times a second. */
  answerInSession(now: Millis): void {
    this.#answers.ask(now);
    if (this.#answers.take(now)) this.#call(now);
  }

  /** To nodes that ask after the commit, at most five times a second. */
  answerHealed(now: Millis): void {
    this.#answers.ask(now);
    if (this.#answers.take(now)) this.sendBeacon();
  }

  /** To nodes that knock after the commit: a beacon with the digest installed stands for DONE (PROTOCOL.md 5.12). */
  sendBeacon(): void {
    this.#link.send(beaconOf(this.status, this.#start.bootNonce, { isKeyed: this.#isKeyed }));
  }

  /** When the next call or answer is due. */
  get callAt(): Millis {
    return Math.min(this.#dueAt, this.#answers.dueAt ?? Number.POSITIVE_INFINITY);
  }

  /** When the next knock is due; undefined when it does not knock. */
  get knockAt(): Millis | undefined {
    const at = this.knocking.nextAt;
    return at === undefined ? undefined : Math.max(at, this.#link.foreign.unasked.freeAt);
  }
}
