import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";

/** House rules that no linter has (CONTRIBUTING.md, "Rules"). Each finding is "file:line: what". */
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

function files(folder: string, ...endings: readonly string[]): string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" });
  const wanted = names.filter((name) => endings.some((ending) => name.endsWith(ending)));
  return wanted.map((name) => `${folder}/${name}`).sort();
}

const SOURCES = files("src", ".ts");
// This file is left out: it names what it looks for.
const TESTS = files("test", ".ts").filter((path) => path !== "test/tidy.test.ts");
const STUBS = files("firmware-stubs", ".c", ".h");
const BENCHES = files("hw-loopback", ".ts", ".c", ".mjs", ".sh");
const DOCS = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", ...files("docs", ".md")];
const WRITTEN = [
  ...SOURCES,
  ...TESTS,
  ...STUBS,
  ...BENCHES,
  ...files("scripts", ".mjs"),
  ...files("bench", ".ts"),
];

/** Lines of `paths` that match. */
function hits(paths: readonly string[], pattern: RegExp): string[] {
  const lines = paths.flatMap((path) => {
    return read(path)
      .split("\n")
      .map((line, i) => ({ at: `${path}:${i + 1}`, line }));
  });
  return lines.filter(({ line }) => pattern.test(line)).map(({ at, line }) => `${at}: ${line.trim()}`);
}

