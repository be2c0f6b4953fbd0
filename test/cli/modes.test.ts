import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { writeFreshLinkKey } from "../../src/files/link-key-file.ts";
import { type CliResult, runCli, startCli, verdictOf } from "../support/cli.ts";
import { openWorkbench, type Workbench } from "./workbench.ts";

/** Who may write what decides: what is made, and what is refused. The second user plays in test/two-users/. */

let bench: Workbench;
const umask = process.umask();

beforeAll(async () => {
  bench = await openWorkbench();
  writeFreshLinkKey(bench.path("link.key"));
});
afterAll(() => bench.close());
afterEach(() => {
  process.umask(umask);
});

const modeOf = (path: string): string => (statSync(path).mode & 0o7777).toString(8);
const initArgs = (dir: string, ...more: string[]): string[] => {
  const what = ["--hardware", "acme/widget", "--flash-size", "64K", "--trust", bench.path("owner.pub")];
  return ["board", "init", dir, ...what, "--link-key", bench.path("link.key"), ...more];
};

describe("board init", () => {
  test.each(["000", "002", "022", "077", "277"])(
    "makes a board of the same modes under umask %s",
    async (mask) => {
      const dir = bench.path(`board-${mask}`);
      const flash = bench.path(`flash-${mask}`);
      process.umask(Number.parseInt(mask, 8));
      const made = await runCli(initArgs(dir, "--image", bench.path("fw.mdy")));
      const onFile = await runCli(initArgs(`${dir}-file`, "--flash", `file:${flash}`));
      process.umask(umask);
      expect(made).toMatchObject({ code: 0, stderr: "" });
      expect(onFile).toMatchObject({ code: 0, stderr: "" });
      const names = ["", "keys", "board.json", "flash.bin", "keys/trust-1.pub", "keys/link.key"];
      const modes = ["700", "700", "644", "600", "644", "600"];
      expect(names.map((name) => modeOf(join(dir, name)))).toEqual(modes);
      expect(modeOf(flash)).toBe("600");
      expect((await runCli(["board", "boot", dir])).code).toBe(0);
      expect((await runCli(["board", "status", `${dir}-file`])).code).toBe(0);
    },
  );

  test("keygen makes its files for their owner to write, under any umask", async () => {
    for (const mask of [0, 0o077, 0o277]) {
      const base = bench.path(`pair-${mask}`);
      process.umask(mask);
      const { code } = await runCli(["keygen", "--out", base, "--link-key", `${base}.link`]);
      process.umask(umask);
      expect(code).toBe(0);
      expect([".key", ".pub", ".link"].map((end) => modeOf(base + end))).toEqual(["600", "644", "600"]);
    }
  });
});

/** The run was refused since others may write `path`, before anything was changed. */
function expectRefused(result: CliResult, path: string): void {
  expect(result.code, result.stderr).toBe(1);
  expect(verdictOf(result)["reason"]).toBe("writable-by-others");
  expect(result.stderr).toContain(path);
  expect(result.stderr).toMatch(/mode 0\d{3}, owner \d+, group \d+.*fix: chmod go-w/);
}

