import { BoundedMap } from "../base/bounded-map.ts";
import { equalBytes, toHex } from "../base/bytes.ts";
import { compareOrder } from "../base/order.ts";
import type { Millis } from "../base/units.ts";
import { isEstablished, isSilent, type Neighbour } from "./neighbours.ts";
import type { OwnBoard } from "./own-board.ts";

/** Whether the board asks for updates. */
export interface UpdatePolicy {
  readonly update: "auto" | "never";
  /** A board with a single slot asks, too: an update overwrites its only image. */
  readonly allowSingle: boolean;
}

/** How a neighbour's image compares with the own one. `conflict`: the same order, another image. */
export type Comparison = "newer" | "older" | "same" | "conflict" | "other";

/** A neighbour that is asked, and for which image. */
export interface Ask {
  readonly link: number;
  readonly nodeId: Uint8Array;
  /** Short digest. */
  readonly digest: Uint8Array;
  /** It offered the image although nobody had called. Then it need not be a known neighbour. */
  readonly isInvited?: true;
}

/** An ask that brought nothing. */
interface Failure {
  /** Asks in a row. */
  readonly times: number;
  readonly at: Millis;
  /** Not asked again until then. */
  readonly until: Millis;
  /** Nobody answered: the neighbour may have had others to serve. */
  readonly isUnanswered: boolean;
}

/** An offer for an ask has to come within this time; the same again after a session was lost. */
const ASK_FOR_MS: Millis = 12_000;
/** A neighbour whose image did not come is asked again after this time, each time after twice as long, ... */
const ASK_AGAIN_MIN_MS: Millis = 60_000;
/** ... up to this. */
const ASK_AGAIN_MAX_MS: Millis = 1_024_000;
/** Invitations under another link key are declined for this time after one. */
const ASK_KEY_AGAIN_MS: Millis = 5_000;
/** Failed asks that are remembered. */
const FAILED_MAX = 128;
/** Sessions that one ask may lose. */
const LOSSES_MAX = 5;

/** How the image that a neighbour runs compares with the own board's. Unproven: the manifest decides. */
export function compareWith(board: OwnBoard, neighbour: Neighbour): Comparison {
  const own = board.status.installed;
  const { hardwareId, installedDigest, isBootable, isProvider } = neighbour;
  if (isProvider || !isBootable || installedDigest === undefined || own === undefined) return "other";
  if (!equalBytes(hardwareId, board.status.hardwareId)) return "other";
  if (equalBytes(installedDigest, own.digest)) return "same";
  const order = compareOrder(neighbour, own);
  if (order === 0) return "conflict";
  return order > 0 ? "newer" : "older";
}

/**
 * Decides which neighbour the board asks for something newer, one at a time, and how often. A beacon proves nothing: an ask
 * costs one manifest, and one that brought nothing is repeated rarely (PROTOCOL.md 6.7).
 *
 * Invented ids gain little: only established neighbours are asked, of whom a link has few; what counts as failed is the
 * neighbour, whatever image it claims to have, and for invitations the link; and who failed less often goes first.
 */
export class Asking {
  readonly #policy: UpdatePolicy;
  readonly #failed: BoundedMap<string, Failure> = new BoundedMap(FAILED_MAX);
  #ask: Ask | undefined;
  #since: Millis = 0;
  #endsAt: Millis | undefined;
  #losses = 0;
  #invitation: { readonly ask: Ask; readonly until: Millis } | undefined;

  constructor(policy: UpdatePolicy) {
    this.#policy = policy;
  }

  get present(): Ask | undefined {
    return this.#ask;
  }

  /** When the present ask began. */
  get since(): Millis {
    return this.#since;
  }

  /** Whether the board may ask at all: its owner allows it, it boots, and its own image is not on trial. */
  mayAsk(board: OwnBoard): boolean {
    return this.isAllowed(board) && board.status.isTrial !== true;
  }

  /** The same of a board whose image may be on trial. */
  isAllowed({ layout, status }: OwnBoard): boolean {
    const isAllowed = this.#policy.update === "auto" && (layout === "ab" || this.#policy.allowSingle);
    return isAllowed && status.failure === undefined;
  }

  /**
   * Whom to ask: of the established neighbours that run something newer who failed least often, of those the newest, and of
   * equals the one known for longest; without any, who invites.
   */
  choose(now: Millis, board: OwnBoard, neighbours: readonly Neighbour[]): Ask | undefined {
    if (!this.mayAsk(board)) return undefined;
    let best: { readonly neighbour: Neighbour; readonly ask: Ask; readonly times: number } | undefined;
    for (const neighbour of neighbours) {
      const { link, nodeId, installedDigest: digest } = neighbour;
      if (digest === undefined || !isWorthAsking(now, board, neighbour)) continue;
      const ask = { link, nodeId, digest };
      if (this.isBarred(now, ask)) continue;
      const times = this.#timesFailed(ask);
      const rank =
        best &&
        (best.times - times ||
          compareOrder(neighbour, best.neighbour) ||
          best.neighbour.firstHeardAt - neighbour.firstHeardAt);
      if (rank === undefined || rank > 0) best = { neighbour, ask, times };
    }
    return best?.ask ?? this.#invitedTo(now);
  }