describe("source files", () => {
  it("are found at all", () => {
    expect([SOURCES.length > 50, TESTS.length > 20, BENCHES.length > 0]).toEqual([true, true, true]);
  });

  it("leave nothing for later", () => {
    expect(hits(WRITTEN, /\b(TODO|FIXME|XXX)\b/)).toEqual([]);
  });

  it("hide no test and no uncovered line", () => {
    expect(hits(TESTS, /\.(only|skip|todo|fails)\(|\b(xit|xdescribe|fit|fdescribe)\(/)).toEqual([]);
    expect(hits(WRITTEN, /\b(v8|istanbul|c8) ignore\b/)).toEqual([]);
  });

  it("are text without control characters, so that diffs show them", () => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(hits(WRITTEN, /[\u0000-\u0008\u000b-\u001f\u007f]/)).toEqual([]);
  });

  it("get time and chance handed in, but for the edges", () => {
    const edges = /^src\/(base\/clock\.ts|base\/prng\.ts|node\/|cli\/)/;
    // The date a board was made on is written for people; nothing reads it.
    const inner = SOURCES.filter((path) => !edges.test(path) && path !== "src/board/new-board.ts");
    const calls =
      /\bDate\.now|\bnew Date\(\)|Math\.random|\bset(Timeout|Interval|Immediate)\b|performance\.now/;
    expect(hits(inner, calls)).toEqual([]);
  });

  it("open no files where peers are heard: no name from a wire can reach the file system", () => {
    const hearing = SOURCES.filter((path) => /^src\/(wire|link|session|node)\//.test(path));
    expect(hearing.length).toBeGreaterThan(30);
    expect(hits(hearing, /node:(fs|child_process)/)).toEqual([]);
  });

  it("are of readable length", () => {
    const tooLong = (paths: readonly string[], most: number): string[] =>
      paths.filter((path) => read(path).trimEnd().split("\n").length > most);
    expect(tooLong(SOURCES, 500)).toEqual([]);
    expect(tooLong([...BENCHES, ...STUBS], 600)).toEqual([]);
  });

  it("name the files they import with .ts", () => {
    expect(hits([...SOURCES, ...TESTS], /(from|import|import\() ?"\.{1,2}\/(?![^"]*\.(ts|json)")/)).toEqual(
      [],
    );
  });
});

describe("documents", () => {
  const headings = new Map(
    DOCS.filter((path) => existsSync(join(ROOT, path))).map((path) => {
      const lines = read(path).match(/^#+ .*$/gm) ?? [];
      return [path, lines.map((line) => line.replace(/^#+ /, ""))] as const;
    }),
  );
  /** Each source's text with comments that run over several lines joined. */
  const joined = SOURCES.map((path) => ({ path, text: read(path).replace(/\n\s*(\*|\/\/) /g, " ") }));

  it("have each section of PROTOCOL.md that a comment names by number", () => {
    const sections = (headings.get("docs/PROTOCOL.md") ?? []).map((heading) => heading.split(" ")[0]);
    const named = joined.flatMap(({ path, text }) => {
      const lists = text.matchAll(/PROTOCOL\.md(?: sections?|,)? (\d[\d.]*(?:(?:, | and | to )\d[\d.]*)*)/g);
      const numbers = [...lists].flatMap(([, list = ""]) => list.match(/\d+(\.\d+)*/g) ?? []);
      return numbers.map((number) => ({ path, number }));
    });
    expect(named.length).toBeGreaterThan(50);
    const missing = named.filter(({ number }) => !sections.includes(number));
    expect(missing.map(({ path, number }) => `${path}: PROTOCOL.md ${number}`)).toEqual([]);
  });

  it("have each heading that a comment quotes, and each file that one names", () => {
    const quoted = joined.flatMap(({ path, text }) => {
      const found = text.matchAll(/\b(PROTOCOL|DESIGN|README|CONTRIBUTING)(?:\.md)?,? "([^"]+)"/g);
      return [...found].map(([, doc = "", heading = ""]) => ({ path, doc, heading }));
    });
    expect(quoted.length).toBeGreaterThan(5);
    const missing = quoted.filter(({ doc, heading }) => {
      const inDoc = headings.get(`docs/${doc}.md`) ?? headings.get(`${doc}.md`) ?? [];
      return !inDoc.some((line) => line.toLowerCase().includes(heading.toLowerCase()));
    });
    expect(missing.map(({ path, doc, heading }) => `${path}: ${doc}.md "${heading}"`)).toEqual([]);
    const named = joined.flatMap(({ path, text }) => {
      return [...text.matchAll(/docs\/[\w./-]+\.md/g)].map(([file]) => ({ path, file }));
    });
    expect(named.filter(({ file }) => !existsSync(join(ROOT, file)))).toEqual([]);
  });

  it("link to files that exist", () => {
    const broken = [...headings.keys()].flatMap((path) => {
      const links = [...read(path).matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)].map(([, to = ""]) => to);
      return links.filter((to) => !existsSync(join(ROOT, dirname(path), to))).map((to) => `${path}: ${to}`);
    });
    expect(broken).toEqual([]);
  });

  it("name tests that exist, where SECURITY.md gives them as evidence", () => {
    const cited = [...read("docs/SECURITY.md").matchAll(/`(test\/[\w./-]+\.ts)`(?: "([^"]+)")?/g)];
    expect(cited.length).toBeGreaterThan(50);
    const missing = cited.filter(([, file = "", title]) => {
      if (!existsSync(join(ROOT, file))) return true;
      return title !== undefined && !read(file).includes(title);
    });
    expect(missing.map(([text]) => text)).toEqual([]);
  });

  it("have a decision for each runtime dependency, named in its title", () => {
    const manifest = JSON.parse(read("package.json")) as Record<string, Record<string, string>>;
    const names = Object.keys({ ...manifest["dependencies"], ...manifest["optionalDependencies"] });
    const titles = files("docs/adr", ".md").map((path) => read(path).split("\n")[0] ?? "");
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter((name) => !titles.some((title) => title.includes(`\`${name}\``)))).toEqual([]);
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
      breakRules(layer, `src/${layer}/${name}`, "../..");
      put(`src/${layer}/of-own-${name}.ts`, `export * from "./${name}.ts";\n`);
      put(`src/${layer}/of-own-folder-${name}.ts`, `export * from "./${name}/x.ts";\n`);
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
