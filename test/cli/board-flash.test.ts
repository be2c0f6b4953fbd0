import { readFile, stat, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCli, verdictOf } from "../support/cli.ts";
import { openWorkbench, type Workbench } from "./workbench.ts";

let bench: Workbench;

beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench.close());

function init(name: string, ...more: readonly string[]): Promise<Awaited<ReturnType<typeof runCli>>> {
  const what = ["--hardware", "acme/widget", "--flash-size", "64K", "--allow-unsigned", "--json"];
  return runCli(["board", "init", bench.path(name), ...what, ...more], { cwd: bench.dir });
}

describe("board init --flash", () => {
  test("stores the flash in the given file, where every later command finds it", async () => {
    const image = await bench.image("plain");
    const made = await init("board", "--flash", "file:chip.bin?offset=8K", "--image", image);
    expect(verdictOf(made)).toMatchObject({ ok: true });
    const where = `file:${bench.path("chip.bin")}?offset=8192`;
    expect(made.events[0]).toMatchObject({ event: "board", flash: where });
    expect((await runCli(["board", "boot", bench.path("board")])).code).toBe(0);
    expect((await runCli(["board", "damage", bench.path("board")])).code).toBe(0);
    expect((await runCli(["board", "boot", bench.path("board")])).code).toBe(5);
    expect((await runCli(["board", "status", bench.path("board")])).stdout).toContain(where);
    const chip = await readFile(bench.path("chip.bin"));
    expect(chip.subarray(0, 8192).every((byte) => byte === 0)).toBe(true);
  });

  test("leaves a file that is not empty unchanged, unless --overwrite is given", async () => {
    await writeFile(bench.path("dump.bin"), new Uint8Array(1_048_576).fill(7), { mode: 0o600 });
    const refused = await init("dumped", "--flash", "file:dump.bin");
    expect(verdictOf(refused)).toMatchObject({ code: 2, reason: "flash-not-empty" });
    expect((await readFile(bench.path("dump.bin"))).every((byte) => byte === 7)).toBe(true);
    expect((await init("dumped", "--flash", "file:dump.bin", "--overwrite")).code).toBe(0);
  });

  test.each([
    ["no kind", ["--flash", "/dev/null"], "bad-flash"],
    ["no path", ["--flash", "file:"], "bad-flash"],
    ["no such device", ["--flash", "block:/dev/nowhere"], "flash-missing"],
    ["a character device", ["--flash", "block:/dev/null"], "flash-kind"],
    ["a folder", ["--flash", "file:/"], "flash-kind"],
    ["no flash chip", ["--flash", "mtd:/dev/null"], "flash-kind"],
    ["no size as offset", ["--flash", "file:x.bin?offset=x"], "bad-size"],
    ["an offset within a sector", ["--flash", "file:x.bin?offset=100"], "flash-offset"],
    ["--overwrite alone", ["--overwrite"], "overwrite-needs-flash"],
  ])("refuses %s with exit 2 and makes no board", async (_what, flags, reason) => {
    const result = await init("none", ...flags);
    expect(verdictOf(result)).toMatchObject({ code: 2, reason });
    await expect(stat(bench.path("none"))).rejects.toThrow("ENOENT");
    await expect(stat(bench.path("x.bin"))).rejects.toThrow("ENOENT");
  });
});
