import {
  choiceOf,
  type EndpointQuery,
  numberOf,
  parseQuery,
  splitHostPort,
  wrong,
} from "./endpoint-parts.ts";
import { meantEndpoint } from "./endpoint-slip.ts";

/** One end of a link, as parsed from what the user wrote (README, "Endpoints"). `text` is what the user wrote. */
export type Endpoint =
  | UartEndpoint
  | TcpEndpoint
  | TcpListenEndpoint
  | Rfc2217Endpoint
  | I2cEndpoint
  | I2cPeripheralEndpoint;

/** Parities of a serial port, as an endpoint names them. */
export const PARITIES = ["none", "even", "odd"] as const;
export type Parity = (typeof PARITIES)[number];
/** Stop bits of a serial port. */
export const STOP_BITS = [1, 2] as const;
export type StopBits = (typeof STOP_BITS)[number];

/** How a UART runs. `fixedBaud`: stay at `baud`; otherwise links meet at `baud` and may climb to at most `baudMax`. */
export interface UartSettings {
  readonly baud: number;
  readonly fixedBaud: boolean;
  readonly baudMax: number | undefined;
  readonly parity: Parity;
  readonly stopBits: StopBits;
  /** How the board at this port is reset when the port is opened first; undefined: as for all links. */
  readonly reset?: ResetChoice | undefined;
}

/** A start bit, eight data bits, a parity bit if there is one, and the stop bits. */
export function bitsPerByteOf({ parity, stopBits }: Pick<UartSettings, "parity" | "stopBits">): number {
  return 1 + 8 + (parity === "none" ? 0 : 1) + stopBits;
}

/** A serial port. */
export interface UartEndpoint extends UartSettings {
  readonly tag: "uart";
  readonly text: string;
  readonly path: string;
}

/** A serial port at a server that speaks RFC 2217. Connects, and reconnects without limit. */
export interface Rfc2217Endpoint extends UartSettings {
  readonly tag: "rfc2217";
  readonly text: string;
  readonly host: string;
  readonly port: number;
}

/**
 * What resets a board that is wired for it, when its port is opened: a pulse of one modem line; or `esp`, which also holds the
 * boot pin (IO0) low while the board leaves reset, through the two transistors that ESP boards have on DTR and RTS.
 */
export type ResetLine = "dtr" | "rts" | "esp";
/** What an endpoint may say of it. */
const RESETS = ["dtr", "rts", "esp", "none"] as const;
export type ResetChoice = (typeof RESETS)[number];

/** Connects to a listener, and reconnects without limit. `host` has no brackets. */
export interface TcpEndpoint {
  readonly tag: "tcp";
  readonly text: string;
  readonly host: string;
  readonly port: number;
}

/** Waits for connections at an address of this machine, {@link DEFAULT_LISTEN_HOST} unless one is named. */
export interface TcpListenEndpoint {
  readonly tag: "tcp-listen";
  readonly text: string;
  readonly host: string;
  readonly port: number;
}

/** This machine as I2C controller, talking to the peripheral at a 7-bit address. */
export interface I2cEndpoint {
  readonly tag: "i2c";
  readonly text: string;
  readonly path: string;
  readonly address: number;
}

/** This process as a peripheral on the bus of the I2C test rig; `socket` is the directory that is the bus. */
export interface I2cPeripheralEndpoint {
  readonly tag: "i2c-peripheral";
  readonly text: string;
  readonly socket: string;
  readonly address: number;
}

/** Rate of a serial port unless the endpoint gives one, in bits per second (PROTOCOL.md 2.1). */
export const DEFAULT_BAUD = 115_200;
/** Where `tcp-listen:PORT` listens: programs on this machine reach it, others do not. */
export const DEFAULT_LISTEN_HOST = "127.0.0.1";
/** Rates accepted in an endpoint, in baud. */
export const BAUD_MIN = 300;
export const BAUD_MAX = 12_000_000;
/** 7-bit I2C addresses that are not reserved by the I2C specification. */
export const I2C_ADDRESS_MIN = 0x08;
export const I2C_ADDRESS_MAX = 0x77;

const ACCEPTED =
  "accepted: a port's path (/dev/ttyUSB0), serial:PATH?baud=N, i2c:/dev/i2c-1?address=0x42, " +
  "i2c-peripheral:SOCKET?address=0x42, tcp:HOST:PORT, tcp-listen:[HOST:]PORT (0.0.0.0 for all addresses), " +
  "rfc2217:HOST:PORT?baud=N";

/** Most characters in an endpoint. */
export const ENDPOINT_LENGTH_MAX = 4096;

interface Scheme {
  readonly keys: readonly string[];
  parse(text: string, rest: string, query: EndpointQuery): Endpoint;
}

const UART_KEYS = ["baud", "baud-max", "parity", "stop", "reset"] as const;

/** A new kind of endpoint gets a row here, a member in {@link Endpoint} and a row in open-transport.ts. */
const SCHEMES: ReadonlyMap<string, Scheme> = new Map<string, Scheme>([
  ["serial", { keys: UART_KEYS, parse: parseSerial }],
  ["rfc2217", { keys: UART_KEYS, parse: parseRfc2217 }],
  ["tcp", { keys: [], parse: parseTcp }],
  ["tcp-listen", { keys: [], parse: parseTcpListen }],
  ["i2c", { keys: ["address"], parse: parseI2c }],
  ["i2c-peripheral", { keys: ["address"], parse: parseI2cPeripheral }],
]);

