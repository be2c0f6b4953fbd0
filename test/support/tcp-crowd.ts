import { connect, type Socket } from "node:net";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import { memoryImage } from "../../src/image/image-source.ts";
import { fixedRepository } from "../../src/image/repository.ts";
import { runDistress } from "../../src/node/distress-node.ts";
import { runRescue } from "../../src/node/rescue-node.ts";
import { providerBeacon } from "../../src/session/beacon.ts";
import { parseEndpoint } from "../../src/transport/endpoint.ts";
import { TcpListenTransport } from "../../src/transport/tcp/tcp-listen.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { encodeDelimited } from "../../src/wire/cobs.ts";
import { encodeMessage } from "../../src/wire/frame.ts";
import { OPEN_HARDWARE, openBoardInMemory } from "./open-board.ts";
import { until } from "./recorder.ts";

const SIZE = 65_536;
/** Longest heal that counts as one beside strangers, not after them. */
const LIMIT_MS: Millis = 15_000;

/** The beacon of a node that wants nothing, as it is on the wire. */
const BEACON: Uint8Array = encodeDelimited(
  encodeMessage(providerBeacon(new Uint8Array(8).fill(0xee), new Uint8Array(8)), 1),
);

/** Strangers at a TCP port. `stop` ends what they do. */
export type Strangers = (port: number) => () => void;

function stranger(port: number): Socket {
  const socket = connect(port, "127.0.0.1").on("error", () => {});
  return socket.resume();
}

function several(count: number, each: (socket: Socket) => void = () => {}): Strangers {
  return (port) => {
    const sockets = Array.from({ length: count }, () => {
      const socket = stranger(port);
      each(socket);
      return socket;
    });
    return () => {
      for (const socket of sockets) socket.destroy();
    };
  };
}

/** Writes again as soon as there is room. */
function endlessly(bytes: Uint8Array): (socket: Socket) => void {
  return (socket) => {
    const write = (): void => {
      if (!socket.destroyed) socket.write(bytes, () => setImmediate(write));
    };
    socket.once("connect", write);
  };
}

function everySoOften(ms: Millis, bytes: Uint8Array): (socket: Socket) => void {
  return (socket) => {
    const timer = setInterval(() => socket.write(bytes), ms);
    socket.once("close", () => clearInterval(timer));
  };
}

/** Connects again and again, never with more than a hundred sockets of its own. */
const flood: Strangers = (port) => {
  const sockets: Socket[] = [];
  const timer = setInterval(() => {
    for (let i = 0; i < 5; i++) sockets.push(stranger(port));
    while (sockets.length > 100) sockets.shift()?.destroy();
  }, 10);
  return () => {
    clearInterval(timer);
    for (const socket of sockets) socket.destroy();
  };
};

/** All strangers that are there before the honest one comes. */
export const STRANGERS: Readonly<Record<string, Strangers>> = {
  "one that is silent": several(1),
  "a hundred that are silent": several(100),
  "500 new ones a second, all silent": flood,
  "one that sends garbage without end": several(1, endlessly(randomBytes(new SeededRandom(3), 16_384))),
  "one that sends zeros without end": several(1, endlessly(new Uint8Array(16_384))),
  "one that sent half a frame": several(1, (socket) => socket.write(BEACON.subarray(0, 20))),
  "one that sends half a frame every 10 ms": several(1, everySoOften(10, BEACON.subarray(1, 20))),
  "one that sent valid frames, then nothing": several(1, (socket) => socket.write(BEACON)),
  "one that sends a valid frame every 100 ms": several(1, everySoOften(100, BEACON)),
  "twenty that send a valid frame every 100 ms": several(20, everySoOften(100, BEACON)),
  "one that never reads": several(1, (socket) => socket.pause()),
};

/** Sockets that a listener had open at once, and how long the heal took. */
export interface CrowdedHeal {
  readonly seconds: number;
  readonly connectionsMax: number;
}

/** Heals a board over TCP while strangers are at the port; `listener` says which side has them. Fails unless it is healed. */
export async function healAmong(listener: "target" | "rescuer", strangers: Strangers): Promise<CrowdedHeal> {
  const data = randomBytes(new SeededRandom(1), SIZE);
  const image = memoryImage(data, { ...OPEN_HARDWARE, version: { major: 1, minor: 0, patch: 0 } }, undefined);
  const board = openBoardInMemory({ slotSize: SIZE });
  const stop = new AbortController();
  const listening = new TcpListenTransport({
    tag: "tcp-listen",
    text: "tcp-listen:0",
    host: "127.0.0.1",
    port: 0,
  });
  const common = { signal: stop.signal, timeoutMs: LIMIT_MS, onEvent: (): void => {} };
  const runs = {
    target: (link: Transport | ReturnType<typeof parseEndpoint>) =>
      runDistress({ ...common, links: [link], store: board.store() }),
    rescuer: (link: Transport | ReturnType<typeof parseEndpoint>) => {
      const repository = fixedRepository([image]);
      return runRescue({ ...common, links: [link], repository, allowUnsigned: true, once: true });
    },
  };
  let connectionsMax = 0;
  const watch = setInterval(() => {
    connectionsMax = Math.max(connectionsMax, listening.connectionCount);
  }, 1);
  const first = runs[listener](listening);
  await until(() => listening.localPort !== undefined, "port");
  const leave = strangers(listening.localPort ?? 0);
  try {
    await until(() => listening.connectionCount + listening.displacedConnections > 0, "stranger");
    // The listener has called, or asked, and backs off.
    await new Promise((resolve) => setTimeout(resolve, 200));
    const start = performance.now();
    const other = listener === "target" ? "rescuer" : "target";
    const link = parseEndpoint(`tcp:127.0.0.1:${listening.localPort}`);
    const verdicts = await Promise.all([first, runs[other](link)]);
    const seconds = (performance.now() - start) / 1000;
    const reasons = verdicts.map(({ reason }) => reason).join();
    if (reasons !== "healed,healed") throw new Error(`not healed: ${reasons}`);
    return { seconds, connectionsMax };
  } finally {
    leave();
    clearInterval(watch);
    stop.abort();
    await first;
  }
}
