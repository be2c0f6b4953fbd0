import { equalBytes } from "../base/bytes.ts";
import type { Millis } from "../base/units.ts";
import type { LinkCounters } from "../link/counters.ts";
import { Link, type LinkEvent, type LinkOptions } from "../link/link.ts";
import type { Stranger } from "../link/stranger.ts";
import type { Beacon, Message } from "../wire/messages.ts";
import { QueryTimer } from "./query-timer.ts";

/** What came back. */
export type QueryEvent =
  | { readonly tag: "heard"; readonly beacon: Beacon }
  /** Somebody asks the same of us: a rescuer or another `status`. */
  | { readonly tag: "asked"; readonly nodeId: Uint8Array }
  | { readonly tag: "foreignVersion"; readonly version: number }
  | { readonly tag: "console"; readonly text: string };

export interface QueryOptions {
  readonly link: LinkOptions;
  readonly nodeId: Uint8Array;
  readonly bootNonce: Uint8Array;
}

/** Three queries go out again after this long without an answer. */
const ROUND_MS = 1_000;

/** Asks who is on the line, and takes no part in anything (PROTOCOL.md 5.1). Sans-IO. */
export class QueryMachine {
  readonly #link: Link;
  readonly #options: QueryOptions;
  readonly #queries: QueryTimer = new QueryTimer();
  readonly #events: QueryEvent[] = [];
  #roundAt: Millis | undefined;

  constructor(options: QueryOptions) {
    this.#link = new Link(options.link);
    this.#options = options;
  }

  get counters(): LinkCounters {
    return this.#link.counters;
  }

  /** Who is on the line, if it is no mayday node. */
  get stranger(): Stranger | undefined {
    return this.#link.stranger;
  }

  /** The link can carry octets, or no longer can. */
  handleLinkUp(now: Millis, isUp: boolean): void {
    this.#queries.stop();
    this.#roundAt = isUp ? now : undefined;
  }

  /** Takes in the octets between two delimiters (PROTOCOL.md 2). */
  handleRun(now: Millis, run: Uint8Array): void {
    this.#link.handleRun(now, run);
    this.#handleEvents();
  }

  /** Takes in one frame of a link that carries frames whole (PROTOCOL.md 10). */
  handleFrame(now: Millis, frame: Uint8Array): void {
    this.#link.handleFrame(now, frame);
    this.#handleEvents();
  }

  #handleEvents(): void {
    for (let event = this.#link.pollEvent(); event; event = this.#link.pollEvent()) this.#handle(event);
  }

  #handle(event: LinkEvent): void {
    if (event.tag === "message") this.#handleMessage(event.message);
    else if (event.tag !== "chunk" && event.tag !== "stranger") this.#events.push(event);
  }

  #handleMessage(message: Message): void {
    if (message.tag === "beacon" || message.tag === "distress") {
      this.#events.push({ tag: "heard", beacon: message });
    } else if (message.tag === "query" && equalBytes(message.nodeId, this.#options.nodeId)) {
      this.#link.counters.echoes++;
    } else if (message.tag === "query") this.#events.push({ tag: "asked", nodeId: message.nodeId });
  }

  /** Does what is due. Extra calls are harmless. */
  handleTimeout(now: Millis): void {
    if (this.#roundAt !== undefined && this.#roundAt <= now) {
      this.#roundAt = now + ROUND_MS;
      this.#queries.start(now);
    }
    const { nodeId, bootNonce } = this.#options;
    if (this.#queries.take(now)) this.#link.send({ tag: "query", nodeId, bootNonce });
  }

  /** When {@link handleTimeout} or {@link pollTransmit} has something to do. */
  pollTimeout(): Millis | undefined {
    const times = [this.#link.pollTimeout(), this.#queries.nextAt, this.#roundAt].filter(
      (at) => at !== undefined,
    );
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** The next octets to send, paced; undefined when there is nothing to send now. */
  pollTransmit(now: Millis): Uint8Array | undefined {
    return this.#link.pollTransmit(now);
  }

  /** Nothing is owed to anyone. */
  takeFarewell(): { frames: Uint8Array[]; lineMs: Millis } {
    return { frames: [], lineMs: 0 };
  }

  /** The next thing that came back. */
  pollEvent(): QueryEvent | undefined {
    return this.#events.shift();
  }
}
