import { beforeAll, describe, expect, it } from "vitest";
import { runCli } from "../support/cli.ts";
import { DOCS, exists, files, headingsOf, read, sectionOf, some, TRACKED } from "./repository.ts";

/** A command line in a document: in a block of code, or between back quotes. */
interface CommandLine {
  readonly path: string;
  readonly text: string;
}

const NOT_TO_RUN = ["docs/PROTOCOL.md", "CHANGELOG.md"];

function commandLines(path: string): CommandLine[] {
  const text = read(path);
  const blocks = [...text.matchAll(/^ *```\w*\n([\s\S]*?)^ *```/gm)].map(([, block = ""]) => block);
  const lines = blocks.flatMap((block) => block.replace(/\\\n\s*/g, " ").split("\n"));
  const prose = text.replace(/^ *```[\s\S]*?^ *```/gm, "");
  const spans = [...prose.matchAll(/`([^`]+)`/g)].map(([, span = ""]) => span.replace(/\s+/g, " "));
  const parts = [...lines.map((line) => line.replace(/(^|\s)#.*$/, "")), ...spans];
  // Each part of a pipeline is a command of its own.
  return parts.flatMap((part) =>
    part.split(/&&|\|\||[|;&]/).map((command) => ({ path, text: command.trim().replace(/^\$ /, "") })),
  );
}

const LINES = some("command lines", DOCS.filter((path) => !NOT_TO_RUN.includes(path)).flatMap(commandLines));
const manifest = JSON.parse(read("package.json")) as { readonly scripts: Readonly<Record<string, string>> };

/** What matches, with the groups of the match. */
function findAll(
  pattern: RegExp,
): { readonly path: string; readonly found: string; readonly rest: string }[] {
  const all = LINES.flatMap(({ path, text }) => {
    const match = pattern.exec(text);
    return match === null ? [] : [{ path, found: match[1] ?? "", rest: text.slice(match[0].length) }];
  });
  return [...some(String(pattern), all)];
}

describe("command lines in documents", () => {
  it("run scripts that package.json has", () => {
    const run = findAll(/^npm run (?:--silent )?([\w:-]+)/);
    expect(run.length).toBeGreaterThan(15);
    expect(run.filter(({ found }) => manifest.scripts[found] === undefined)).toEqual([]);
  });

  it("run tests, benches and programs that exist", () => {
    const tests = findAll(/^npx vitest run (\S+)/);
    const programs = findAll(/^node ((?:scripts|bench|hw-loopback)\/\S+)/);
    expect([...tests, ...programs].filter(({ found }) => !exists(found))).toEqual([]);
  });

  const mayday = findAll(/^(?:npx )?(?:mayday|node dist\/cli\/main\.js) ([a-z]\S*(?: [a-z]+)?)/);
  const groups = ["image", "repo", "board", "fleet"];
  const wanted = mayday.map(({ path, found, rest }) => {
    const [first = "", second] = found.split(" ");
    const command = groups.includes(first) && second !== undefined ? `${first} ${second}` : first;
    return { path, command, flags: [...(`${found}${rest}`.match(/(?<=\s)--[a-z][\w-]*/g) ?? [])] };
  });
  const helps = new Map<string, string>();

  beforeAll(async () => {
    const commands = [...new Set(wanted.map(({ command }) => command))];
    const runs = commands.map((command) => async () => {
      const { code, stdout } = await runCli([...command.split(" "), "--help"]);
      // Of a command that is not there commander prints the help of the program.
      helps.set(command, code === 0 && stdout.includes(`Usage: mayday ${command} `) ? stdout : "");
    });
    for (const run of runs) await run();
  });

  it("name commands of mayday that it has", () => {
    expect(wanted.length).toBeGreaterThan(30);
    expect([...helps].filter(([, help]) => help === "").map(([command]) => command)).toEqual([]);
  });

  it("give mayday's commands only flags that their help lists", () => {
    expect(wanted.flatMap(({ flags }) => flags).length).toBeGreaterThan(30);
    const unknown = wanted.flatMap(({ path, command, flags }) => {
      const help = helps.get(command) ?? "";
      const known: readonly string[] = help.match(/(?<=^\s+(?:-\w, )?)--[a-z][\w-]*/gm) ?? [];
      return flags.filter((flag) => !known.includes(flag)).map((flag) => `${path}: ${command} ${flag}`);
    });
    expect(unknown).toEqual([]);
  });
});

describe("what documents say of npm test", () => {
  const excluded = [...(manifest.scripts["test"] ?? "").matchAll(/--exclude (\S+)/g)].map(([, path]) => path);

  it.each(["CONTRIBUTING.md", "docs/testing.md"])("%s names what it leaves out, all of it", (path) => {
    expect(excluded.length).toBeGreaterThan(0);
    const [line = ""] = read(path)
      .split("\n")
      .filter((text) => /^(\| `)?npm test\b/.test(text));
    const named = line.match(/test\/[\w./-]*\w/g) ?? [];
    expect(named).toEqual(excluded);
    expect(line).toContain("all tests but");
  });

  it("leaves out nothing that is not there", () => {
    expect(excluded.filter((path) => path === undefined || !exists(path))).toEqual([]);
  });
});

