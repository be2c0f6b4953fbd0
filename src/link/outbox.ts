import { toHex } from "../base/bytes.ts";
import type { Protect } from "../wire/frame.ts";
import type { Message } from "../wire/messages.ts";

/** A message that waits. `prove`: adds the proof of a link key to a message of the handshake. */
export interface Outgoing {
  readonly message: Message;
  readonly prove: Protect | undefined;
}

/** Messages of handshakes that wait; when there are more, the oldest is dropped. */
const HANDSHAKES_MAX = 16;

/**
 * Messages to send. Of each kind only the newest waits: it replaces what the older ones said. Those of a handshake replace
 * only what was said in the same one, so that an offer to one board is not lost to that of another.
 */
export class Outbox {
  readonly #waiting: Map<string, Outgoing> = new Map();

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** Queues behind all others; one that it replaces is dropped, and leaves it its place: what is often repeated delays nobody. */
  add(outgoing: Outgoing): void {
    const { message } = outgoing;
    const name = isHandshake(message) ? `${message.tag} ${toHex(message.rescuerNonce)}` : message.tag;
    this.#waiting.set(name, outgoing);
    if (this.#waiting.size > HANDSHAKES_MAX) this.#dropHandshake();
  }

  #dropHandshake(): void {
    const handshakes = [...this.#waiting].filter(([, { message }]) => isHandshake(message));
    const [oldest] = handshakes;
    if (oldest !== undefined && handshakes.length > HANDSHAKES_MAX) this.#waiting.delete(oldest[0]);
  }

  take(): Outgoing | undefined {
    for (const [name, outgoing] of this.#waiting) {
      this.#waiting.delete(name);
      return outgoing;
    }
    return undefined;
  }

  clear(): void {
    this.#waiting.clear();
  }
}

function isHandshake(message: Message): message is Message & { readonly rescuerNonce: Uint8Array } {
  return "rescuerNonce" in message;
}
