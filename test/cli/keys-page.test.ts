import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { MAYDAY_ALIAS, runLines, statedExit } from "../support/page-commands.ts";
import { bootOf } from "./workbench.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PAGE = readFileSync(join(ROOT, "docs/keys.md"), "utf8");
const SET_UP = "A board to try it on";

interface Story {
  readonly name: string;
  readonly lines: readonly string[];
}

/** Each block of code below a heading, numbered where there are several. */
const STORIES: readonly Story[] = PAGE.split(/^## /m).flatMap((section) => {
  const heading = section.split("\n")[0] ?? "";
  const blocks = [...section.matchAll(/^```sh\n([\s\S]*?)^```/gm)];
  return blocks.map(([, block = ""], i) => ({
    name: blocks.length === 1 ? heading : `${heading}, ${i + 1}`,
    lines: block.split("\n").filter((line) => line !== ""),
  }));
});

const setUp = STORIES.filter(({ name }) => name === SET_UP).flatMap(({ lines }) => lines);
const stories = STORIES.filter(({ name }) => name !== SET_UP);

describe("the page on keys", () => {
  test("has a story for a new key, a theft, a wrong counter and a floor at the end, with lines that fail", () => {
    expect(setUp.length).toBeGreaterThan(5);
    const names = stories.map(({ name }) => name).join();
    for (const subject of ["new key", "theft", "counter above what was meant", "end of all counters"])
      expect(names).toContain(subject);
    const codes = new Set(stories.flatMap(({ lines }) => lines.map(statedExit)));
    expect([...codes].sort()).toEqual([0, 2, 4, 5]);
    expect(stories.every(({ lines }) => lines.length > 1)).toBe(true);
  });

  test.each(stories.map((story) => [story.name, story] as const))(
    "runs as written: %s",
    async (name, { lines }) => {
      const dir = mkdtempSync(join(tmpdir(), "mayday-keys-"));
      try {
        const all = [...setUp, ...lines];
        const { codes, output } = await runLines(dir, all, [MAYDAY_ALIAS]);
        expect(codes, output).toEqual(all.map(statedExit));
        const builds = lines.filter((line) => /image build/.test(line) && statedExit(line) === 0);
        const version = /--version (\S+)/.exec(builds.at(-1) ?? "")?.[1];
        // The story ends with a board that runs the release which was built last, if it got that far.
        const board = lines.some((line) => line.includes("--board ended")) ? "ended" : "board";
        if (lines.some((line) => line.includes("mayday distress")))
          expect(bootOf(join(dir, board)), name).toBe(version);
      } finally {
        rmSync(dir, { recursive: true });
      }
    },
    50_000,
  );
});
