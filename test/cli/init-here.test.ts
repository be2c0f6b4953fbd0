import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { asRoot } from "../support/as-root.ts";
import { type CliOptions, type CliResult, runCli, verdictOf } from "../support/cli.ts";
import { killAt, killPoints } from "../support/kill-sweep.ts";
import { openWorkbench, type Workbench } from "./workbench.ts";

/** Timeout of a sweep, which starts two processes for each place. */
const LIMIT_MS = 600_000;
const PARTS = ["board.json", "flash.bin", "keys"];

let bench: Workbench;
let count = 0;
beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench.close());

/** A new folder of the mode that a person's folder has. */
function folder(): string {
  const dir = bench.path(`here-${count++}`);
  mkdirSync(dir, { mode: 0o755 });
  return dir;
}

function init(dir: string, options: CliOptions = {}, size = "64K"): Promise<CliResult> {
  const flags = ["--hardware", "acme/widget", "--flash-size", size, "--trust", bench.path("owner.pub")];
  return runCli(["board", "init", dir, ...flags, "--image", bench.path("fw.mdy"), "--json"], options);
}

/** The board boots, and confirming takes its lock. */
async function expectBoard(dir: string, options: CliOptions = {}): Promise<void> {
  for (const command of ["boot", "confirm"]) {
    expect(await runCli(["board", command, dir], options)).toMatchObject({ code: 0 });
  }
}

function mountAt(dir: string, ...args: readonly string[]): void {
  execFileSync("mount", [...args, dir]);
}

describe("board init in a folder that is there", () => {
  test("makes the board in the current folder, which stays the same one", async () => {
    const cwd = folder();
    const { ino } = statSync(cwd);
    expect(await init(".", { cwd })).toMatchObject({ code: 0 });
    expect(readdirSync(cwd).sort()).toEqual(PARTS);
    expect(statSync(cwd)).toMatchObject({ ino });
    expect(statSync(cwd).mode & 0o7777).toBe(0o700);
    await expectBoard(".", { cwd });
    await expectBoard(cwd);
  });

  test.each(["/", "//", "/.", "/./"])("makes it whatever follows the folder's name: %s", async (tail) => {
    const dir = folder();
    expect(await init(`${dir}${tail}`)).toMatchObject({ code: 0 });
    await expectBoard(`${dir}${tail}`);
    const fresh = `${folder()}/new${tail}`;
    expect((await init(fresh)).code).toBe(0);
    await expectBoard(fresh);
  });

  test("makes it where a symbolic link leads to, and keeps the link", async () => {
    const dir = folder();
    const link = `${dir}-link`;
    symlinkSync(dir, link);
    expect(await init(link)).toMatchObject({ code: 0 });
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readdirSync(dir).sort()).toEqual(PARTS);
    await expectBoard(link);
  });

  asRoot("makes it on a mount point, with a file system's own lost+found", async () => {
    const dir = folder();
    const image = bench.path("root.img");
    execFileSync("truncate", ["-s", "4M", image]);
    execFileSync("mkfs.ext4", ["-q", image]);
    mountAt(dir, "-o", "loop", image);
    try {
      expect(readdirSync(dir)).toEqual(["lost+found"]);
      expect(await init(dir)).toMatchObject({ code: 0 });
      expect(readdirSync(dir).sort()).toEqual([...PARTS, "lost+found"].sort());
      await expectBoard(dir);
    } finally {
      execFileSync("umount", [dir]);
    }
  });

  test("makes it beside what systems put there by themselves", async () => {
    const dir = folder();
    const files = [".DS_Store", "._.DS_Store", "Thumbs.db", "desktop.ini", ".directory"];
    for (const name of files) writeFileSync(join(dir, name), "x");
    for (const name of ["System Volume Information", ".Trash-1000"]) mkdirSync(join(dir, name));
    const before = readdirSync(dir);
    expect(await init(dir)).toMatchObject({ code: 0 });
    expect(readdirSync(dir).sort()).toEqual([...before, ...PARTS].sort());
    await expectBoard(dir);
  });

  test("refuses a folder with a person's file, a board, a file, a link to nothing and no name, and changes nothing", async () => {
    const used = folder();
    writeFileSync(join(used, "notes.txt"), "mine");
    const board = await bench.board("there-already", bench.path("fw.mdy"));
    const file = bench.path("a-file");
    writeFileSync(file, "mine");
    const dangling = bench.path("dangling");
    symlinkSync(bench.path("nowhere"), dangling);
    const config = readFileSync(join(board, "board.json"), "utf8");
    for (const dir of [used, board, file, dangling, `${file}/below`, ""]) {
      const result = await init(dir);
      expect(verdictOf(result), dir).toMatchObject({ code: 2, reason: "board-exists" });
    }
    expect(readdirSync(used)).toEqual(["notes.txt"]);
    expect(statSync(used).mode & 0o7777).toBe(0o755);
    expect(readFileSync(join(board, "board.json"), "utf8")).toBe(config);
    expect(readFileSync(file, "utf8")).toBe("mine");
    expect(existsSync(bench.path("nowhere"))).toBe(false);
  });
});

