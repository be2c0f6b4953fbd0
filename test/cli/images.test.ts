import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCli, verdictOf } from "../support/cli.ts";
import { FIRMWARE_SIZE, openWorkbench, type Workbench } from "./workbench.ts";

let bench: Workbench;

beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench.close());

describe("keygen", () => {
  test("writes a key pair, the private key readable only by its owner, and never overwrites one", async () => {
    const first = await runCli(["keygen", "--out", bench.path("fresh"), "--json"]);
    expect(first.code).toBe(0);
    expect(first.events[0]).toMatchObject({ event: "keys", keyId: expect.stringMatching(/^[0-9a-f]{16}$/) });
    expect((await stat(bench.path("fresh.key"))).mode & 0o777).toBe(0o600);
    const before = await readFile(bench.path("fresh.key"), "utf8");
    const again = await runCli(["keygen", "--out", bench.path("fresh"), "--json"]);
    expect(verdictOf(again)).toMatchObject({ ok: false, code: 2, reason: "key-exists" });
    expect(await readFile(bench.path("fresh.key"), "utf8")).toBe(before);
  });
});

describe("image", () => {
  test("build, inspect and verify show the same facts", async () => {
    const out = bench.path("built.mdy");
    const build = ["image", "build", "--in", bench.path("firmware.bin"), "--out", out, "--json"];
    const fields = [
      "--hardware",
      "acme/widget",
      "--version",
      "2.0.1",
      "--hardware-rev",
      "2-5",
      "--counter",
      "7",
    ];
    const built = await runCli([...build, ...fields, "--key", bench.path("owner.key")]);
    expect(verdictOf(built)).toMatchObject({ ok: true, code: 0, reason: "done" });
    expect(built.events[0]).toMatchObject({
      event: "image",
      hardware: "acme/widget",
      hardwareRev: [2, 5],
      version: "2.0.1",
      counter: 7,
      size: FIRMWARE_SIZE,
      blocks: 10,
      role: "app",
      confirm: "on-verify",
      isSigned: true,
    });
    const inspected = await runCli(["image", "inspect", out, "--json"]);
    expect(inspected.events[0]).toEqual(built.events[0]);
    const verified = await runCli(["image", "verify", out, "--trust", bench.path("owner.pub"), "--json"]);
    expect(verified.code).toBe(0);
    expect(verified.events[0]).toEqual(built.events[0]);
  });

  test("verify refuses another key, and an unsigned image, with exit 4", async () => {
    const wrong = ["image", "verify", bench.path("fw.mdy"), "--trust", bench.path("other.pub"), "--json"];
    expect(verdictOf(await runCli(wrong))).toMatchObject({ code: 4, reason: "signature" });
    const unsigned = await bench.image("plain");
    const plain = ["image", "verify", unsigned, "--trust", bench.path("owner.pub"), "--json"];
    expect(verdictOf(await runCli(plain))).toMatchObject({ code: 4, reason: "unsigned" });
  });

  test("build makes an unsigned image without --key, with a warning", async () => {
    const args = ["image", "build", "--in", bench.path("firmware.bin"), "--out", bench.path("u.mdy")];
    const { code, stderr } = await runCli([...args, "--hardware", "widget", "--version", "1.0.0"]);
    expect(code).toBe(0);
    expect(stderr).toContain("not signed");
  });
});

describe("repo", () => {
  test("adds, lists, verifies and removes images", async () => {
    const repo = ["--repo", bench.path("images"), "--json"];
    const added = await runCli(["repo", "add", bench.path("fw.mdy"), ...repo]);
    expect(added.events[0]).toMatchObject({ event: "added", version: "1.2.3" });
    const again = await runCli(["repo", "add", bench.path("fw.mdy"), ...repo]);
    expect(again.events[0]).toMatchObject({ event: "kept" });
    const listed = await runCli(["repo", "list", ...repo]);
    const digest = String(listed.events[0]?.["digest"]);
    expect(listed.events.map(({ event }) => event)).toEqual(["image", "verdict"]);
    expect((await runCli(["repo", "verify", ...repo])).code).toBe(0);
    const removed = await runCli(["repo", "remove", digest.slice(0, 8), ...repo]);
    expect(removed.events[0]).toMatchObject({ event: "removed", fileName: `${digest}.mdy` });
    expect(await readdir(bench.path("images"))).toEqual([]);
    const gone = await runCli(["repo", "remove", digest, ...repo]);
    expect(verdictOf(gone)).toMatchObject({ code: 2, reason: "repo-no-such-image" });
  });

  test("removes nothing by a name that means no image, and says which one may be meant", async () => {
    const repo = ["--repo", bench.path("named")];
    const added = await runCli(["repo", "add", bench.path("fw.mdy"), ...repo, "--json"]);
    const digest = String(added.events[0]?.["digest"]);
    const other = digest[7] === "0" ? "1" : "0";
    for (const [name, hint] of [
      [digest.slice(0, 2), `give at least 4 digits: ${digest.slice(0, 8)}`],
      [digest.slice(0, 7) + other, `did you mean ${digest.slice(0, 8)}?`],
      ["firmware", "mayday repo list --repo"],
    ] as const) {
      const { code, stderr } = await runCli(["repo", "remove", name, ...repo]);
      expect(code).toBe(2);
      expect(stderr).toContain(hint);
    }
    expect(await readdir(bench.path("named"))).toHaveLength(1);
  });

  test("lists the other images when one file is damaged, and verify exits 1", async () => {
    const repo = ["--repo", bench.path("mixed"), "--json"];
    await runCli(["repo", "add", bench.path("fw.mdy"), ...repo]);
    await writeFile(bench.path("mixed/junk.mdy"), "junk");
    const listed = await runCli(["repo", "list", ...repo]);
    expect(listed.events.map(({ event }) => event)).toEqual(["image", "skipped", "verdict"]);
    const verified = await runCli(["repo", "verify", ...repo]);
    expect(verdictOf(verified)).toMatchObject({ code: 1, reason: "repo-damaged" });
  });
});