/**
 * Reads an endpoint. Throws UsageError with what is accepted: `endpoint-scheme` (unknown kind), `endpoint-path`,
 * `endpoint-query`, `endpoint-baud`, `endpoint-parity`, `endpoint-stop`, `endpoint-reset`, `endpoint-port`,
 * `endpoint-host`, `endpoint-address`.
 */
export function parseEndpoint(text: string): Endpoint {
  if (text === "" || text.length > ENDPOINT_LENGTH_MAX || text.includes("\0")) {
    throw wrong(
      "endpoint-path",
      text,
      `it must have 1 to ${ENDPOINT_LENGTH_MAX} characters and no NUL`,
      ACCEPTED,
    );
  }
  const match = /^([A-Za-z][A-Za-z0-9+.-]*):(.*)$/s.exec(text);
  if (match === null) return parseBarePath(text);
  const [, name = "", tail = ""] = match;
  const scheme = SCHEMES.get(name);
  const meant = meantEndpoint(name, tail);
  const isMeant = meant !== undefined && SCHEMES.has(meant.slice(0, meant.indexOf(":")));
  if (scheme === undefined || isMeant) {
    const seen = scheme === undefined ? `"${name}:" is not a kind of link` : "it is written as a URL";
    throw wrong("endpoint-scheme", text, seen, isMeant ? `write ${meant}` : ACCEPTED);
  }
  const mark = tail.indexOf("?");
  const rest = mark < 0 ? tail : tail.slice(0, mark);
  return scheme.parse(text, rest, parseQuery(text, mark < 0 ? "" : tail.slice(mark + 1), scheme.keys));
}

function parseBarePath(text: string): Endpoint {
  if (/^\/dev\/i2c-\d+/.test(text)) {
    const fix = `write i2c:${text}?address=0x42 with the peripheral's address`;
    throw wrong("endpoint-scheme", text, "this is an I2C bus, not a serial port", fix);
  }
  if (text.includes("?")) {
    throw wrong("endpoint-query", text, "a bare path takes no settings", `write serial:${text}`);
  }
  return parseSerial(text, text, new Map());
}

function parseSerial(text: string, rest: string, query: EndpointQuery): Endpoint {
  if (rest === "")
    throw wrong("endpoint-path", text, "the path is missing", "write serial:/dev/ttyUSB0?baud=921600");
  return { tag: "uart", text, path: rest, ...uartSettings(text, query) };
}

function parseRfc2217(text: string, rest: string, query: EndpointQuery): Endpoint {
  const { host, port } = splitHostPort(text, rest);
  if (host === undefined)
    throw wrong("endpoint-host", text, "the host is missing", "write rfc2217:HOST:PORT?baud=115200");
  return { tag: "rfc2217", text, host, port, ...uartSettings(text, query) };
}

function uartSettings(text: string, query: EndpointQuery): UartSettings {
  const baud = numberOf(text, query, "baud", "endpoint-baud", BAUD_MIN, BAUD_MAX);
  const baudMax = numberOf(text, query, "baud-max", "endpoint-baud", DEFAULT_BAUD, BAUD_MAX);
  if (baud !== undefined && baudMax !== undefined) {
    const fix = "give baud=N for one fixed rate, or baud-max=N to limit the rates tried";
    throw wrong("endpoint-query", text, "baud fixes the rate, so that baud-max has no meaning", fix);
  }
  return {
    baud: baud ?? DEFAULT_BAUD,
    fixedBaud: baud !== undefined,
    baudMax,
    parity: choiceOf(text, query, "parity", PARITIES) ?? "none",
    stopBits: choiceOf(text, query, "stop", STOP_BITS) ?? 1,
    reset: choiceOf(text, query, "reset", RESETS),
  };
}

function parseTcp(text: string, rest: string): Endpoint {
  const { host, port } = splitHostPort(text, rest);
  if (host === undefined) throw wrong("endpoint-host", text, "the host is missing", "write tcp:HOST:PORT");
  return { tag: "tcp", text, host, port };
}

function parseTcpListen(text: string, rest: string): Endpoint {
  const { host = DEFAULT_LISTEN_HOST, port } = splitHostPort(text, rest);
  return { tag: "tcp-listen", text, host, port };
}

function parseI2c(text: string, rest: string, query: EndpointQuery): Endpoint {
  if (rest === "")
    throw wrong("endpoint-path", text, "the bus is missing", "write i2c:/dev/i2c-1?address=0x42");
  return { tag: "i2c", text, path: rest, address: addressOf(text, query) };
}

function parseI2cPeripheral(text: string, rest: string, query: EndpointQuery): Endpoint {
  if (rest === "") {
    throw wrong("endpoint-path", text, "the socket is missing", "write i2c-peripheral:SOCKET?address=0x42");
  }
  return { tag: "i2c-peripheral", text, socket: rest, address: addressOf(text, query) };
}

function addressOf(text: string, query: EndpointQuery): number {
  const address = numberOf(text, query, "address", "endpoint-address", I2C_ADDRESS_MIN, I2C_ADDRESS_MAX);
  if (address !== undefined) return address;
  throw wrong(
    "endpoint-address",
    text,
    "the address is missing",
    "append ?address=0x42 (the peripheral's, 0x08 to 0x77)",
  );
}
