import { mkdir, readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { askNode } from "../../src/node/ask-node.ts";
import { openScene, portAt, type Scene, type SceneNode, statusOf, until } from "../cli/node/scene.ts";
import { bootOf, freePort } from "../cli/workbench.ts";
import { type CliEvent, runCli, startCli, verdictOf } from "../support/cli.ts";
import { type I2cRig, openI2cRig } from "../support/i2c-rig.ts";

let scene: Scene;
let rig: I2cRig;
const at = (name: string): string => scene.bench.path(name);

beforeAll(async () => {
  scene = await openScene();
  rig = await openI2cRig();
  await mkdir(rig.bus(1), { recursive: true, mode: 0o700 });
});
afterAll(async () => {
  await scene.close();
  await rig.close();
});

const ab = { layout: "ab" } as const;

function eventsOf(node: SceneNode, kind: string): CliEvent[] {
  return node.events().filter(({ event }) => event === kind);
}

async function starts(node: SceneNode, version: string): Promise<void> {
  const hasStarted = (): boolean => eventsOf(node, "booted").some((event) => event["version"] === version);
  await until(hasStarted, 20_000, () => JSON.stringify(node.events()));
}

/** A file that a hook writes its environment to. */
async function hookTo(
  name: string,
): Promise<{ readonly words: string; readonly lines: () => Promise<string[]> }> {
  const script = at(`${name}.sh`);
  const out = at(`${name}.out`);
  await writeFile(
    script,
    `#!/bin/sh\nenv | grep ^MAYDAY_ | sort | tr '\\n' ' ' >> '${out}'\necho >> '${out}'\n`,
    {
      mode: 0o755,
    },
  );
  const lines = async (): Promise<string[]> => (await readFile(out, "utf8")).trim().split("\n");
  return { words: JSON.stringify([script]), lines };
}

describe("mayday status --link", () => {
  it("C2 C6 F1.1 F1.2 F1.3: reads the version that a node's board runs; after damage and a new start that it does not boot, and the node calls", async () => {
    const board = await scene.bench.board("asked", at("v11.mdy"), ab);
    const port = await freePort();
    const ask = async (): Promise<CliEvent> => {
      const result = await runCli(["status", "--link", `tcp:127.0.0.1:${port}`, "--timeout", "10", "--json"]);
      return result.events.find(({ event }) => event === "status") ?? expect.fail(result.stderr);
    };
    const node = scene.node(board, [`tcp-listen:127.0.0.1:${port}`]);
    await starts(node, "1.1.0");
    expect(await ask()).toMatchObject({ peer: { isBootable: true, version: "1.1.0", role: "target" } });
    expect(eventsOf(node, "distress")).toEqual([]);
    expect(await node.stop()).toBe(0);

    for (const slot of ["0", "1"]) await runCli(["board", "damage", board, "--slot", slot]);
    const again = scene.node(board, [`tcp-listen:127.0.0.1:${port}`]);
    await until(
      () => eventsOf(again, "role").length > 0,
      10_000,
      () => JSON.stringify(again.events()),
    );
    expect(await ask()).toMatchObject({ peer: { isBootable: false, failure: "hash" } });
    expect(eventsOf(again, "distress")).toContainEqual(
      expect.objectContaining({ reason: "hash", proven: true }),
    );
    expect(await again.stop()).toBe(0);
  });
});

describe("mayday node", () => {
  it("C20 F1.13 F1.14 §56: heals boards on a serial, a TCP and an I2C link at the same time, without a board of its own", async () => {
    const port = await freePort();
    const cable = await scene.cable("links");
    const repo = at("images");
    for (const name of ["v10", "v11"])
      expect((await runCli(["repo", "add", at(`${name}.mdy`), "--repo", repo])).code).toBe(0);
    const links = [portAt(cable.a), `tcp-listen:127.0.0.1:${port}`, "i2c:/dev/i2c-1?address=0x42"];
    const ends = [portAt(cable.b), `tcp:127.0.0.1:${port}`, `i2c-peripheral:${rig.bus(1)}?address=0x42`];
    const config = at("provider.toml");
    const toml = links.map((endpoint) => `[[link]]\nendpoint = ${JSON.stringify(endpoint)}\n`);
    await writeFile(config, `repository = ${JSON.stringify(repo)}\n${toml.join("")}`);
    const provider = startCli(["node", "--config", config, "--json"], { env: rig.env(), limitMs: 50_000 });
    const boards = await Promise.all(ends.map((_, i) => scene.bench.board(`wire-${i}`, undefined, ab)));
    const nodes = boards.map((board, i) => scene.node(board, ends.slice(i, i + 1)));
    await Promise.all(nodes.map((node) => starts(node, "1.1.0")));
    await provider.saw(/(?:"event":"healed"[\s\S]*){3}/);
    provider.child.kill("SIGTERM");
    const told = await provider.ended;
    expect([told.code, ...(await Promise.all(nodes.map((node) => node.stop())))]).toEqual([0, 0, 0, 0]);
    const healed = told.events.filter(({ event }) => event === "healed").map(({ link }) => link);
    expect(healed.sort()).toEqual([...links].sort());
    for (const board of boards) expect(bootOf(board)).toBe("1.1.0");
  }, 60_000);

  it("F3.6 §59: a healed board's image is verified, started by the on-boot hook, and its rescuer's on-healed hook runs", async () => {
    const port = await freePort();
    const [onBoot, onHealed] = [await hookTo("on-boot"), await hookTo("on-healed")];
    const healthy = await scene.bench.board("hook-a", at("v10.mdy"), ab);
    const blank = await scene.bench.board("hook-b", undefined, ab);
    const a = scene.node(healthy, [`tcp-listen:127.0.0.1:${port}`], `on-healed = ${onHealed.words}`);
    const b = scene.node(blank, [`tcp:127.0.0.1:${port}`], `on-boot = ${onBoot.words}`);
    await starts(b, "1.0.0");
    await until(
      () => eventsOf(a, "healed").length === 1,
      10_000,
      () => JSON.stringify(a.events()),
    );
    // The nodes wait for hooks that run.
    expect(await Promise.all([a.stop(), b.stop()])).toEqual([0, 0]);
    const kinds = b.events().map(({ event }) => event);
    expect(kinds.indexOf("verified")).toBeGreaterThan(kinds.indexOf("offer"));
    expect(kinds.indexOf("booted")).toBeGreaterThan(kinds.indexOf("verified"));
    const [booted] = eventsOf(b, "booted");
    const [started, ...more] = await onBoot.lines();
    expect(more).toEqual([]);
    expect(started).toContain(`MAYDAY_BOARD=${blank} MAYDAY_DIGEST=${booted?.["digest"]}`);
    expect(started).toMatch(/MAYDAY_SLOT=\d MAYDAY_TRIAL=1 MAYDAY_VERSION=1\.0\.0/);
    const [healed] = eventsOf(a, "healed");
    const [told] = await onHealed.lines();
    expect(told).toContain(`MAYDAY_DIGEST=${healed?.["digest"]}`);
    expect(told).toContain(`MAYDAY_PEER=${healed?.["peer"]} MAYDAY_PROVEN=0 MAYDAY_SECONDS=`);
    expect(told).toMatch(/MAYDAY_VERSION=1\.0\.0$/);
  });

  it('F2.5: with trial-confirm = "socket" an image on trial is handed on once it was confirmed through the socket', async () => {
    const port = await freePort();
    const trial = await scene.bench.image("trial", "owner", {
      version: { major: 1, minor: 3, patch: 0 },
      confirm: "by-app",
    });
    const [first, second] = [
      await scene.bench.board("trial-a", at("v10.mdy"), ab),
      await scene.bench.board("trial-b", at("v10.mdy"), ab),
    ];
    const settings = 'control = "write"\ntrial-confirm = "socket"';
    const a = scene.node(first, [`tcp-listen:127.0.0.1:${port}`], settings);
    const b = scene.node(second, [`tcp:127.0.0.1:${port}`]);
    await Promise.all([starts(a, "1.0.0"), starts(b, "1.0.0")]);
    const installed = await runCli(["board", "install", first, trial]);
    expect(installed.code, installed.stderr).toBe(0);
    await starts(a, "1.3.0");
    // An image that is not on trial is asked for within a second of this.
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(await statusOf(first)).toMatchObject({ board: { version: "1.3.0", isTrial: true } });
    expect(eventsOf(a, "offer")).toEqual([]);
    await askNode(`${first}.sock`, { command: "confirm" }, { timeoutMs: 5_000 });
    await starts(b, "1.3.0");
    expect(await statusOf(first)).toMatchObject({ board: { version: "1.3.0", isTrial: false } });
    expect(await Promise.all([a.stop(), b.stop()])).toEqual([0, 0]);
  }, 60_000);
});

describe("mayday dispatch", () => {
  it("F2.2 F2.3 F2.4 §57: hands a newer image to a node, says that nothing is older the next time, and ends both times", async () => {
    const port = await freePort();
    const board = await scene.bench.board("dispatched", at("v10.mdy"), ab);
    const repo = at("newest");
    await runCli(["repo", "add", at("v11.mdy"), "--repo", repo]);
    const node = scene.node(board, [`tcp-listen:127.0.0.1:${port}`]);
    await starts(node, "1.0.0");
    const dispatch = ["dispatch", "--link", `tcp:127.0.0.1:${port}`, "--repo", repo, "--json"];
    const verdict = verdictOf(await runCli(dispatch));
    expect(verdict).toMatchObject({ ok: true, code: 0, reason: "updated", blocks: 16 });
    await starts(node, "1.1.0");
    const next = verdictOf(await runCli(dispatch));
    expect(next).toMatchObject({ ok: true, code: 0, reason: "up-to-date", blocks: 0 });
    expect(await node.stop()).toBe(0);
    expect(bootOf(board)).toBe("1.1.0");
  }, 60_000);
});
