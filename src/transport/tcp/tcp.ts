import { connect, type Socket } from "node:net";
import { assert } from "../../base/assert.ts";
import { type Clock, systemClock, type Timer } from "../../base/clock.ts";
import { TransportError } from "../../base/errors.ts";
import type { Millis } from "../../base/units.ts";
import type { TcpEndpoint } from "../endpoint.ts";
import { RetryDelay } from "../retry-delay.ts";
import { makeStreamSplitter } from "../stream-splitter.ts";
import {
  RTO_FLOOR_NATIVE_MS,
  type Transport,
  type TransportFacts,
  type TransportHandlers,
} from "../transport.ts";
import { isLoopbackHost } from "./loopback.ts";
import { SocketLink } from "./socket-link.ts";

/** An attempt without an answer is given up after this: the system itself would take minutes. */
const CONNECT_LIMIT_MS: Millis = 5000;
/** After a connection that lasted this long, the next wait is the shortest again. */
const GOOD_CONNECTION_MS: Millis = 1000;

export interface TcpOptions {
  readonly clock?: Clock;
}

/** Connects to a listener, and again whenever the connection ends. None of its errors is final. */
export class TcpTransport implements Transport {
  readonly facts: TransportFacts;
  readonly #host: string;
  readonly #port: number;
  readonly #clock: Clock;
  #handlers: TransportHandlers | undefined;
  #connecting: Socket | undefined;
  #link: SocketLink | undefined;
  #timer: Timer | undefined;
  readonly #retryDelay: RetryDelay = new RetryDelay();
  #upAt: Millis = 0;
  #lastReason = "";
  #closing: Promise<void> | undefined;

  constructor(endpoint: TcpEndpoint, options: TcpOptions = {}) {
    this.facts = tcpFacts(endpoint.text);
    this.#host = endpoint.host;
    this.#port = endpoint.port;
    this.#clock = options.clock ?? systemClock;
  }

  async open(handlers: TransportHandlers): Promise<void> {
    assert(
      this.#handlers === undefined && this.#closing === undefined,
      `${this.facts.endpoint} was opened before`,
    );
    this.#handlers = handlers;
    this.#connect();
  }

  write(bytes: Uint8Array): boolean {
    return this.#link?.write(bytes) ?? true;
  }

  /** Ends the present connection at once; what is held is lost. Another one follows. */
  drop(): void {
    this.#link?.drop();
  }

  close(): Promise<void> {
    this.#handlers = undefined;
    this.#timer?.cancel();
    this.#connecting?.destroy();
    this.#closing ??= this.#link?.close() ?? Promise.resolve();
    return this.#closing;
  }

  #connect(): void {
    const socket = connect({ host: this.#host, port: this.#port });
    this.#connecting = socket;
    let failure: Error | undefined;
    this.#timer = this.#clock.after(CONNECT_LIMIT_MS, () => {
      socket.destroy(new Error(`no answer within ${CONNECT_LIMIT_MS} ms`));
    });
    const onError = (error: Error): void => {
      failure ??= error;
    };
    const onClose = (): void => this.#retry(failure);
    socket.on("error", onError);
    socket.on("close", onClose);
    socket.once("connect", () => {
      socket.off("error", onError);
      socket.off("close", onClose);
      this.#connected(socket);
    });
  }

  #connected(socket: Socket): void {
    this.#timer?.cancel();
    this.#connecting = undefined;
    this.#upAt = this.#clock.now();
    this.#lastReason = "";
    this.#link = new SocketLink(socket, this.#clock, {
      onBytes: (bytes) => this.#handlers?.onBytes(bytes),
      onWritable: () => this.#handlers?.onWritable(),
      onEnd: (error) => this.#ended(error),
    });
    this.#handlers?.onUp();
  }

  #ended(error: Error | undefined): void {
    this.#link = undefined;
    // A listener that serves another connection closes ours immediately: that must not become a storm of attempts.
    if (this.#clock.now() - this.#upAt >= GOOD_CONNECTION_MS) this.#retryDelay.reset();
    this.#handlers?.onDown(error === undefined ? undefined : connectionLost(this.facts.endpoint, error));
    this.#later();
  }

  #retry(failure: Error | undefined): void {
    this.#timer?.cancel();
    this.#connecting = undefined;
    const reason = failure?.message ?? "closed";
    if (reason !== this.#lastReason) {
      this.#lastReason = reason;
      const there = isLoopbackHost(this.#host)
        ? ""
        : `, there with an address that is reached from here (tcp-listen:0.0.0.0:${this.#port})`;
      const message = `cannot connect to ${this.facts.endpoint} yet (${reason}): start the listening side${there}; it keeps trying`;
      this.#handlers?.onWaiting?.(
        new TransportError("tcp-waiting", message, "transient", { endpoint: this.facts.endpoint }, failure),
      );
    }
    this.#later();
  }

  #later(): void {
    if (this.#handlers === undefined) return;
    this.#timer = this.#clock.after(this.#retryDelay.take(), () => this.#connect());
  }
}

/** Facts of both ends of a TCP link. */
export function tcpFacts(endpoint: string): TransportFacts {
  return {
    endpoint,
    framing: "stream",
    baud: undefined,
    bitsPerByte: 8,
    rtoFloorMs: RTO_FLOOR_NATIVE_MS,
    setBaud: undefined,
    makeSplitter: makeStreamSplitter,
  };
}

/** A connection broke, as opposed to being closed by the other side. */
export function connectionLost(endpoint: string, cause: Error): TransportError {
  const message = `connection of ${endpoint} lost: ${cause.message}; it reconnects by itself`;
  return new TransportError("tcp-lost", message, "transient", { endpoint }, cause);
}
