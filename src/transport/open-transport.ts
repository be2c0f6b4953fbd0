import { unreachable } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import { TransportError } from "../base/errors.ts";
import type { Endpoint } from "./endpoint.ts";
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
      return new UartTransport(endpoint, options);
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

function notYet(endpoint: Endpoint): TransportError {
  const message = `${endpoint.text}: I2C links are not yet available in this version; use a serial port or TCP`;
  return new TransportError("transport-unavailable", message, { endpoint: endpoint.text });
}
