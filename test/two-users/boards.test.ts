import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, readdirSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runCli, verdictOf } from "../support/cli.ts";
import { type Ground, IS_ROOT, NOBODY, openGround, startSwapper } from "./other-user.ts";

/** What decides in a board, besides its folder. */
const PARTS = ["keys", "keys/trust-1.pub", "board.json", "flash.bin"] as const;

async function makeBoard(ground: Ground, name: string): Promise<string> {
  const owner = ground.path("owner");
  await runCli(["keygen", "--out", owner]);
  const what = ["--hardware", "acme/widget", "--flash-size", "64K", "--trust", `${owner}.pub`];
  const made = await runCli(["board", "init", ground.path(name), ...what]);
  expect(made.stderr).toBe("");
  return ground.path(name);
}

/** How `board status` of root ends: "0", or the exit code and the reason. */
async function statusOf(board: string): Promise<string> {
  const result = await runCli(["board", "status", board, "--json"]);
  return result.code === 0 ? "0" : `${result.code} ${String(verdictOf(result)["reason"])}`;
}

function describeBoards(): void {
  describe("another user of the machine", () => {
    it("can change nothing in a board that root made under umask 0", async () => {
      const ground = openGround();
      const umask = process.umask(0);
      const board = await makeBoard(ground, "board").finally(() => process.umask(umask));
      for (const name of ["", ...PARTS, "keys/new", "new"]) {
        const script = 'echo x >> "$1" || mv "$1" "$1.moved" || rm -rf "$1"; true';
        ground.asNobody("sh", "-c", `{ ${script}; } 2>/dev/null`, "sh", join(board, name));
      }
      // Even if the folder itself were open to all.
      chmodSync(board, 0o755);
      chmodSync(join(board, "keys"), 0o755);
      for (const name of ["keys/trust-1.pub", "board.json", "flash.bin"]) {
        ground.asNobody("sh", "-c", '{ echo x >> "$1"; } 2>/dev/null; true', "sh", join(board, name));
      }
      expect(await statusOf(board)).toBe("0");
      expect(readdirSync(board).sort()).toEqual(["board.json", "flash.bin", "keys"]);
    });

    it.each(PARTS)("in whose group is what may write %s keeps root from opening the board", async (part) => {
      const ground = openGround();
      const board = await makeBoard(ground, "board");
      const path = join(board, part);
      const isFolder = part === "keys";
      chmodSync(path, isFolder ? 0o770 : 0o660);
      // Root's own group.
      expect(await statusOf(board)).toBe("0");
      chownSync(path, 0, NOBODY);
      expect(await statusOf(board)).toBe("1 writable-by-others");
      chmodSync(path, isFolder ? 0o750 : 0o640);
      expect(await statusOf(board)).toBe("0");
    });

    it.each(PARTS.slice(1))("who owns %s keeps root from opening root's board", async (part) => {
      const ground = openGround();
      const board = await makeBoard(ground, "board");
      chownSync(join(board, part), NOBODY, NOBODY);
      expect(await statusOf(board)).toBe("1 writable-by-others");
    });

    it("who owns the whole board is believed, also by root", async () => {
      const ground = openGround();
      const board = await makeBoard(ground, "board");
      execFileSync("chown", ["-R", `${NOBODY}:${NOBODY}`, board]);
      expect(await statusOf(board)).toBe("0");
    });

    it("who owns a board whose keys root changes still owns all of its files, with the modes that they had", async () => {
      const ground = openGround();
      const board = await makeBoard(ground, "board");
      await runCli(["keygen", "--out", ground.path("next")]);
      chmodSync(join(board, "board.json"), 0o640);
      execFileSync("chown", ["-R", `${NOBODY}:${NOBODY}`, board]);
      const changed = await runCli(["board", "trust", board, "--key", ground.path("next.pub")]);
      expect(changed.code, changed.stderr).toBe(0);
      for (const name of ["board.json", "keys/trust-2.pub"]) {
        const { uid, gid, mode } = statSync(join(board, name));
        expect([name, uid, gid, mode & 0o777]).toEqual([name, NOBODY, NOBODY, 0o640]);
      }
    });

    it("cannot lead root to another board by a link in a shared folder, or by renaming a folder above", async () => {
      const ground = openGround();
      const board = await makeBoard(ground, "board");
      const link = ground.path("shared/board");
      ground.asNobody("ln", "-s", board, link);
      expect(await statusOf(link)).toBe("1 writable-by-others");
      const own = ground.path("shared/own");
      symlinkSync(board, own);
      expect(await statusOf(own)).toBe("0");
      chmodSync(ground.dir, 0o777);
      expect(await statusOf(board)).toBe("1 writable-by-others");
      chmodSync(ground.dir, 0o1777);
      expect(await statusOf(board)).toBe("0");
    });

    it("has nothing of root's removed by repo list and image build beside a planted folder", async () => {
      const ground = openGround();
      const shared = ground.path("shared");
      const script =
        'h=$(hostname | tr -d "\\n" | sha256sum | cut -c1-8); d=$1/.mayday-$h-4194300-0123456789ab.tmp; mkdir -p $d/x; for i in $(seq 40); do echo > $d/x/f$i; done; ln -s "$2" $d/y; echo $d';
      const planted = ground.asNobody("sh", "-c", script, "sh", shared, ground.path("victim")).trim();
      const before = ground.victimState();
      const swapper = await startSwapper(ground, join(planted, "x"), join(planted, "y"));
      const build = ["image", "build", "--in", ground.path("victim/f1"), "--hardware", "acme/widget"];
      for (let i = 0; i < 3; i++) {
        expect((await runCli(["repo", "list", "--repo", shared])).code).toBe(0);
        const out = ["--version", "1.0.0", "--out", join(shared, "r.mdy")];
        expect((await runCli([...build, ...out])).code).toBe(0);
      }
      await swapper.stop();
      expect(swapper.count()).toBeGreaterThan(0);
      expect(ground.victimState()).toBe(before);
      expect(readdirSync(planted).sort()).toEqual(["x", "y"]);
    });

    it("does not keep root from working with its own board and repository in a sticky folder", async () => {
      const ground = openGround();
      const shared = ground.path("shared");
      const image = [
        "image",
        "build",
        "--in",
        ground.path("victim/f1"),
        "--out",
        "fw.mdy",
        "--key",
        "owner.key",
      ];
      const board = [
        "board",
        "init",
        "board",
        "--trust",
        "owner.pub",
        "--image",
        "fw.mdy",
        "--flash-size",
        "64K",
      ];
      const lines = [
        ["keygen", "--out", "owner"],
        [...image, "--hardware", "acme/widget", "--version", "1.0.0"],
        ["repo", "add", "fw.mdy", "--repo", "images"],
        ["repo", "list", "--repo", "images"],
        [...board, "--hardware", "acme/widget"],
        ["board", "boot", "board"],
        ["board", "read", "board", "--out", "copy.bin"],
      ];
      for (const args of lines) {
        const { code, stderr } = await runCli(args, { cwd: shared });
        expect(code, `${args.join(" ")}: ${stderr}`).toBe(0);
      }
    });
  });
}

if (IS_ROOT) describeBoards();
else {
  describe("boards among other users of the machine", () => {
    it("need root, who may act as another user: they were not tested", () => {
      expect(() => chownSync(process.cwd(), 0, 0)).toThrow("EPERM");
    });
  });
}
