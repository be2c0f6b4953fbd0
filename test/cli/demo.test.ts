import { mkdir, mkdtemp, readdir, readlink, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { openBoard } from "../../src/board/board.ts";
import { runCli, startCli, verdictOf } from "../support/cli.ts";
import { processesWith } from "../support/processes.ts";

let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "mayday-demo-test-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** A folder of its own for temporary files, so that files left behind are noticed. */
async function ownTmp(name: string): Promise<string> {
  const tmp = join(dir, name);
  await mkdir(tmp, { mode: 0o700 });
  return tmp;
}

async function smallFirmware(): Promise<string> {
  const path = join(dir, "small.bin");
  await writeFile(path, randomBytes(new SeededRandom(3), 30_001));
  return path;
}

describe("demo", () => {
  test("heals a damaged and an empty board with the given firmware, and leaves no files", async () => {
    const tmp = await ownTmp("tmp");
    const result = await runCli(["demo", "--firmware", await smallFirmware(), "--json"], {
      env: { TMPDIR: tmp },
    });
    expect(verdictOf(result)).toMatchObject({ ok: true, code: 0, reason: "healed" });
    const figures = result.events.filter(({ event }) => event === "figures");
    expect(figures).toMatchObject([
      { act: "repair", imageBytes: 30_001, blocks: 4 },
      { act: "whole", imageBytes: 30_001, damagedBytes: 30_001, blocks: 8 },
    ]);
    expect(figures[0]?.["bytesToBoard"]).toBeLessThan(20_000);
    expect(figures[1]?.["lineShare"]).toBeGreaterThan(0.5);
    for (const line of [
      "exit 5: the image in flash is damaged",
      "30,001 bytes, all equal",
      "exit 5: no image",
    ]) {
      expect(result.stderr).toContain(line);
    }
    expect((await readdir(tmp)).filter((name) => name.startsWith("mayday-demo"))).toEqual([]);
  });

  test("works with socat alone, without a compiler, and keeps boards that boot with --keep", async () => {
    const tmp = await ownTmp("nocc");
    const bin = join(dir, "bin");
    await mkdir(bin, { mode: 0o755 });
    await symlink(await which("socat"), join(bin, "socat"));
    const env = { TMPDIR: tmp, XDG_CACHE_HOME: tmp, PATH: bin, CC: "" };
    const firmware = join(dir, "tiny.bin");
    await writeFile(firmware, "tiny");
    const result = await runCli(["demo", "--firmware", firmware, "--keep", "--json"], { env });
    expect(verdictOf(result)).toMatchObject({ ok: true, code: 0 });
    expect(result.stderr).toContain("No C compiler");
    expect(result.events.find(({ event }) => event === "figures")).toMatchObject({ lineShare: null });
    const kept = /^kept: (.*)$/m.exec(result.stderr)?.[1] ?? "";
    const board = openBoard(join(kept, "empty"), { write: false });
    expect(Buffer.concat([...board.readImage().blocks]).toString()).toBe("tiny");
    board.close();
  });

  test("ends with 130 when interrupted, ends its child processes and removes its files", async () => {
    const tmp = await ownTmp("interrupted");
    const demo = startCli(["demo", "--json"], { env: { TMPDIR: tmp } });
    await demo.saw(/"progress".*"link":"port-a"/);
    demo.child.kill("SIGINT");
    const result = await demo.ended;
    expect(verdictOf(result)).toMatchObject({ ok: false, code: 130, reason: "interrupted" });
    expect((await readdir(tmp)).filter((name) => name.startsWith("mayday-demo"))).toEqual([]);
    await expect.poll(() => processesWith(tmp)).toEqual([]);
  });
});

describe("cable", () => {
  test("prints ready when both ends can be opened, and its counters at the end", async () => {
    const [a, b] = [join(dir, "a"), join(dir, "b")];
    const cable = startCli(["cable", "--a", a, "--b", b]);
    await cable.saw(/^ready$/m);
    expect([await readlink(a), await readlink(b)].every((to) => to.startsWith("/dev/pts/"))).toBe(true);
    cable.child.kill("SIGTERM");
    const { code, stdout } = await cable.ended;
    expect(code).toBe(130);
    expect(stdout).toMatch(/^octets +0 \/ 0$/m);
    await expect(readlink(a)).rejects.toThrow("ENOENT");
  });

  test.each([
    [["--baud", "fast"], "bad-baud"],
    [["--ber", "2"], "bad-probability"],
    [["--burst", "5"], "bad-pair"],
    [["--burst", "5,9"], "bad-cable-option"],
  ])("%j is a usage error", async (flags, reason) => {
    const ends = ["cable", "--a", join(dir, "x"), "--b", join(dir, "y"), "--json"];
    expect(verdictOf(await runCli([...ends, ...flags]))).toMatchObject({ code: 2, reason });
  });
});

describe("ports", () => {
  test("lists the ports of this machine and exits 0, even if there are none", async () => {
    const result = await runCli(["ports", "--json"]);
    expect(verdictOf(result)).toMatchObject({ ok: true, code: 0 });
    for (const port of result.events.slice(0, -1)) {
      expect(port).toMatchObject({ event: "port", kind: expect.stringMatching(/serial|i2c/) });
    }
  });
});

async function which(name: string): Promise<string> {
  for (const folder of (process.env["PATH"] ?? "").split(":")) {
    if ((await readdir(folder).catch((): string[] => [])).includes(name)) return join(folder, name);
  }
  throw new Error(`${name} is not installed`);
}
