import { createHash } from "node:crypto";
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { initBoard } from "../../src/board/new-board.ts";
import { LogFile } from "../../src/files/log-file.ts";
import { claimDevice } from "../../src/flash/device/device-open.ts";
import { linuxSystem } from "../../src/flash/device/device-system.ts";
import { flashMap } from "../../src/flash/geometry.ts";
import { openDirectoryRepository } from "../../src/image-files/directory-repository.ts";
import { buildImageFile } from "../../src/image-files/image-build.ts";
import { writeKeyPair } from "../../src/image-files/pem-keys.ts";
import { buildCableHelper } from "../../src/transport/cable/helper-build.ts";
import { startVirtualCable } from "../../src/transport/cable/virtual-cable.ts";
import { type Ground, IS_ROOT, NOBODY, openGround, SWAPS_MIN, startSwapper } from "./other-user.ts";

/** How often root does what is attacked. */
const RUNS = 200;
const RUNS_MAX = 20_000;
const LIMIT_MS = 60_000;
const HARDWARE = { vendor: "acme", hardwareClass: "widget" } as const;
const GEOMETRY = { sectorSize: 4096, slotSize: 4096, layout: "single" } as const;

/** A name of a temporary folder whose writer is gone: no process has a number as high as the limit of Linux. */
function staleName(): string {
  const host = createHash("sha256").update(hostname()).digest("hex").slice(0, 8);
  return `.mayday-${host}-4194300-0123456789ab.tmp`;
}

/** The other user's folder `x` with files, and link `y` to root's folder, in `folder`. */
function plant(ground: Ground, folder: string): void {
  const script = 'mkdir -p "$1/x"; for i in $(seq 40); do echo mine > "$1/x/f$i"; done; ln -s "$2" "$1/y"';
  ground.asNobody("sh", "-c", script, "sh", folder, ground.path("victim"));
}

/** Runs `work` often while the other user exchanges two names; errors of `work` are counted, not thrown. */
async function underAttack(
  ground: Ground,
  names: readonly [string, string],
  work: (i: number) => unknown,
): Promise<{ readonly codes: ReadonlySet<string>; readonly failed: number }> {
  const before = ground.victimState();
  const swapper = await startSwapper(ground, ...names);
  const codes = new Set<string>();
  let failed = 0;
  // The other user may be slower than root is.
  for (let i = 0; i < RUNS || (i < RUNS_MAX && swapper.count() < SWAPS_MIN); i++) {
    await new Promise((resolve) => setImmediate(resolve));
    try {
      await work(i);
    } catch (error) {
      failed++;
      codes.add(error instanceof Error && "code" in error ? String(error.code) : String(error));
    }
  }
  await swapper.stop();
  expect(swapper.count()).toBeGreaterThanOrEqual(SWAPS_MIN);
  expect(ground.victimState()).toBe(before);
  return { codes, failed };
}

async function build(out: string): Promise<void> {
  const input = new URL("../../package.json", import.meta.url).pathname;
  const version = { major: 1, minor: 0, patch: 0 };
  await buildImageFile({ input, out, format: "raw", ...HARDWARE, version });
}

