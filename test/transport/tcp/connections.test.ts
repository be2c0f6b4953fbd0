import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, it, test } from "vitest";
import { VirtualClock } from "../../../src/base/virtual-clock.ts";
import { CONNECTIONS_MAX, HOLD_MS } from "../../../src/transport/tcp/connections.ts";
import { TcpListenTransport } from "../../../src/transport/tcp/tcp-listen.ts";
import { type Heard, WRITE_QUEUE_BYTES_MAX } from "../../../src/transport/transport.ts";
import { Recorder, until } from "../../support/recorder.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

/** A listener on real sockets whose time stands still, and a user that takes "S…" for a frame of a session, "F…" for another. */
class Listening extends Recorder {
  readonly clock = new VirtualClock();
  readonly transport = new TcpListenTransport(
    { tag: "tcp-listen", text: "tcp-listen:0", host: "127.0.0.1", port: 0 },
    { clock: this.clock },
  );
  readonly #decoder = new TextDecoder();

  override onBytes(bytes: Uint8Array): void {
    super.onBytes(bytes);
    const kinds: Readonly<Record<number, Heard>> = { 70: "announcement", 83: "session" };
    const heard = kinds[bytes[0] ?? 0];
    if (heard !== undefined) this.transport.noteHeard(heard);
  }

  /** What was heard so far: runs without their delimiters, those in pieces joined. */
  get heard(): string[] {
    return this.#decoder.decode(this.bytes).split("\0").slice(0, -1);
  }

  /** What is heard of one more connection. Time moves by the least that lets the listener settle. */
  async hears(...runs: readonly string[]): Promise<void> {
    await until(() => this.#settled().length >= runs.length, runs.join(), 4000).catch(() => {});
    expect(this.heard).toEqual(runs);
  }

  #settled(): string[] {
    this.clock.advanceTo(this.clock.now());
    return this.heard;
  }

  /** A connection, counted by the listener. */
  async peer(): Promise<Peer> {
    const before = this.transport.connectionCount + this.transport.displacedConnections;
    const peer = new Peer(connect(this.transport.localPort ?? 0, "127.0.0.1"));
    closing.push(() => peer.socket.destroy());
    const isThere = (): boolean =>
      this.transport.connectionCount + this.transport.displacedConnections > before;
    await until(isThere, "connection");
    this.clock.advanceTo(this.clock.now());
    return peer;
  }
}

class Peer {
  readonly socket: Socket;
  received = "";

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      this.received += bytes.toString("latin1");
    });
  }

  say(text: string): void {
    this.socket.write(text, "latin1");
  }

  async gets(text: string): Promise<void> {
    await until(() => this.received === text, `"${text}", but "${this.received}"`);
  }

  async isClosed(): Promise<void> {
    await until(() => this.socket.closed, "end");
  }
}

async function listening(): Promise<Listening> {
  const listening = new Listening();
  await listening.transport.open(listening);
  closing.push(() => listening.transport.close());
  return listening;
}

/** Long enough for bytes that were sent to arrive, where the point is that nothing comes of them. */
const aWhile = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));
const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

describe("a connection that listens to nobody's session", () => {
  it("is heard at once beside one that came before it and is silent", async () => {
    const at = await listening();
    await at.peer();
    const honest = await at.peer();
    honest.say("Fcall\0");
    await at.hears("Fcall");
    expect(at.clock.now()).toBe(0);
  });

  it("gets, like every other, what the listener sends", async () => {
    const at = await listening();
    const peers = [await at.peer(), await at.peer(), await at.peer()];
    at.transport.write(bytesOf("hello"));
    for (const peer of peers) await peer.gets("hello");
  });

  it("is not closed for being silent, however long", async () => {
    const at = await listening();
    const silent = await at.peer();
    at.clock.advanceTo(3_600_000);
    at.transport.write(bytesOf("still there?"));
    await silent.gets("still there?");
    expect(at.events).toEqual(["waiting tcp-waiting", "up"]);
  });

  it("never has its bytes in one run with another's, whatever pieces they come in", async () => {
    const at = await listening();
    const [a, b] = [await at.peer(), await at.peer()];
    a.say("Fa");
    b.say("Fb-whole\0Fb");
    await at.hears("Fb-whole");
    a.say("-whole\0");
    await at.hears("Fb-whole", "Fa-whole");
    b.say("-again\0");
    await at.hears("Fb-whole", "Fa-whole", "Fb-again");
  });

  it("that sent half a frame takes nothing from the next one's frame, when silence cut the half", async () => {
    const at = await listening();
    const half = await at.peer();
    half.say("Fha");
    await until(() => at.clock.runningTimers > 0, "a timer for silence");
    at.clock.advanceTo(100);
    await until(() => at.byteCount === 3, "half a frame");
    const honest = await at.peer();
    honest.say("Fwhole\0");
    await at.hears("Fha", "Fwhole");
  });

  it("that is alone is passed on byte for byte, delimiter or not", async () => {
    const at = await listening();
    const peer = await at.peer();
    const text = `login: ${"x".repeat(9000)}\0\0tail`;
    peer.say(text);
    for (let i = 1; i < 20 && at.byteCount < text.length; i++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      at.clock.advanceTo(i * 100);
    }
    expect(new TextDecoder().decode(at.bytes)).toBe(text);
  });
});

