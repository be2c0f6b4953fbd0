import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { queryObjects } from "node:v8";
import { describe, expect, it, onTestFinished } from "vitest";
import { SeededRandom } from "../../src/base/prng.ts";
import { runNode } from "../../src/node/full-node.ts";
import { parseEndpoint } from "../../src/transport/endpoint.ts";
import { freePort } from "../cli/workbench.ts";
import { openBoardInMemory } from "../support/open-board.ts";
import { openDescriptors } from "../support/open-files.ts";
import { until } from "../support/recorder.ts";
import { FlappingWorld, type Sample } from "./flapping-world.ts";

const LINKS = 3;
const HOUR_MS = 3_600_000;
const SAMPLES = 12;
/** Longer than any ask, lease or beacon interval after which something still happens. */
const QUIET_MS = 60_000;
/** Real time. */
const HOUR_LIMIT_MS = 240_000;
/** What a node remembers of others fills up to its bounds. A flap, of which there are thousands, may leave nothing. */
const OBJECTS_MARGIN = 400;
const HEAP_MARGIN_BYTES = 512 * 1024;
const TCP_FLAPS = 300;
const LISTENERS = 5;

interface Size extends Sample {
  readonly objects: number;
  readonly heapBytes: number;
}

/** Collects garbage, and counts what is left. */
function sizeOf(sample: Sample): Size {
  const objects = Number(queryObjects(Object));
  return { ...sample, objects, heapBytes: process.memoryUsage().heapUsed };
}

/** By how much the largest exceeds the first. */
function growth(sizes: readonly number[]): number {
  return Math.max(...sizes) - (sizes[0] ?? 0);
}

describe("a node whose links go down and up all the time", () => {
  it(
    "heals and is updated for an hour of it, and at its end has no timer, no entry and no memory more",
    async () => {
      const world = new FlappingWorld(1, LINKS);
      const sizes: Size[] = [];
      for (let i = 0; i < SAMPLES; i++) {
        await world.pass(HOUR_MS / SAMPLES - QUIET_MS);
        sizes.push(sizeOf(await world.quietSample(QUIET_MS)));
      }
      const told = JSON.stringify(sizes);
      expect(world.flaps).toBeGreaterThan(7_000);
      expect(world.counts.get("healed")).toBeGreaterThan(100);
      expect(world.counts.get("booted")).toBeGreaterThan(4);
      const last = sizes.slice(SAMPLES / 2);
      const timersOf = (some: readonly Size[]): number => Math.max(...some.map(({ timers }) => timers));
      expect(timersOf(last), told).toBeLessThanOrEqual(timersOf(sizes.slice(0, SAMPLES / 2)));
      for (const { neighbours, waiting, healed } of sizes) {
        expect(neighbours, told).toBeLessThanOrEqual(LINKS * 8);
        expect(waiting, told).toBeLessThanOrEqual(64);
        expect(healed, told).toBeLessThanOrEqual(16);
      }
      expect(growth(last.map(({ objects }) => objects)), told).toBeLessThan(OBJECTS_MARGIN);
      expect(growth(last.map(({ heapBytes }) => heapBytes)), told).toBeLessThan(HEAP_MARGIN_BYTES);
      expect(await world.stop()).toMatchObject({ reason: "interrupted" });
      expect(world.clock.runningTimers).toBe(0);
    },
    HOUR_LIMIT_MS,
  );
});

describe("a node that listens on TCP", () => {
  it("has no descriptor more, and no warning about listeners, after its clients came and went 300 times", async () => {
    const warnings: string[] = [];
    const onWarning = ({ name, message }: Error): number => warnings.push(`${name}: ${message}`);
    process.on("warning", onWarning);
    onTestFinished(() => void process.off("warning", onWarning));
    const ports = await Promise.all(Array.from({ length: LISTENERS }, () => freePort()));
    // A link of its own, at whose other end somebody closes each connection at once.
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const closing = typeof address === "object" ? (address?.port ?? 0) : 0;
    const before = openDescriptors();
    const stop = new AbortController();
    let ready = 0;
    const links = [...ports.map((port) => `tcp-listen:127.0.0.1:${port}`), `tcp:127.0.0.1:${closing}`];
    const ended = runNode({
      links: links.map((text) => ({ source: parseEndpoint(text) })),
      board: openBoardInMemory().store(),
      policy: { update: "auto", allowSingle: false },
      fanOut: 1,
      signal: stop.signal,
      random: new SeededRandom(1),
      onEvent: (event) => {
        if (event.event === "ready") ready++;
      },
    });
    await until(() => openDescriptors() >= before + ports.length, "listening node");
    const listening = openDescriptors();
    for (let i = 0; i < TCP_FLAPS; i++) await comeAndGo(ports[i % ports.length] ?? 0, i % 3);
    await until(() => openDescriptors() <= listening, "end of all connections");
    expect(ready).toBeGreaterThanOrEqual(TCP_FLAPS);
    stop.abort();
    await ended;
    await until(() => openDescriptors() <= before, "end of all descriptors");
    await new Promise<void>((resolve) => server.close(() => resolve()));
    expect(warnings.filter((warning) => !warning.startsWith("ExperimentalWarning"))).toEqual([]);
  }, 60_000);
});

/** Connects, hears the node's first frame, and leaves in one of three ways. A listener that is not there yet is waited for. */
async function comeAndGo(port: number, way: number): Promise<void> {
  for (let isHeard = false; !isHeard; ) {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    const heard = new Promise<void>((resolve) => socket.once("data", () => resolve()));
    isHeard = await Promise.race([heard.then(() => true), closed.then(() => false)]);
    if (way === 0) socket.destroy();
    else if (way === 1) socket.resetAndDestroy();
    else socket.resume().end();
    await closed;
    if (!isHeard) await sleep(10);
  }
}