function describeTwoUsers(): void {
  describe("another user of the machine, who exchanges names while root works", () => {
    it(
      "has nothing of root's removed by planting a stale temporary folder in a shared one",
      async () => {
        const ground = openGround();
        const shared = ground.path("shared");
        const planted = join(shared, staleName());
        plant(ground, planted);
        const works = [
          () => build(join(shared, "r.mdy")),
          () => openDirectoryRepository(shared),
          (i: number) => writeKeyPair(join(shared, `key${i}`)),
        ];
        const { failed } = await underAttack(ground, [join(planted, "x"), join(planted, "y")], (i) =>
          works[i % works.length]?.(i),
        );
        expect(failed).toBe(0);
        expect(readdirSync(planted).sort()).toEqual(["x", "y"]);
      },
      LIMIT_MS,
    );

    it.each(["1777", "777"])(
      "has nothing of root's replaced by an output below a folder of mode %s",
      async (mode) => {
        const ground = openGround(Number.parseInt(mode, 8));
        const shared = ground.path("shared");
        plant(ground, shared);
        const work = (i: number): unknown =>
          i % 2 === 0 ? build(join(shared, "x/r.mdy")) : writeKeyPair(join(shared, `x/key${i}`));
        await underAttack(ground, [join(shared, "x"), join(shared, "y")], work);
      },
      LIMIT_MS,
    );

    it(
      "has nothing of root's replaced by an output whose own name is exchanged with a link",
      async () => {
        const ground = openGround(0o777);
        const out = ground.path("shared/r.mdy");
        ground.asNobody("sh", "-c", 'ln -s "$1" "$2.y"; echo > "$2"', "sh", ground.path("victim/r.mdy"), out);
        await underAttack(ground, [out, `${out}.y`], () => build(out));
      },
      LIMIT_MS,
    );

    it.each(["1777", "777"])(
      "has no file of root's made longer or emptied as a flash, or by undoing that, in a folder of mode %s",
      async (mode) => {
        const ground = openGround(Number.parseInt(mode, 8));
        const flash = ground.path("shared/flash.bin");
        ground.asNobody("sh", "-c", 'ln -s "$1" "$2.y"; : > "$2"', "sh", ground.path("victim/empty"), flash);
        const device = { kind: "file", path: flash, offset: 0 } as const;
        const work = (): void => claimDevice(linuxSystem, device, flashMap(GEOMETRY), false).abandon();
        const { codes } = await underAttack(ground, [flash, `${flash}.y`], work);
        expect([...codes]).toContain("writable-by-others");
      },
      LIMIT_MS,
    );

    it(
      "has nothing of root's removed when a board is made beside a planted folder, and is not made",
      async () => {
        const ground = openGround(0o777);
        const shared = ground.path("shared");
        plant(ground, join(shared, staleName()));
        const options = { ...GEOMETRY, hardware: HARDWARE, revision: 0, trust: [], allowUnsigned: true };
        const names = [join(shared, staleName(), "x"), join(shared, staleName(), "y")] as const;
        const { codes } = await underAttack(ground, names, (i) => initBoard(join(shared, `b${i}`), options));
        expect([...codes]).toEqual(["writable-by-others"]);
        expect(readdirSync(shared)).toEqual([staleName()]);
      },
      LIMIT_MS,
    );

    it.each([
      ["1777", "a file", "victim/r.mdy"],
      ["777", "a file", "victim/r.mdy"],
      ["777", "an empty file", "victim/empty"],
    ])(
      "has nothing written to a file of root's that it exchanges for a log: mode %s, %s",
      async (mode, _what, file) => {
        const ground = openGround(Number.parseInt(mode, 8));
        const log = ground.path("shared/log");
        ground.asNobody("sh", "-c", 'ln -s "$1" "$2.y"; : > "$2"', "sh", ground.path(file), log);
        const { codes, failed } = await underAttack(ground, [log, `${log}.y`], () =>
          LogFile.open(log).append("a line\n"),
        );
        expect(failed).toBeGreaterThanOrEqual(RUNS);
        // Some kernels refuse to open a file of another user's in a sticky folder at all.
        for (const code of codes) expect(["log-foreign", "log-not-file", "log-not-opened"]).toContain(code);
      },
      LIMIT_MS,
    );

    it(
      "does not get a program run by exchanging the cache in a HOME of its own",
      async () => {
        const ground = openGround();
        const name = basename(String(await buildCableHelper()));
        const home = ground.path("home");
        const ran = ground.path("shared/ran");
        plantProgram(ground, join(home, "evil/mayday"), name, ran);
        ground.asNobody("mkdir", join(home, ".cache"));
        vi.stubEnv("HOME", home);
        vi.stubEnv("XDG_CACHE_HOME", undefined);
        const { failed } = await underAttack(ground, [join(home, ".cache"), join(home, "evil")], () =>
          cable(ground),
        );
        vi.unstubAllEnvs();
        expect(existsSync(ran)).toBe(false);
        expect(failed).toBe(0);
        expect(existsSync(join(home, ".cache/mayday")) && existsSync(join(home, "evil/mayday"))).toBe(false);
      },
      LIMIT_MS,
    );

    it.each([
      ["a group", 0o770],
      ["everybody", 0o777],
    ])(
      "does not get a program run by exchanging the cache in a folder that %s may write",
      async (_who, mode) => {
        const ground = openGround();
        const name = basename(String(await buildCableHelper()));
        const base = ground.path("cache");
        mkdirSync(join(base, "mayday"), { recursive: true, mode: 0o700 });
        chownSync(base, 0, NOBODY);
        chmodSync(base, mode);
        vi.stubEnv("XDG_CACHE_HOME", base);
        const ran = ground.path("shared/ran");
        plantProgram(ground, join(base, "evil"), name, ran);
        const names = [join(base, "mayday"), join(base, "evil")] as const;
        const { failed } = await underAttack(ground, names, () => cable(ground));
        vi.unstubAllEnvs();
        expect(existsSync(ran)).toBe(false);
        expect(failed).toBe(0);
      },
      LIMIT_MS,
    );

    it.each([
      ["a group may write", 0, NOBODY, 0o770],
      ["everybody may write", 0, 0, 0o777],
      ["the other user owns", NOBODY, NOBODY, 0o755],
    ])("does not get a program run from a cache that %s", async (_what, uid, gid, mode) => {
      const ground = openGround();
      const cache = ground.path("cache/mayday");
      vi.stubEnv("XDG_CACHE_HOME", ground.path("cache"));
      expect(dirname(String(await buildCableHelper()))).toBe(cache);
      chownSync(cache, uid, gid);
      chmodSync(cache, mode);
      expect(dirname(String(await buildCableHelper()))).not.toBe(cache);
      vi.unstubAllEnvs();
    });
  });
}

/** A program of the other user's that leaves a trace when it runs. */
function plantProgram(ground: Ground, folder: string, name: string, trace: string): void {
  const script = 'mkdir -p "$1"; printf "#!/bin/sh\\nid -u >> %s\\n" "$3" > "$1/$2"; chmod 755 "$1/$2"';
  ground.asNobody("sh", "-c", script, "sh", folder, name, trace);
}

async function cable(ground: Ground): Promise<void> {
  const running = await startVirtualCable({ a: ground.path("a"), b: ground.path("b") });
  await running.close();
}

if (IS_ROOT) describeTwoUsers();
else {
  describe("attacks of another user of the machine", () => {
    it("need root, who may act as another user: they were not played", () => {
      expect(() => chownSync(process.cwd(), 0, 0)).toThrow("EPERM");
    });
  });
}
