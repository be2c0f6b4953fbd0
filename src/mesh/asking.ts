import { BoundedMap } from "../base/bounded-map.ts";
import { equalBytes, toHex } from "../base/bytes.ts";
import { compareOrder } from "../base/order.ts";
import type { Millis } from "../base/units.ts";
import type { Neighbour } from "./neighbours.ts";
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
}

/** An offer for an ask has to come within this time; the same again after a session was lost. */
const ASK_FOR_MS: Millis = 12_000;
/** A neighbour whose image did not come is asked for it again after this time, each time after twice as long, ... */
const AGAIN_MIN_MS: Millis = 60_000;
/** ... up to this. */
const AGAIN_MAX_MS: Millis = 1_024_000;
/** Failed asks that are remembered. */
const FAILED_MAX = 64;
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
 */
export class Asking {
  readonly #policy: UpdatePolicy;
  readonly #failed: BoundedMap<string, { readonly waitMs: Millis; readonly until: Millis }> = new BoundedMap(
    FAILED_MAX,
  );
  #ask: Ask | undefined;
  #since: Millis = 0;
  #endsAt: Millis | undefined;
  #losses = 0;

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
    const { failure, isTrial } = board.status;
    const isAllowed = this.#policy.update === "auto" && (board.layout === "ab" || this.#policy.allowSingle);
    return isAllowed && failure === undefined && isTrial !== true;
  }

  /** The neighbour to ask: of those that run something newer the newest, and of equals the one known for longest. */
  choose(now: Millis, board: OwnBoard, neighbours: readonly Neighbour[]): Ask | undefined {
    if (!this.mayAsk(board)) return undefined;
    let best: Neighbour | undefined;
    for (const neighbour of neighbours) {
      if (neighbour.isTrial || compareWith(board, neighbour) !== "newer") continue;
      const { link, nodeId, installedDigest: digest } = neighbour;
      if (digest === undefined || this.isBarred(now, { link, nodeId, digest })) continue;
      if (best === undefined || compareOrder(neighbour, best) > 0) best = neighbour;
    }
    if (best?.installedDigest === undefined) return undefined;
    return { link: best.link, nodeId: best.nodeId, digest: best.installedDigest };
  }

  /** Whether this ask failed lately. */
  isBarred(now: Millis, ask: Ask): boolean {
    return now < (this.#failed.get(nameOf(ask))?.until ?? Number.NEGATIVE_INFINITY);
  }

  start(now: Millis, ask: Ask): void {
    this.#ask = ask;
    this.#since = now;
    this.#endsAt = now + ASK_FOR_MS;
    this.#losses = 0;
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

  /** It brought nothing. */
  fail(now: Millis): void {
    const ask = this.#ask;
    if (ask === undefined) return;
    const before = this.#failed.get(nameOf(ask))?.waitMs;
    const waitMs = before === undefined ? AGAIN_MIN_MS : Math.min(AGAIN_MAX_MS, 2 * before);
    this.#failed.set(nameOf(ask), { waitMs, until: now + waitMs });
    this.#end();
  }

  /** The board runs something else now. */
  succeed(): void {
    if (this.#ask !== undefined) this.#failed.delete(nameOf(this.#ask));
    this.#end();
  }

  /** Ends an ask that nobody answered; true if it did. */
  endLate(now: Millis): boolean {
    if (this.#endsAt === undefined || now < this.#endsAt) return false;
    this.fail(now);
    return true;
  }

  #end(): void {
    this.#ask = undefined;
    this.#endsAt = undefined;
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

function nameOf({ link, nodeId, digest }: Ask): string {
  return `${link} ${toHex(nodeId)} ${toHex(digest)}`;
}
