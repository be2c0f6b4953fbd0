import { spawn } from "node:child_process";
import { copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CliEvent, type RunningCli, startCli } from "../../support/cli.ts";
import { IS_ROOT, NOBODY, openGround } from "../../two-users/other-user.ts";
import { bootedBytes, bootOf, freePort } from "../workbench.ts";
import { openScene, type Scene, type SceneNode, statusOf, until } from "./scene.ts";

/** 64 KiB take 6 s at this rate: long enough to do something meanwhile. */
const SLOW_BAUD = 115_200;
const LIMIT_MS = 60_000;
const BLOCKS = 16;

let scene: Scene;
const cables: RunningCli[] = [];
beforeAll(async () => {
  scene = await openScene();
});
afterAll(async () => {
  for (const { child } of cables) child.kill("SIGTERM");
  await Promise.all(cables.map(({ ended }) => ended));
  await scene.close();
});

interface Line {
  readonly a: string;
  readonly b: string;
  readonly cable: RunningCli;
}

/** A cable of its own, which may be taken away and put back. */
async function slowLine(name: string): Promise<Line> {
  const [a, b] = [scene.bench.path(`${name}.a`), scene.bench.path(`${name}.b`)];
  const args = ["cable", "--a", a, "--b", b, "--baud", String(SLOW_BAUD), "--json"];
  const cable = startCli(args, { limitMs: 300_000 });
  cables.push(cable);
  await cable.saw(/"ready"/);
  return { a, b, cable };
}

const portOf = (path: string): string => `serial:${path}?baud=${SLOW_BAUD}`;

async function sees(node: SceneNode, what: string, test: (event: CliEvent) => boolean): Promise<CliEvent> {
  const found = (): CliEvent | undefined => node.events().find(test);
  await until(
    () => found() !== undefined,
    LIMIT_MS,
    () => `${what}\n${JSON.stringify(node.events())}`,
  );
  return found() ?? { event: "none" };
}

const isReady =
  (link: string) =>
  (event: CliEvent): boolean =>
    event.event === "ready" && event["link"] === link;

function addLink(board: string, endpoint: string): void {
  const config = `${board}.toml`;
  writeFileSync(config, `${readFileSync(config, "utf8")}[[link]]\nendpoint = ${JSON.stringify(endpoint)}\n`);
}

const hangUp = (node: SceneNode): boolean => node.child.kill("SIGHUP");

/** A board that does not boot and one that does, on a slow line, in the middle of the transfer. */
async function midTransfer(name: string): Promise<{
  readonly board: string;
  readonly link: string;
  readonly target: SceneNode;
  readonly rescuer: SceneNode;
}> {
  const line = await slowLine(name);
  const board = await scene.bench.board(`${name}-target`, undefined, { layout: "ab" });
  const healthy = await scene.bench.board(`${name}-rescuer`, scene.bench.path("v10.mdy"), { layout: "ab" });
  const link = portOf(line.b);
  const target = scene.node(board, [link]);
  const rescuer = scene.node(healthy, [portOf(line.a)]);
  await sees(rescuer, "progress", ({ event, blocks }) => event === "progress" && Number(blocks) >= 4);
  return { board, link, target, rescuer };
}

/** Blocks of all sessions that a rescuer ended with "healed". */
const blocksSent = (node: SceneNode): unknown[] =>
  node
    .events()
    .filter(({ event }) => event === "healed")
    .map(({ blocks }) => blocks);

async function stopAll(...nodes: readonly SceneNode[]): Promise<void> {
  await Promise.all(nodes.map((node) => node.stop()));
}

