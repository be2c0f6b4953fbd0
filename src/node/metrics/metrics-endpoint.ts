import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, isIPv6 } from "node:net";
import type { Registry } from "prom-client";
import { assert } from "../../base/assert.ts";
import { UsageError } from "../../base/errors.ts";
import { systemError } from "../../base/system-error.ts";
import type { MetricsAddress } from "./metrics-address.ts";

/** Programs that read figures at the same time; others are turned away. */
const CONNECTIONS_MAX = 8;
/** A request that is not there after this long is ended, in milliseconds. */
const REQUEST_MS = 5000;
const HEADERS_MAX = 8192;

/** What prom-client has, loaded. */
export type Prometheus = typeof import("prom-client");

/** Figures in the text format of Prometheus, at `/metrics` on this machine. */
export interface MetricsEndpoint {
  /** "http://127.0.0.1:9464/metrics". */
  readonly url: string;
  close(): Promise<void>;
}

/** Loads prom-client, which is optional. UsageError `metrics-package` where it is not installed. */
export async function loadPrometheus(): Promise<Prometheus> {
  try {
    return await import("prom-client");
  } catch (error) {
    const message =
      "figures for Prometheus need the package prom-client, which is not installed: npm install prom-client";
    throw new UsageError("metrics-package", message, {
      why: error instanceof Error ? error.message : String(error),
    });
  }
}

/**
 * Serves the figures of a registry until it is closed. `refresh` runs before each reading. TransportError or FailedError of
 * `systemError`, `metrics-listen`, if nothing can listen there.
 */
export async function openMetricsEndpoint(
  { host, port }: MetricsAddress,
  registry: Registry,
  refresh: () => void,
): Promise<MetricsEndpoint> {
  const server = createServer(
    { maxHeaderSize: HEADERS_MAX, requestTimeout: REQUEST_MS },
    (request, response) => {
      void answer(request, response, registry, refresh);
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  server.headersTimeout = REQUEST_MS;
  await listen(server, host, port);
  const address = server.address() as AddressInfo | null;
  assert(address !== null, "a server that listens");
  const shown = isIPv6(host) ? `[${host}]` : host;
  return {
    url: `http://${shown}:${address.port}/metrics`,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => {
      reject(
        systemError("metrics-listen", `figures cannot be served at ${host}:${port}`, error, { host, port }),
      );
    });
    server.listen(port, host, resolve);
  });
  // What a connection does wrong is its own matter.
  server.on("error", () => {});
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  registry: Registry,
  refresh: () => void,
): Promise<void> {
  response.setHeader("Connection", "close");
  if (!isOfThisMachine(request.headers.host))
    return end(response, 403, "ask by the address of this machine\n");
  if (request.url?.split("?")[0] !== "/metrics") return end(response, 404, "the figures are at /metrics\n");
  if (request.method !== "GET" && request.method !== "HEAD") return end(response, 405, "GET only\n");
  try {
    refresh();
    const text = await registry.metrics();
    response.setHeader("Content-Type", registry.contentType);
    end(response, 200, text);
  } catch (error) {
    end(
      response,
      500,
      `the figures cannot be read: ${error instanceof Error ? error.message : String(error)}\n`,
    );
  }
}

/** A page of the web whose name leads to this machine (DNS rebinding) gets nothing. */
function isOfThisMachine(host: string | undefined): boolean {
  return host !== undefined && /^(?:127(?:\.\d{1,3}){3}|localhost|\[::1\])(?::\d{1,5})?$/.test(host);
}

function end(response: ServerResponse, status: number, text: string): void {
  response.statusCode = status;
  response.end(text);
}
