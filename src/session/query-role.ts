import type { Random } from "../base/prng.ts";
import type { Millis } from "../base/units.ts";
import { LISTEN_MS } from "../link/listening/unasked.ts";
import { type Beacon, isBeacon, type Message } from "../wire/messages.ts";
import { type Deadlines, isDue, soonest } from "./deadlines.ts";
import { HarmlessQueries } from "./harmless-query.ts";
import type { HeardEvent, LineEvent, Role, RoleHost } from "./role.ts";

/** What a query found. */
export type QueryEvent =
  | { readonly tag: "heard"; readonly beacon: Beacon }
  /** Somebody asks the same of us: another `status`, or a target that knocks. */
  | { readonly tag: "asked"; readonly nodeId: Uint8Array }
  | { readonly tag: "foreignVersion"; readonly version: number }
  | LineEvent;

export interface QueryOptions {
  /** Ids of its queries are drawn from it. */
  readonly random: Random;
  /** Ask at once, whatever is on the line; unless given it listens first. */
  readonly asksAtOnce?: boolean | undefined;
}

/** Queries of a round, and the time between them. */
const QUERIES = 3;
const QUERY_INTERVAL_MS = 100;
/** A round begins again after this long without an answer. */
const ROUND_MS = 1_000;
/** ... or this long, when its queries brought bytes and no frame: something else reads them, which may not take many. */
const FOREIGN_ROUND_MS = 10_000;

/** `query`: the next query. */
type QueryDeadline = "query";

/** Asks who is on the line, and takes part in nothing else (PROTOCOL.md 2.4, 5.1). */
export class QueryRole implements Role {
  readonly #host: RoleHost<QueryEvent>;
  readonly #options: QueryOptions;
  readonly #queries: HarmlessQueries;
  #nextAt: Millis | undefined;
  #left = 0;
  #hasAsked = false;
  /** Foreign bytes that had come when the round began. */
  #discarded = 0;

  constructor(host: RoleHost<QueryEvent>, options: QueryOptions) {
    this.#host = host;
    this.#options = options;
    this.#queries = new HarmlessQueries(host.link, options.random);
  }

  /** A query was sent. */
  get hasAsked(): boolean {
    return this.#hasAsked;
  }

  handleLinkUp(now: Millis, isUp: boolean): void {
    this.#left = 0;
    this.#nextAt = isUp ? now + (this.#options.asksAtOnce === true ? 0 : LISTEN_MS) : undefined;
  }

  handleHeard(now: Millis, event: HeardEvent): void {
    if (event.tag === "message") this.#handleMessage(now, event.message);
    else if (event.tag === "foreignVersion") this.#host.emit(event);
  }

  #handleMessage(now: Millis, message: Message): void {
    if (isBeacon(message)) {
      this.#host.emit({ tag: "heard", beacon: message });
    } else if (message.tag === "query" && this.#queries.isOwn(message.nodeId)) {
      this.#host.reportEcho();
    } else if (message.tag === "query") {
      // A node reads the line: there is nothing to listen for.
      if (!this.#hasAsked) this.#nextAt = now;
      this.#host.emit({ tag: "asked", nodeId: message.nodeId });
    }
  }

  handleInputEnd(): void {}

  #deadlines(): Deadlines<QueryDeadline> {
    const freeAt =
      this.#options.asksAtOnce === true ? Number.NEGATIVE_INFINITY : this.#host.link.foreign.unasked.freeAt;
    return { query: this.#nextAt === undefined ? undefined : Math.max(this.#nextAt, freeAt) };
  }

  handleTimeout(now: Millis): void {
    if (!isDue(this.#deadlines().query, now)) return;
    const { bytesDiscarded } = this.#host.link.counters;
    const isForeign = this.#hasAsked && bytesDiscarded > this.#discarded;
    if (this.#left === 0) {
      this.#discarded = bytesDiscarded;
      if (isForeign && this.#options.asksAtOnce !== true) {
        this.#nextAt = now + FOREIGN_ROUND_MS - ROUND_MS;
        return;
      }
      this.#left = QUERIES;
    }
    this.#left--;
    this.#nextAt = now + (this.#left > 0 ? QUERY_INTERVAL_MS : ROUND_MS);
    this.#hasAsked = true;
    this.#host.link.foreign.noteSaid(now);
    this.#host.link.send(this.#queries.next());
  }

  pollTimeout(): Millis | undefined {
    return soonest(this.#deadlines());
  }

  /** Drops a query that still waits: a query says no goodbye. */
  stop(): void {
    this.#nextAt = undefined;
    this.#host.link.endSession();
  }
}
