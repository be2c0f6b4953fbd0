import { equalBytes } from "../base/bytes.ts";
import type { Millis } from "../base/units.ts";
import type { Beacon, Message } from "../wire/messages.ts";
import { type Deadlines, isDue, soonest } from "./deadlines.ts";
import { QueryTimer } from "./query-timer.ts";
import type { HeardEvent, LineEvent, Role, RoleHost } from "./role.ts";

/** What a query found. */
export type QueryEvent =
  | { readonly tag: "heard"; readonly beacon: Beacon }
  /** Somebody asks the same of us: a rescuer or another `status`. */
  | { readonly tag: "asked"; readonly nodeId: Uint8Array }
  | { readonly tag: "foreignVersion"; readonly version: number }
  | LineEvent;

export interface QueryOptions {
  readonly nodeId: Uint8Array;
  readonly bootNonce: Uint8Array;
}

/** Three queries go out again after this long without an answer. */
const ROUND_MS = 1_000;

/** `query`: the next query of a round. `round`: the next round. */
type QueryDeadline = "query" | "round";

/** Asks who is on the line, and takes part in nothing else (PROTOCOL.md 5.1). */
export class QueryRole implements Role {
  readonly #host: RoleHost<QueryEvent>;
  readonly #options: QueryOptions;
  readonly #queries: QueryTimer = new QueryTimer();
  #roundAt: Millis | undefined;

  constructor(host: RoleHost<QueryEvent>, options: QueryOptions) {
    this.#host = host;
    this.#options = options;
  }

  handleLinkUp(now: Millis, isUp: boolean): void {
    this.#queries.stop();
    this.#roundAt = isUp ? now : undefined;
  }

  handleHeard(_now: Millis, event: HeardEvent): void {
    if (event.tag === "message") this.#handleMessage(event.message);
    else if (event.tag === "foreignVersion") this.#host.emit(event);
  }

  #handleMessage(message: Message): void {
    if (message.tag === "beacon" || message.tag === "distress") {
      this.#host.emit({ tag: "heard", beacon: message });
    } else if (message.tag === "query" && equalBytes(message.nodeId, this.#options.nodeId)) {
      this.#host.reportEcho();
    } else if (message.tag === "query") this.#host.emit({ tag: "asked", nodeId: message.nodeId });
  }

  handleDamage(): void {}

  handleInputEnd(): void {}

  #deadlines(): Deadlines<QueryDeadline> {
    return { query: this.#queries.nextAt, round: this.#roundAt };
  }

  handleTimeout(now: Millis): void {
    if (isDue(this.#roundAt, now)) {
      this.#roundAt = now + ROUND_MS;
      this.#queries.start(now);
    }
    const { nodeId, bootNonce } = this.#options;
    if (this.#queries.take(now)) this.#host.link.send({ tag: "query", nodeId, bootNonce });
  }

  pollTimeout(): Millis | undefined {
    return soonest(this.#deadlines());
  }

  /** Drops a query that still waits: a query says no goodbye. */
  stop(): void {
    this.#queries.stop();
    this.#roundAt = undefined;
    this.#host.link.endSession();
  }
}