describe("SIGHUP", () => {
  it("has the node take a changed configuration: a link that was added is up", async () => {
    const [first, second] = [await slowLine("hup-one"), await slowLine("hup-two")];
    const board = await scene.bench.board("hup-board", scene.bench.path("v10.mdy"), { layout: "ab" });
    const node = scene.node(board, [portOf(first.a)]);
    await sees(node, "first link", isReady(portOf(first.a)));
    addLink(board, portOf(second.a));
    hangUp(node);
    await sees(node, "second link", isReady(portOf(second.a)));
    await until(
      () => node.events().filter(isReady(portOf(first.a))).length === 2,
      LIMIT_MS,
      () => "the first link again",
    );
    const { links } = await statusOf(board);
    expect(links).toMatchObject([{ link: portOf(first.a) }, { link: portOf(second.a) }]);
    expect(await node.stop()).toBe(0);
    const { stderr, events } = await node.ended;
    expect(stderr).toContain("the configuration was read again");
    expect(events.filter(({ event }) => event === "verdict")).toHaveLength(1);
  }, 90_000);

  it("changes nothing when the configuration has a fault: the node runs on, and a warning names line and field", async () => {
    const line = await slowLine("fault");
    const board = await scene.bench.board("fault-board", scene.bench.path("v10.mdy"), { layout: "ab" });
    const node = scene.node(board, [portOf(line.a)]);
    await sees(node, "link", isReady(portOf(line.a)));
    const good = readFileSync(`${board}.toml`, "utf8");
    writeFileSync(`${board}.toml`, good.replace("\n[[link]]", "soak = 10\n[[link]]"));
    hangUp(node);
    await sleep(500);
    expect(await statusOf(board)).toMatchObject({ links: [{ link: portOf(line.a), isUp: true }] });
    expect(node.events().filter(isReady(portOf(line.a)))).toHaveLength(1);
    // It still does its work: a board that does not boot is healed.
    const blank = await scene.bench.board("fault-blank", undefined, { layout: "ab" });
    const target = scene.node(blank, [portOf(line.b)]);
    await sees(target, "healed", ({ event }) => event === "booted");
    await stopAll(target);
    // With the fault gone it is taken.
    writeFileSync(`${board}.toml`, good);
    hangUp(node);
    await until(
      () => node.events().filter(isReady(portOf(line.a))).length === 2,
      LIMIT_MS,
      () => "another start",
    );
    expect(await node.stop()).toBe(0);
    const { stderr } = await node.ended;
    expect(stderr).toMatch(
      /the configuration was not taken:[\s\S]*fault-board\.toml:3:\d+: soak: expected a time/,
    );
  }, 90_000);

  it("runs the configuration before again when the new one cannot run, and warns of it", async () => {
    const line = await slowLine("cannot");
    const board = await scene.bench.board("cannot-board", scene.bench.path("v10.mdy"), { layout: "ab" });
    const node = scene.node(board, [portOf(line.a)]);
    await sees(node, "link", isReady(portOf(line.a)));
    const good = readFileSync(`${board}.toml`, "utf8");
    writeFileSync(`${board}.toml`, good.replace("\n[[link]]", 'repository = "not-there"\n[[link]]'));
    hangUp(node);
    await until(
      () => node.events().filter(isReady(portOf(line.a))).length === 2,
      LIMIT_MS,
      () => "the link again",
    );
    expect(await statusOf(board)).toMatchObject({ links: [{ link: portOf(line.a), isUp: true }] });
    expect(await node.stop()).toBe(0);
    expect((await node.ended).stderr).toMatch(/the one before runs again: .*not-there/);
  }, 90_000);

  it("in the middle of a transfer costs the target no block that it has: the transfer is resumed", async () => {
    const { board, target, rescuer } = await midTransfer("hup-mid");
    writeFileSync(
      `${board}.toml`,
      readFileSync(`${board}.toml`, "utf8").replace("\n[[link]]", 'soak = "1s"\n[[link]]'),
    );
    hangUp(target);
    await sees(target, "booted", ({ event }) => event === "booted");
    await until(
      () => blocksSent(rescuer).length > 0,
      LIMIT_MS,
      () => "healed",
    );
    await stopAll(target, rescuer);
    expect(Number(blocksSent(rescuer)[0])).toBeLessThanOrEqual(BLOCKS - 3);
    expect(bootOf(board)).toBe("1.0.0");
  }, 90_000);

  it("in the middle of a transfer of the rescuer lets it go on where it was", async () => {
    const { board, target, rescuer } = await midTransfer("hup-rescuer");
    hangUp(rescuer);
    await sees(target, "booted", ({ event }) => event === "booted");
    await until(
      () => blocksSent(rescuer).length > 0,
      LIMIT_MS,
      () => "healed",
    );
    await stopAll(target, rescuer);
    expect(Number(blocksSent(rescuer)[0])).toBeLessThanOrEqual(BLOCKS - 3);
    expect(bootOf(board)).toBe("1.0.0");
  }, 90_000);
});

