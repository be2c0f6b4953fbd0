import type { Random } from "../../base/prng.ts";
import type { Millis } from "../../base/units.ts";
import type { Link } from "../../link/link.ts";
import { beaconOf, type NodeStatus } from "../beacon.ts";
import { BeaconTimer } from "../beacon-timer.ts";
import { QueryTimer } from "../query-timer.ts";

/** What an announcer needs to know of its node. */
export interface TargetOptions {
  readonly random: Random;
  readonly status: NodeStatus;
  /** Fixed for one start of the node. */
  readonly bootNonce: Uint8Array;
  /** Call for help although the firmware boots. */
  readonly isForced?: boolean;
  /**
   * The board hears nothing while it erases or programs: its blocks are written together, when nothing more is on its way,
   * and the rescuer is told to wait (PROTOCOL.md 5.9). False unless given: the transport keeps what arrives meanwhile.
   */
  readonly isDeafWhileWriting?: boolean;
}

/** What a target says of itself: queries, distress until it is served, and a beacon once it is healed (PROTOCOL.md 5.1). */
export class TargetAnnouncer {
  status: NodeStatus;
  readonly #link: Link;
  readonly #bootNonce: Uint8Array;
  readonly #isForced: boolean;
  readonly #isKeyed: boolean;
  readonly #queries: QueryTimer = new QueryTimer();
  readonly #beacons: BeaconTimer;

  /** `isKeyed`: it has a link key. */
  constructor(now: Millis, link: Link, options: TargetOptions, isKeyed: boolean) {
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
    this.#beacons.handleQuestion(now);
  }

  /** Somebody asked, or a session was lost: calls soon. */
  handleQuestion(now: Millis): void {
    this.#beacons.handleQuestion(now);
  }

  /** Something unreadable came, which may have been a query. */
  handleNoise(now: Millis): void {
    this.#beacons.handleNoise(now);
  }

  /** An offer was refused: calls again when the next call would be due. */
  handleRefused(now: Millis): void {
    this.#beacons.sent(now);
  }

  /** An offer was taken: no further query. */
  handleServed(): void {
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

  /** To nodes that knock after the commit: a beacon with the digest installed stands for DONE (PROTOCOL.md 5.12). */
  sendBeacon(): void {
    this.#link.send(beaconOf(this.status, this.#bootNonce, false, this.#isKeyed));
  }

  /** When the next query is due. */
  get queryAt(): Millis | undefined {
    return this.#queries.nextAt;
  }

  /** When the next distress is due. */
  get callAt(): Millis {
    return this.#beacons.nextAt;
  }
}
