import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeImageHeader, IMAGE_HEADER_LENGTH } from "../../src/image/image-header.ts";
import { runCli, verdictOf } from "../support/cli.ts";
import { FIRMWARE_SIZE, openWorkbench, type Workbench } from "./workbench.ts";

/*
 * Names in an image are foreign text: they must not become file names, and must not move the cursor.
 */

const ESC = String.fromCharCode(0x1b);
let bench: Workbench;
let repo: string;

beforeAll(async () => {
  bench = await openWorkbench();
  repo = bench.path("deep/er/repo");
  mkdirSync(repo, { recursive: true });
});
afterAll(() => bench.close());

/** An image file whose class name was replaced in place, with correct lengths and checksums. */
async function forged(name: string, hardwareClass: string): Promise<string> {
  const bytes = Buffer.from(hardwareClass, "latin1");
  const holder = "w".repeat(bytes.length);
  const file = readFileSync(await bench.image(name, undefined, { hardwareClass: holder }));
  const envelope = file.subarray(IMAGE_HEADER_LENGTH, file.length - FIRMWARE_SIZE);
  const at = envelope.indexOf(holder, 0, "latin1");
  expect(at).toBeGreaterThan(0);
  bytes.copy(envelope, at);
  file.set(encodeImageHeader(envelope, FIRMWARE_SIZE));
  writeFileSync(bench.path(`${name}.mdy`), file);
  return bench.path(`${name}.mdy`);
}

/** Everything below the workbench. */
function everything(): string[] {
  return readdirSync(bench.dir, { recursive: true, encoding: "utf8" }).sort();
}

describe("names in an image", () => {
  test.each([
    ["dots", { vendor: "..", hardwareClass: ".." }],
    ["backslashes", { vendor: "..\\..", hardwareClass: "..\\x" }],
    ["a home", { vendor: "~", hardwareClass: "$HOME" }],
    ["a flag", { vendor: "--repo", hardwareClass: "-rf" }],
    ["the longest", { vendor: "v".repeat(32), hardwareClass: "\u00e9".repeat(16) }],
  ])("(%s) never become file names: the image is stored under its digest", async (_what, names) => {
    const file = await bench.image("named", "owner", names);
    const before = everything();
    const added = await runCli(["repo", "add", file, "--repo", repo, "--json"]);
    const digest = String(added.events[0]?.["digest"]);
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    const now = everything().filter((path) => !before.includes(path));
    expect(now).toEqual([join("deep/er/repo", `${digest}.mdy`)]);
    const listed = await runCli(["repo", "list", "--repo", repo]);
    expect(listed.stdout).toContain(`${names.vendor}/${names.hardwareClass} 1.2.3`);
    expect((await runCli(["repo", "remove", digest, "--repo", repo])).code).toBe(0);
  });

  test.each([
    ["a path", "../../x"],
    ["a NUL", "wid\0get"],
    ["a cursor movement", `${ESC}[2Jwidget`],
    ["a line end", "widget\nhealed"],
    ["a text direction", Buffer.from("wid\u202eget").toString("latin1")],
    ["no UTF-8", "wid\xffget"],
  ])(
    "with %s make the manifest invalid: the image is not added, and a stored one is skipped with an escaped warning",
    async (_what, name) => {
      const file = await forged("forged", name);
      const before = everything();
      const added = await runCli(["repo", "add", file, "--repo", repo, "--json"]);
      expect(verdictOf(added)).toMatchObject({ code: 1, reason: "image-manifest" });
      expect(everything()).toEqual(before);
      writeFileSync(join(repo, "forged.mdy"), readFileSync(file));
      const listed = await runCli(["repo", "list", "--repo", repo]);
      expect([listed.code, listed.stdout]).toEqual([0, ""]);
      expect(listed.stderr).toContain("forged.mdy");
      expect(
        listed.stderr.includes(ESC) || listed.stderr.includes("\u202e") || listed.stderr.includes("\0"),
      ).toBe(false);
      expect((await runCli(["repo", "remove", "forged.mdy", "--repo", repo])).code).toBe(0);
    },
  );

  test("are the only fault of these forgeries: with a harmless name the image is accepted", async () => {
    const file = await forged("harmless", "gadget");
    expect((await runCli(["repo", "add", file, "--repo", bench.path("other")])).stdout).toContain(
      "acme/gadget",
    );
  });
});

describe("names of files in a repository", () => {
  test("cannot move the cursor, nor imitate lines of output", async () => {
    const folder = bench.path("names");
    mkdirSync(folder);
    const name = `x${ESC}[2J\nmayday: all boards healed\u202e.mdy`;
    writeFileSync(join(folder, name), "x");
    const listed = await runCli(["repo", "list", "--repo", folder]);
    expect(listed.code).toBe(0);
    expect(listed.stderr).toContain("all boards healed");
    expect(listed.stderr).not.toMatch(/^mayday: all/m);
    expect(listed.stderr.includes(ESC) || listed.stderr.includes("\u202e")).toBe(false);
    expect(existsSync(join(folder, name))).toBe(true);
  });
});