  #invitedTo(now: Millis): Ask | undefined {
    const invitation = this.#invitation;
    return invitation === undefined || now >= invitation.until || this.isBarred(now, invitation.ask)
      ? undefined
      : invitation.ask;
  }

  /** Somebody offers an image for which nobody called; it is asked for it in the next seconds. */
  invite(now: Millis, ask: Ask): void {
    this.#invitation = { ask, until: now + ASK_FOR_MS };
  }

  /** Whether an ask like this one failed lately. */
  isBarred(now: Millis, ask: Ask): boolean {
    return now < (this.#failed.get(nameOf(ask))?.until ?? Number.NEGATIVE_INFINITY);
  }

  /** A neighbour was heard. One that did not answer has time now, maybe, and is asked again a minute after it was asked. */
  handleHeard(now: Millis, link: number, nodeId: Uint8Array): void {
    const name = nameOf({ link, nodeId });
    const failure = this.#failed.get(name);
    if (failure?.isUnanswered !== true || now <= failure.at) return;
    const until = Math.max(now, failure.at + ASK_AGAIN_MIN_MS);
    if (until < failure.until) this.#failed.set(name, { ...failure, until });
  }

  start(now: Millis, ask: Ask): void {
    this.#ask = ask;
    this.#since = now;
    this.#endsAt = now + ASK_FOR_MS;
    this.#losses = 0;
    this.#invitation = undefined;
  }

  /** A session of it began. */
  handleServed(): void {
    this.#endsAt = undefined;
  }

  /** Its session ended, and the board still runs what it ran. */
  handleLost(now: Millis): void {
    if (this.#ask === undefined) return;
    this.#losses++;
    if (this.#losses > LOSSES_MAX) this.fail(now);
    else this.#endsAt = now + ASK_FOR_MS;
  }

  /** An invitation came to nothing since the link keys differ: its sender may be anybody, and the next one may be right. */
  failByKey(now: Millis): void {
    if (this.#ask !== undefined)
      this.#bar(now, this.#ask, this.#timesFailed(this.#ask), ASK_KEY_AGAIN_MS, false);
  }

  /** It brought nothing. `isUnanswered`: since the neighbour, or the board itself, had something else to do. */
  fail(now: Millis, isUnanswered = false): void {
    if (this.#ask === undefined) return;
    const times = this.#timesFailed(this.#ask) + 1;
    const waitMs = Math.min(ASK_AGAIN_MAX_MS, ASK_AGAIN_MIN_MS * 2 ** (times - 1));
    this.#bar(now, this.#ask, times, waitMs, isUnanswered);
  }

  #timesFailed(ask: Ask): number {
    return this.#failed.get(nameOf(ask))?.times ?? 0;
  }

  /** Ends the ask, which is not repeated for a time. */
  #bar(now: Millis, ask: Ask, times: number, waitMs: Millis, isUnanswered: boolean): void {
    this.#failed.set(nameOf(ask), { times, at: now, until: now + waitMs, isUnanswered });
    this.cancel();
  }

  /** The board runs something else now. */
  succeed(): void {
    if (this.#ask !== undefined) this.#failed.delete(nameOf(this.#ask));
    this.cancel();
  }

  /** Ends the ask, which nobody is blamed for: there is something else to do first, or no reason for it any more. */
  cancel(): void {
    this.#ask = undefined;
    this.#endsAt = undefined;
  }

  /** Ends an ask that nobody answered. */
  endLate(now: Millis): void {
    if (this.#endsAt !== undefined && now >= this.#endsAt) this.fail(now, true);
  }

  /** When {@link endLate} has something to do. */
  get endsAt(): Millis | undefined {
    return this.#endsAt;
  }

  /** When the next failed ask may be repeated; undefined without any that waits. */
  againAt(now: Millis): Millis | undefined {
    let soonest: Millis | undefined;
    for (const { until } of this.#failed.values())
      if (until > now && (soonest === undefined || until < soonest)) soonest = until;
    return soonest;
  }
}

function isWorthAsking(now: Millis, board: OwnBoard, neighbour: Neighbour): boolean {
  const isThere = isEstablished(neighbour) && !isSilent(now, neighbour);
  return isThere && !neighbour.isTrial && compareWith(board, neighbour) === "newer";
}

/** What a failure is held against: of an invitation the link, as anybody can invent an id. */
function nameOf({ link, nodeId, isInvited }: Omit<Ask, "digest">): string {
  return isInvited === true ? `${link}` : `${link} ${toHex(nodeId)}`;
}
