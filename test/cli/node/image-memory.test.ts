import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { imageMemory, ROLLOUT_FILE } from "../../../src/cli/node/image-memory.ts";

const root = mkdtempSync(join(tmpdir(), "mayday-memory-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const IMAGES = [
  { digest: "00112233aabbccdd", knownMs: 60_000, ring: 3 },
  { digest: "ffeeddccbbaa9988", knownMs: 1, starts: 2, isCanary: true },
] as const;

describe("what a board's folder keeps of images", () => {
  let dir: string;
  let warnings: string[];
  beforeEach(() => {
    dir = mkdtempSync(join(root, "board-"));
    warnings = [];
  });
  const memory = () => imageMemory(dir, (text) => warnings.push(text));

  it("is nothing at first, and what was saved last after that, in a file that others cannot read", () => {
    expect(memory().load()).toEqual([]);
    memory().save([]);
    memory().save(IMAGES);
    expect(memory().load()).toEqual(IMAGES);
    expect(statSync(join(dir, ROLLOUT_FILE)).mode & 0o777).toBe(0o600);
    expect(warnings).toEqual([]);
  });

  it.each([
    ["half of it", '{ "format": 1, "ima'],
    ["nothing", ""],
    ["another format", '{ "format": 2, "images": [] }'],
    [
      "a ring that is none",
      '{ "format": 1, "images": [{ "digest": "00112233aabbccdd", "knownMs": 0, "ring": 255 }] }',
    ],
    ["too much", " ".repeat(20_000)],
  ])("is ignored with a warning when the file has %s, and replaced", (_, text) => {
    writeFileSync(join(dir, ROLLOUT_FILE), text);
    expect(memory().load()).toEqual([]);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(ROLLOUT_FILE);
    memory().save(IMAGES);
    expect(JSON.parse(readFileSync(join(dir, ROLLOUT_FILE), "utf8"))).toMatchObject({ format: 1 });
    expect(memory().load()).toEqual(IMAGES);
  });

  it("says once that it cannot be written, and fails nothing", () => {
    const gone = memory();
    rmSync(dir, { recursive: true });
    gone.save(IMAGES);
    gone.save(IMAGES);
    expect(warnings).toHaveLength(1);
  });
});
