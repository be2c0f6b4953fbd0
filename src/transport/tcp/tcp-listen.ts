import { createServer, isIPv6, type Server } from "node:net";
import { assert } from "../../base/assert.ts";
import { type Clock, systemClock } from "../../base/clock.ts";
import { errnoOf } from "../../base/errno.ts";
import { TransportError } from "../../base/errors.ts";
import type { TcpListenEndpoint } from "../endpoint.ts";
import type { Heard, Transport, TransportFacts, TransportHandlers } from "../transport.ts";
import { Connections } from "./connections.ts";
import { isLoopbackHost } from "./loopback.ts";
import { connectionLost, type TcpOptions, tcpFacts } from "./tcp.ts";

/**
 * Waits for connections. Several may be open at a time, as a silent one must not keep out the one that heals:
 * {@link Connections} says which of them is heard.
 */
export class TcpListenTransport implements Transport {
  readonly facts: TransportFacts;
  readonly #host: string;
  readonly #port: number;
  readonly #clock: Clock;
  #server: Server | undefined;
  #connections: Connections | undefined;
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

  /** Connections that are open. */
  get connectionCount(): number {
    return this.#connections?.count ?? 0;
  }

  /** Connections closed to make room for others. */
  get displacedConnections(): number {
    return this.#connections?.displaced ?? 0;
  }

  async open(handlers: TransportHandlers): Promise<void> {
    const { endpoint } = this.facts;
    assert(this.#server === undefined && this.#closing === undefined, `${endpoint} was opened before`);
    const connections = new Connections(this.#clock, handlers, (cause) => connectionLost(endpoint, cause));
    const server = createServer((socket) => connections.add(socket));
    this.#server = server;
    this.#connections = connections;
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error) => {
        this.#server = undefined;
        reject(listenError(endpoint, this.#host, this.#port, error));
      });
      server.listen({ port: this.#port, host: this.#host }, resolve);
    });
    // A failure to accept (out of descriptors) concerns one connection; without a listener it would end the process.
    server.on("error", () => {});
    if (this.#closing === undefined) handlers.onWaiting?.(this.#nobodyYet());
  }

  write(bytes: Uint8Array): boolean {
    return this.#connections?.write(bytes) ?? true;
  }

  noteHeard(heard: Heard): void {
    this.#connections?.noteHeard(heard);
  }

  noteSessionEnd(): void {
    this.#connections?.noteSessionEnd();
  }

  close(): Promise<void> {
    this.#closing ??= this.#finish();
    return this.#closing;
  }

  #nobodyYet(): TransportError {
    const { endpoint } = this.facts;
    const port = this.localPort ?? this.#port;
    const at = isIPv6(this.#host) ? `[${this.#host}]:${port}` : `${this.#host}:${port}`;
    const reach = isLoopbackHost(this.#host)
      ? `, which only programs on this machine reach; for others write tcp-listen:0.0.0.0:${port}`
      : "";
    const message = `${endpoint} listens on ${at}, and nobody has connected yet${reach}`;
    return new TransportError("tcp-waiting", message, "transient", { endpoint, host: this.#host, port });
  }

  async #finish(): Promise<void> {
    const server = this.#server;
    const closed = new Promise<void>((resolve) => {
      if (server === undefined) resolve();
      else server.close(() => resolve());
    });
    await this.#connections?.close();
    await closed;
  }
}

function listenError(endpoint: string, host: string, port: number, cause: Error): TransportError {
  const details = { endpoint, host, port };
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
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new TransportError(
        "port-failed",
        `cannot listen on ${endpoint}: ${host} is not an address of this machine (${cause.message}); name one, or 0.0.0.0 for all`,
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
