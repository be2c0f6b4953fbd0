import type { Protect } from "../wire/frame.ts";
import type { Message } from "../wire/messages.ts";

/** A message that waits. `prove`: adds the proof of a link key to a message of the handshake. */
export interface Outgoing {
  readonly message: Message;
  readonly prove: Protect | undefined;
}

/** Messages to send. Of each kind only the newest waits: it replaces what the older ones said. */
export class Outbox {
  readonly #waiting: Map<string, Outgoing> = new Map();

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** Queues behind all others; one of the same kind is replaced. */
  add(outgoing: Outgoing): void {
    this.#waiting.delete(outgoing.message.tag);
    this.#waiting.set(outgoing.message.tag, outgoing);
  }

  take(): Outgoing | undefined {
    for (const [tag, outgoing] of this.#waiting) {
      this.#waiting.delete(tag);
      return outgoing;
    }
    return undefined;
  }

  clear(): void {
    this.#waiting.clear();
  }
}
