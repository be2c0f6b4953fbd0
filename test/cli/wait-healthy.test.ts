import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CliResult, runCli, startCli, verdictOf } from "../support/cli.ts";
import { openScene, portAt, type Scene } from "./node/scene.ts";
import { bootOf } from "./workbench.ts";

const LIMIT_MS = 60_000;

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
  await scene.bench.image("app", "owner", { confirm: "by-app" }, scene.bench.path("v10.bin"));
});
afterAll(() => scene.close());

/** An empty board on a cable of its own, and the rescuer's arguments for the other end. */
async function broken(
  name: string,
  image: string,
  wait: string,
): Promise<{ readonly board: string; readonly port: string; readonly rescue: readonly string[] }> {
  const board = await scene.bench.board(name);
  const { a, b } = await scene.cable(name);
  const source = ["--image", scene.bench.path(`${image}.mdy`)];
  return {
    board,
    port: portAt(a),
    rescue: ["rescue", "--link", portAt(b), ...source, "--json", "--wait-healthy", wait],
  };
}

/** Names of its events from the heal on. */
function fromHeal({ events }: CliResult): string[] {
  const names = events.map(({ event }) => event);
  return names.slice(names.indexOf("healed"));
}

describe("rescue --once --wait-healthy", () => {
  it(
    "ends with 0 when the node of the healed board has started and confirmed its image",
    async () => {
      const { board, port, rescue } = await broken("good", "app", "20");
      const hook = `on-boot = ["sh", "-c", "sleep 1"]\ntrial-confirm = "on-boot"`;
      const node = scene.node(board, [port], hook);
      const result = await runCli([...rescue, "--once"], { limitMs: LIMIT_MS });
      expect(verdictOf(result), result.stderr).toMatchObject({ code: 0, reason: "healed", healed: 1 });
      expect(fromHeal(result)).toEqual(["healed", "healthy", "verdict"]);
      const healthy = result.events.find(({ event }) => event === "healthy");
      expect(healthy).toMatchObject({ peer: verdictOf(result)["peer"], digest: verdictOf(result)["digest"] });
      // The hook's second, and two of the shortest interval between beacons; the machine may be slow.
      expect(healthy?.["seconds"]).toBeGreaterThan(0.9);
      expect(healthy?.["seconds"]).toBeLessThan(10);
      expect(await node.stop()).toBe(0);
      expect(bootOf(board)).toBe("1.2.3");
    },
    LIMIT_MS,
  );

  it(
    "ends with 1, and says what was seen and what to try, when the image does not start",
    async () => {
      const { board, port, rescue } = await broken("bad", "app", "20");
      const node = scene.node(board, [port], 'on-boot = ["false"]');
      const result = await runCli([...rescue, "--once"], { limitMs: LIMIT_MS });
      const verdict = verdictOf(result);
      expect(verdict, result.stderr).toMatchObject({ ok: false, code: 1, reason: "not-healthy", healed: 1 });
      expect(verdict["message"]).toMatch(/healed, but not healthy: .*\(reverted\).*: .*on-boot hook/);
      expect(fromHeal(result)).toEqual(["healed", "distress", "not-healthy", "verdict"]);
      expect(result.stderr).not.toMatch(/^\s+at /m);
      expect(await node.stop()).toBe(0);
      expect(bootOf(board)).toBe("reverted");
    },
    LIMIT_MS,
  );

  it(
    "ends with 0 at once for an image that its verification confirms, healed by distress",
    async () => {
      const { board, port, rescue } = await broken("plain", "v10", "3600");
      const rescuer = startCli([...rescue, "--once", "--timeout", "5"], { limitMs: LIMIT_MS });
      const healed = await runCli(["distress", "--link", port, "--board", board, "--timeout", "20"], {
        limitMs: LIMIT_MS,
      });
      expect(healed.code, healed.stderr).toBe(0);
      const result = await rescuer.ended;
      expect(verdictOf(result)).toMatchObject({ code: 0, reason: "healed" });
      expect(result.events.find(({ event }) => event === "healthy")).toMatchObject({ seconds: 0 });
    },
    LIMIT_MS,
  );
});

describe("rescue --wait-healthy that is interrupted in the wait", () => {
  it.each([
    ["SIGINT", 130, "interrupted"],
    ["SIGTERM", 0, "stopped"],
  ] as const)(
    "by %s ends with %i, with the heal in its verdict, after its hook",
    async (signal, code, reason) => {
      const { board, port, rescue } = await broken(signal, "app", "3600");
      const hook = `sh -c 'echo "$MAYDAY_PEER" > ${scene.bench.path(`${signal}.txt`)}'`;
      const node = scene.node(board, [port], 'trial-confirm = "socket"');
      const rescuer = startCli([...rescue, "--on-healed", hook], { limitMs: LIMIT_MS });
      await rescuer.saw(/"healed"/);
      rescuer.child.kill(signal);
      const result = await rescuer.ended;
      expect(verdictOf(result), result.stderr).toMatchObject({ code, reason, healed: 1 });
      const peer = (await readFile(scene.bench.path(`${signal}.txt`), "utf8")).trim();
      expect(peer).toBe(verdictOf(result)["peer"]);
      await node.stop();
    },
    LIMIT_MS,
  );
});
