import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { transform } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli, startCli } from "../support/cli.ts";
import { runToEnd } from "../support/run-to-end.ts";
import { bootedBytes, freePort, openWorkbench, type Workbench } from "./workbench.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const LIMIT_MS = 60_000;

/** The programs lie in this package to find mayday by its name, as in a project that depends on it. */
let folder: string;
let bench: Workbench;
let images: string;
beforeAll(async () => {
  folder = await mkdtemp(join(ROOT, ".dist-example-"));
  bench = await openWorkbench();
  images = bench.path("images");
  expect(await runCli(["repo", "add", bench.path("fw.mdy"), "--repo", images])).toMatchObject({ code: 0 });
});
afterAll(async () => {
  await bench.close();
  await rm(folder, { recursive: true, force: true });
});

/** Compiles an example as a bundler does, and runs it. */
async function run(name: string, ...args: readonly string[]): ReturnType<typeof runToEnd> {
  const source = await readFile(join(ROOT, "examples", `${name}.ts`), "utf8");
  const { code } = await transform(source, { loader: "ts", format: "esm" });
  const path = join(folder, `${name}.mjs`);
  await writeFile(path, code);
  return await runToEnd(process.execPath, [path, ...args], { cwd: bench.dir, limitMs: LIMIT_MS });
}

/** A board in distress behind a TCP port, healed by what `rescuer` does. */
async function healed(
  name: string,
  rescuer: (port: number) => ReturnType<typeof runToEnd>,
): ReturnType<typeof runToEnd> {
  const target = await bench.board(name);
  const port = await freePort();
  const link = ["--link", `tcp-listen:127.0.0.1:${port}`];
  const board = startCli(["distress", ...link, "--board", target, "--timeout", "10"]);
  const ended = await rescuer(port);
  expect(await board.ended).toMatchObject({ code: 0 });
  expect(bootedBytes(target)).toEqual(bench.firmware);
  return ended;
}

describe("each example", () => {
  it("is run by a test here, and is named in docs/library.md", async () => {
    const names = (await readdir(join(ROOT, "examples"))).sort();
    expect(names).toEqual(["custom-transport.ts", "memory-target.ts", "rescue.ts"]);
    const page = await readFile(join(ROOT, "docs/library.md"), "utf8");
    for (const name of names) expect(page).toContain(`../examples/${name}`);
  });

  it("rescue.ts heals a board", async () => {
    expect(await healed("by-example", (port) => run("rescue", `tcp:127.0.0.1:${port}`, images))).toEqual({
      code: 0,
      output: expect.stringMatching(/^[0-9a-f]{16} has version 1\.2\.3 now\n$/),
    });
  });

  it("custom-transport.ts heals a board through another program's streams", async () => {
    const ended = healed("by-streams", (port) =>
      run("custom-transport", images, "socat", "-", `TCP:127.0.0.1:${port},retry=20,interval=0.2`),
    );
    expect(await ended).toEqual({ code: 0, output: "healed\n" });
  });

  it("memory-target.ts heals a board in memory, in virtual time", async () => {
    expect(await run("memory-target")).toEqual({
      code: 0,
      output: expect.stringMatching(/^healed, boot after \d virtual seconds\n$/),
    });
  });
});