describe("a signal to end", () => {
  it.each([
    ["SIGTERM", 0, "stopped"],
    ["SIGINT", 130, "interrupted"],
  ] as const)(
    "%s in the middle of a transfer ends with %i, removes the socket, and leaves a board that resumes",
    async (signal, code, reason) => {
      const { board, link, target, rescuer } = await midTransfer(`end-${signal}`);
      expect(existsSync(`${board}.sock`)).toBe(true);
      target.child.kill(signal);
      const ended = await target.ended;
      expect(ended.code, ended.stderr).toBe(code);
      expect(ended.events.at(-1)).toMatchObject({ event: "verdict", reason, code });
      expect(existsSync(`${board}.sock`)).toBe(false);
      expect(existsSync(`${board}/lock`)).toBe(false);
      expect(bootOf(board)).not.toBe("1.0.0");
      const again = scene.node(board, [link]);
      await sees(again, "booted", ({ event }) => event === "booted");
      await until(
        () => blocksSent(rescuer).length > 0,
        LIMIT_MS,
        () => "healed",
      );
      await stopAll(again, rescuer);
      expect(Number(blocksSent(rescuer)[0])).toBeLessThanOrEqual(BLOCKS - 3);
      expect(Buffer.from(bootedBytes(board)).equals(readFileSync(scene.bench.path("v10.bin")))).toBe(true);
    },
    90_000,
  );
});

describe.runIf(IS_ROOT)("a node of a user without rights", () => {
  it("heals over TCP, has its socket in its own folder, and ends with 0 on SIGTERM", async () => {
    const ground = openGround();
    const mayday = fileURLToPath(new URL("../../../dist/cli/main.js", import.meta.url));
    const [home, board] = [ground.path("home"), ground.path("home/board")];
    copyFileSync(scene.bench.path("owner.pub"), ground.path("owner.pub"));
    const kind = ["--hardware", "acme/widget", "--flash-size", "64K", "--layout", "ab"];
    const init = ["board", "init", board, ...kind, "--trust", ground.path("owner.pub")];
    ground.asNobody(process.execPath, mayday, ...init);
    const port = await freePort();
    const text = `board = "board"\nsocket = "node.sock"\n[[link]]\nendpoint = "tcp-listen:127.0.0.1:${port}"\n`;
    ground.asNobody("sh", "-c", 'umask 022; printf "%s" "$1" > "$2"', "sh", text, `${home}/node.toml`);
    const ids = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];
    const words = [...ids, process.execPath, mayday, "node", "--config", `${home}/node.toml`, "--json"];
    const child = spawn("setpriv", words, { stdio: ["ignore", "pipe", "pipe"], cwd: home });
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (piece: string) => {
      said += piece;
    });
    child.stderr.setEncoding("utf8").on("data", (piece: string) => {
      said += piece;
    });
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    const healthy = await scene.bench.board("root-board", scene.bench.path("v10.mdy"), { layout: "ab" });
    const rescuer = scene.node(healthy, [`tcp:127.0.0.1:${port}`]);
    await until(
      () => said.includes('"booted"'),
      LIMIT_MS,
      () => said,
    );
    expect(statSync(`${home}/node.sock`)).toMatchObject({ uid: NOBODY });
    child.kill("SIGTERM");
    expect(await ended, said).toBe(0);
    await stopAll(rescuer);
    expect(existsSync(`${home}/node.sock`)).toBe(false);
    expect(bootOf(board)).toBe("1.0.0");
  }, 60_000);
});

describe("a serial port", () => {
  it("that is not there yet is waited for, and one that is lost comes back", async () => {
    const [a, b] = [scene.bench.path("late.a"), scene.bench.path("late.b")];
    const board = await scene.bench.board("late-board", scene.bench.path("v10.mdy"), { layout: "ab" });
    const blank = await scene.bench.board("late-blank", undefined, { layout: "ab" });
    const node = scene.node(board, [portOf(a)]);
    const waiting = await sees(
      node,
      "waiting",
      ({ event, state }) => event === "link" && state === "waiting",
    );
    expect(waiting).toMatchObject({ link: portOf(a), detail: expect.stringContaining(a) });
    const { cable } = await slowLine("late");
    await sees(node, "ready", isReady(portOf(a)));
    cable.child.kill("SIGKILL");
    await sees(node, "down", ({ event, state }) => event === "link" && state === "down");
    await cable.ended;
    await slowLine("late");
    await until(
      () => node.events().filter(isReady(portOf(a))).length === 2,
      LIMIT_MS,
      () => JSON.stringify(node.events()),
    );
    const target = scene.node(blank, [portOf(b)]);
    await sees(target, "healed", ({ event }) => event === "booted");
    await stopAll(node, target);
  }, 120_000);
});