describe("a board init that fails", () => {
  asRoot("for want of room leaves the folder as it was, and works when there is room", async () => {
    const dir = folder();
    mountAt(dir, "-t", "tmpfs", "-o", "size=256k,mode=755", "tmpfs");
    try {
      for (const target of [dir, join(dir, "a/b/new")]) {
        const result = await init(target, {}, "512K");
        expect(verdictOf(result)).toMatchObject({ code: 1 });
        expect(readdirSync(dir)).toEqual([]);
        expect(statSync(dir).mode & 0o7777).toBe(0o755);
      }
      execFileSync("mount", ["-o", "remount,size=4m", dir]);
      expect(await init(join(dir, "a/b/new"), {}, "512K")).toMatchObject({ code: 0 });
      rmSync(join(dir, "a"), { recursive: true });
      expect(await init(dir, {}, "512K")).toMatchObject({ code: 0 });
      await expectBoard(dir);
    } finally {
      execFileSync("umount", [dir]);
    }
  });

  test("for an image that the board refuses leaves an empty folder, also the current one, and works with another", async () => {
    const cwd = folder();
    const other = await bench.image("foreign", "other");
    const flags = ["--hardware", "acme/widget", "--flash-size", "64K", "--trust", bench.path("owner.pub")];
    const refused = await runCli(["board", "init", ".", ...flags, "--image", other, "--json"], { cwd });
    expect(verdictOf(refused)).toMatchObject({ code: 4 });
    expect(readdirSync(cwd)).toEqual([]);
    expect(await init(".", { cwd })).toMatchObject({ code: 0 });
  });

  test("because another one makes a board there lets that one win, and mixes nothing", async () => {
    const dir = folder();
    const results = await Promise.all([init(dir), init(dir), init(dir)]);
    expect(results.filter(({ code }) => code === 0)).toHaveLength(1);
    for (const result of results.filter(({ code }) => code !== 0)) {
      expect(["board-exists", "folder-busy"]).toContain(verdictOf(result)["reason"]);
    }
    expect(readdirSync(dir).sort()).toEqual(PARTS);
    await expectBoard(dir);
  });

  test(
    "because it is killed, at any place, leaves a board or a folder in which the next one works",
    async () => {
      const args = (dir: string): string[] => {
        const flags = ["--hardware", "acme/widget", "--flash-size", "4K", "--sector", "1K"];
        return ["board", "init", dir, ...flags, "--allow-unsigned"];
      };
      const points = await killPoints(args(folder()), bench.dir);
      const outcomes = new Set<string>();
      for (const point of points) {
        const dir = folder();
        await killAt(args(dir), point);
        const isMade = existsSync(join(dir, "board.json"));
        const names = readdirSync(dir).filter((name) => !name.startsWith(".mayday-"));
        outcomes.add(`${isMade} ${names.sort().join(" ")}`);
        if (!isMade) expect(await runCli(args(dir)), point.name).toMatchObject({ code: 0 });
        expect((await runCli(["board", "status", dir])).code, point.name).toBe(0);
        // Writing clears what was left of the draft.
        await runCli(["board", "damage", dir, "--slot", "0"]);
        expect(readdirSync(dir).sort(), point.name).toEqual(PARTS);
      }
      expect([...outcomes].sort()).toEqual([
        "false ",
        "false flash.bin",
        "false flash.bin keys",
        "true board.json flash.bin keys",
      ]);
    },
    LIMIT_MS,
  );
});
