import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CliResult, runCli, startCli, verdictOf } from "../../support/cli.ts";
import { bootedBytes, bootOf, freePort } from "../workbench.ts";
import { openScene, type Scene, type SceneNode, until } from "./scene.ts";

const LIMIT_MS = 30_000;
/** How long the slow hook takes. */
const HOOK_S = 2;

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.close());

interface Running {
  readonly board: string;
  readonly node: SceneNode;
}

/** A node with nobody around it; its board boots 1.0.0. */
async function startNode(name: string, settings: string, layout: "ab" | "single" = "ab"): Promise<Running> {
  const board = await scene.bench.board(name, scene.bench.path("v10.mdy"), { layout });
  const node = scene.node(board, [`tcp-listen:127.0.0.1:${await freePort()}`], settings);
  await isRunning(node);
  return { board, node };
}

async function isRunning(node: SceneNode): Promise<void> {
  const has = (name: string): boolean => node.events().some(({ event }) => event === name);
  await until(
    () => has("socket") && has("booted"),
    LIMIT_MS,
    () => JSON.stringify(node.events()),
  );
}

/** An on-boot hook that takes its time, and notes when it began and ended. */
function slowHook(name: string): { readonly setting: string; readonly lines: () => readonly string[] } {
  const file = scene.bench.path(`${name}.log`);
  const script = `echo "begins $MAYDAY_VERSION" >> ${file}; sleep ${HOOK_S}; echo "ends $MAYDAY_VERSION" >> ${file}`;
  const lines = (): string[] => (existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : []);
  return { setting: `on-boot = ["sh", "-c", ${JSON.stringify(script)}]`, lines };
}

const install = (board: string, image: string): Promise<CliResult> =>
  runCli(["board", "install", board, scene.bench.path(image), "--json"], { limitMs: LIMIT_MS });

