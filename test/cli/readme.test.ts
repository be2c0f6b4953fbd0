import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runLines, statedExit } from "../support/page-commands.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

let readme: string;
let dir: string;
beforeAll(async () => {
  readme = await readFile(join(ROOT, "README.md"), "utf8");
  dir = await mkdtemp(join(tmpdir(), "mayday-readme-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** Blocks of code in the README's section with this heading, in order. */
function blocksOf(heading: string): string[] {
  const section = readme.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? "";
  return [...section.matchAll(/^```\w*\n([\s\S]*?)^```/gm)].map(([, block = ""]) => block);
}

describe("the README's quick start", () => {
  it("runs as written: each command ends with 0, or with the exit code that its remark names", async () => {
    const [build = "", story = ""] = blocksOf("Quick start");
    // dist/ was built before any test; building it again would take it away from other tests.
    const setUp = build.split("\n").filter((line) => line !== "npm run build");
    expect(setUp.length).toBeLessThan(build.split("\n").length);
    const commands = story.split("\n").filter((line) => line !== "");
    expect(commands.length).toBeGreaterThan(10);
    const wanted = commands.map(statedExit);
    expect(wanted).toContain(5);
    const { codes, output } = await runLines(dir, commands, [`cd '${ROOT}'`, ...setUp, `cd '${dir}'`]);
    expect(codes, output).toEqual(wanted);
    expect(output.match(/^healed \w+: 1 block /gm), output).toHaveLength(2);
  }, 90_000);
});

describe("the README's program", () => {
  it("is examples/rescue.ts, whose types are checked with all others", async () => {
    const program = await readFile(join(ROOT, "examples/rescue.ts"), "utf8");
    expect(blocksOf("In a program").map((block) => block.trim())).toContain(
      program.replace(/^\/\/.*\n/, "").trim(),
    );
    expect(JSON.parse(await readFile(join(ROOT, "tsconfig.json"), "utf8"))).toMatchObject({
      include: expect.arrayContaining(["examples"]),
    });
  });
});
