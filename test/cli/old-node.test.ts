import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { transform } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FailedError } from "../../src/base/errors.ts";
import { errorVerdict } from "../../src/cli/command-verdict.ts";

/*
 * Real old versions are run by `npm run check:old-nodes`.
 */

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
let dir = "";
let needed = "";

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "mayday-old-node-"));
  const { engines } = JSON.parse(await readFile("package.json", "utf8")) as { engines: { node: string } };
  needed = engines.node.replace(/^>=/, "");
});
afterAll(() => rm(dir, { recursive: true, force: true }));

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `mayday ARGS` by this Node, which says that it is another version. */
async function runAs(version: string, ...args: readonly string[]): Promise<Run> {
  const preload = join(dir, `${version}.cjs`);
  const versions = `Object.assign({}, process.versions, { node: ${JSON.stringify(version)} })`;
  await writeFile(preload, `Object.defineProperty(process, "versions", { value: ${versions} });`);
  return await new Promise((resolve) => {
    execFile(process.execPath, ["--require", preload, MAIN, ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

describe("a version of Node that is too old", () => {
  test.each(["8.17.0", "12.22.12", "14.21.3", "16.20.2", "18.20.8", "20.0.0", "20.18.3"])(
    "is told in one line with both versions, and exit 2: %s",
    async (version) => {
      const { code, stdout, stderr } = await runAs(version, "image", "inspect", "any.mdy");
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toBe(
        `mayday: Node.js ${version} is too old: ${needed} or later is needed; install one (https://nodejs.org), and run mayday with it\n`,
      );
    },
  );

  test("gets a verdict with the fields of every other one", async () => {
    const { code, stdout } = await runAs("18.20.8", "repo", "list", "--json");
    const verdict = JSON.parse(stdout) as Record<string, unknown>;
    const { detail: _, ...fields } = errorVerdict(new FailedError("any", "text"));
    expect(Object.keys(verdict)).toEqual(["event", ...Object.keys(fields), "message"]);
    expect(verdict).toMatchObject({ event: "verdict", ok: false, code: 2, reason: "node-too-old" });
    expect(code).toBe(2);
  });

  test.each(["20.19.0", "20.19.5", "20.20.2", "22.0.0", "24.1.0", "100.0.0"])(
    "is none that is new enough: %s",
    async (version) => {
      expect(await runAs(version, "--version")).toMatchObject({ code: 0, stderr: "" });
    },
  );

  test("can read the file that the command is started by", async () => {
    const text = await readFile(MAIN, "utf8");
    const lowered = await transform(text, { target: "es2015", format: "esm" });
    const plain = await transform(text, { target: "esnext", format: "esm" });
    expect(lowered.code).toBe(plain.code);
    // Node 10 reads it as a script, in which these would be syntax errors.
    expect(plain.code).not.toMatch(/^\s*(?:import\s*[^(]|export\b)|\bawait\b/m);
    expect(text.startsWith("#!/usr/bin/env node\n")).toBe(true);
  });
});
