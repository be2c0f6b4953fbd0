import { isIPv4, isIPv6 } from "node:net";
import { UsageError } from "../../base/errors.ts";

/** Where figures are served, on this machine only. */
export interface MetricsAddress {
  /** A loopback address: 127.0.0.0/8 or ::1. */
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
}

const DEFAULT_HOST = "127.0.0.1";
const PORT_MAX = 65_535;

/**
 * "PORT", "127.0.0.1:PORT", "localhost:PORT" or "[::1]:PORT". UsageError `metrics-address` for other text, and for an address that other machines
 * reach: the figures name ports and images, and have no password.
 */
export function parseMetricsAddress(text: string): MetricsAddress {
  const [, bracketed, plain, digits = ""] = /^(?:(?:\[([^\]]*)\]|([^:[\]]*)):)?(\d{1,5})$/.exec(text) ?? [];
  const name = bracketed ?? plain ?? DEFAULT_HOST;
  const host = name === "localhost" ? DEFAULT_HOST : name;
  const port = Number(digits);
  if (digits === "" || port > PORT_MAX) {
    const message = `${text} is no address for figures: give a port from 0 to ${PORT_MAX}, such as 9464, or 127.0.0.1:9464`;
    throw new UsageError("metrics-address", message, { address: text });
  }
  if (isLoopback(host)) return { host, port };
  const message =
    `${text}: figures are served on this machine only, at 127.0.0.1 or [::1], as they have no password; ` +
    "for others put a web server with one in front of it";
  throw new UsageError("metrics-address", message, { address: text });
}

function isLoopback(host: string): boolean {
  return (isIPv4(host) && host.startsWith("127.")) || (isIPv6(host) && host === "::1");
}
