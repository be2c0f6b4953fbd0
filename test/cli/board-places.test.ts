import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { asRoot } from "../support/as-root.ts";
import { type CliOptions, type CliResult, runCli, startCli, verdictOf } from "../support/cli.ts";
import { openSocatPair } from "../support/socat-pair.ts";
import { bootOf, openWorkbench, type Workbench } from "./workbench.ts";

/** What programs see on exFAT, FAT and many mounts of network and container storage. */
const NO_LINKS = `#include <errno.h>
int link(const char *a, const char *b) { errno = NUMBER; return -1; }
int linkat(int x, const char *a, int y, const char *b, int f) { errno = NUMBER; return -1; }
`;
const HEAL_MS = 60_000;

let bench: Workbench;
let count = 0;
beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench.close());

function freshDir(): string {
  const dir = bench.path(`place-${count++}`);
  mkdirSync(dir, { mode: 0o755 });
  return dir;
}

/** Mounts, works, unmounts. */
async function mounted(args: readonly string[], work: (dir: string) => Promise<void>): Promise<void> {
  const dir = freshDir();
  execFileSync("mount", [...args, dir]);
  try {
    await work(dir);
  } finally {
    execFileSync("umount", [dir]);
  }
}

const init = (dir: string, options: CliOptions = {}): Promise<CliResult> => {
  const flags = ["--hardware", "acme/widget", "--flash-size", "64K", "--trust", bench.path("owner.pub")];
  return runCli(["board", "init", dir, ...flags, "--image", bench.path("fw.mdy")], options);
};

/** Heals a damaged board over a pair of ports. */
async function heal(board: string, image: string = bench.path("fw.mdy")): Promise<CliResult> {
  const pair = await openSocatPair();
  try {
    const source = ["--image", image, "--once", "--timeout", "20"];
    const rescuer = startCli(["rescue", "--link", pair.a, ...source], { limitMs: HEAL_MS });
    const target = ["distress", "--link", pair.b, "--board", board, "--timeout", "20", "--json"];
    const result = await runCli(target, { limitMs: HEAL_MS });
    await rescuer.ended;
    return result;
  } finally {
    await pair.close();
  }
}

