import { readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningCli, runCli, startCli } from "../support/cli.ts";
import { freePort, openWorkbench, type Workbench } from "./workbench.ts";

let bench: Workbench;

beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench.close());

/** A board that calls, until a rescuer with this image was refused. */
async function refusedOnce(board: string, image: string): Promise<RunningCli> {
  const port = await freePort();
  const listen = ["--link", `tcp-listen:127.0.0.1:${port}`, "--board", board, "--json"];
  const target = startCli(["distress", ...listen]);
  const rescuer = startCli(["rescue", "--link", `tcp:127.0.0.1:${port}`, "--image", image, "--once"]);
  expect((await rescuer.ended).code).toBe(4);
  await target.saw(/"refused"/);
  return target;
}

async function refusalsOf(board: string): Promise<readonly Record<string, unknown>[]> {
  const { code, events } = await runCli(["board", "status", board, "--json"]);
  expect(code).toBe(0);
  const list = events[0]?.["refusals"];
  return Array.isArray(list) ? list : expect.fail(JSON.stringify(events));
}

describe("board status", () => {
  test("shows what the board refused last, also when the process that refused it was killed", async () => {
    const dir = await bench.board("killed");
    expect(await refusalsOf(dir)).toEqual([]);
    const image = await bench.image("foreign", "other");
    const { child, ended } = await refusedOnce(dir, image);
    child.kill("SIGKILL");
    const event = (await ended).events.find((one) => one.event === "refused");
    expect(event).toMatchObject({ reason: "signature", digest: expect.stringMatching(/^[0-9a-f]{16}$/) });
    const [first, ...others] = await refusalsOf(dir);
    expect(others).toEqual([]);
    expect(first).toMatchObject({
      count: 1,
      reason: "signature",
      digest: event?.["digest"],
      peer: event?.["peer"],
      link: event?.["link"],
    });
    expect(Date.now() - Date.parse(String(first?.["at"]))).toBeLessThan(60_000);
    const { stdout } = await runCli(["board", "status", dir]);
    expect(stdout).toMatch(
      /^refused +\d{4}-\S+Z image [0-9a-f]{16} from [0-9a-f]{16}: signature, signed by/m,
    );
    expect(statSync(join(dir, "refusals.json")).mode & 0o777).toBe(0o600);
  });

  test("keeps those of runs before, newest last, and leaves no temporary files", async () => {
    const dir = await bench.board("runs");
    for (const major of [1, 2]) {
      const version = { major, minor: 0, patch: 0 };
      const image = await bench.image(`foreign-${major}`, "other", { version });
      const { child, ended } = await refusedOnce(dir, image);
      child.kill("SIGTERM");
      expect((await ended).code).toBe(130);
    }
    expect((await refusalsOf(dir)).map(({ reason }) => reason)).toEqual(["signature", "signature"]);
    expect(readdirSync(dir).sort()).toEqual(["board.json", "flash.bin", "keys", "refusals.json"]);
  });

  test("ignores a damaged list with a warning", async () => {
    const dir = await bench.board("torn");
    writeFileSync(join(dir, "refusals.json"), '{ "format": 1, "refu');
    const { code, stderr, stdout } = await runCli(["board", "status", dir]);
    expect([code, stdout.includes("refused")]).toEqual([0, false]);
    expect(stderr).toContain("refusals.json is damaged");
  });

  test("says of an on-verify image that never ran what waits for it", async () => {
    const dir = await bench.board("unproven", undefined);
    const port = await freePort();
    const listen = ["--link", `tcp-listen:127.0.0.1:${port}`, "--board", dir, "--timeout", "6"];
    const target = startCli(["distress", ...listen]);
    const image = await bench.image("counted", "owner", { counter: 7 });
    const rescuer = startCli(["rescue", "--link", `tcp:127.0.0.1:${port}`, "--image", image, "--once"]);
    expect([(await target.ended).code, (await rescuer.ended).code]).toEqual([0, 0]);
    const seen: unknown[] = [];
    for (let boots = 0; boots < 3; boots++) {
      const { events } = await runCli(["board", "status", dir, "--json"]);
      seen.push([events[0]?.["counterFloor"], events[0]?.["slots"]]);
      const { stdout } = await runCli(["board", "status", dir]);
      expect(stdout.includes("never proven")).toBe(boots < 2);
      expect((await runCli(["board", "boot", dir, "--attempt"])).code).toBe(0);
    }
    expect(seen).toMatchObject([
      [0, [{ isConfirmed: true, isUnproven: true, attempts: 0 }]],
      [0, [{ isConfirmed: true, isUnproven: true, attempts: 1 }]],
      [7, [{ isConfirmed: true, isUnproven: false, attempts: 0 }]],
    ]);
  });
});
