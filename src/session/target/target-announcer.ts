import type { Random } from "../../base/prng.ts";
import type { Millis } from "../../base/units.ts";
import type { Link } from "../../link/link.ts";
import { beaconOf, type NodeStatus } from "../beacon.ts";
import { BeaconTimer } from "../beacon-timer.ts";
import { QueryTimer } from "../query-timer.ts";

/** Who calls. */
export interface CallingOptions {
  readonly random: Random;
  readonly status: NodeStatus;
  /** Fixed for one start of the node. */
  readonly bootNonce: Uint8Array;
  /** Call for help although the firmware boots. */
  readonly isForced?: boolean;
}

/** What a target says of itself: queries, distress until it is served, and a beacon when it is well (PROTOCOL.md 5.1). */
export class Calling {
  status: NodeStatus;
  readonly #link: Link;
  readonly #bootNonce: Uint8Array;
  readonly #isForced: boolean;
  readonly #isKeyed: boolean;
  readonly #queries: QueryTimer = new QueryTimer();
  readonly #beacons: BeaconTimer;

  /** `isKeyed`: it has a link key. */
  constructor(now: Millis, link: Link, options: CallingOptions, isKeyed: boolean) {
    this.status = options.status;
    this.#link = link;
    this.#bootNonce = options.bootNonce;
    this.#isForced = options.isForced ?? false;
    this.#isKeyed = isKeyed;
    this.#beacons = new BeaconTimer(now, options.random);
  }

  /** The link came up: asks who is there, and calls. */
  start(now: Millis): void {
    this.#queries.start(now);
    this.#beacons.asked(now);
  }

  /** Somebody asked, or a session was lost: calls soon. */
  asked(now: Millis): void {
    this.#beacons.asked(now);
  }

  /** Something came that cannot be read, and may have been a query. */
  stir(now: Millis): void {
    this.#beacons.stir(now);
  }

  /** An offer was refused: calls again when the next call would be due. */
  refused(now: Millis): void {
    this.#beacons.sent(now);
  }

  /** An offer was taken: no further query. */
  served(): void {
    this.#queries.stop();
  }

  /** Sends what is due. */
  sendDue(now: Millis): void {
    const { nodeId } = this.status;
    if (this.#queries.take(now)) this.#link.send({ tag: "query", nodeId, bootNonce: this.#bootNonce });
    if (this.#beacons.nextAt > now) return;
    this.#beacons.sent(now);
    this.#link.send(beaconOf(this.status, this.#bootNonce, this.#isForced, this.#isKeyed));
  }

  /** To whoever knocks after the commit: a beacon with the digest installed stands for DONE (PROTOCOL.md 5.12). */
  tellHealth(): void {
    this.#link.send(beaconOf(this.status, this.#bootNonce, false, this.#isKeyed));
  }

  /** When {@link sendDue} has something to do. */
  get timeouts(): (Millis | undefined)[] {
    return [this.#queries.nextAt, this.#beacons.nextAt];
  }
}
