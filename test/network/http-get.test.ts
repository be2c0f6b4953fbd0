import type { LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";
import { createServer, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { MaydayError } from "../../src/base/errors.ts";
import { AddressGuard, parseNetworkRange } from "../../src/network/address-guard.ts";
import { type FetchAnswer, type FetchOptions, fetchRange } from "../../src/network/http-get.ts";
import { openServer, serve, type TestServer } from "./hostile-server.ts";

const CONTENT = new Uint8Array(50_000).map((_, i) => i % 251);
const LOCAL = new AddressGuard([parseNetworkRange("127.0.0.1")]);

let server: TestServer;
beforeAll(async () => {
  server = await openServer();
});
beforeEach(() => {
  server.requests.length = 0;
  server.answer = (_path, request, response) => serve(CONTENT, request, response, '"v1"');
});
afterAll(() => server.close());

interface Fetched {
  readonly answer: FetchAnswer;
  readonly bytes: Uint8Array;
}

async function get(path: string, options: Partial<FetchOptions> = {}): Promise<Fetched> {
  const chunks: Uint8Array[] = [];
  const answer = await fetchRange(new URL(path, server.url), {
    limit: 100_000,
    idleMs: 5_000,
    totalMs: 5_000,
    tls: {},
    guard: LOCAL,
    take: (chunk) => void chunks.push(chunk),
    ...options,
  });
  return { answer, bytes: new Uint8Array(Buffer.concat(chunks)) };
}

async function faultOf(work: Promise<unknown>): Promise<MaydayError> {
  const error = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (error instanceof MaydayError) return error;
  throw new Error("no MaydayError", { cause: error });
}

/** Begins an answer, and continues it byte by byte. */
function drip(socket: Socket, begin: string): void {
  socket.write(begin);
  const timer = setInterval(() => socket.write("x"), 50);
  socket.on("close", () => clearInterval(timer));
}

const codeOf = async (work: Promise<unknown>): Promise<string> => (await faultOf(work)).code;

describe("a fetch", () => {
  it("gives the whole, its size and its tag", async () => {
    const { answer, bytes } = await get("a");
    expect(answer).toMatchObject({ tag: "body", size: 50_000, etag: '"v1"' });
    expect(bytes).toEqual(CONTENT);
    expect(answer.received).toBeGreaterThan(50_000);
    expect(answer.received).toBeLessThan(51_000);
  });

  it("gives a range, and of one beyond the end what there is", async () => {
    const { answer, bytes } = await get("a", { from: 49_990, limit: 100 });
    expect(answer).toMatchObject({ size: 50_000 });
    expect(bytes).toEqual(CONTENT.subarray(49_990));
    expect(server.requests).toEqual(["GET /a bytes=49990-50089"]);
  });

  it("sends no byte again that has not changed", async () => {
    expect((await get("a", { etag: '"v1"' })).answer).toMatchObject({ tag: "unchanged" });
    expect((await get("a", { etag: '"v0"' })).bytes).toHaveLength(50_000);
  });

  it("asks for nothing encoded, and tells nothing of the machine", async () => {
    let seen: unknown;
    server.answer = (_path, request, response) => {
      seen = request.headers;
      serve(CONTENT, request, response);
    };
    await get("a");
    expect(seen).toEqual({
      host: `127.0.0.1:${server.port}`,
      accept: "*/*",
      "accept-encoding": "identity",
      "user-agent": "mayday",
      connection: "close",
    });
  });

  it("follows a redirect on the same origin", async () => {
    server.answer = (path, request, response) => {
      if (path === "a") response.writeHead(302, { location: "/b" }).end();
      else serve(CONTENT, request, response);
    };
    expect((await get("a")).bytes).toHaveLength(50_000);
    expect(server.requests).toEqual(["GET /a", "GET /b"]);
  });

  it.each([
    ["another port", () => `http://127.0.0.1:${server.port + 1}/a`],
    ["another host", () => `http://localhost:${server.port}/a`],
    ["another scheme", () => `https://127.0.0.1:${server.port}/a`],
    ["a place with a password", () => `http://me:secret@127.0.0.1:${server.port}/a`],
    ["itself, for ever", () => "/a"],
    ["nowhere", () => "http://"],
  ])("does not follow a redirect to %s", async (_where, location) => {
    server.answer = (_path, _request, response) => response.writeHead(301, { location: location() }).end();
    expect(await codeOf(get("a"))).toBe("net-redirect");
    expect(server.requests.length).toBeLessThan(5);
  });

  it("stops at the limit, whatever was announced", async () => {
    server.answer = (_path, _request, response) => {
      response.writeHead(200);
      const more = (): void => {
        while (response.write(CONTENT));
        response.once("drain", more);
      };
      more();
    };
    const fault = await faultOf(get("a", { limit: 60_000 }));
    expect(fault.code).toBe("net-length");
    expect(Number(fault.details["received"])).toBeLessThan(60_000 + 200_000);
    server.answer = (_path, request, response) => serve(CONTENT, request, response);
    const announced = await faultOf(get("a", { limit: 49_999 }));
    expect(announced.code).toBe("net-length");
    expect(Number(announced.details["received"])).toBeLessThan(500);
  });

  it("takes nothing compressed, of which a few bytes would become many", async () => {
    const bomb = gzipSync(new Uint8Array(10_000_000));
    server.answer = (_path, _request, response) =>
      response.writeHead(200, { "content-encoding": "gzip", "content-length": bomb.length }).end(bomb);
    const fault = await faultOf(get("a"));
    expect(fault.code).toBe("net-encoded");
    expect(Number(fault.details["received"])).toBeLessThan(500);
  });

  it("names an end that comes too early, and what there was until then was taken", async () => {
    server.answer = (_path, _request, response) => {
      response.writeHead(200, { "content-length": CONTENT.length });
      response.write(CONTENT.subarray(0, 10_000), () => response.destroy());
    };
    const chunks: Uint8Array[] = [];
    const fault = await faultOf(get("a", { take: (chunk) => void chunks.push(chunk) }));
    expect(fault).toMatchObject({ code: "net-truncated", exitCode: 3 });
    expect(Buffer.concat(chunks)).toHaveLength(10_000);
    expect(Number(fault.details["received"])).toBeGreaterThan(10_000);
  });

  it("names a server that ignores ranges, and takes nothing of it", async () => {
    server.answer = (_path, _request, response) =>
      response.writeHead(200, { "content-length": CONTENT.length }).end(CONTENT);
    const chunks: Uint8Array[] = [];
    const work = get("a", { from: 0, limit: 100, take: (chunk) => void chunks.push(chunk) });
    expect(await faultOf(work)).toMatchObject({ code: "net-range", exitCode: 1 });
    expect(chunks).toEqual([]);
  });

  it.each([
    ["bytes 1-100/50000", 100, "net-range"],
    ["bytes 0-98/50000", 99, "net-range"],
    ["bytes 0-99/*", 100, "net-range"],
    ["bytes 0-99/50000", 200, "net-length"],
    ["bytes 0-99/50", 100, "net-range"],
    [undefined, 100, "net-range"],
  ])("refuses the range %s of %d bytes where 0-99 was asked for", async (range, length, code) => {
    server.answer = (_path, _request, response) => {
      const head = { "content-length": length, ...(range === undefined ? {} : { "content-range": range }) };
      response.writeHead(206, head).end(CONTENT.subarray(0, length));
    };
    expect(await codeOf(get("a", { from: 0, limit: 100 }))).toBe(code);
  });

  it.each([
    [404, "net-status", 1],
    [403, "net-status", 1],
    [410, "net-status", 1],
    [204, "net-status", 1],
    [304, "net-status", 1],
    [500, "net-server", 3],
    [503, "net-server", 3],
    [429, "net-server", 3],
    [408, "net-server", 3],
  ])("tells what status %d means", async (status, code, exitCode) => {
    server.answer = (_path, _request, response) => response.writeHead(status, { "retry-after": "7" }).end();
    const fault = await faultOf(get("a"));
    expect(fault).toMatchObject({ code, exitCode });
    if (code === "net-server") expect(fault.details["retryAfterMs"]).toBe(7000);
  });

  it.each([
    ["nothing at all", () => {}],
    ["one header byte now and then", (socket: Socket) => drip(socket, "HTTP/1.1 200 OK\r\nx: ")],
    [
      "one body byte now and then",
      (socket: Socket) => drip(socket, "HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n"),
    ],
  ])("ends when a server sends %s", async (_what, behave) => {
    const sockets = new Set<Socket>();
    const slow = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
      behave(socket);
    });
    await new Promise<void>((resolve) => slow.listen(0, "127.0.0.1", resolve));
    const address = slow.address();
    const port = typeof address === "object" ? address?.port : 0;
    const fault = await faultOf(get(`http://127.0.0.1:${port}/`, { idleMs: 300 }));
    expect(fault).toMatchObject({ code: "net-slow", exitCode: 3 });
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => slow.close(() => resolve()));
  });

  it("ends after its whole time, however steadily bytes come", async () => {
    server.answer = (_path, _request, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write(CONTENT.subarray(0, 2048)), 20);
      response.on("close", () => clearInterval(timer));
    };
    expect(await codeOf(get("a", { idleMs: 300, totalMs: 700 }))).toBe("net-timeout");
  });

  it("can be stopped", async () => {
    const stop = new AbortController();
    server.answer = () => stop.abort();
    expect(await codeOf(get("a", { signal: stop.signal }))).toBe("net-aborted");
  });

  it("names a port without a listener, and what is no web server", async () => {
    const gone = await openServer();
    await gone.close();
    expect(await faultOf(get(gone.url))).toMatchObject({ code: "net-unreachable", exitCode: 3 });
    const talker = createServer((socket) =>
      socket
        .on("error", () => {})
        .resume()
        .end("220 mail.example.org ESMTP\r\n"),
    );
    await new Promise<void>((resolve) => talker.listen(0, "127.0.0.1", resolve));
    const address = talker.address();
    expect(await codeOf(get(`http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/`))).toBe(
      "net-protocol",
    );
    await new Promise<void>((resolve) => talker.close(() => resolve()));
  });

  it("passes on what the taker throws", async () => {
    const thrown = new Error("the disk is full");
    const take = (): void => {
      throw thrown;
    };
    expect(await get("a", { take }).catch((error: unknown) => error)).toBe(thrown);
  });
});