describe("the connection that a session's frame came from", () => {
  it("is the only one that hears and is heard", async () => {
    const at = await listening();
    const [other, served] = [await at.peer(), await at.peer()];
    served.say("S1\0");
    await at.hears("S1");
    at.transport.write(bytesOf("block"));
    await served.gets("block");
    other.say("Fcall\0");
    served.say("S2\0");
    await aWhile();
    await at.hears("S1", "S2");
    expect(other.received).toBe("");
  });

  it("stays so when another one sends frames of the session later", async () => {
    const at = await listening();
    const [served, thief] = [await at.peer(), await at.peer()];
    served.say("S1\0");
    await at.hears("S1");
    thief.say("Sforged\0");
    served.say("S2\0");
    await aWhile();
    await at.hears("S1", "S2");
  });

  it("gives way when the session is over, and what others said last is heard then", async () => {
    const at = await listening();
    const [other, served] = [await at.peer(), await at.peer()];
    served.say("S1\0");
    await at.hears("S1");
    other.say("Fearly\0Flate\0");
    await aWhile();
    await at.hears("S1");
    at.transport.noteSessionEnd();
    await at.hears("S1", "Flate");
    at.transport.write(bytesOf("hello"));
    await other.gets("hello");
  });

  it("gives way when it ends, without the link going down", async () => {
    const at = await listening();
    const [other, served] = [await at.peer(), await at.peer()];
    served.say("S1\0");
    await at.hears("S1");
    served.socket.destroy();
    await until(() => at.transport.connectionCount === 1, "end");
    other.say("S2\0");
    await at.hears("S1", "S2");
    expect(at.events).toEqual(["waiting tcp-waiting", "up"]);
  });

  it.each([
    ["keeps its place for 20 s without a valid frame", HOLD_MS - 1, ["S1"]],
    ["gives way after 20 s without a valid frame to one that speaks", HOLD_MS, ["S1", "Fcall"]],
  ])("%s", async (_name, silenceMs, heard) => {
    const at = await listening();
    const [served, other] = [await at.peer(), await at.peer()];
    served.say("S1\0");
    await at.hears("S1");
    at.clock.advanceTo(silenceMs / 2);
    served.say("noise\0".repeat(3));
    await at.hears("S1", "noise", "noise", "noise");
    at.clock.advanceTo(silenceMs);
    other.say("Fcall\0");
    await aWhile();
    await at.hears("S1", "noise", "noise", "noise", ...heard.slice(1));
    expect([served.socket.closed, HOLD_MS]).toEqual([false, 20_000]);
  });
});

describe("a connection that spoke while another one was served", () => {
  it("is heard when that one has been silent for 20 s, without speaking again", async () => {
    const at = await listening();
    const [served, other] = [await at.peer(), await at.peer()];
    served.say("S1\0");
    await at.hears("S1");
    at.clock.advanceTo(4_000);
    other.say("Fcall\0");
    await aWhile();
    at.clock.advanceTo(8_000);
    served.say("S2\0");
    await at.hears("S1", "S2");
    at.clock.advanceTo(8_000 + HOLD_MS - 1);
    await at.hears("S1", "S2");
    at.clock.advanceTo(8_000 + HOLD_MS);
    await at.hears("S1", "S2", "Fcall");
  });
});