describe("board install on the board of a running node", () => {
  it("ends with 0 only once the node has booted the image, and the node runs on", async () => {
    const hook = slowHook("slow");
    const { board, node } = await startNode("slow", `control = "write"\n${hook.setting}`);
    await until(
      () => hook.lines().includes("ends 1.0.0"),
      LIMIT_MS,
      () => hook.lines().join(),
    );
    const result = await install(board, "v11.mdy");
    expect(result.code, result.stderr).toBe(0);
    expect(hook.lines()).toEqual(["begins 1.0.0", "ends 1.0.0", "begins 1.1.0", "ends 1.1.0"]);
    const told = result.events.find(({ event }) => event === "installed");
    expect(told).toMatchObject({ version: "1.1.0", socket: `${board}.sock` });
    expect(node.events().findLast(({ event }) => event === "booted")).toMatchObject({ version: "1.1.0" });
    expect(await node.stop()).toBe(0);
    expect(bootOf(board)).toBe("1.1.0");
    expect(Buffer.from(bootedBytes(board)).equals(readFileSync(scene.bench.path("v11.bin")))).toBe(true);
  }, 60_000);

  it('is refused by a node whose socket only tells, with the advice to set control = "write"', async () => {
    const { board, node } = await startNode("told", "");
    const result = await install(board, "v11.mdy");
    expect(result.code).toBe(2);
    expect(verdictOf(result)).toMatchObject({ reason: "control-read-only" });
    expect(result.stderr).toContain('control = "write"');
    await node.stop();
    expect(bootOf(board)).toBe("1.0.0");
  }, 60_000);

  it("ends with 4 and the node's reason when the board refuses the image", async () => {
    const { board, node } = await startNode("refuses", 'control = "write"');
    await scene.bench.image("stranger", "other", { version: { major: 9, minor: 0, patch: 0 } });
    await scene.bench.image("old", "owner", { version: { major: 0, minor: 9, patch: 0 } });
    await scene.bench.image("gate", "owner", {
      hardwareClass: "gate",
      version: { major: 9, minor: 0, patch: 0 },
    });
    for (const [image, reason] of [
      ["stranger.mdy", /signature|key/],
      ["old.mdy", /version|older|not-newer/],
      ["gate.mdy", /hardware/],
    ] as const) {
      const result = await install(board, image);
      expect(result.code, `${image}: ${result.stderr}`).toBe(4);
      expect(verdictOf(result)["reason"], image).toMatch(reason);
    }
    // It takes a good one after that.
    expect((await install(board, "v11.mdy")).code).toBe(0);
    await node.stop();
    expect(bootOf(board)).toBe("1.1.0");
  }, 60_000);

  it("refuses what would overwrite the only image, unless the node's configuration allows it", async () => {
    const { board, node } = await startNode("single", 'control = "write"', "single");
    const refused = await install(board, "v11.mdy");
    expect(refused.code, refused.stderr).toBe(4);
    const flag = await runCli([
      ...["board", "install", board, scene.bench.path("v11.mdy")],
      ...["--allow-single-update", "--json"],
    ]);
    expect(verdictOf(flag)).toMatchObject({ code: 2, reason: "node-decides" });
    expect(flag.stderr).toContain("allow-single = true");
    await node.stop();
    expect(bootOf(board)).toBe("1.0.0");
    const allows = scene.node(
      board,
      [`tcp-listen:127.0.0.1:${await freePort()}`],
      'control = "write"\nallow-single = true',
    );
    await isRunning(allows);
    expect((await install(board, "v11.mdy")).code).toBe(0);
    await allows.stop();
    expect(bootOf(board)).toBe("1.1.0");
  }, 60_000);

  it("is told install-busy while another one runs, and the first one is not disturbed", async () => {
    const hook = slowHook("busy");
    const { board, node } = await startNode("busy", `control = "write"\n${hook.setting}`);
    await until(
      () => hook.lines().includes("ends 1.0.0"),
      LIMIT_MS,
      () => hook.lines().join(),
    );
    const first = install(board, "v11.mdy");
    await until(
      () => hook.lines().includes("begins 1.1.0"),
      LIMIT_MS,
      () => hook.lines().join(),
    );
    const second = await install(board, "v11.mdy");
    expect(second.code).toBe(1);
    expect(verdictOf(second)).toMatchObject({ reason: "install-busy" });
    expect((await first).code).toBe(0);
    await node.stop();
    expect(bootOf(board)).toBe("1.1.0");
  }, 60_000);

  it("continues in the node when its client is killed", async () => {
    const hook = slowHook("killed");
    const { board, node } = await startNode("killed", `control = "write"\n${hook.setting}`);
    await until(
      () => hook.lines().includes("ends 1.0.0"),
      LIMIT_MS,
      () => hook.lines().join(),
    );
    const client = startCli(["board", "install", board, scene.bench.path("v11.mdy"), "--json"]);
    await until(
      () => hook.lines().includes("begins 1.1.0"),
      LIMIT_MS,
      () => hook.lines().join(),
    );
    client.child.kill("SIGKILL");
    await client.ended;
    await until(
      () => hook.lines().includes("ends 1.1.0"),
      LIMIT_MS,
      () => hook.lines().join(),
    );
    // The next one is answered: it is not newer than what runs.
    await until(
      () => node.events().some(({ event, version }) => event === "installed" && version === "1.1.0"),
      LIMIT_MS,
      () => JSON.stringify(node.events()),
    );
    expect((await install(board, "v10.mdy")).code).toBe(4);
    expect(await node.stop()).toBe(0);
    expect(bootOf(board)).toBe("1.1.0");
  }, 60_000);

  it("ends with 1 when the image does not start well, and the board is back on the one before", async () => {
    const script = '[ "$MAYDAY_VERSION" != 1.1.0 ]';
    const setting = `on-boot = ["sh", "-c", ${JSON.stringify(script)}]`;
    const { board, node } = await startNode("back", `control = "write"\n${setting}`);
    // Its first start is a trial.
    const version = { major: 1, minor: 1, patch: 0 };
    await scene.bench.image("trial", "owner", { version, confirm: "by-app" }, scene.bench.path("v11.bin"));
    const result = await install(board, "trial.mdy");
    expect(result.code, result.stderr).toBe(1);
    expect(verdictOf(result)).toMatchObject({ reason: "board-install" });
    expect(node.events().findLast(({ event }) => event === "booted")).toMatchObject({ version: "1.0.0" });
    await node.stop();
    expect(bootOf(board)).toBe("1.0.0");
  }, 60_000);

  it("says which file cannot be read, and leaves the board as it is", async () => {
    const { board, node } = await startNode("unreadable", 'control = "write"');
    writeFileSync(scene.bench.path("torn.mdy"), readFileSync(scene.bench.path("v11.mdy")).subarray(0, 9_000));
    const torn = await install(board, "torn.mdy");
    expect(torn.code).not.toBe(0);
    expect(torn.stderr).toContain("torn.mdy");
    const missing = await install(board, "missing.mdy");
    expect(missing.code).not.toBe(0);
    expect(missing.stderr).toContain("missing.mdy");
    expect((await install(board, "v11.mdy")).code).toBe(0);
    await node.stop();
  }, 60_000);
});
