import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { trustedKeyOf } from "../../src/image/keys.ts";
import { AddressGuard, parseNetworkRange } from "../../src/network/address-guard.ts";
import { BackgroundPull } from "../../src/network/background-pull.ts";
import type { PullEvent } from "../../src/network/pull-event.ts";
import { fileImage, OWNER, PullScene, shortEvents } from "./pull-scene.ts";

const POLL: Millis = 3_600_000;
const IMAGE = fileImage(1);
const NEXT = fileImage(2);

let scene: PullScene;
let dir: string;
let clock: VirtualClock;
let pull: BackgroundPull | undefined;
let events: PullEvent[];
beforeAll(async () => {
  scene = await PullScene.open();
});
beforeEach(async () => {
  await scene.clear();
  dir = await mkdtemp(join(tmpdir(), "mayday-pulls-"));
  clock = new VirtualClock();
  events = [];
});
afterEach(async () => {
  await pull?.close();
  await rm(dir, { recursive: true });
});
afterAll(() => scene.close());

function start(budget = Number.POSITIVE_INFINITY): BackgroundPull {
  pull = new BackgroundPull({
    dir,
    url: new URL(scene.server.url),
    trust: { keys: [trustedKeyOf(OWNER, ["app"])], allowUnsigned: false },
    hardware: [],
    budget,
    tls: {},
    guard: new AddressGuard([parseNetworkRange("127.0.0.1")]),
    uptimeMs: () => clock.now(),
    pollMs: POLL,
    clock,
    random: new SeededRandom(1),
    onEvent: (event) => events.push(event),
  });
  return pull;
}

/** Resolves when the pull under way has ended; sockets are real. */
async function pulled(): Promise<number> {
  for (let tries = 0; tries < 500; tries++) {
    const wait = pull?.status().nextSeconds;
    if (wait !== undefined) return wait;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("the pull does not end");
}

/** Lets time pass until the next pull has ended: the seconds until the one after it. */
async function nextPull(): Promise<number> {
  const seconds = await pulled();
  clock.advanceTo(clock.now() + seconds * 1000 + 1000);
  await new Promise((resolve) => setImmediate(resolve));
  return await pulled();
}

const looks = (): number => scene.server.requests.filter((line) => line.includes("index.json")).length;

describe("pulls in the background", () => {
  it("begin at once, and look at the index about every poll time", async () => {
    scene.publish(1, [IMAGE]);
    start();
    const wait = await pulled();
    expect(wait * 1000).toBeGreaterThanOrEqual(0.9 * POLL);
    expect(wait * 1000).toBeLessThanOrEqual(1.1 * POLL + 1000);
    expect(pull?.status()).toMatchObject({ counter: 1, fault: undefined, completeSecondsAgo: 0 });
    scene.publish(2, [IMAGE, NEXT]);
    await nextPull();
    expect(shortEvents(events)).toEqual(["index 1", "pulled 1.1", "index 2", "pulled 1.2"]);
    expect(looks()).toBe(2);
  });

  it("tell what is the same as before once", async () => {
    scene.publish(1, [IMAGE]);
    scene.files.delete(IMAGE.entry.url);
    start();
    for (let i = 0; i < 4; i++) await nextPull();
    expect(shortEvents(events)).toEqual([
      "index 1",
      "failed 1.1 net-status final",
      "left-out 1.1 net-status",
    ]);
    expect(looks()).toBe(5);
    expect(scene.server.requests.filter((line) => line.includes("sha256"))).toHaveLength(1);
    expect(pull?.status().fault).toBe("net-status");
  });

  it("back off while a server cannot serve, with waits that grow, and are back at the poll time when it can", async () => {
    scene.server.answer = (_path, _request, response) => response.writeHead(503).end();
    start();
    const waits = [await pulled()];
    for (let i = 0; i < 7; i++) waits.push(await nextPull());
    for (const [i, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(Math.min(15 * 2 ** i, 1800) - 1);
      expect(wait).toBeLessThanOrEqual(Math.min(30 * 2 ** i, 3600) + 1);
    }
    expect(shortEvents(events)).toEqual(["failed index net-server"]);
    scene.reset();
    scene.publish(1, [IMAGE]);
    expect((await nextPull()) * 1000).toBeGreaterThanOrEqual(0.9 * POLL);
    expect(shortEvents(events).slice(1)).toEqual(["index 1", "pulled 1.1"]);
  });

  it("wait for as long as a server asks", async () => {
    scene.server.answer = (_path, _request, response) =>
      response.writeHead(429, { "retry-after": "7200" }).end();
    start();
    expect(await pulled()).toBe(7200);
  });

  it("continue on the next day what the budget did not allow", async () => {
    const large = fileImage(3, { size: 300_000 });
    scene.publish(1, [large]);
    start(200_000);
    expect(await pulled()).toBeGreaterThan(23 * 3600);
    expect(shortEvents(events)).toEqual(["index 1", "failed 1.3 budget-spent"]);
    await nextPull();
    expect(shortEvents(events).at(-1)).toBe("pulled 1.3");
  });

  it("end with what is under way kept", async () => {
    const large = fileImage(3, { size: 300_000 });
    scene.publish(1, [large]);
    const { size, url } = large.entry;
    scene.server.answer = (path, request, response) => {
      if (path !== url || request.headers.range?.startsWith("bytes=0-") === true) {
        scene.answer(path, request, response);
        return;
      }
      const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1]);
      response.writeHead(206, { "content-range": `bytes ${from}-${size - 1}/${size}` });
      response.write(large.bytes.subarray(from, from + 100_000));
    };
    start();
    while (!events.some(({ event }) => event === "pulling"))
      await new Promise((resolve) => setTimeout(resolve, 10));
    await pull?.close();
    pull = undefined;
    expect((await readdir(dir)).filter((name) => name.endsWith(".part"))).toHaveLength(1);
    scene.reset();
    start();
    await pulled();
    expect(events.at(-1)).toMatchObject({ event: "pulled" });
    expect(JSON.stringify(events.at(-1))).toMatch(/"resumedAt":[1-9]\d{4}/);
  });

  it("come within a minute after a word of the owner, and no sooner again than ten minutes later", async () => {
    scene.publish(1, [IMAGE]);
    const running = start();
    const wait = await pulled();
    expect(wait).toBeGreaterThan(60);
    running.wake();
    const woken = running.status().nextSeconds ?? 0;
    expect(woken).toBeLessThanOrEqual(60);
    scene.publish(2, [IMAGE, NEXT]);
    expect(await nextPull()).toBeGreaterThan(60);
    expect(shortEvents(events)).toEqual(["index 1", "pulled 1.1", "index 2", "pulled 1.2"]);
    running.wake();
    expect(running.status().nextSeconds).toBeGreaterThan(60);
    clock.advanceTo(clock.now() + 600_000);
    running.wake();
    expect(running.status().nextSeconds).toBeLessThanOrEqual(60);
  });

  it("come soon, too, when the word came while one was under way", async () => {
    scene.publish(1, [IMAGE]);
    const running = start();
    running.wake();
    expect(await pulled()).toBeLessThanOrEqual(60);
  });

  it("leave a server alone that failed, no matter what the owner says", async () => {
    scene.server.answer = (_path, _request, response) => response.writeHead(503).end();
    const running = start();
    const wait = await pulled();
    running.wake();
    expect(running.status().nextSeconds).toBe(wait);
  });
});
