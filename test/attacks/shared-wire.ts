import type { Clock } from "../../src/base/clock.ts";
import { lineTime, type Millis } from "../../src/base/units.ts";
import type { Transport, TransportHandlers } from "../../src/transport/transport.ts";
import { lineFacts } from "../support/line-facts.ts";

/**
 * A wire that joins any number of ends: what one writes, all others hear. Nobody's bytes collide with another's, which is
 * more than a real bus would do for an attacker.
 */
export class SharedWire {
  readonly #clock: Clock;
  readonly #baud: number;
  readonly #ends: Set<TransportHandlers> = new Set();
  /** Bytes that each end wrote, in the order the ends were made. */
  readonly written: number[] = [];

  constructor(clock: Clock, baud: number) {
    this.#clock = clock;
    this.#baud = baud;
  }

  /** Another end. Its bytes arrive `latencyMs` after the last of them left it. */
  end(latencyMs: Millis): Transport {
    let handlers: TransportHandlers | undefined;
    let freeAt: Millis = 0;
    const index = this.written.push(0) - 1;
    return {
      facts: lineFacts(`wire:${index}`, this.#baud),
      open: (opened) => {
        handlers = opened;
        this.#ends.add(opened);
        opened.onUp();
        return Promise.resolve();
      },
      write: (bytes) => {
        const from = handlers;
        if (from === undefined) return true;
        this.written[index] = (this.written[index] ?? 0) + bytes.length;
        freeAt = Math.max(this.#clock.now(), freeAt) + lineTime(bytes.length, this.#baud);
        this.#clock.after(freeAt + latencyMs - this.#clock.now(), () => this.#deliver(from, bytes));
        return true;
      },
      close: () => {
        if (handlers !== undefined) this.#ends.delete(handlers);
        handlers = undefined;
        return Promise.resolve();
      },
    };
  }

  #deliver(from: TransportHandlers, bytes: Uint8Array): void {
    for (const end of [...this.#ends]) if (end !== from) end.onBytes(bytes);
  }
}
