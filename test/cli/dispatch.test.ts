import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CliEvent, type CliResult, runCli, verdictOf } from "../support/cli.ts";
import { openScene, type Scene, type SceneNode, until } from "./node/scene.ts";
import { bootedBytes, bootOf, freePort } from "./workbench.ts";

const LIMIT_MS = 60_000;

let scene: Scene;
let repo: string;
beforeAll(async () => {
  scene = await openScene();
  repo = scene.bench.path("repo");
  const added = await runCli(["repo", "add", scene.bench.path("v11.mdy"), "--repo", repo]);
  expect(added.code, added.stderr).toBe(0);
  await runCli(["keygen", "--link-key", scene.bench.path("link.key")]);
});
afterAll(() => scene.close());

interface Running {
  readonly board: string;
  readonly node: SceneNode;
  readonly link: string;
}

/** A node on a TCP port of its own, whose board boots an image. */
async function startNode(name: string, image: string, settings = ""): Promise<Running> {
  const board = await scene.bench.board(name, scene.bench.path(image), { layout: "ab" });
  const port = await freePort();
  const node = scene.node(board, [`tcp-listen:127.0.0.1:${port}`], settings);
  await until(
    () => node.events().some(({ event }) => event === "booted"),
    LIMIT_MS,
    () => JSON.stringify(node.events()),
  );
  return { board, node, link: `tcp:127.0.0.1:${port}` };
}

const dispatch = (links: readonly string[], ...flags: readonly string[]): Promise<CliResult> =>
  runCli(["dispatch", ...links.flatMap((link) => ["--link", link]), "--repo", repo, "--json", ...flags], {
    limitMs: LIMIT_MS,
  });

const ofKind = (result: CliResult, kind: string): CliEvent[] =>
  result.events.filter(({ event }) => event === kind);

describe("dispatch", () => {
  it("C14 C15 C16 C20 §57 §58: updates a board that is older, whose node starts the image, and ends with 0", async () => {
    const { board, node, link } = await startNode("older", "v10.mdy");
    const result = await dispatch([link]);
    expect(result.code, result.stderr).toBe(0);
    expect(verdictOf(result)).toMatchObject({ ok: true, reason: "updated", blocks: 16 });
    expect(ofKind(result, "healed")).toMatchObject([{ link, version: "1.1.0", blocks: 16 }]);
    await until(
      () => node.events().some(({ event, version }) => event === "booted" && version === "1.1.0"),
      LIMIT_MS,
      () => JSON.stringify(node.events()),
    );
    expect(await node.stop()).toBe(0);
    expect(bootOf(board)).toBe("1.1.0");
    expect(Buffer.from(bootedBytes(board))).toHaveLength(65_536);
  }, 90_000);

  it("ends with 0 and up-to-date when the board runs what the repository has, and sends it nothing", async () => {
    const { node, link } = await startNode("current", "v11.mdy");
    const result = await dispatch([link]);
    expect(result.code, result.stderr).toBe(0);
    expect(verdictOf(result)).toMatchObject({ ok: true, reason: "up-to-date", blocks: 0 });
    expect(ofKind(result, "offer")).toEqual([]);
    await node.stop();
  }, 90_000);

  it("ends with 0 and up-to-date when the board runs something newer than the repository has", async () => {
    const version = { major: 2, minor: 0, patch: 0 };
    await scene.bench.image("v20", "owner", { version }, scene.bench.path("v10.bin"));
    const { board, node, link } = await startNode("newer", "v20.mdy");
    const result = await dispatch([link]);
    expect(result.code, result.stderr).toBe(0);
    expect(verdictOf(result)).toMatchObject({ reason: "up-to-date", blocks: 0 });
    await node.stop();
    expect(bootOf(board)).toBe("2.0.0");
  }, 90_000);

  it("ends with 3 when nobody answers", async () => {
    const port = await freePort();
    const result = await dispatch([`tcp-listen:127.0.0.1:${port}`], "--timeout", "3");
    expect(result.code, result.stderr).toBe(3);
    expect(verdictOf(result)).toMatchObject({ ok: false, code: 3 });
  }, 30_000);

  it("ends with 4 when the board's policy is never to update, and leaves it as it is", async () => {
    const { board, node, link } = await startNode("never", "v10.mdy", 'update = "never"');
    const result = await dispatch([link]);
    expect(result.code, result.stderr).toBe(4);
    expect(verdictOf(result)).toMatchObject({ ok: false, code: 4, blocks: 0 });
    expect(ofKind(result, "refused")).toHaveLength(1);
    await node.stop();
    expect(bootOf(board)).toBe("1.0.0");
  }, 90_000);

  it("updates two boards on two links one after the other", async () => {
    const first = await startNode("two-one", "v10.mdy");
    const second = await startNode("two-two", "v10.mdy");
    const result = await dispatch([first.link, second.link]);
    expect(result.code, result.stderr).toBe(0);
    expect(verdictOf(result)).toMatchObject({ reason: "updated", blocks: 32 });
    const order = result.events.filter(({ event }) => event === "offer" || event === "healed");
    expect(order.map(({ event }) => event)).toEqual(["offer", "healed", "offer", "healed"]);
    expect(order[0]?.["link"]).toBe(order[1]?.["link"]);
    expect(new Set(order.map(({ link }) => link))).toEqual(new Set([first.link, second.link]));
    await Promise.all([first.node.stop(), second.node.stop()]);
    expect([bootOf(first.board), bootOf(second.board)]).toEqual(["1.1.0", "1.1.0"]);
  }, 120_000);

  it("ends after one board with --once", async () => {
    const first = await startNode("once-one", "v10.mdy");
    const second = await startNode("once-two", "v10.mdy");
    const result = await dispatch([first.link, second.link], "--once");
    expect(result.code, result.stderr).toBe(0);
    expect(ofKind(result, "healed")).toHaveLength(1);
    await Promise.all([first.node.stop(), second.node.stop()]);
    expect([bootOf(first.board), bootOf(second.board)].sort()).toEqual(["1.0.0", "1.1.0"]);
  }, 90_000);

  it("updates a board with a link key over a link with the same key, and none without it", async () => {
    const key = scene.bench.path("link.key");
    const port = await freePort();
    const board = await scene.bench.board("keyed", scene.bench.path("v10.mdy"), { layout: "ab" });
    const settings = `[[link]]\nendpoint = "tcp-listen:127.0.0.1:${port}"\nlink-key = ${JSON.stringify(key)}`;
    const node = scene.node(board, [], settings);
    await until(
      () => node.events().some(({ event }) => event === "booted"),
      LIMIT_MS,
      () => JSON.stringify(node.events()),
    );
    const link = `tcp:127.0.0.1:${port}`;
    const without = await dispatch([link], "--timeout", "8");
    expect(without.code, without.stderr).toBe(4);
    expect(ofKind(without, "refused")).toMatchObject([{ reason: "link-key" }]);
    const result = await dispatch([link], "--link-key", key);
    expect(result.code, result.stderr).toBe(0);
    expect(ofKind(result, "healed")).toMatchObject([{ version: "1.1.0", proven: true }]);
    expect(await node.stop()).toBe(0);
    expect(bootOf(board)).toBe("1.1.0");
  }, 90_000);

  it("ends with 2 when there is no such repository", async () => {
    const empty = scene.bench.path("no-repo");
    rmSync(empty, { recursive: true, force: true });
    const result = await runCli(["dispatch", "--link", "tcp:127.0.0.1:1", "--repo", empty, "--json"]);
    expect(result.code).toBe(2);
    expect(verdictOf(result)).toMatchObject({ reason: "repo-missing" });
  });
});