describe("a board on a full disk", () => {
  for (const [what, size] of [
    ["no byte", "1k"],
    ["no file", "0"],
  ] as const) {
    asRoot(
      `is healed, boots, is confirmed and damaged again where there is room for ${what}`,
      async () => {
        await mounted(["-t", "tmpfs", "-o", "size=512k,nr_inodes=20,mode=755", "tmpfs"], async (dir) => {
          const board = join(dir, "b");
          expect(await init(board)).toMatchObject({ code: 0 });
          expect((await runCli(["board", "damage", board])).code).toBe(0);
          if (size === "0") for (let i = 0; i < 20; i++) tryTo(() => writeFileSync(join(dir, `f${i}`), ""));
          else tryTo(() => writeFileSync(join(dir, "fill"), new Uint8Array(1_000_000)));
          expect(() => writeFileSync(join(dir, "more"), "x")).toThrow("ENOSPC");
          const healed = await heal(board);
          expect(healed.stderr).not.toMatch(/ENOSPC|cannot lock/);
          expect(verdictOf(healed)).toMatchObject({ ok: true, code: 0 });
          expect(bootOf(board)).toBe("1.2.3");
          for (const command of ["boot", "status", "confirm", "damage"]) {
            expect((await runCli(["board", command, board])).code, command).toBe(0);
          }
        });
      },
      HEAL_MS,
    );
  }

  asRoot("is run by a node, which only warns that its socket is not named", async () => {
    await mounted(["-t", "tmpfs", "-o", "size=512k,mode=700", "tmpfs"], async (dir) => {
      const board = join(dir, "b");
      await init(board);
      tryTo(() => writeFileSync(join(dir, "fill"), new Uint8Array(1_000_000)));
      const socket = bench.path("node.sock");
      const link = ["--link", "tcp:127.0.0.1:1"];
      const node = startCli(["node", "--board", board, ...link, "--socket", socket, "--json"]);
      await node.saw(/"event":"socket"/);
      expect((await runCli(["status", "--node", socket])).code).toBe(0);
      expect(verdictOf(await runCli(["board", "confirm", board, "--json"]))).toMatchObject({
        reason: "board-busy",
      });
      node.child.kill("SIGTERM");
      const { code, stderr } = await node.ended;
      expect(code).toBe(0);
      expect(stderr).toMatch(/warning: the board's folder does not name the control socket/);
    });
  });
});

describe("a board on a file system without hard links", () => {
  test.each(["EPERM", "ENOTSUP", "ENOSYS", "EMLINK"])(
    "does everything where link fails with %s",
    async (errno) => {
      const dir = freshDir();
      const source = join(dir, "nolink.c");
      const library = join(dir, "nolink.so");
      writeFileSync(source, NO_LINKS.replaceAll("NUMBER", errno));
      execFileSync("gcc", ["-shared", "-fPIC", "-o", library, source]);
      await expectAllToWork(dir, { env: { LD_PRELOAD: library } });
    },
  );

  asRoot(
    "does everything on a real exFAT",
    async () => {
      const image = bench.path("exfat.img");
      execFileSync("truncate", ["-s", "8M", image]);
      execFileSync("mkfs.exfat", [image], { stdio: "ignore" });
      const loop = execFileSync("losetup", ["-f", "--show", image], { encoding: "utf8" }).trim();
      const dir = freshDir();
      try {
        execFileSync("mount.exfat-fuse", [loop, dir], { stdio: "ignore" });
        await expectAllToWork(dir, {});
        expect((await runCli(["board", "damage", join(dir, "b")])).code).toBe(0);
        expect(verdictOf(await heal(join(dir, "b"), join(dir, "fw.mdy")))).toMatchObject({ code: 0 });
      } finally {
        execFileSync("sh", ["-c", 'umount "$0"; losetup -d "$1"', dir, loop]);
      }
    },
    HEAL_MS,
  );

  async function expectAllToWork(dir: string, options: CliOptions): Promise<void> {
    const at = (name: string): string => join(dir, name);
    const image = ["--in", bench.path("firmware.bin"), "--hardware", "acme/widget", "--version", "1.2.3"];
    const lines = [
      ["keygen", "--out", at("k")],
      ["keygen", "--link-key", at("link.key")],
      ["image", "build", ...image, "--key", at("k.key"), "--out", at("fw.mdy")],
      ["repo", "add", at("fw.mdy"), "--repo", at("r")],
      ["repo", "verify", "--repo", at("r")],
      [
        "board",
        "init",
        at("b"),
        "--hardware",
        "acme/widget",
        "--flash-size",
        "64K",
        "--trust",
        at("k.pub"),
        "--image",
        at("fw.mdy"),
      ],
      ["board", "boot", at("b")],
      ["board", "confirm", at("b")],
      ["board", "trust", at("b"), "--key", at("k.pub"), "--max-step", "7"],
    ];
    for (const line of lines) expect(await runCli(line, options), line.join(" ")).toMatchObject({ code: 0 });
    expect(readdirSync(at("b")).sort()).toEqual(["board.json", "flash.bin", "keys"]);
  }
});

describe("a board on a volume of two containers", () => {
  const apart = ["--pid", "--fork", "--mount-proc", "--kill-child"];

  asRoot("is refused to the second one, which names the first, and leaves its lock", async () => {
    const board = await bench.board("shared");
    const pair = await openSocatPair();
    const first = startCli(["distress", "--link", pair.a, "--board", board, "--timeout", "15", "--json"]);
    try {
      await first.saw(/"event":"ready"/);
      const before = readFileSync(join(board, "lock"), "utf8");
      const args = ["board", "confirm", board, "--json"];
      const program = [process.execPath, new URL("../../dist/cli/main.js", import.meta.url).pathname];
      const second = spawn("unshare", [...apart, ...program, ...args]);
      let said = "";
      second.stdout.on("data", (text) => {
        said += text;
      });
      const [code] = await once(second, "close");
      expect(code).toBe(1);
      const verdict = JSON.parse(said) as Record<string, unknown>;
      expect(verdict).toMatchObject({ reason: "board-busy", code: 1 });
      expect(verdict["message"]).toContain(`process ${first.child.pid} of another container`);
      expect(readFileSync(join(board, "lock"), "utf8")).toBe(before);
      first.child.kill("SIGKILL");
      await first.ended;
      // As before: what a killed holder left is in nobody's way.
      expect(verdictOf(await runCli(args))).toMatchObject({ code: 5 });
      expect(readdirSync(board)).not.toContain("lock");
    } finally {
      first.child.kill("SIGKILL");
      await pair.close();
    }
  });
});

describe("the lock's program", () => {
  asRoot("is named with its package when it is missing, and nothing is made", async () => {
    const dir = freshDir();
    // A mount namespace in which it is an empty file that nobody can run.
    writeFileSync(join(dir, "empty"), "", { mode: 0o644 });
    const hide = `for f in /usr/bin/flock /bin/flock; do mount --bind ${join(dir, "empty")} $f; done`;
    const main = new URL("../../dist/cli/main.js", import.meta.url).pathname;
    const flags = "--hardware a/w --flash-size 64K --allow-unsigned --json";
    const line = `${hide}; ${process.execPath} ${main} board init ${join(dir, "b")} ${flags}`;
    const child = spawn("unshare", ["--mount", "bash", "-c", line], { env: { PATH: "/usr/bin:/bin" } });
    let said = "";
    child.stdout.on("data", (text) => {
      said += text;
    });
    const [code] = await once(child, "close");
    expect(code).toBe(1);
    const verdict = JSON.parse(said) as Record<string, unknown>;
    expect(verdict).toMatchObject({
      reason: "board-lock",
      message: expect.stringContaining("install util-linux"),
    });
    expect(readdirSync(dir)).toEqual(["empty"]);
  });

  test("is never run from a folder that others may write", async () => {
    const dir = freshDir();
    writeFileSync(join(dir, "flock"), `#!/bin/sh\ntouch ${join(dir, "ran")}\n`, { mode: 0o755 });
    chmodSync(dir, 0o777);
    const env = { PATH: `${dir}:${process.env["PATH"] ?? ""}` };
    expect((await init(join(freshDir(), "b"), { env })).code).toBe(0);
    expect(readdirSync(dir)).toEqual(["flock"]);
  });
});

/** Fills what there is, until there is no more. */
function tryTo(work: () => void): void {
  try {
    work();
  } catch {
    // Full.
  }
}
