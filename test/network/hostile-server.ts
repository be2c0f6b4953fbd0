import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";

/** A web server on 127.0.0.1 that answers as a test says. */
export interface TestServer {
  /** With "/" at its end. */
  readonly url: string;
  readonly port: number;
  /** "GET /path" or "GET /path bytes=0-9" of each request, in order. */
  readonly requests: string[];
  /** Answers from now on; the path has no slash at its start. */
  answer: (path: string, request: IncomingMessage, response: ServerResponse) => void;
  close(): Promise<void>;
}

/** Starts a server; with `tls`, one of https. */
export async function openServer(tls?: ServerOptions): Promise<TestServer> {
  const requests: string[] = [];
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const { range } = request.headers;
    requests.push(`${request.method} ${request.url}${range === undefined ? "" : ` ${range}`}`);
    served.answer((request.url ?? "").slice(1), request, response);
  };
  const server: Server = tls === undefined ? createServer(onRequest) : createSecureServer(tls, onRequest);
  // A client that breaks the connection off is what many tests are about.
  server.on("clientError", (_error, socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const served: TestServer = {
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}/`,
    port,
    requests,
    answer: (_path, _request, response) => response.writeHead(404).end(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return served;
}

/** Answers as a static server does: ranges, `ETag`, 304, 404. */
export function serve(
  content: Uint8Array | undefined,
  { headers }: IncomingMessage,
  response: ServerResponse,
  etag?: string,
): void {
  if (content === undefined) {
    response.writeHead(404).end("not here");
    return;
  }
  const tag = etag === undefined ? {} : { etag };
  if (etag !== undefined && headers["if-none-match"] === etag) {
    response.writeHead(304, tag).end();
    return;
  }
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? "") ?? [];
  if (first === undefined || last === undefined) {
    response.writeHead(200, { ...tag, "content-length": content.length }).end(content);
    return;
  }
  const from = Number(first);
  const end = Math.min(Number(last) + 1, content.length);
  if (from >= content.length) {
    response.writeHead(416, { "content-range": `bytes */${content.length}` }).end();
    return;
  }
  const head = {
    ...tag,
    "content-length": end - from,
    "content-range": `bytes ${from}-${end - 1}/${content.length}`,
  };
  response.writeHead(206, head).end(content.subarray(from, end));
}
