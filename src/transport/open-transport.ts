import { unreachable } from "../base/assert.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { TransportError } from "../base/errors.ts";
import type { Endpoint, UartEndpoint } from "./endpoint.ts";
import { ReopeningTransport } from "./reopening.ts";
import { stablePath } from "./stable-path.ts";
import { TcpTransport } from "./tcp.ts";
import { TcpListenTransport } from "./tcp-listen.ts";
import type { Transport } from "./transport.ts";
import { type ResetLine, UartTransport } from "./uart.ts";

export interface OpenTransportOptions {
  readonly clock?: Clock;
  /** Pulse this modem line on open; serial ports only, ignored by other links. */
  readonly reset?: ResetLine | undefined;
}

/**
 * Makes the transport of an endpoint; `open` it to start. Throws TransportError `transport-unavailable` for kinds of
 * link that this version does not have yet.
 */
export function openTransport(endpoint: Endpoint, options: OpenTransportOptions = {}): Transport {
  switch (endpoint.tag) {
    case "uart":
      return reopeningUart(endpoint, options);
    case "tcp":
      return new TcpTransport(endpoint, options);
    case "tcp-listen":
      return new TcpListenTransport(endpoint, options);
    case "i2c":
    case "i2c-peripheral":
      throw notYet(endpoint);
    default:
      return unreachable(endpoint);
  }
}

/** A serial port that is found again after it was unplugged, by its by-id name where it has one. */
function reopeningUart(endpoint: UartEndpoint, options: OpenTransportOptions): Transport {
  const known = stablePath(endpoint.path);
  // The board was reset once, on the first opening; after a reconnect it is in the middle of something.
  const again = async (): Promise<Transport> =>
    new UartTransport({ ...endpoint, path: await known }, { ...options, reset: undefined });
  return new ReopeningTransport(new UartTransport(endpoint, options), again, options.clock ?? systemClock);
}

function notYet(endpoint: Endpoint): TransportError {
  const message = `${endpoint.text}: I2C links are not yet available in this version; use a serial port or TCP`;
  return new TransportError("transport-unavailable", message, { endpoint: endpoint.text });
}