describe("when all places are taken, the next connection", () => {
  /** All places taken, by connections that have shown a frame or not. */
  async function full(): Promise<{ at: Listening; peers: Peer[] }> {
    const at = await listening();
    const peers: Peer[] = [];
    while (peers.length < CONNECTIONS_MAX) peers.push(await at.peer());
    return { at, peers };
  }

  it("takes that of the oldest that has shown no valid frame", async () => {
    const { at, peers } = await full();
    peers[0]?.say("Fcall\0");
    await at.hears("Fcall");
    await at.peer();
    await peers[1]?.isClosed();
    expect(peers.filter(({ socket }) => socket.closed)).toHaveLength(1);
    expect([at.transport.connectionCount, at.transport.displacedConnections]).toEqual([CONNECTIONS_MAX, 1]);
  });

  it("takes that of the one whose last frame is the oldest when all have shown one", async () => {
    const { at, peers } = await full();
    const late = peers.toReversed();
    for (const [i, peer] of late.entries()) {
      at.clock.advanceTo(10 + i);
      peer.say(`F${i}\0`);
      await until(() => at.heard.length === i + 1, "frame");
    }
    await at.peer();
    await late[0]?.isClosed();
    expect(peers.filter(({ socket }) => socket.closed)).toHaveLength(1);
  });

  it("never takes that of the one that is served", async () => {
    const { at, peers } = await full();
    const [served, ...others] = peers;
    for (const peer of peers) peer.say("Fcall\0");
    await until(() => at.heard.length === peers.length, "calls");
    served?.say("S1\0");
    await until(() => at.heard.includes("S1"), "session");
    expect(at.clock.now()).toBe(0);
    await at.peer();
    await others[0]?.isClosed();
    expect(peers.filter(({ socket }) => socket.closed)).toHaveLength(1);
    for (let i = 0; i < 3 * CONNECTIONS_MAX; i++) await at.peer();
    served?.say("S2\0");
    await until(() => at.heard.includes("S2"), "session");
    expect(at.transport.connectionCount).toBe(CONNECTIONS_MAX);
  });

  it("of a thousand that say nothing leaves as many sockets open as there are places", async () => {
    const at = await listening();
    const sockets = Array.from(
      { length: 1000 },
      () => new Peer(connect(at.transport.localPort ?? 0, "127.0.0.1")),
    );
    closing.push(() => sockets.map(({ socket }) => socket.destroy()));
    const ended = (): number => at.transport.displacedConnections + at.transport.connectionCount;
    await until(() => ended() === sockets.length, "all connections");
    await until(
      () => sockets.filter(({ socket }) => socket.closed).length === sockets.length - CONNECTIONS_MAX,
      "ends",
    );
    expect(at.events).toEqual(["waiting tcp-waiting", "up"]);
  });
});

describe("a connection that does not read", () => {
  const flood = new Uint8Array(16_384);
  const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it("beside others gives way, and holds nobody back", async () => {
    const at = await listening();
    const [deaf, honest] = [await at.peer(), await at.peer()];
    deaf.socket.pause();
    for (let i = 0; i < 2000 && at.transport.displacedConnections === 0; i++) {
      expect(at.transport.write(flood)).toBe(true);
      await tick();
    }
    expect(at.transport.displacedConnections).toBe(1);
    at.transport.write(bytesOf("end"));
    await until(() => honest.received.endsWith("end"), "the end");
  });

  it("alone holds the writer back, until another one comes", async () => {
    const at = await listening();
    const deaf = await at.peer();
    deaf.socket.pause();
    for (let i = 0; i < 2000 && at.transport.write(flood); i++) await tick();
    expect(at.transport.write(new Uint8Array())).toBe(false);
    expect(at.count("writable")).toBe(0);
    const honest = await at.peer();
    expect(at.count("writable")).toBe(1);
    expect(at.transport.write(bytesOf("hello"))).toBe(true);
    await honest.gets("hello");
    expect(at.transport.displacedConnections).toBe(1);
  });

  it("although it is served holds the writer back until it has been silent for 20 s and another one speaks", async () => {
    const at = await listening();
    const [deaf, honest] = [await at.peer(), await at.peer()];
    deaf.say("S1\0");
    await at.hears("S1");
    deaf.socket.pause();
    let written = 0;
    for (; written < 2000 && at.transport.write(flood); written++) await tick();
    expect(written).toBeLessThan(2000);
    expect(WRITE_QUEUE_BYTES_MAX).toBe(262_144);
    at.clock.advanceTo(HOLD_MS);
    honest.say("Fcall\0");
    await at.hears("S1", "Fcall");
    await until(() => {
      at.clock.advanceTo(at.clock.now());
      return at.count("writable") === 1;
    }, "writable");
    at.transport.write(bytesOf("hello"));
    await honest.gets("hello");
  });
});

test("closing the listener closes all its connections, and nothing is said of any", async () => {
  const at = await listening();
  const peers = [await at.peer(), await at.peer(), await at.peer()];
  await at.transport.close();
  for (const peer of peers) await peer.isClosed();
  peers[0]?.say("Fcall\0");
  expect([at.events, at.heard, at.transport.write(bytesOf("x"))]).toEqual([
    ["waiting tcp-waiting", "up"],
    [],
    true,
  ]);
});
