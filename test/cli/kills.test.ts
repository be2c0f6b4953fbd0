import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openBoard } from "../../src/board/board.ts";
import { installFrom } from "../../src/board/install.ts";
import { initBoard } from "../../src/board/new-board.ts";
import { hardwareId } from "../../src/image/hardware.ts";
import { openDirectoryRepository } from "../../src/image-files/directory-repository.ts";
import { buildImageFile } from "../../src/image-files/image-build.ts";
import { openImageFile } from "../../src/image-files/image-file.ts";
import { loadSigningKey, loadTrustedKey, writeKeyPair } from "../../src/image-files/pem-keys.ts";
import { runCli } from "../support/cli.ts";
import { type KillPoint, killAt, killPoints } from "../support/kill-sweep.ts";
import { HARDWARE, openWorkbench, type Workbench } from "./workbench.ts";

/*
 * SIGKILL at every call of a command that changes a file system.
 */

/** Timeout of a sweep, which starts a process for each place: about a hundred for the longest. */
const LIMIT_MS = 600_000;
/** Fewest places of a sweep: a sweep over nothing proves nothing. */
const POINTS_MIN = 5;

let bench: Workbench;
let oldImage: string;
let newImage: string;

beforeAll(async () => {
  bench = await openWorkbench();
  oldImage = await bench.image("old", "owner");
  newImage = await bench.image("new", "owner", { version: { major: 2, minor: 0, patch: 0 } });
});
afterAll(() => bench.close());

/** Sets up, kills, checks, for each place; in fresh folders below `name`. */
async function sweep(
  name: string,
  setUp: (dir: string) => Promise<readonly string[]>,
  check: (dir: string, point: KillPoint) => Promise<void>,
): Promise<number> {
  const fresh = (folder: string): string => {
    mkdirSync(bench.path(`${name}/${folder}`), { recursive: true, mode: 0o700 });
    return bench.path(`${name}/${folder}`);
  };
  const points = await killPoints(await setUp(fresh("whole")), bench.dir);
  for (const [i, point] of points.entries()) {
    const dir = fresh(String(i));
    await killAt(await setUp(dir), point);
    await check(dir, point);
    rmSync(dir, { recursive: true });
  }
  return points.length;
}

function temps(dir: string): string[] {
  return readdirSync(dir).filter((name) => name.startsWith("."));
}

/** What is listed and picked, and that all of it is whole. */
async function imagesIn(dir: string): Promise<string[]> {
  const repository = await openDirectoryRepository(dir);
  const { images, skipped } = await repository.verify();
  expect(skipped).toEqual([]);
  const hardware = hardwareId(HARDWARE.vendor, HARDWARE.hardwareClass);
  const choice = await repository.pick({
    hardwareId: hardware,
    revision: 0,
    counterFloor: 0,
    allowUnsigned: false,
  });
  const newest = choice.tag === "chosen" ? choice.entry.manifest.version.major : 0;
  const majors = images.map(({ manifest }) => manifest.version.major);
  expect(newest).toBe(Math.max(0, ...majors));
  if (choice.tag === "chosen") await repository.release(await repository.open(choice.entry.digest));
  return majors.map(String);
}

describe("the keys of a board", () => {
  /** The files of the keys that it trusts; all of them can be read, and it boots. */
  const trusted = (dir: string): string => {
    const board = openBoard(dir, { write: false });
    const { config, parts } = board;
    expect([board.boot().tag, parts.policy.keys.length]).toEqual(["boot", config.trust.length]);
    board.close();
    return config.trust.map(({ key, maxCounter = "any" }) => `${key} ${maxCounter}`).join();
  };
  const other = ["--key", "other.pub", "--max-counter", "9"];

  test.each<[string, readonly string[], readonly string[], readonly string[]]>([
    ["added", [], other, ["trust-1.pub any", "trust-1.pub any,trust-2.pub 9"]],
    ["removed", other, ["--remove", "other.pub"], ["trust-1.pub any,trust-2.pub 9", "trust-1.pub any"]],
  ])(
    "are the old ones or the new ones after a kill at any place where one is %s, and can be changed again",
    async (name, first, change, states) => {
      const template = await bench.board(`trust-${name}`, oldImage);
      const run = async (dir: string, flags: readonly string[]): Promise<void> => {
        const { code, stderr } = await runCli(["board", "trust", dir, ...flags], { cwd: bench.dir });
        expect(code, stderr).toBe(0);
      };
      if (first.length > 0) await run(template, first);
      const named = change.map((word) => (word.endsWith(".pub") ? bench.path(word) : word));
      const seen = new Set<string>();
      const count = await sweep(
        `trust-kills-${name}`,
        async (dir) => {
          copyBoard(template, dir);
          return ["board", "trust", dir, ...named];
        },
        async (dir, point) => {
          seen.add(trusted(dir));
          expect(states, point.name).toContain(trusted(dir));
          if (name === "added" || trusted(dir) === states[0]) await run(dir, change);
          else await run(dir, ["--key", "owner.pub"]);
          expect(trusted(dir).replace(/trust-[23]/, "trust-2"), point.name).toBe(states[1]);
          expect(readdirSync(dir).sort(), point.name).toEqual(["board.json", "flash.bin", "keys"]);
        },
      );
      expect(count).toBeGreaterThan(POINTS_MIN);
      expect([...seen].sort()).toEqual([...states].sort());
    },
    LIMIT_MS,
  );
});