describe("the table of tests in testing.md", () => {
  const rows = sectionOf("docs/testing.md", "Kinds of tests").filter((line) => line.startsWith("| "));

  it("has each kind once", () => {
    const kinds = rows.map((row) => row.split("|")[1]?.trim() ?? "");
    expect(kinds.length).toBeGreaterThan(20);
    expect(kinds.filter((kind, i) => kinds.indexOf(kind) !== i)).toEqual([]);
  });

  it("names each folder of test that holds tests", () => {
    const folders = new Set(files(/^test\/[^/]+\/.*\.test\.ts$/).map((path) => path.split("/")[1] ?? ""));
    const text = rows.join("\n");
    expect([...folders].filter((folder) => !text.includes(`test/${folder}`))).toEqual([]);
  });
});

type Layers = Readonly<Record<string, { readonly below: readonly string[] }>>;

describe("the list of folders in the README", () => {
  const listed = sectionOf("README.md", "Source").flatMap((line) => {
    const [, folder, text] = /^([\w./-]+)\/ +(\S.*)$/.exec(line) ?? [];
    return folder === undefined ? [] : [{ folder, text }];
  });

  it("has the layers in the order of scripts/layers.mjs, in which each imports only those before it", async () => {
    const { LAYERS } = (await import(new URL("../../scripts/layers.mjs", import.meta.url).href)) as {
      readonly LAYERS: Layers;
    };
    const layers = Object.keys(LAYERS);
    const ofSrc = listed.filter(({ folder }) => folder.startsWith("src/"));
    expect(ofSrc.map(({ folder }) => folder)).toEqual(layers.map((layer) => `src/${layer}`));
    const late = layers.flatMap((layer, i) =>
      (LAYERS[layer]?.below ?? []).filter((other) => layers.indexOf(other) >= i),
    );
    expect(late).toEqual([]);
  });

  it("has every folder of the top level", () => {
    const folders = new Set(
      TRACKED.filter((path) => /^[^./][^/]*\//.test(path)).map((path) => path.split("/")[0]),
    );
    const top = listed.map(({ folder }) => folder).filter((folder) => !folder.startsWith("src/"));
    expect(folders.size).toBeGreaterThan(5);
    expect(top.sort()).toEqual([...folders].filter((folder) => folder !== "src").sort());
  });
});

describe("the list of documents in the README", () => {
  it("has every document, and the guides of the benches", () => {
    expect(headingsOf("README.md")).toContain("Documentation");
    const list = sectionOf("README.md", "Documentation").join("\n");
    const guides = files(/^(docs\/[^/]+|hw-loopback\/[^/]+|test\/repro\/README|CONTRIBUTING|CHANGELOG)\.md$/);
    expect(guides.filter((path) => !list.includes(`(${path})`))).toEqual([]);
  });
});
