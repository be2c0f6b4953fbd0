import type { Socket } from "node:net";
import type { Clock, Timer } from "../../base/clock.ts";
import type { Millis } from "../../base/units.ts";
import { asUint8Array, WRITE_QUEUE_BYTES_HIGH, WRITE_QUEUE_BYTES_MAX } from "../transport.ts";

/** Idle time after which TCP itself probes the other machine; it needs some 10 s more to find it gone. */
const KEEPALIVE_MS: Millis = 10_000;
/** Longest wait on close for bytes still to be sent and for the other side to close as well. */
const CLOSE_DRAIN_MS: Millis = 500;

export interface SocketLinkHandlers {
  onBytes(bytes: Uint8Array): void;
  onWritable(): void;
  /** Called once, unless `close` came first. Undefined: the other side closed the connection. */
  onEnd(error: Error | undefined): void;
}

/** One established TCP connection, whichever side opened it. */
export class SocketLink {
  readonly #socket: Socket;
  readonly #clock: Clock;
  #handlers: SocketLinkHandlers | undefined;
  #error: Error | undefined;
  #isHeldBack = false;

  constructor(socket: Socket, clock: Clock, handlers: SocketLinkHandlers) {
    this.#socket = socket;
    this.#clock = clock;
    this.#handlers = handlers;
    // Frames are small and wait for answers: send each immediately.
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEPALIVE_MS);
    socket.on("data", (chunk: Buffer) => this.#handlers?.onBytes(asUint8Array(chunk)));
    socket.on("drain", () => this.#drained());
    socket.on("error", (error) => {
      this.#error ??= error;
    });
    // A connection that is closed on one side is of no use: close the other side too.
    socket.on("end", () => socket.destroy());
    socket.on("close", () => {
      const handlers = this.#handlers;
      this.#handlers = undefined;
      handlers?.onEnd(this.#error);
    });
  }

  write(bytes: Uint8Array): boolean {
    if (bytes.length === 0) return !this.#isHeldBack;
    const isTaken = this.#socket.writableLength + bytes.length <= WRITE_QUEUE_BYTES_MAX;
    if (isTaken) this.#socket.write(bytes);
    if (!isTaken || this.#socket.writableLength >= WRITE_QUEUE_BYTES_HIGH) this.#isHeldBack = true;
    return !this.#isHeldBack;
  }

  /** Bytes that the system has not taken yet. */
  get heldBytes(): number {
    return this.#socket.writableLength;
  }

  /** Closes at once; what is held is lost. `onEnd` follows. */
  drop(): void {
    this.#socket.destroy();
  }

  /** Sends what is held, then closes. Calls no handler any more. */
  async close(): Promise<void> {
    this.#handlers = undefined;
    const socket = this.#socket;
    if (socket.destroyed) return;
    await new Promise<void>((resolve) => {
      const timer: Timer = this.#clock.after(CLOSE_DRAIN_MS, () => socket.destroy());
      socket.once("close", () => {
        timer.cancel();
        resolve();
      });
      // Do not destroy it after sending: with bytes on their way to us, that resets the connection and loses what we sent.
      socket.end();
    });
  }

  #drained(): void {
    if (!this.#isHeldBack) return;
    this.#isHeldBack = false;
    this.#handlers?.onWritable();
  }
}
