import {
  copyFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { randomBytes, SeededRandom } from "../../../src/base/prng.ts";
import { openDirectoryRepository } from "../../../src/image-files/directory-repository.ts";
import { startVirtualCable, type VirtualCable } from "../../../src/transport/cable/virtual-cable.ts";
import { type RunningCli, startCli, verdictOf } from "../../support/cli.ts";
import { bootedBytes, openWorkbench, type Workbench } from "../workbench.ts";
import { type LogLine, SupervisedRescuer } from "./supervisor.ts";

/*
 * A rescuer as its unit runs it, through what happens to a companion in a year. Real time is the subject: ports that come late
 * and go, a watchdog, and files that change while they are read.
 */

const BAUD = 460_800;
/** Much more than a rescuer reads ahead. */
const FIRMWARE = randomBytes(new SeededRandom(11), 160_000);
const STEP_LIMIT_MS = 40_000;
const LIMIT_MS = 150_000;

let bench: Workbench;
let rescuer: SupervisedRescuer | undefined;
let cable: VirtualCable | undefined;

beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(async () => {
  rescuer?.close();
  await cable?.close();
  await bench.close();
});

/** Joins the board's port and the rescuer's. */
async function plug(): Promise<void> {
  cable = await startVirtualCable({ a: bench.path("board-port"), b: bench.path("port"), baud: BAUD });
}

async function unplug(): Promise<void> {
  process.kill(cable?.pid ?? -1, "SIGKILL");
  await cable?.closed;
}

/** A board without firmware calls. */
async function call(name: string): Promise<RunningCli> {
  const args = [
    "--link",
    `serial:${bench.path("board-port")}?baud=${BAUD}`,
    "--board",
    await bench.board(name, undefined, { slotSize: 196_608 }),
  ];
  return startCli(["distress", ...args, "--json"], { limitMs: LIMIT_MS });
}

async function expectHealed(name: string, board: RunningCli): Promise<void> {
  expect(verdictOf(await board.ended)).toMatchObject({ ok: true, reason: "healed" });
  expect(bootedBytes(bench.path(name))).toEqual(FIRMWARE);
}

/** Waits for something that takes seconds. */
async function until(condition: () => boolean, what: string): Promise<void> {
  for (const start = performance.now(); !condition(); await sleep(50))
    if (performance.now() - start > STEP_LIMIT_MS) throw new Error(`no ${what} within ${STEP_LIMIT_MS} ms`);
}

/** Waits for a line in the rescuer's log. */
async function logged(service: SupervisedRescuer, what: Partial<LogLine>): Promise<void> {
  const isIt = (line: LogLine): boolean => Object.entries(what).every(([key, value]) => line[key] === value);
  await until(() => service.log().some(isIt), JSON.stringify(what));
}

describe("a rescuer under the settings of its unit", { timeout: LIMIT_MS }, () => {
  it("is ready before its port is there, heals through all that happens to port and images, and ends with 0", async () => {
    const images = bench.path("images");
    writeFileSync(bench.path("large.bin"), FIRMWARE);
    await bench.image("large", "owner", {}, bench.path("large.bin"));
    await (await openDirectoryRepository(images, { create: true })).add(bench.path("large.mdy"));
    const [image = ""] = readdirSync(images).map((name) => `${images}/${name}`);
    const service = await SupervisedRescuer.start(bench.dir, `serial:${bench.path("port")}?baud=${BAUD}`);
    rescuer = service;

    await until(() => service.told("READY=1") === 1, "READY=1");
    await logged(service, { event: "link", state: "waiting" });
    await sleep(2500);
    expect(service.log().map(({ event }) => event)).not.toContain("ready");
    await plug();
    await logged(service, { event: "ready" });

    const first = await call("first");
    for (let pull = 1; pull <= 2; pull++) {
      await first.saw(new RegExp(`("progress"[^]*){${pull * 2}}`));
      await unplug();
      await logged(service, { event: "link", state: "down" });
      await plug();
    }
    await expectHealed("first", first);
    expect(service.log().filter(({ state }) => state === "down").length).toBeGreaterThanOrEqual(2);

    rmSync(image);
    const second = await call("second");
    await logged(service, { event: "refused" });
    copyFileSync(bench.path("large.mdy"), `${image}.part`);
    renameSync(`${image}.part`, image);
    await expectHealed("second", second);

    const third = await call("third");
    await third.saw(/"progress"/);
    truncateSync(image, 1000);
    await logged(service, { event: "link", state: "image-unreadable" });
    await logged(service, { event: "lost", why: "image-unreadable" });
    copyFileSync(bench.path("large.mdy"), `${image}.part`);
    renameSync(`${image}.part`, image);
    await expectHealed("third", third);

    renameSync(service.logPath, `${service.logPath}.1`);
    service.kill("SIGHUP");
    const fourth = await call("fourth");
    await expectHealed("fourth", fourth);
    await until(() => service.told("4 healed boards") === 1, "the status of four boards");
    expect(statSync(service.logPath).mode & 0o777).toBe(0o600);

    await until(() => service.told("WATCHDOG=1") >= 5, "messages for the watchdog");
    service.kill("SIGTERM");
    expect(await service.ended).toBe(0);
    const lines = service.log();
    expect(lines.at(-1)).toMatchObject({ event: "verdict", ok: true, code: 0, reason: "stopped", healed: 4 });
    expect(lines.filter(({ event }) => event === "healed")).toHaveLength(4);
    await until(() => service.told("STOPPING=1") === 1, "STOPPING=1");
  });
});
