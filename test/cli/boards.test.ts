import { readFile, stat } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ImageFields } from "../../src/image/manifest.ts";
import { runCli, verdictOf } from "../support/cli.ts";
import { openWorkbench, type Workbench } from "./workbench.ts";

let bench: Workbench;

beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench.close());

function init(name: string, ...more: readonly string[]): string[] {
  const what = ["--hardware", "acme/widget", "--flash-size", "64K", "--json"];
  return ["board", "init", bench.path(name), ...what, ...more];
}

describe("a board on disk", () => {
  test("boots its factory image, and board read returns that image byte for byte", async () => {
    const trust = ["--trust", `${bench.path("owner.pub")}:app`, "--image", bench.path("fw.mdy")];
    const made = await runCli(init("life", ...trust));
    expect(verdictOf(made)).toMatchObject({ ok: true, code: 0 });
    const boot = await runCli(["board", "boot", bench.path("life")]);
    expect(boot).toMatchObject({ code: 0, stdout: "boot slot 0 version 1.2.3\n" });
    const out = bench.path("copy.bin");
    const read = await runCli(["board", "read", bench.path("life"), "--out", out]);
    expect(read.code).toBe(0);
    expect(new Uint8Array(await readFile(out))).toEqual(bench.firmware);
  });

  test("does not boot when it is damaged: exit 5, and only raw bytes can be read", async () => {
    const dir = await bench.board("broken", bench.path("fw.mdy"));
    const damage = await runCli(["board", "damage", dir, "--sector", "2", "--bytes", "1", "--json"]);
    expect(damage.events[0]).toMatchObject({ event: "damaged", slot: 0, sector: 2, bytes: 1, changed: 1 });
    const boot = await runCli(["board", "boot", dir, "--json"]);
    expect(boot.code).toBe(5);
    expect(boot.events[0]).toEqual({ event: "boot", decision: "recovery", reason: "hash" });
    expect(verdictOf(boot)).toMatchObject({ ok: false, code: 5, reason: "board-not-bootable" });
    const read = await runCli(["board", "read", dir, "--out", bench.path("none.bin"), "--json"]);
    expect(verdictOf(read)).toMatchObject({ code: 5, reason: "board-not-bootable" });
    await expect(readFile(bench.path("none.bin"))).rejects.toThrow("ENOENT");
    const raw = await runCli(["board", "read", dir, "--raw", "--out", bench.path("raw.bin"), "--json"]);
    expect(raw.events[0]).toMatchObject({ event: "read", bytes: 65_536, slot: 0, isRaw: true });
    const bytes = await readFile(bench.path("raw.bin"));
    const differing = bench.firmware.filter((byte, i) => byte !== bytes[i]);
    expect(differing).toHaveLength(1);
  });

  test("gives exit 5 and the reason empty without an image, and board status still exits 0", async () => {
    const dir = await bench.board("blank");
    const boot = await runCli(["board", "boot", dir]);
    expect(boot).toMatchObject({ code: 5, stdout: "recovery: no image was ever installed\n" });
    expect(boot.stderr).toContain("mayday distress");
    const status = await runCli(["board", "status", dir, "--json"]);
    expect(status.code).toBe(0);
    expect(status.events[0]).toMatchObject({
      event: "board",
      hardware: "acme/widget",
      boot: { decision: "recovery", reason: "empty" },
      slots: [{ slot: 0, digest: null }],
      receiving: null,
      counterFloor: 0,
    });
    const confirm = await runCli(["board", "confirm", dir, "--json"]);
    expect(verdictOf(confirm)).toMatchObject({ code: 5, reason: "board-not-bootable" });
  });

  test("has its counter floor raised by board confirm, and a boot attempt of a confirmed image changes nothing", async () => {
    const image = await bench.image("counted", "owner", { counter: 9 });
    const dir = await bench.board("counted", image);
    expect((await runCli(["board", "boot", dir, "--attempt"])).stdout).toBe("boot slot 0 version 1.2.3\n");
    const confirmed = await runCli(["board", "confirm", dir, "--json"]);
    expect(confirmed.events[0]).toMatchObject({ event: "confirmed", slot: 0, counterFloor: 9 });
  });

  test("can be damaged by erasing, repeatably by a seed, and in its second slot", async () => {
    const dir = await bench.board("ab", bench.path("fw.mdy"), { layout: "ab" });
    const erase = await runCli(["board", "damage", dir, "--slot", "b", "--sector", "0", "--erase", "--json"]);
    expect(erase.events[0]).toMatchObject({ slot: 1, sector: 0, changed: 4096 });
    expect((await runCli(["board", "boot", dir])).code).toBe(0);
    const seeded = await runCli(["board", "damage", dir, "--seed", "5", "--json"]);
    expect(seeded.events[0]).toMatchObject({ slot: 0, seed: 5 });
    expect((await runCli(["board", "boot", dir])).code).toBe(5);
  });
});

describe("board init", () => {
  test("requires --trust or --allow-unsigned", async () => {
    expect(verdictOf(await runCli(init("trustless")))).toMatchObject({ code: 2, reason: "board-trust" });
    expect((await runCli(init("open", "--allow-unsigned"))).code).toBe(0);
  });

  test("leaves an existing folder unchanged", async () => {
    const dir = await bench.board("taken");
    const again = await runCli(["board", "init", dir, ...init("x", "--allow-unsigned").slice(3)]);
    expect(verdictOf(again)).toMatchObject({ code: 2, reason: "board-exists" });
  });

  test.each<[string, string | undefined, Partial<ImageFields>, string]>([
    ["signature", "other", {}, "64K"],
    ["unsigned", undefined, {}, "64K"],
    ["hardware", "owner", { hardwareClass: "gadget" }, "64K"],
    ["hardware", "owner", { revisionMin: 3, revisionMax: 4 }, "64K"],
    ["role", "owner", { role: "recovery" }, "64K"],
    ["size", "owner", {}, "32K"],
  ])("refuses an image for its %s with exit 4 and makes no board", async (reason, key, fields, size) => {
    const image = await bench.image("refused", key, fields);
    const flags = ["--hardware", "acme/widget", "--flash-size", size, "--trust", bench.path("owner.pub")];
    const result = await runCli([
      "board",
      "init",
      bench.path("refusing"),
      ...flags,
      "--image",
      image,
      "--json",
    ]);
    expect(result.code).toBe(4);
    expect(verdictOf(result)).toMatchObject({ ok: false, code: 4, reason });
    await expect(stat(bench.path("refusing"))).rejects.toThrow("ENOENT");
  });
});