describe("a board that others may write", () => {
  const link = "tcp:127.0.0.1:1";
  const commands = (dir: string): string[][] => [
    ["board", "boot", dir],
    ["board", "boot", dir, "--attempt"],
    ["board", "status", dir],
    ["board", "confirm", dir],
    ["board", "read", dir, "--out", bench.path("copy.bin")],
    ["board", "damage", dir],
    ["distress", "--link", link, "--board", dir, "--timeout", "1"],
  ];

  test("is refused by every command, with its path and what to do", async () => {
    const dir = bench.path("open-board");
    expect((await runCli(initArgs(dir, "--image", bench.path("fw.mdy")))).code).toBe(0);
    const flash = join(dir, "flash.bin");
    const before = readFileSync(flash);
    chmodSync(flash, 0o606);
    const runs = commands(dir);
    for (const args of runs) expectRefused(await runCli([...args, "--json"]), flash);
    expect(runs.length).toBeGreaterThan(6);
    expect(readFileSync(flash).equals(before)).toBe(true);
    expect(existsSync(bench.path("copy.bin"))).toBe(false);
    chmodSync(flash, 0o600);
    expect((await runCli(["board", "boot", dir])).code).toBe(0);
  });

  test.each([
    ["", "0722"],
    ["keys", "0777"],
    ["board.json", "0646"],
    ["keys/trust-1.pub", "0666"],
  ])("is refused for the mode of %j in its folder: %s", async (name, mode) => {
    const dir = bench.path(`open-${name.replace("/", "-")}`);
    expect((await runCli(initArgs(dir))).code).toBe(0);
    chmodSync(join(dir, name), Number.parseInt(mode, 8));
    expectRefused(await runCli(["board", "status", dir, "--json"]), join(dir, name));
  });

  test("is refused by distress for its link key, and for a flash in a file elsewhere", async () => {
    const dir = bench.path("open-parts");
    const flash = bench.path("elsewhere.bin");
    expect((await runCli(initArgs(dir, "--flash", `file:${flash}`))).code).toBe(0);
    chmodSync(join(dir, "keys/link.key"), 0o602);
    const distress = ["distress", "--link", link, "--board", dir, "--timeout", "1", "--json"];
    expectRefused(await runCli(distress), join(dir, "keys/link.key"));
    chmodSync(flash, 0o666);
    expectRefused(await runCli(["board", "status", dir, "--json"]), flash);
  });

  test("is not made on an empty file that others may write, which stays empty", async () => {
    const flash = bench.path("wide-open.bin");
    writeFileSync(flash, "");
    chmodSync(flash, 0o666);
    const args = initArgs(bench.path("not-made"), "--flash", `file:${flash}`, "--json");
    expectRefused(await runCli(args), flash);
    expect(statSync(flash).size).toBe(0);
    expect(existsSync(bench.path("not-made"))).toBe(false);
  });
});

describe("a key file that others may write", () => {
  test("is refused wherever a command is given it", async () => {
    const wide = (name: string, from: string): string => {
      writeFileSync(bench.path(name), readFileSync(bench.path(from)));
      chmodSync(bench.path(name), 0o666);
      return bench.path(name);
    };
    const pub = wide("wide.pub", "owner.pub");
    const key = wide("wide.key", "owner.key");
    const linkKey = wide("wide.link", "link.key");
    const fw = bench.path("fw.mdy");
    const what = ["--hardware", "acme/widget"];
    const init = ["board", "init", bench.path("never"), ...what, "--flash-size", "64K"];
    const build = ["image", "build", "--in", bench.path("firmware.bin"), ...what, "--version", "1.0.0"];
    const rows: [string, string[]][] = [
      [pub, [...init, "--trust", pub]],
      [pub, [...init, "--trust", bench.path("other.pub"), "--trust", `${pub}:recovery`]],
      [linkKey, [...init, "--allow-unsigned", "--link-key", linkKey]],
      [pub, ["image", "verify", fw, "--trust", pub]],
      [key, [...build, "--key", key, "--out", bench.path("never.mdy")]],
      [linkKey, ["rescue", "--link", "tcp:127.0.0.1:1", "--image", fw, "--link-key", linkKey]],
    ];
    for (const [path, args] of rows) expectRefused(await runCli([...args, "--json"]), path);
    expect(existsSync(bench.path("never")) || existsSync(bench.path("never.mdy"))).toBe(false);
  });
});

describe("folders that cannot be made", () => {
  test("end a command at once, instead of never: a repository and a board below /proc", async () => {
    const repo = await runCli(["repo", "add", bench.path("fw.mdy"), "--repo", "/proc/none/of/it", "--json"]);
    expect(repo.code).toBe(2);
    const board = await runCli(initArgs("/proc/none/of/it", "--json"));
    expect(board.code).toBe(1);
  });

  test.each(["HOME", "XDG_CACHE_HOME"])(
    "do not keep mayday cable from its work: %s below /proc",
    async (name) => {
      const env = { HOME: bench.dir, XDG_CACHE_HOME: "", [name]: "/proc/none/of/it" };
      const dir = bench.path(`cable-${name}`);
      mkdirSync(dir);
      const cable = startCli(["cable", "--a", join(dir, "a"), "--b", join(dir, "b"), "--json"], { env });
      await cable.saw(/"ready"/);
      cable.child.kill("SIGINT");
      const ended = await cable.ended;
      expect(ended.code).toBe(130);
      expect(ended.events[0]).toMatchObject({ event: "ready", kind: "paced" });
    },
  );
});
