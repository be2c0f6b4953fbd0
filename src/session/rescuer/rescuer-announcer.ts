import { equalBytes } from "../../base/bytes.ts";
import type { Random } from "../../base/prng.ts";
import type { Millis } from "../../base/units.ts";
import type { Link } from "../../link/link.ts";
import type { Beacon } from "../../wire/messages.ts";
import { AnswerTimer } from "../answer-timer.ts";
import { beaconOf, type NodeStatus, providerBeacon } from "../beacon.ts";
import { HarmlessQueries } from "../harmless-query.ts";
import type { Callers } from "./callers.ts";

/** What the line does to bytes is said this often at most, ... */
const LINE_INTERVAL_MS: Millis = 2_000;
/** ... and so many times until a valid frame comes: what was heard may be an echo. */
const LINE_TIMES_MAX = 10;

/** What an announcer needs to know of its node. */
export interface RescuerOptions {
  readonly random: Random;
  readonly nodeId: Uint8Array;
  /** Fixed for one start of the node. */
  readonly bootNonce: Uint8Array;
  /** The status of the node's own board now; none unless given: the node only holds images for others. */
  readonly status?: () => NodeStatus;
  /** Offer newer images also to boards that did not ask, but said what they run. */
  readonly handsOut?: boolean;
  /** Send an image that fits right behind its offer, to boards that take it so (PROTOCOL.md 6.10). */
  readonly isEager?: boolean;
  /** What is remembered of the boards on this link, from an earlier role. */
  readonly callers?: Callers;
}

/**
 * What a rescuer says of itself: it answers queries, and asks nothing, as a boot loader may read the line (PROTOCOL.md 2.4).
 * One with a board of its own also says its status when it is told to.
 */
export class RescuerAnnouncer {
  readonly #link: Link;
  readonly #nodeId: Uint8Array;
  readonly #bootNonce: Uint8Array;
  readonly #isKeyed: boolean;
  readonly #status: (() => NodeStatus) | undefined;
  readonly #answers: AnswerTimer = new AnswerTimer();
  readonly #queries: HarmlessQueries;
  /** What it was told to say unasked, and has not yet: its status, what the line changes, or a query. */
  #toSay: "status" | "change" | "query" | undefined;
  /** Its status waits for a node: it asked who is there. */
  #hasAsked = false;
  #changeSaidAt: Millis = Number.NEGATIVE_INFINITY;
  #changesSaid = 0;

  /** `isKeyed`: it has a link key. */
  constructor(link: Link, options: RescuerOptions, isKeyed: boolean) {
    this.#link = link;
    this.#queries = new HarmlessQueries(link, options.random);
    this.#nodeId = options.nodeId;
    this.#bootNonce = options.bootNonce;
    this.#isKeyed = isKeyed;
    this.#status = options.status;
  }

  /** Somebody asked who is there. */
  handleQuestion(now: Millis): void {
    this.#answers.ask(now);
  }

  /** Gives the answer that is due: a beacon, or while it serves a probe. */
  sendDue(now: Millis, isServing: boolean): void {
    if (this.#answers.take(now)) {
      if (isServing) this.#link.sender?.probeNow(now);
      else this.#link.send(this.#beacon);
    }
    if (!isServing) this.#announceDue(now);
  }

  #announceDue(now: Millis): void {
    const at = this.announceAt;
    if (at === undefined || at > now) return;
    const asksFirst = this.#toSay === "status" && !this.#isNodeThere;
    const asks = asksFirst || this.#toSay === "query";
    this.#link.sendUnasked(now, asks ? this.#queries.next() : this.#beacon);
    this.#hasAsked = asksFirst;
    if (!asksFirst) this.#toSay = undefined;
  }

  /** Else a shell or a boot loader may read what is sent. */
  get #isNodeThere(): boolean {
    return !this.#link.foreign.isShared || this.#link.foreign.unasked.isNodeThere;
  }

  /** Whether it is the sender of a query with this id. */
  isOwnQuery(nodeId: Uint8Array): boolean {
    return equalBytes(nodeId, this.#nodeId) || this.#queries.isOwn(nodeId);
  }

  get #beacon(): Beacon {
    const isKeyed = this.#isKeyed;
    const status = this.#status?.();
    if (status === undefined) return providerBeacon(this.#nodeId, this.#bootNonce, isKeyed);
    return beaconOf(status, this.#bootNonce, { isKeyed });
  }

  /**
   * Says its status unasked, or asks who is here, once the rules of the line allow it (PROTOCOL.md 2.4), and not while it
   * serves. Where nobody was heard yet, it asks before it says its status: a query can be made harmless.
   */
  announce(what: "status" | "query"): void {
    this.#toSay = what;
    this.#hasAsked = false;
  }

  /** A frame came whose bytes the line changed: says its status, with what the line does, to the node that sent it. */
  announceChange(now: Millis): void {
    if (now - this.#changeSaidAt < LINE_INTERVAL_MS || this.#changesSaid >= LINE_TIMES_MAX) return;
    this.#changeSaidAt = now;
    this.#changesSaid++;
    this.#toSay = "change";
  }

  /** A message came. */
  noteMessage(): void {
    this.#changesSaid = 0;
  }

  /** When that may be; in the past if now. */
  get announceAt(): Millis | undefined {
    const { freeAt, listenedAt } = this.#link.foreign.unasked;
    if (this.#toSay === undefined || this.#toSay === "change" || this.#isNodeThere)
      return this.#toSay && freeAt;
    return this.#hasAsked ? undefined : Math.max(freeAt, listenedAt);
  }

  /** When the answer is due. */
  get answerAt(): Millis | undefined {
    return this.#answers.dueAt;
  }
}
