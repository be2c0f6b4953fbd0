import type { Random } from "../../base/prng.ts";
import type { Millis } from "../../base/units.ts";
import type { Link } from "../../link/link.ts";
import { beaconOf, type NodeStatus } from "../beacon.ts";
import { BeaconTimer } from "../beacon-timer.ts";
import { SentCalls } from "../call-digest.ts";
import { QueryTimer } from "../query-timer.ts";
import type { TargetStart } from "./target-start.ts";

/** What an announcer needs to know of its node. */
export interface TargetOptions {
  readonly random: Random;
  readonly status: NodeStatus;
  /** The same for all links of the node, from its start to its end. */
  readonly start: TargetStart;
  /** Call for help although the firmware boots. */
  readonly isForced?: boolean;
}

/** What a target says of itself: queries, distress until it is served, and a beacon once it is healed (PROTOCOL.md 5.1). */
export class TargetAnnouncer {
  status: NodeStatus;
  readonly #link: Link;
  readonly #start: TargetStart;
  readonly #isForced: boolean;
  readonly #isKeyed: boolean;
  /** With a link key: the calls that offers may answer. */
  readonly calls: SentCalls = new SentCalls();
  readonly #queries: QueryTimer = new QueryTimer();
  readonly #beacons: BeaconTimer;

  /** `isKeyed`: it has a link key. */
  constructor(now: Millis, link: Link, options: TargetOptions, isKeyed: boolean) {
    this.status = options.status;
    this.#link = link;
    this.#start = options.start;
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
    if (this.#queries.take(now)) this.#link.send({ tag: "query", nodeId, bootNonce: this.#start.bootNonce });
    if (this.#beacons.nextAt > now) return;
    this.#beacons.sent(now);
    const call = beaconOf(this.status, this.#start.bootNonce, this.#isForced, this.#isKeyed);
    if (this.#isKeyed) this.calls.note(call);
    this.#link.send(call);
  }

  /** To nodes that knock after the commit: a beacon with the digest installed stands for DONE (PROTOCOL.md 5.12). */
  sendBeacon(): void {
    this.#link.send(beaconOf(this.status, this.#start.bootNonce, false, this.#isKeyed));
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
