import { connect, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { randomBytes, SeededRandom } from "../../../src/base/prng.ts";
import { TcpTransport } from "../../../src/transport/tcp/tcp.ts";
import { TcpListenTransport } from "../../../src/transport/tcp/tcp-listen.ts";
import type { Transport } from "../../../src/transport/transport.ts";
import { codeOf, Recorder, until } from "../../support/recorder.ts";

const opened: Transport[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((transport) => transport.close()));
});

function client(port: number): TcpTransport {
  const text = `tcp:127.0.0.1:${port}`;
  const transport = new TcpTransport({ tag: "tcp", text, host: "127.0.0.1", port });
  opened.push(transport);
  return transport;
}

function listener(port: number): TcpListenTransport {
  const text = `tcp-listen:127.0.0.1:${port}`;
  const transport = new TcpListenTransport({ tag: "tcp-listen", text, host: "127.0.0.1", port });
  opened.push(transport);
  return transport;
}

/** A port where nothing listens, as far as one can know. */
async function freePort(): Promise<number> {
  const server = listener(0);
  await server.open(new Recorder());
  const port = server.localPort ?? 0;
  await server.close();
  return port;
}

async function listening(): Promise<{ server: TcpListenTransport; atServer: Recorder; port: number }> {
  const [server, atServer] = [listener(0), new Recorder()];
  await server.open(atServer);
  return { server, atServer, port: server.localPort ?? 0 };
}

async function connected(port: number): Promise<{ end: TcpTransport; atEnd: Recorder }> {
  const [end, atEnd] = [client(port), new Recorder()];
  await end.open(atEnd);
  await until(() => atEnd.count("up") === 1, "connection");
  return { end, atEnd };
}

