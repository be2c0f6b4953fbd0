import { equalBytes } from "../base/bytes.ts";
import type { Millis } from "../base/units.ts";
import type { LinkEvent, LinkOptions } from "../link/link.ts";
import type { Beacon, Message } from "../wire/messages.ts";
import { LinkMachine } from "./link-machine.ts";
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
export class QueryMachine extends LinkMachine<QueryEvent> {
  readonly #options: QueryOptions;
  readonly #queries: QueryTimer = new QueryTimer();
  #roundAt: Millis | undefined;

  constructor(options: QueryOptions) {
    super(options.link);
    this.#options = options;
  }

  override handleLinkUp(now: Millis, isUp: boolean): void {
    super.handleLinkUp(now, isUp);
    this.#queries.stop();
    this.#roundAt = isUp ? now : undefined;
  }

  protected override handle(_now: Millis, event: LinkEvent): void {
    if (event.tag === "message") this.#handleMessage(event.message);
    else if (event.tag !== "chunk" && event.tag !== "stranger") this.emit(event);
  }

  #handleMessage(message: Message): void {
    if (message.tag === "beacon" || message.tag === "distress") {
      this.emit({ tag: "heard", beacon: message });
    } else if (message.tag === "query" && equalBytes(message.nodeId, this.#options.nodeId)) {
      this.link.counters.echoes++;
    } else if (message.tag === "query") this.emit({ tag: "asked", nodeId: message.nodeId });
  }

  /** Does what is due. Extra calls are harmless. */
  handleTimeout(now: Millis): void {
    if (this.#roundAt !== undefined && this.#roundAt <= now) {
      this.#roundAt = now + ROUND_MS;
      this.#queries.start(now);
    }
    const { nodeId, bootNonce } = this.#options;
    if (this.#queries.take(now)) this.link.send({ tag: "query", nodeId, bootNonce });
  }

  /** When {@link handleTimeout} or {@link pollTransmit} has something to do. */
  pollTimeout(): Millis | undefined {
    return this.soonest([this.#queries.nextAt, this.#roundAt]);
  }

  /** Nothing is owed to anyone. */
  override takeFarewell(): { frames: Uint8Array[]; lineMs: Millis } {
    return { frames: [], lineMs: 0 };
  }
}
