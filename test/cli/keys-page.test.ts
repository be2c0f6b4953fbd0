import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { bootOf } from "./workbench.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PAGE = readFileSync(join(ROOT, "docs/keys.md"), "utf8");
const LIMIT_MS = 40_000;
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

/** The exit code that a line says it ends with. */
const wanted = (line: string): number => Number(/# exit (\d+)/.exec(line)?.[1] ?? 0);

interface Ran {
  readonly codes: readonly number[];
  readonly output: string;
}

/** Runs lines in a folder, each to its end but those that go on behind the others. */
function run(dir: string, lines: readonly string[]): Promise<Ran> {
  const script = [
    "shopt -s expand_aliases",
    `alias mayday='${process.execPath} ${join(ROOT, "dist/cli/main.js")}'`,
    ...lines.map((line, i) => `${line}\necho "status ${i} $?"`),
    "kill $(jobs -p) 2>/dev/null; wait",
  ];
  writeFileSync(join(dir, "story.sh"), script.join("\n"));
  const child = spawn("bash", ["story.sh"], { cwd: dir, env: { ...process.env, NO_COLOR: "1" } });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const limit = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => {
      clearTimeout(limit);
      const codes = lines.map((_, i) => Number(new RegExp(`^status ${i} (\\d+)$`, "m").exec(output)?.[1]));
      resolve({ codes, output });
    });
  });
}

const setUp = STORIES.filter(({ name }) => name === SET_UP).flatMap(({ lines }) => lines);
const stories = STORIES.filter(({ name }) => name !== SET_UP);

describe("the page on keys", () => {
  test("has a story for a new key, a theft, a wrong counter and a floor at the end, with lines that fail", () => {
    expect(setUp.length).toBeGreaterThan(5);
    const names = stories.map(({ name }) => name).join();
    for (const subject of ["new key", "theft", "counter above what was meant", "end of all counters"])
      expect(names).toContain(subject);
    const codes = new Set(stories.flatMap(({ lines }) => lines.map(wanted)));
    expect([...codes].sort()).toEqual([0, 2, 4, 5]);
    expect(stories.every(({ lines }) => lines.length > 1)).toBe(true);
  });

  test.each(stories.map((story) => [story.name, story] as const))(
    "runs as written: %s",
    async (name, { lines }) => {
      const dir = mkdtempSync(join(tmpdir(), "mayday-keys-"));
      try {
        const all = [...setUp, ...lines];
        const { codes, output } = await run(dir, all);
        expect(codes, output).toEqual(all.map(wanted));
        const builds = lines.filter((line) => /image build/.test(line) && wanted(line) === 0);
        const version = /--version (\S+)/.exec(builds.at(-1) ?? "")?.[1];
        // The story ends with a board that runs the release which was built last, if it got that far.
        const board = lines.some((line) => line.includes("--board ended")) ? "ended" : "board";
        if (lines.some((line) => line.includes("mayday distress")))
          expect(bootOf(join(dir, board)), name).toBe(version);
      } finally {
        rmSync(dir, { recursive: true });
      }
    },
    LIMIT_MS + 10_000,
  );
});