describe("TCP transports", () => {
  it("carry bytes both ways", async () => {
    const { server, atServer, port } = await listening();
    const { end, atEnd } = await connected(port);
    await until(() => atServer.count("up") === 1, "up");
    const bytes = randomBytes(new SeededRandom(1), 40_000);
    expect(end.write(bytes)).toBe(true);
    expect(server.write(bytes.toReversed())).toBe(true);
    await until(() => atServer.byteCount === bytes.length && atEnd.byteCount === bytes.length, "delivery");
    expect(atServer.bytes).toEqual(bytes);
    expect(atEnd.bytes).toEqual(bytes.toReversed());
    expect(atEnd.chunks[0]?.constructor).toBe(Uint8Array);
    expect([server.facts.baud, end.facts.baud]).toEqual([undefined, undefined]);
  });

  it("wait for a listener that starts later, and say why meanwhile, once", async () => {
    const port = await freePort();
    const [end, atEnd] = [client(port), new Recorder()];
    await end.open(atEnd);
    expect(end.write(Uint8Array.of(1))).toBe(true);
    await until(() => atEnd.events.length > 0, "a reason");
    await new Promise((resolve) => setTimeout(resolve, 350));
    expect(atEnd.events).toEqual(["waiting tcp-waiting"]);
    const [server, atServer] = [listener(port), new Recorder()];
    await server.open(atServer);
    await until(() => atEnd.count("up") === 1 && atServer.count("up") === 1, "connection");
    expect(atServer.byteCount).toBe(0);
  });

  it("connect again when the listening side was away", async () => {
    const { server, atServer, port } = await listening();
    const { atEnd } = await connected(port);
    await until(() => atServer.count("up") === 1, "up");
    await server.close();
    await until(() => atEnd.count("down orderly") === 1, "down");
    const [again, atAgain] = [listener(port), new Recorder()];
    await again.open(atAgain);
    await until(() => atEnd.count("up") === 2, "connection");
    again.write(Uint8Array.of(7));
    await until(() => atEnd.byteCount === 1, "delivery");
  });

  it("serve the next connection when one ended, and say how it ended", async () => {
    const { atServer, port } = await listening();
    const { end } = await connected(port);
    await until(() => atServer.count("up") === 1, "up");
    await end.close();
    await until(() => atServer.count("down orderly") === 1, "down");
    const raw = connect(port, "127.0.0.1");
    raw.on("error", () => {});
    await until(() => atServer.count("up") === 2, "up");
    raw.resetAndDestroy();
    await until(() => atServer.count("down tcp-lost") === 1, "down");
    expect(atServer.events).toEqual(["waiting tcp-waiting", "up", "down orderly", "up", "down tcp-lost"]);
  });

  it("wait longer each time for a listener that hangs up immediately", async () => {
    let accepted = 0;
    const server = createServer((socket) => {
      accepted += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const { end } = await connected(typeof address === "object" ? (address?.port ?? 0) : 0);
    await new Promise((resolve) => setTimeout(resolve, 650));
    await end.close();
    server.close();
    // At 0, 100 and 300 ms; the next would be at 700 ms.
    expect(accepted).toBeGreaterThanOrEqual(2);
    expect(accepted).toBeLessThanOrEqual(3);
  });

  it("hold a writer back when the other side does not read, and report when it may write again", async () => {
    let accepted: Socket | undefined;
    const server = createServer((socket) => {
      accepted = socket.pause();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const { end, atEnd } = await connected(typeof address === "object" ? (address?.port ?? 0) : 0);
    let written = 0;
    for (; written < 1000 && end.write(new Uint8Array(65_536)); written++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(written).toBeLessThan(1000);
    expect(atEnd.count("writable")).toBe(0);
    accepted?.resume();
    await until(() => atEnd.count("writable") === 1, "writable");
    expect(end.write(Uint8Array.of(1))).toBe(true);
    await end.close();
    accepted?.destroy();
    server.close();
  });

  it("deliver what was written before close, also what the system had not taken yet", async () => {
    let received = 0;
    let accepted: Socket | undefined;
    const server = createServer((socket) => {
      accepted = socket.pause().on("data", (chunk) => {
        received += chunk.length;
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const { end } = await connected(typeof address === "object" ? (address?.port ?? 0) : 0);
    let sent = 65_536;
    for (; end.write(new Uint8Array(65_536)); sent += 65_536) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    const closing = end.close();
    accepted?.resume();
    await closing;
    await until(() => received === sent, "the last bytes");
    server.close();
  });
});

describe("TCP close", () => {
  it("is idempotent, in any state, and quiet afterwards", async () => {
    const [never, atNever] = [client(await freePort()), new Recorder()];
    await never.close();
    await never.close();
    const waiting = client(await freePort());
    await waiting.open(atNever);
    await Promise.all([waiting.close(), waiting.close()]);
    const { server, atServer, port } = await listening();
    const { end, atEnd } = await connected(port);
    await until(() => atServer.count("up") === 1, "up");
    await Promise.all([end.close(), end.close(), server.close(), server.close()]);
    expect([end.write(Uint8Array.of(1)), server.write(Uint8Array.of(1))]).toEqual([true, true]);
    expect([atNever.events, atEnd.events, atServer.events]).toEqual([
      [],
      ["up"],
      ["waiting tcp-waiting", "up"],
    ]);
  });

  it("settles within a second although the other side does not read", async () => {
    const server = createServer((socket) => socket.pause());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const { end } = await connected(typeof address === "object" ? (address?.port ?? 0) : 0);
    while (end.write(new Uint8Array(65_536))) await new Promise((resolve) => setImmediate(resolve));
    const start = performance.now();
    await end.close();
    expect(performance.now() - start).toBeLessThan(1000);
    server.close();
  });
});

describe("TcpListenTransport refuses to open", () => {
  it("a port that is taken", async () => {
    const { port } = await listening();
    expect(await codeOf(() => listener(port).open(new Recorder()))).toBe("port-busy");
  });

  it("an address that is not of this machine", async () => {
    const transport = new TcpListenTransport({ tag: "tcp-listen", text: "x", host: "192.0.2.1", port: 0 });
    expect(await codeOf(() => transport.open(new Recorder()))).toBe("port-failed");
    await transport.close();
  });
});
