import type { Millis } from "../../base/units.ts";
import type { VirtualClock } from "../../base/virtual-clock.ts";

/** A connection that is kept alive. */
export interface PingedConnection {
  /** When its client sent something, a ping included. */
  sentAt: Millis;
  readonly isOpen: boolean;
}

/**
 * Pings of many connections, each after the keep-alive time without anything sent. It looks once a second: a timer for each of
 * twenty million pings would take longer than all else.
 */
export class PingWheel {
  readonly #clock: VirtualClock;
  readonly #keepAliveMs: Millis;
  readonly #onPing: () => void;
  /** Connections by the second in which to look at them. */
  readonly #due: Map<number, PingedConnection[]> = new Map();

  constructor(clock: VirtualClock, keepAliveMs: Millis, onPing: () => void) {
    this.#clock = clock;
    this.#keepAliveMs = keepAliveMs;
    this.#onPing = onPing;
    this.#tick();
  }

  /** Watches a connection as long as it is open. */
  watch(connection: PingedConnection): void {
    const now = Math.floor(this.#clock.now() / 1000);
    const second = Math.max(now + 1, Math.ceil((connection.sentAt + this.#keepAliveMs) / 1000));
    const others = this.#due.get(second);
    if (others === undefined) this.#due.set(second, [connection]);
    else others.push(connection);
  }

  #tick(): void {
    const now = this.#clock.now();
    const second = Math.floor(now / 1000);
    const due = this.#due.get(second) ?? [];
    this.#due.delete(second);
    for (const connection of due) {
      if (!connection.isOpen) continue;
      if (now - connection.sentAt >= this.#keepAliveMs) {
        this.#onPing();
        connection.sentAt = now;
      }
      this.watch(connection);
    }
    this.#clock.after(1000 * (second + 1) - now, () => this.#tick());
  }
}
