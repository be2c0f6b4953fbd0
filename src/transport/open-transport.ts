import { unreachable } from "../base/assert.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import type {
  Endpoint,
  I2cEndpoint,
  I2cPeripheralEndpoint,
  ResetLine,
  UartEndpoint,
  UartSettings,
} from "./endpoint.ts";
import { I2cControllerTransport } from "./i2c/controller.ts";
import { linuxClockHz, openLinuxBus } from "./i2c/linux-bus.ts";
import { type AttachPeripheral, I2cPeripheralTransport } from "./i2c/peripheral.ts";
import { I2cSocketServer } from "./i2c/rig-socket.ts";
import { ReopeningTransport } from "./reopening.ts";
import { stablePath } from "./serial/stable-path.ts";
import { UartTransport } from "./serial/uart.ts";
import { Rfc2217Transport } from "./tcp/rfc2217.ts";
import { TcpTransport } from "./tcp/tcp.ts";
import { TcpListenTransport } from "./tcp/tcp-listen.ts";
import type { Transport } from "./transport.ts";

export interface OpenTransportOptions {
  readonly clock?: Clock;
  /** Reset the board on open, unless the endpoint says how; serial ports and rfc2217 only, ignored by other links. */
  readonly reset?: ResetLine | undefined;
}

/** Makes the transport of an endpoint; `open` it to start. */
export function openTransport(endpoint: Endpoint, options: OpenTransportOptions = {}): Transport {
  switch (endpoint.tag) {
    case "uart":
      return reopeningUart(endpoint, options);
    case "tcp":
      return new TcpTransport(endpoint, options);
    case "tcp-listen":
      return new TcpListenTransport(endpoint, options);
    case "rfc2217":
      return new Rfc2217Transport(endpoint, { ...options, reset: resetOf(endpoint, options.reset) });
    case "i2c":
      return i2cController(endpoint, options);
    case "i2c-peripheral":
      return i2cPeripheral(endpoint, options);
    default:
      return unreachable(endpoint);
  }
}

/** Makes the transport of an endpoint that is waited for: a port that is not there yet, or busy, is tried again and again. */
export function openPatiently(endpoint: Endpoint, options: OpenTransportOptions = {}): Transport {
  const make = (): Transport => openTransport(endpoint, options);
  return new ReopeningTransport(make(), async () => make(), options.clock ?? systemClock, true);
}

/** How the board at a port is reset: what its endpoint says wins over `common`, which is for all links. */
export function resetOf({ reset }: UartSettings, common: ResetLine | undefined): ResetLine | undefined {
  const choice = reset ?? common;
  return choice === "none" ? undefined : choice;
}

/** A serial port that is opened again after it was unplugged, by its by-id name where it has one. */
function reopeningUart(endpoint: UartEndpoint, options: OpenTransportOptions): Transport {
  const known = stablePath(endpoint.path);
  const reset = resetOf(endpoint, options.reset);
  // Only the first opening resets the board: after a reconnect it may be in the middle of a transfer.
  const again = async (): Promise<Transport> =>
    new UartTransport({ ...endpoint, path: await known }, { ...options, reset: undefined });
  return new ReopeningTransport(
    new UartTransport(endpoint, { ...options, reset }),
    again,
    options.clock ?? systemClock,
  );
}

function i2cController({ text, path, address }: I2cEndpoint, { clock }: OpenTransportOptions): Transport {
  const openBus = (): ReturnType<typeof openLinuxBus> => openLinuxBus(path, address);
  return new I2cControllerTransport(text, address, openBus, {
    ...(clock && { clock }),
    clockHz: linuxClockHz(path),
  });
}

function i2cPeripheral(
  { text, socket, address }: I2cPeripheralEndpoint,
  { clock }: OpenTransportOptions,
): Transport {
  const attach: AttachPeripheral = async (handler) => {
    const server = new I2cSocketServer(socket, address);
    await server.open(handler);
    return () => server.close();
  };
  return new I2cPeripheralTransport(text, attach, { ...(clock && { clock }) });
}