describe("the addresses that a fetch connects to", () => {
  const none = new AddressGuard();
  /** Answers with the next list each time, as a name server of an attacker does. */
  const naming =
    (...answers: string[][]): LookupFunction =>
    (_name, _options, callback) => {
      const found = answers.length > 1 ? answers.shift() : answers[0];
      const all: LookupAddress[] = (found ?? []).map((address) => ({
        address,
        family: address.includes(":") ? 6 : 4,
      }));
      callback(null, all);
    };

  it("are not those of this machine, given as such or by name", async () => {
    const byName = `http://localhost:${server.port}/a`;
    for (const url of [
      server.url,
      byName,
      `http://2130706433:${server.port}/`,
      `http://[::ffff:7f00:1]:${server.port}/`,
    ])
      expect(await codeOf(get(url, { guard: none }))).toBe("net-address");
    expect(server.requests).toEqual([]);
  });

  it("are judged as they are connected to: a name that leads elsewhere the next time gains nothing", async () => {
    const lookup = naming(["203.0.114.7"], ["127.0.0.1"]);
    const rebound = `http://images.example.org:${server.port}/a`;
    const options = { guard: none, lookup, idleMs: 300 };
    // The first address is public, and does not answer here; the second one is this machine.
    expect(["net-slow", "net-unreachable"]).toContain(await codeOf(get(rebound, options)));
    expect(await codeOf(get(rebound, options))).toBe("net-address");
    expect(server.requests).toEqual([]);
  });

  it("are the allowed ones among several", async () => {
    const lookup = naming(["169.254.169.254", "127.0.0.1"]);
    expect((await get(`http://images.example.org:${server.port}/a`, { lookup })).bytes).toHaveLength(50_000);
  });
});
