import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
  files,
  hits,
  PROGRAM_FOLDERS,
  PROGRAMS,
  ROOT,
  read,
  SOURCES,
  some,
  TESTS,
  TRACKED,
} from "./tidy/repository.ts";

/** House rules that no linter has (CONTRIBUTING.md, "Rules"), and the linter itself. More of them: test/tidy/. */
describe("source files", () => {
  it.each(PROGRAM_FOLDERS)("are found in %s", (folder) => {
    expect(PROGRAMS.filter((path) => path.startsWith(`${folder}/`)).length).toBeGreaterThan(0);
  });

  it("lie in folders that are known here, or are settings at the top level", () => {
    const folders = new Set(PROGRAMS.map((path) => path.split("/")[0] ?? ""));
    const settings = [...folders].filter((name) => TRACKED.includes(name));
    expect(settings.every((name) => name.endsWith(".config.ts"))).toBe(true);
    const known: readonly string[] = PROGRAM_FOLDERS;
    expect([...folders].filter((name) => !known.includes(name) && !settings.includes(name))).toEqual([]);
  });

  it("refuse to be looked at where there are none", () => {
    expect(() => files(/^no such folder\//)).toThrow("looked at nothing");
    expect(() => hits([], /x/)).toThrow("looked at nothing");
  });

  it("leave nothing for later", () => {
    expect(hits(PROGRAMS, /\b(TODO|FIXME|XXX)\b/)).toEqual([]);
  });

  it("hide no test and no uncovered line", () => {
    expect(hits(TESTS, /\.(only|skip|todo|fails)\(|\b(xit|xdescribe|fit|fdescribe)\(/)).toEqual([]);
    expect(hits(PROGRAMS, /\b(v8|istanbul|c8) ignore\b/)).toEqual([]);
  });

  it("are text without control characters, so that diffs show them", () => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(hits(PROGRAMS, /[\u0000-\u0008\u000b-\u001f\u007f]/)).toEqual([]);
  });

  it("get time and chance handed in, but for the edges", () => {
    const edges = /^src\/(base\/clock\.ts|base\/prng\.ts|node\/system-edges\.ts|cli\/)/;
    // The date a board was made on is written for people; nothing reads it.
    const inner = SOURCES.filter((path) => !edges.test(path) && path !== "src/board/new-board.ts");
    const calls =
      /\bDate\.now|\bnew Date\(\)|Math\.random|\bset(Timeout|Interval|Immediate)\b|performance\.now/;
    expect(hits(inner, calls)).toEqual([]);
    // A node replays from a seed: its clock and its generator are the system's in one file only.
    const ofNodes = inner.filter((path) => path.startsWith("src/node/"));
    expect(ofNodes.length).toBeGreaterThan(10);
    expect(hits(ofNodes, /\bsystemClock\b|\brandom.*"node:crypto"|getRandomValues/)).toEqual([]);
    expect(hits(["src/node/system-edges.ts"], /\bsystemClock\b|\brandom.*"node:crypto"/)).toHaveLength(3);
  });

  it("open no files where peers are heard: no name from a wire can reach the file system", () => {
    const hearing = SOURCES.filter((path) => /^src\/(wire|link|session|mesh|node)\//.test(path));
    expect(hearing.length).toBeGreaterThan(30);
    expect(hits(hearing, /node:(fs|child_process)/)).toEqual([]);
  });

  it("remove, rename, empty and create files only where what is opened is judged, and never recursively", () => {
    const judging = [
      /^src\/files\//,
      /^src\/flash\/device\/(flash-file|file-storage)\.ts$/,
      // In a folder of a board, which others may not write.
      /^src\/board\/(board-lock|new-board)\.ts$/,
      // Through an open folder.
      /^src\/image-files\/directory-repository\.ts$/,
      // In a folder that only root and this process's user may change.
      /^src\/transport\/cable\/helper-(build|cache)\.ts$/,
      // In a folder that it made itself.
      /^src\/cli\/demo\//,
    ];
    const calls =
      /\b(rm|rmdir|unlink|rename|truncate|copyFile|cp|writeFile|appendFile|chmod|chown|createWriteStream)(Sync)?\(|\bopen(Sync)?\(.*"[wa]x?\+?"/;
    expect(hits(SOURCES, calls).length).toBeGreaterThan(15);
    const others = SOURCES.filter((path) => !judging.some((pattern) => pattern.test(path)));
    expect(hits(others, calls)).toEqual([]);
    expect(hits(SOURCES, /recursive: true/)).toEqual([]);
  });

  it("are of readable length", () => {
    const tooLong = (paths: readonly string[], most: number): string[] =>
      some("lengths", paths).filter((path) => read(path).trimEnd().split("\n").length > most);
    expect(tooLong(SOURCES, 500)).toEqual([]);
    expect(
      tooLong(
        PROGRAMS.filter((path) => !path.startsWith("test/")),
        600,
      ),
    ).toEqual([]);
  });

  it("name the files they import with .ts", () => {
    expect(hits(files(/\.ts$/), /(from|import|import\() ?"\.{1,2}\/(?![^"]*\.(ts|json)")/)).toEqual([]);
  });
});

interface Layer {
  readonly below: readonly string[];
  readonly isPure?: boolean;
  readonly except?: readonly string[];
}
/** The table that biome.json's rules are written from. */
const { LAYERS, forbiddenTo, overrides } = (await import(
  new URL("../scripts/layers.mjs", import.meta.url).href
)) as {
  readonly LAYERS: Readonly<Record<string, Layer>>;
  forbiddenTo(layer: string, isPure: boolean): string[];
  overrides(): unknown;
};

describe("the linter", () => {
  // A copy of the configuration in a folder of its own, with files that break the rules on purpose.
  const folder = mkdtempSync(join(tmpdir(), "mayday-tidy-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const { $schema: _, vcs: __, ...config } = JSON.parse(read("biome.json")) as Record<string, unknown>;
  put("biome.json", JSON.stringify(config));
  const layers = Object.keys(LAYERS);
  const breakRules = (layer: string, folder: string, up: string): void => {
    for (const other of layers.filter((name) => name !== layer))
      put(`${folder}/of-${other}.ts`, `export * from "${up}/${other}/x.ts";\n`);
    put(`${folder}/of-system.ts`, 'export { readFileSync } from "node:fs";\n');
    put(`${folder}/of-hardware.ts`, 'export { SerialPort } from "serialport";\n');
    put(`${folder}/buffer.ts`, "export const empty = Buffer.alloc(0);\n");
  };
  for (const [layer, { except = [] }] of Object.entries(LAYERS)) {
    breakRules(layer, `src/${layer}`, "..");
    for (const name of except) {
      breakRules(layer, `src/${layer}/${name}`, "..");
      put(`src/${layer}/of-own-${name}.ts`, `export * from ".//${name}.ts";\n`);
      put(`src/${layer}/of-own-folder-${name}.ts`, `export * from ".//${name}/x.ts";\n`);
    }
  }
  put("src/wire/ring-a.ts", 'import { b } from "./ring-b.ts";\nexport const a = (): unknown => b;\n');
  put("src/wire/ring-b.ts", 'import { a } from "./ring-a.ts";\nexport const b = (): unknown => a;\n');
  const biome = join(ROOT, "node_modules/.bin/biome");
  const args = ["lint", "--reporter=json", "--max-diagnostics=none", "."];
  const { stdout } = spawnSync(biome, args, { cwd: folder, encoding: "utf8" });
  const report = JSON.parse(stdout) as {
    readonly diagnostics: readonly {
      readonly category: string;
      readonly location: { readonly path: string };
    }[];
  };
  const seen = (rule: string): string[] => {
    const found = report.diagnostics.filter(({ category }) => category.endsWith(`/${rule}`));
    return found.map(({ location }) => location.path);
  };

  it.each(Object.entries(LAYERS))("keeps %s to the layers below it", (layer, table) => {
    const { isPure = false, except = [] } = table;
    const ofSystem = isPure ? ["of-system", "of-hardware"] : [];
    const ofNode = except.flatMap((name) => [`of-own-${name}`, `of-own-folder-${name}`]);
    const ofLayers = forbiddenTo(layer, isPure).map((name) => `of-${name}`);
    const inNode = except.flatMap((name) => forbiddenTo(layer, false).map((other) => `${name}/of-${other}`));
    const expected = [...ofLayers, ...ofSystem, ...ofNode, ...inNode];
    const fired = seen("noRestrictedImports").filter((path) => path.startsWith(`src/${layer}/`));
    expect(fired.sort()).toEqual(expected.map((name) => `src/${layer}/${name}.ts`).sort());
  });

  it("forbids every layer that is not listed as below, and in pure files those that are not pure", () => {
    const forbidden = Object.fromEntries(layers.map((layer) => [layer, forbiddenTo(layer, false)]));
    expect(forbidden["base"]).toEqual(layers.filter((layer) => layer !== "base"));
    expect(forbiddenTo("board", true)).toEqual(
      layers.filter((layer) => !["base", "image", "flash", "board"].includes(layer)),
    );
  });

  it("keeps Buffer out of the layers that also run in a browser", () => {
    const pure = layers.filter((layer) => LAYERS[layer]?.isPure);
    expect(pure.length).toBeGreaterThan(6);
    expect(seen("noRestrictedGlobals").sort()).toEqual(pure.map((layer) => `src/${layer}/buffer.ts`).sort());
  });

  it("excepts files and folders from purity that exist", () => {
    const excepted = Object.entries(LAYERS).flatMap(([layer, { except = [] }]) =>
      except.map((name) => `src/${layer}/${name}`),
    );
    expect(excepted.length).toBeGreaterThan(0);
    const exists = (path: string): boolean =>
      existsSync(join(ROOT, path)) || existsSync(join(ROOT, `${path}.ts`));
    expect(excepted.filter((path) => !exists(path))).toEqual([]);
  });

  it("has the rules that the table of layers gives (node scripts/layers.mjs writes them)", () => {
    expect(config["overrides"]).toEqual(overrides());
  });

  it("knows each folder of src as a layer", () => {
    const folders = readdirSync(join(ROOT, "src"), { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    );
    expect(folders.map(({ name }) => name).sort()).toEqual([...layers].sort());
  });

  it("sees circles of imports", () => {
    expect(seen("noImportCycles").sort()).toEqual(["src/wire/ring-a.ts", "src/wire/ring-b.ts"]);
  });
});
