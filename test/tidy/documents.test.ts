import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  DOCS,
  exists,
  files,
  headingsOf,
  joined,
  PROGRAMS,
  read,
  SOURCES,
  some,
  TRACKED,
} from "./repository.ts";

const headings = new Map(DOCS.map((path) => [path, headingsOf(path)] as const));
const sections = (headings.get("docs/PROTOCOL.md") ?? []).map((heading) => heading.split(" ")[0] ?? "");
const texts = PROGRAMS.map((path) => ({ path, text: joined(path) }));

/** "PROTOCOL.md" and what follows it: a number or several, or a heading in quotes; else it is no place to look up. */
const CITATION =
  /PROTOCOL\.md(?<cited>(?: sections?|, section|,)? (?:\d[\d.]*(?:(?:, | and | to )\d[\d.]*)*|"[^"]+"))?/g;

describe("comments that cite PROTOCOL.md", () => {
  it("name sections that exist", () => {
    const named = texts.flatMap(({ path, text }) =>
      [...text.matchAll(CITATION)].flatMap(({ groups }) => {
        const numbers = /^[^"]*$/.test(groups?.["cited"] ?? '"') ? (groups?.["cited"] ?? "") : "";
        return (numbers.match(/\d+(\.\d+)*/g) ?? []).map((number) => ({ path, number }));
      }),
    );
    expect(named.length).toBeGreaterThan(130);
    const missing = named.filter(({ number }) => !sections.includes(number));
    expect(missing.map(({ path, number }) => `${path}: PROTOCOL.md ${number}`)).toEqual([]);
  });

  it("say where in it: by number, or by a heading in quotes", () => {
    const sources = some("sources", SOURCES).map((path) => ({ path, text: joined(path) }));
    const all = sources.flatMap(({ path, text }) =>
      [...text.matchAll(CITATION)].map((match) => ({
        path,
        isPlace: match.groups?.["cited"] !== undefined,
        context: text.slice(match.index, match.index + 40),
      })),
    );
    expect(all.length).toBeGreaterThan(130);
    const vague = all.filter(({ isPlace }) => !isPlace);
    expect(vague.map(({ path, context }) => `${path}: ${context}`)).toEqual([]);
  });

  it("number no decisions: what was decided is said in PROTOCOL.md", () => {
    const numbered = texts.flatMap(({ path, text }) => {
      const found = text.matchAll(/\b(?:protocol )?decisions? [A-Z]\d+/g);
      return [...found].map(([words]) => `${path}: ${words}`);
    });
    expect(numbered).toEqual([]);
  });
});

describe("comments and documents", () => {
  it("quote headings that exist", () => {
    const prose = DOCS.map((path) => ({ path, text: read(path).replace(/\s+/g, " ") }));
    const quoted = [...texts, ...prose].flatMap(({ path, text }) => {
      const found = text.matchAll(/\b([A-Za-z][\w-]*)\.md(?:\]\([^)]*\))?,? "([^"]+)"/g);
      return [...found].map(([, doc = "", heading = ""]) => ({ path, doc, heading }));
    });
    expect(quoted.length).toBeGreaterThan(5);
    const missing = quoted.filter(({ path, doc, heading }) => {
      const folders = [dirname(path), "docs", "."];
      const at = folders.map((folder) => join(folder, `${doc}.md`)).find((place) => headings.has(place));
      const inDoc = headings.get(at ?? "") ?? [];
      return !inDoc.some((line) => line.toLowerCase().includes(heading.toLowerCase()));
    });
    expect(missing.map(({ path, doc, heading }) => `${path}: ${doc}.md "${heading}"`)).toEqual([]);
  });

  it("name documents that exist", () => {
    const named = texts.flatMap(({ path, text }) =>
      [...text.matchAll(/docs\/[\w./-]+\.md/g)].map(([file]) => ({ path, file })),
    );
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter(({ file }) => !exists(file))).toEqual([]);
  });

  it("link to files that exist", () => {
    const links = DOCS.flatMap((path) => {
      const found = read(path).matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g);
      return [...found].map(([, to = ""]) => ({ path, to }));
    });
    expect(links.length).toBeGreaterThan(30);
    expect(links.filter(({ path, to }) => !exists(join(dirname(path), to)))).toEqual([]);
  });

  it("name paths that exist, wherever a document has one in back quotes", () => {
    const roots = "src|test|lab|bench|scripts|vectors|docs|hw-loopback|firmware-stubs";
    const found = DOCS.flatMap((path) => {
      const matches = read(path).matchAll(new RegExp(`\`((?:${roots})/[^\`\\s]*)\``, "g"));
      return [...matches].map(([, named = ""]) => ({ path, named }));
    });
    expect(found.length).toBeGreaterThan(200);
    const missing = found.filter(({ named }) => !isThere(named) && !COMING.includes(named));
    expect(missing.map(({ path, named }) => `${path}: ${named}`)).toEqual([]);
  });

  it("name tests that exist, where SECURITY.md gives them as evidence", () => {
    const cited = [...read("docs/SECURITY.md").matchAll(/`(test\/[\w./-]+\.ts)`(?: "([^"]+)")?/g)];
    expect(cited.length).toBeGreaterThan(50);
    const missing = cited.filter(([, file = "", title]) => {
      return !exists(file) || (title !== undefined && !read(file).includes(title));
    });
    expect(missing.map(([text]) => text)).toEqual([]);
  });

  it("have a decision for each runtime dependency, named in its title", () => {
    const manifest = JSON.parse(read("package.json")) as Record<string, Record<string, string>>;
    const names = Object.keys({ ...manifest["dependencies"], ...manifest["optionalDependencies"] });
    const titles = files(/^docs\/adr\/.*\.md$/).map((path) => read(path).split("\n")[0] ?? "");
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter((name) => !titles.some((title) => title.includes(`\`${name}\``)))).toEqual([]);
  });
});

/** Paths that documents name before the files are there. Empty but while several changes are under way. */
const COMING: readonly string[] = [];

/** Whether a tracked file has this path, or lies in this folder; `*` stands for a part of a name. */
function isThere(named: string): boolean {
  if (/\/[A-Z]+(\.\w+)?$/.test(named)) return exists(dirname(named)); // a name in capitals stands for any
  const path = named.replace(/\/$/, "").replace(/[.+?^${}()|[\]\\]/g, "\\$&");
  const pattern = new RegExp(`^${path.replaceAll("*", "[^/]*")}(/|$)`);
  return TRACKED.some((file) => pattern.test(file));
}
