import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createContext, runInContext } from "node:vm";
import { gzipSync } from "node:zlib";
import { type BuildResult, build, transform } from "esbuild";
import { beforeAll, describe, expect, it } from "vitest";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { memoryImage } from "../../src/image/image-source.ts";
import { writeImageFile } from "../../src/image-files/image-build.ts";
import { plainFields, resealed, scratchDir, vectorKey } from "../image/support.ts";
import { fixedKey } from "../support/fixed-keys.ts";
import type { HealReport } from "./heal-in-memory.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Of these, what makes and reads coded blocks takes 4 KiB, and words about images half a KiB. */
const GZIPPED_MAX = 100 * 1024;
/** All that the bundle may use beside the language itself; a browser has both. */
const GLOBALS = { TextEncoder, TextDecoder };

type Bundle = BuildResult<{ write: false; metafile: true }>;

/** Bundles a source file for browsers, minified, as an application would; throws when esbuild reports an error. */
function bundle(entry: string): Promise<Bundle> {
  return build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    bundle: true,
    platform: "browser",
    format: "esm",
    minify: true,
    write: false,
    metafile: true,
    logLevel: "silent",
  });
}

const textOf = ({ outputFiles }: Bundle): string => outputFiles[0]?.text ?? "";

/** The same code as a script that puts its exports into the variable `name`. */
async function asScript(text: string, name: string): Promise<string> {
  return (await transform(text, { format: "iife", globalName: name })).code;
}

describe("mayday/browser", () => {
  let result: Bundle;
  let text: string;
  beforeAll(async () => {
    result = await bundle("src/browser.ts");
    text = textOf(result);
  });

  it("bundles without errors or warnings", () => {
    expect(result.errors).toEqual([]);
    expect(result.warnings).toEqual([]);
    const [output] = Object.values(result.metafile.outputs);
    expect(output?.exports).toEqual(expect.arrayContaining(["RescuerRole", "imageFromBytes"]));
  });

  it("needs nothing of Node: no module, no Buffer, no process", () => {
    const [output] = Object.values(result.metafile.outputs);
    expect(output?.imports).toEqual([]);
    expect(text).not.toMatch(/["'`]node:/);
    expect(builtinModules.filter((name) => text.includes(`require("${name}")`))).toEqual([]);
    expect(text).not.toMatch(/\bBuffer\b/);
    // A method of @noble/hashes is called process; the variable would be read.
    expect(text).not.toMatch(/(?<![.\w$])process\s*(\.|\?\.|\[)/);
    expect(text).not.toMatch(/typeof process\b/);
  });

  it("has at most 100 KiB when gzipped", () => {
    const { length } = gzipSync(text, { level: 9 });
    process.stdout.write(`mayday/browser: ${Buffer.byteLength(text)} bytes minified, ${length} gzipped\n`);
    expect(length).toBeGreaterThan(10_000);
    expect(length).toBeLessThanOrEqual(GZIPPED_MAX);
  });

  it("has types that compile without those of Node", () => {
    const folder = scratchDir();
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(ROOT, join(folder, "node_modules/mayday"));
    const options = { module: "nodenext", target: "es2023", lib: ["es2023", "dom"], types: [], strict: true };
    const compilerOptions = { ...options, noEmit: true, skipLibCheck: false };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["page.ts"] }));
    writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
    const compile = (page: string): string => {
      writeFileSync(join(folder, "page.ts"), page);
      return spawnSync(join(ROOT, "node_modules/.bin/tsc"), ["-p", folder], { encoding: "utf8" }).stdout;
    };
    const start = 'import { imageFromBytes } from "mayday/browser";\n';
    const page = "export const size: number = imageFromBytes(new Uint8Array(1)).manifest.size;\n";
    expect(compile(start + page)).toBe("");
    // The compiler does look at those types.
    expect(compile(start + page.replace("number", "string"))).toContain("TS2322");
  });

  describe("in a context that only has the language, TextEncoder and TextDecoder", () => {
    const dir = scratchDir();
    const data = randomBytes(new SeededRandom(7), 30_000);
    let heal: (file: Uint8Array, publicKey: Uint8Array) => HealReport;
    let file: Uint8Array;
    beforeAll(async () => {
      const path = join(dir, "fw.mdy");
      await writeImageFile(memoryImage(data, plainFields, vectorKey), path);
      file = Uint8Array.from(readFileSync(path));
      const context = createContext({ ...GLOBALS });
      runInContext(await asScript(text, "mayday"), context);
      const scenario = textOf(await bundle("test/browser/heal-in-memory.ts"));
      runInContext(await asScript(scenario, "scenario"), context);
      heal = runInContext("(file, key) => scenario.healInMemory(mayday, file, key)", context);
    });

    it("has nothing of Node to fall back on", () => {
      const context = createContext({ ...GLOBALS });
      const found =
        "[typeof process, typeof Buffer, typeof require, typeof setTimeout, typeof crypto].join()";
      expect(runInContext(found, context)).toBe("undefined,undefined,undefined,undefined,undefined");
    });

    it("heals a board with a signed image over a link with a key", () => {
      const report = heal(file, vectorKey.publicKey);
      expect(report).toMatchObject({ before: "recovery", after: "boot", isEqual: true, refusal: undefined });
      expect(report.targetEvents).toContain("finished");
      expect(report.rescuerEvents).toContain("healed");
    });

    it("refuses an image whose signature is wrong, and leaves the flash as it was", () => {
      // The signature is the end of the manifest, before the data.
      const spoilt = resealed(file, (copy) => {
        const at = copy.length - data.length - 40;
        copy[at] = (copy[at] ?? 0) ^ 1;
      });
      expect(heal(spoilt, vectorKey.publicKey)).toMatchObject({
        after: "recovery",
        isEqual: false,
        refusal: "signature",
      });
    });

    it("refuses an image that another key signed", () => {
      const report = heal(file, fixedKey(0x55).publicKey);
      expect(report).toMatchObject({ after: "recovery", isEqual: false, refusal: "signature" });
    });
  });
});

describe("the entries for Node", () => {
  it.each(["src/index.ts", "src/cli/main.ts"])("do not load the portable cryptography: %s", async (entry) => {
    const { metafile } = await build({
      absWorkingDir: ROOT,
      entryPoints: [entry],
      bundle: true,
      platform: "node",
      format: "esm",
      packages: "external",
      write: false,
      metafile: true,
      outdir: "unused",
    });
    const imports = Object.values(metafile.outputs).flatMap((output) =>
      output.imports.map(({ path }) => path),
    );
    expect(imports).toContain("node:crypto");
    expect(imports.filter((path) => path.startsWith("@noble/"))).toEqual([]);
  });
});
