import { execFileSync } from "node:child_process";
import { chmod, mkdir, readdir, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { asRoot } from "../support/as-root.ts";
import { type CliResult, runCli, verdictOf } from "../support/cli.ts";
import { freePort, openWorkbench, type Workbench } from "./workbench.ts";

let bench: Workbench;
let count = 0;

beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench.close());

/** A repository with one image. */
async function repository(): Promise<string> {
  const dir = bench.path(`repo-${count++}`);
  expect((await runCli(["repo", "add", bench.path("fw.mdy"), "--repo", dir])).code).toBe(0);
  return dir;
}

/** What systems, file managers, editors and people put into a folder. */
async function litter(dir: string): Promise<string[]> {
  const files = [".DS_Store", "Thumbs.db", "desktop.ini", "README.md", "fw.mdy~", "#fw.mdy#", "fw.mdy.bak"];
  for (const name of [...files, "._fw.mdy", ".fw.mdy.swp"]) await writeFile(join(dir, name), "x");
  for (const name of ["lost+found", "System Volume Information", ".Trash-1000", "old.mdy"]) {
    await mkdir(join(dir, name));
    await chmod(join(dir, name), 0o700);
  }
  await symlink("nobody@host.1234:5678", join(dir, ".#fw.mdy"));
  execFileSync("mkfifo", [join(dir, "pipe.mdy")]);
  return await readdir(dir);
}

function isCalm(result: CliResult): void {
  expect(result.stderr).not.toMatch(/warning:|cannot|error/i);
  expect(result.code).toBe(0);
}

describe("a repository with names that are not images", () => {
  test("is sound and lists its image, and names the others in one line", async () => {
    const dir = await repository();
    const before = await litter(dir);
    for (const command of ["verify", "list"]) {
      const result = await runCli(["repo", command, "--repo", dir]);
      isCalm(result);
      expect(result.stdout).toMatch(/^[0-9a-f]{8} acme\/widget 1\.2\.3/);
      expect(result.stderr).toMatch(
        /^not images \(\.mdy\), and ignored: (?:[^,\n]+, ){4}[^,\n]+ and 10 more\n$/,
      );
    }
    expect(await readdir(dir)).toEqual(before);
  });

  test("says nothing where there is nothing but images", async () => {
    const result = await runCli(["repo", "verify", "--repo", await repository()]);
    expect(result).toMatchObject({ code: 0, stderr: "" });
  });

  test("still fails for an image that is damaged among them, and counts that one alone", async () => {
    const dir = await repository();
    await litter(dir);
    await writeFile(join(dir, "cut.mdy"), "MDY");
    const result = await runCli(["repo", "verify", "--repo", dir, "--json"]);
    expect(verdictOf(result)).toMatchObject({ code: 1, reason: "repo-damaged" });
    expect(result.stderr).toMatch(/1 of 2 image files/);
    expect(result.stderr.match(/warning:/g)).toHaveLength(1);
  });

  test("takes and gives images as before", async () => {
    const dir = await repository();
    await litter(dir);
    const [image] = (await runCli(["repo", "list", "--repo", dir, "--json"])).events;
    expect((await runCli(["repo", "add", bench.path("fw.mdy"), "--repo", dir])).stdout).toMatch(/^kept /);
    const removed = await runCli(["repo", "remove", String(image?.["digest"]), "--repo", dir]);
    expect(removed).toMatchObject({ code: 0 });
    isCalm(await runCli(["repo", "verify", "--repo", dir]));
  });

  test("is offered by a rescuer with one hint and no warning", async () => {
    const dir = await repository();
    await litter(dir);
    const link = ["--link", `tcp-listen:127.0.0.1:${await freePort()}`];
    const result = await runCli(["rescue", ...link, "--repo", dir, "--once", "--timeout", "0.5"]);
    expect(result.stderr.match(/not images/g)).toHaveLength(1);
    expect(result.stderr).not.toMatch(/lost\+found.*cannot|warning: .*not an image/);
  });

  asRoot("may be the root of a file system, with its real lost+found", async () => {
    const [image, dir] = [bench.path("ext4.img"), bench.path("mounted")];
    execFileSync("truncate", ["-s", "4M", image]);
    execFileSync("mkfs.ext4", ["-q", image]);
    await mkdir(dir);
    execFileSync("mount", ["-o", "loop", image, dir]);
    try {
      const repo = ["--repo", dir];
      expect((await runCli(["repo", "add", bench.path("fw.mdy"), ...repo])).code).toBe(0);
      isCalm(await runCli(["repo", "verify", ...repo]));
      expect(await readdir(dir)).toContain("lost+found");
    } finally {
      execFileSync("umount", [dir]);
    }
  });
});

describe("a board's folder with names that are not a board's", () => {
  test("boots, shows and confirms as before, and keeps them", async () => {
    const board = await bench.board("littered", bench.path("fw.mdy"));
    await rename(bench.path("littered"), bench.path("moved"));
    const dir = board.replace("littered", "moved");
    await litter(dir);
    await litter(join(dir, "keys"));
    const before = await readdir(dir);
    for (const command of ["boot", "status", "confirm", "trust"]) {
      isCalm(await runCli(["board", command, dir]));
    }
    expect(await readdir(dir)).toEqual(before);
  });
});