describe("a repository", () => {
  test(
    "survives a kill at any place of repo add: old images stay, the new one is there whole or not at all",
    async () => {
      const repo = (dir: string): string => join(dir, "deep", "repo");
      const args = (dir: string): string[] => ["repo", "add", newImage, "--repo", repo(dir)];
      const seen = new Set<string>();
      const count = await sweep(
        "add",
        async (dir) => {
          await (await openDirectoryRepository(repo(dir), { create: true })).add(oldImage);
          return args(dir);
        },
        async (dir, point) => {
          expect(temps(repo(dir)).length, point.name).toBeLessThan(2);
          const images = await imagesIn(repo(dir));
          // Opening it has removed the remains.
          expect(temps(repo(dir)), point.name).toEqual([]);
          seen.add(images.join());
          expect(["1", "2,1"], point.name).toContain(images.join());
          const { tag } = await (await openDirectoryRepository(repo(dir))).add(newImage);
          expect(tag, point.name).toBe(images.length === 2 ? "kept" : "added");
          expect((await imagesIn(repo(dir))).join(), point.name).toBe("2,1");
        },
      );
      expect(count).toBeGreaterThan(POINTS_MIN);
      expect([...seen].sort()).toEqual(["1", "2,1"]);
    },
    LIMIT_MS,
  );

  test(
    "survives a kill at any place while it is created",
    async () => {
      const repo = (dir: string): string => join(dir, "deep", "repo");
      await sweep(
        "make",
        async (dir) => ["repo", "add", newImage, "--repo", repo(dir)],
        async (dir, point) => {
          const repository = await openDirectoryRepository(repo(dir), { create: true });
          await repository.add(newImage);
          expect((await imagesIn(repo(dir))).join(), point.name).toBe("2");
          expect(readdirSync(repo(dir)), point.name).toHaveLength(1);
        },
      );
    },
    LIMIT_MS,
  );

  test(
    "survives a kill at any place while an image is replaced by its signed copy",
    async () => {
      const unsigned = await bench.image("unsigned", undefined, {
        version: { major: 2, minor: 0, patch: 0 },
      });
      await sweep(
        "replace",
        async (dir) => {
          await (await openDirectoryRepository(dir)).add(unsigned);
          return ["repo", "add", newImage, "--repo", dir];
        },
        async (dir, point) => {
          const { images, skipped } = await (await openDirectoryRepository(dir)).verify();
          expect([images.length, skipped.length], point.name).toEqual([1, 0]);
        },
      );
    },
    LIMIT_MS,
  );

  test(
    "survives a kill at any place of repo remove",
    async () => {
      await sweep(
        "remove",
        async (dir) => {
          const repository = await openDirectoryRepository(dir);
          await repository.add(oldImage);
          const { entry } = await repository.add(newImage);
          return ["repo", "remove", entry.fileName, "--repo", dir];
        },
        async (dir, point) => {
          expect(["1", "2,1"], point.name).toContain((await imagesIn(dir)).join());
          expect(temps(dir), point.name).toEqual([]);
        },
      );
    },
    LIMIT_MS,
  );
});

