import { readFile, stat, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCli, startCli, verdictOf } from "../support/cli.ts";
import { bootedBytes, freePort, openWorkbench, type Workbench } from "./workbench.ts";

let bench: Workbench;

beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench.close());

const F4 = [
  ["--sectors", "4x16k,64k,7x128k"],
  ["--recovery-size", "32k"],
  ["--flash-size", "960k"],
  ["--manifests", "record"],
].flat();
const LARGE = ["--sector", "256k", "--flash-size", "300k", "--manifests", "record"];

function init(name: string, flags: readonly string[]): ReturnType<typeof runCli> {
  const what = ["--hardware", "acme/widget", "--trust", bench.path("owner.pub"), "--json"];
  return runCli(["board", "init", bench.path(name), ...what, ...flags], { cwd: bench.dir });
}

describe("a board with large sectors", () => {
  test.each([
    ["an STM32F4's sectors", "f4", F4],
    ["sectors of 256 KiB", "single", LARGE],
    ["sectors of 256 KiB and two slots", "ab", [...LARGE, "--layout", "ab"]],
  ])("is made, damaged and healed by a neighbour: %s", async (_what, name, flags) => {
    const made = await init(name, [...flags, "--image", bench.path("fw.mdy")]);
    expect(verdictOf(made)).toMatchObject({ ok: true });
    const dir = bench.path(name);
    const damaged = await runCli(["board", "damage", dir, "--sector", "0", "--json"]);
    expect(damaged.events[0]).toMatchObject({ sector: 0, bytes: name === "f4" ? 65_536 : 262_144 });
    expect((await runCli(["board", "boot", dir])).code).toBe(5);
    const port = await freePort();
    const link = ["--link", `tcp-listen:127.0.0.1:${port}`];
    const rescue = startCli([
      "rescue",
      ...link,
      "--image",
      bench.path("fw.mdy"),
      "--timeout",
      "15",
      "--once",
      "--json",
    ]);
    await rescue.saw(/"waiting"/);
    const target = [
      "distress",
      "--link",
      `tcp:127.0.0.1:${port}`,
      "--board",
      dir,
      "--timeout",
      "12",
      "--json",
    ];
    expect(verdictOf(await runCli(target))).toMatchObject({ ok: true, reason: "healed" });
    await rescue.ended;
    expect(bootedBytes(dir)).toEqual(bench.firmware);
  });

  test("shows its map, and what record and manifests take from it", async () => {
    expect((await init("shown", F4)).code).toBe(0);
    const { stdout } = await runCli(["board", "status", bench.path("shown")]);
    expect(stdout).toContain("4 of 16,384 bytes, 65,536 bytes, 7 of 131,072 bytes\n");
    expect(stdout).toMatch(/boot record +sectors 2 to 3: 32,768 bytes from 0x8000, with 2 manifests\n/);
    expect(stdout).toMatch(/space of slot 0 +sectors 4 to 11: 983,040 bytes from 0x10000\n/);
    expect(stdout).toMatch(/record, manifests +32,768 bytes of 1,048,576 \(3.1 %\)/);
    const { events } = await runCli(["board", "status", bench.path("shown"), "--json"]);
    expect(events[0]?.["map"]).toMatchObject({
      size: 1_048_576,
      recovery: { offset: 0, size: 32_768 },
      manifests: "record",
      recordCost: 32_768,
    });
  });

  test("shows manifests in sectors of their own, where nothing else was asked for", async () => {
    expect((await init("plain", ["--flash-size", "64K"])).code).toBe(0);
    const { stdout } = await runCli(["board", "status", bench.path("plain")]);
    expect(stdout).toMatch(/sectors +24 of 4,096 bytes\n/);
    expect(stdout).toMatch(/manifests +sectors 6 to 7: 8,192 bytes from 0x6000\n/);
    expect(stdout).toMatch(/record, manifests +16,384 bytes of 98,304 \(16.7 %\)/);
  });

  test("may have its flash on real storage", async () => {
    expect((await init("real", [...F4, "--flash", "file:f4.bin?offset=128K"])).code).toBe(0);
    expect((await stat(bench.path("f4.bin"))).size).toBe(131_072 + 1_048_576);
    const within = await init("none", [...F4, "--flash", "file:g4.bin?offset=16K"]);
    expect(verdictOf(within)).toMatchObject({ code: 2, reason: "flash-offset" });
  });

  test.each([
    ["both ways to describe sectors", ["--sector", "4K", ...F4], "conflicting-option"],
    ["a list that is none", ["--sectors", "4*16k", "--flash-size", "1k"], "bad-sectors"],
    [
      "a list with nothing between two commas",
      ["--sectors", "4x16k,,64k", "--flash-size", "1k"],
      "bad-sectors",
    ],
    ["a sector without a size", ["--sectors", "4x16q", "--flash-size", "1k"], "bad-size"],
    ["an odd sector", ["--sectors", "4x15k", "--flash-size", "1k"], "board-geometry"],
    ["no sectors", ["--sectors", "0x16k", "--flash-size", "1k"], "board-geometry"],
    ["too few sectors", [...F4, "--layout", "ab"], "board-geometry"],
    ["an unknown place", ["--manifests", "slot", "--flash-size", "1k"], "invalid-argument"],
    [
      "no room for manifests",
      ["--manifests", "record", "--sector", "1k", "--flash-size", "1k"],
      "board-geometry",
    ],
    ["no recovery image", ["--recovery-size", "0", "--flash-size", "1k"], "bad-size"],
  ])("is not made of %s", async (_what, flags, reason) => {
    const result = await init("none", flags);
    expect(verdictOf(result)).toMatchObject({ code: 2, reason });
    await expect(stat(bench.path("none"))).rejects.toThrow("ENOENT");
  });
});

describe("board.json", () => {
  const configOf = async (name: string): Promise<Record<string, unknown>> =>
    JSON.parse(await readFile(bench.path(`${name}/board.json`), "utf8")) as Record<string, unknown>;

  test("holds none of the new fields where none was given", async () => {
    expect((await init("before", ["--flash-size", "64K"])).code).toBe(0);
    const { nodeId, created, ...config } = await configOf("before");
    expect([nodeId, created].every((text) => typeof text === "string")).toBe(true);
    // As boards of before have it, which are opened by the tests of this folder.
    expect(config).toEqual({
      format: 1,
      hardware: "acme/widget",
      revision: 0,
      sectorSize: 4096,
      slotSize: 65_536,
      layout: "single",
      flash: "flash.bin",
      trust: [{ key: "trust-1.pub", roles: ["app", "recovery"] }],
      allowUnsigned: false,
    });
  });

  test.each([
    ["no sectors", { sectors: undefined }],
    ["sectors twice", { sectorSize: 4096 }],
    ["sectors of no size", { sectors: [{ count: 4 }] }],
    ["an odd sector", { sectors: [{ count: 400, size: 5000 }] }],
    ["too few sectors", { sectors: [{ count: 4, size: 16_384 }] }],
    ["an unknown place of manifests", { manifests: "slot" }],
    ["no recovery image", { recoverySize: 0 }],
  ])("is damaged with %s", async (what, change) => {
    const name = `damaged ${what}`;
    expect((await init(name, F4)).code).toBe(0);
    await writeFile(
      bench.path(`${name}/board.json`),
      JSON.stringify({ ...(await configOf(name)), ...change }),
    );
    const result = await runCli(["board", "boot", bench.path(name), "--json"]);
    expect(verdictOf(result)).toMatchObject({ code: 1, reason: "board-damaged" });
  });
});
