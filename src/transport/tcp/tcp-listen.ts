import { createServer, type Server, type Socket } from "node:net";
import { assert } from "../../base/assert.ts";
import { type Clock, systemClock } from "../../base/clock.ts";
import { errnoOf } from "../../base/errno.ts";
import { TransportError } from "../../base/errors.ts";
import type { TcpListenEndpoint } from "../endpoint.ts";
import type { Transport, TransportFacts, TransportHandlers } from "../transport.ts";
import { SocketLink } from "./socket-link.ts";
import { connectionLost, type TcpOptions, tcpFacts } from "./tcp.ts";

/**
 * Waits for connections and serves one at a time, as a link has two ends. While one is active, further ones are closed;
 * when it ends, the next one is accepted.
 */
export class TcpListenTransport implements Transport {
  readonly facts: TransportFacts;
  /** Connections closed because another one was active. */
  refusedConnections = 0;
  readonly #host: string | undefined;
  readonly #port: number;
  readonly #clock: Clock;
  #server: Server | undefined;
  #handlers: TransportHandlers | undefined;
  #link: SocketLink | undefined;
  #closing: Promise<void> | undefined;

  constructor(endpoint: TcpListenEndpoint, options: TcpOptions = {}) {
    this.facts = tcpFacts(endpoint.text);
    this.#host = endpoint.host;
    this.#port = endpoint.port;
    this.#clock = options.clock ?? systemClock;
  }

  /** Port listened on while open; differs from the endpoint's if that is 0 (any free port). */
  get localPort(): number | undefined {
    const address = this.#server?.address();
    return typeof address === "object" && address !== null ? address.port : undefined;
  }

  async open(handlers: TransportHandlers): Promise<void> {
    assert(
      this.#server === undefined && this.#closing === undefined,
      `${this.facts.endpoint} was opened before`,
    );
    const server = createServer((socket) => this.#accept(socket));
    this.#server = server;
    this.#handlers = handlers;
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error) => {
        this.#server = undefined;
        this.#handlers = undefined;
        reject(listenError(this.facts.endpoint, this.#port, error));
      });
      server.listen({ port: this.#port, host: this.#host }, resolve);
    });
    // A failure to accept (out of descriptors) concerns one connection; without a listener it would end the process.
    server.on("error", () => {});
  }

  write(bytes: Uint8Array): boolean {
    return this.#link?.write(bytes) ?? true;
  }

  close(): Promise<void> {
    this.#handlers = undefined;
    this.#closing ??= this.#finish();
    return this.#closing;
  }

  #accept(socket: Socket): void {
    if (this.#link !== undefined || this.#handlers === undefined) {
      this.refusedConnections += 1;
      socket.on("error", () => {});
      socket.destroy();
      return;
    }
    this.#link = new SocketLink(socket, this.#clock, {
      onBytes: (bytes) => this.#handlers?.onBytes(bytes),
      onWritable: () => this.#handlers?.onWritable(),
      onEnd: (error) => {
        this.#link = undefined;
        this.#handlers?.onDown(error === undefined ? undefined : connectionLost(this.facts.endpoint, error));
      },
    });
    this.#handlers.onUp();
  }

  async #finish(): Promise<void> {
    const server = this.#server;
    const closed = new Promise<void>((resolve) => {
      if (server === undefined) resolve();
      else server.close(() => resolve());
    });
    await this.#link?.close();
    await closed;
  }
}

function listenError(endpoint: string, port: number, cause: Error): TransportError {
  const details = { endpoint, port };
  switch (errnoOf(cause)) {
    case "EADDRINUSE":
      return new TransportError(
        "port-busy",
        `cannot listen on ${endpoint}: port ${port} is taken; use another`,
        "final",
        details,
        cause,
      );
    case "EACCES":
      return new TransportError(
        "port-permission",
        `cannot listen on ${endpoint}: ports below 1024 are for root; use another`,
        "final",
        details,
        cause,
      );
    default:
      return new TransportError(
        "port-failed",
        `cannot listen on ${endpoint}: ${cause.message}`,
        "final",
        details,
        cause,
      );
  }
}