describe("a board", () => {
  test(
    "is there whole or not at all after a kill at any place of board init, and the next init removes the remains",
    async () => {
      const seen = new Set<boolean>();
      const input = bench.path("small.bin");
      writeFileSync(input, bench.firmware.subarray(0, 1500));
      const file = bench.path("small.mdy");
      const signer = loadSigningKey(bench.path("owner.key"));
      await buildImageFile({
        input,
        out: file,
        ...HARDWARE,
        version: { major: 1, minor: 0, patch: 0 },
        signer,
      });
      const image = await openImageFile(file);
      const trust = [{ path: bench.path("owner.pub"), roles: ["app"] }] as const;
      const size = { sectorSize: 1024, slotSize: 2048, layout: "single" } as const;
      const options = { hardware: HARDWARE, revision: 0, trust, allowUnsigned: false, image, ...size };
      const flags = ["--hardware", "acme/widget", "--flash-size", "2K", "--sector", "1K"];
      const args = (dir: string): string[] => {
        const more = ["--trust", bench.path("owner.pub"), "--image", file];
        return ["board", "init", join(dir, "board"), ...flags, ...more];
      };
      const count = await sweep(
        "init",
        async (dir) => args(dir),
        async (dir, point) => {
          const isThere = existsSync(join(dir, "board"));
          seen.add(isThere);
          expect(readdirSync(dir).length, point.name).toBeLessThan(2);
          if (!isThere) initBoard(join(dir, "board"), options);
          const board = openBoard(join(dir, "board"), { write: true });
          expect(board.boot().tag, point.name).toBe("boot");
          board.close();
          expect(readdirSync(dir), point.name).toEqual(["board"]);
          expect(readdirSync(join(dir, "board")).sort(), point.name).toEqual([
            "board.json",
            "flash.bin",
            "keys",
          ]);
        },
      );
      expect(count).toBeGreaterThan(POINTS_MIN);
      await image.close();
      expect([...seen].sort()).toEqual([false, true]);
    },
    LIMIT_MS,
  );

  test(
    "boots the same image after a kill at any place of board confirm, and can be confirmed again",
    async () => {
      const trial = await bench.image("trial", "owner", { counter: 7, confirm: "by-app" });
      const template = await bench.board("trial-board");
      const image = await openImageFile(trial);
      const made = openBoard(template, { write: true });
      installFrom(made.store(), image);
      made.close();
      await image.close();
      const seen = new Set<string>();
      const count = await sweep(
        "confirm",
        async (dir) => {
          copyBoard(template, dir);
          return ["board", "confirm", dir];
        },
        async (dir, point) => {
          const looked = openBoard(dir, { write: false });
          const outcome = looked.boot();
          expect(outcome.tag, point.name).toBe("boot");
          seen.add(`${outcome.tag === "boot" && outcome.isTrial} ${looked.record().counterFloor}`);
          looked.close();
          const board = openBoard(dir, { write: true });
          expect(board.confirm().manifest.counter, point.name).toBe(7);
          expect(board.status(), point.name).toMatchObject({
            counterFloor: 7,
            boot: { tag: "boot", isTrial: false },
          });
          board.close();
          expect(readdirSync(dir).sort(), point.name).toEqual(["board.json", "flash.bin", "keys"]);
        },
      );
      expect(count).toBeGreaterThan(POINTS_MIN);
      expect([...seen].sort()).toEqual(["false 7", "true 0"]);
    },
    LIMIT_MS,
  );
});

describe("a key pair", () => {
  test(
    "is whole after a kill at any place of keygen, or lacks only its public half, and is never readable by others",
    async () => {
      const count = await sweep(
        "keys",
        async (dir) => ["keygen", "--out", join(dir, "owner")],
        async (dir, point) => {
          for (const name of readdirSync(dir)) {
            const isPublic =
              readFileSync(join(dir, name), "utf8").startsWith("-----BEGIN PUB") || name === "owner.pub";
            if (!isPublic && statSync(join(dir, name)).size > 0) {
              expect(statSync(join(dir, name)).mode & 0o777, `${point.name}: ${name}`).toBe(0o600);
            }
          }
          const [key, pub] = [join(dir, "owner.key"), join(dir, "owner.pub")];
          if (existsSync(pub)) {
            expect(loadTrustedKey(pub, []).keyId, point.name).toEqual(loadSigningKey(key).keyId);
          } else if (existsSync(key)) {
            loadSigningKey(key);
            expect(() => writeKeyPair(join(dir, "owner")), point.name).toThrow("openssl pkey -in");
          }
          writeKeyPair(join(dir, "other"));
          expect(temps(dir), point.name).toEqual([]);
        },
      );
      expect(count).toBeGreaterThan(POINTS_MIN);
    },
    LIMIT_MS,
  );
});

function copyBoard(from: string, to: string): void {
  mkdirSync(join(to, "keys"), { mode: 0o700 });
  for (const name of ["board.json", "flash.bin"]) copyFileSync(join(from, name), join(to, name));
  for (const name of readdirSync(join(from, "keys")))
    copyFileSync(join(from, "keys", name), join(to, "keys", name));
}
