import { describe, expect, it } from "vitest";
import { files, PROGRAMS, read, sectionOf, some } from "./repository.ts";

const DESIGN = "docs/DESIGN.md";

/** Cells of the tables in these lines, heads and rules left out. */
function rowsOf(lines: readonly string[]): string[][] {
  const rows = lines.filter((line) => line.startsWith("| ")).map((line) => line.split("|").slice(1, -1));
  const cells = rows.map((row) => row.map((cell) => cell.trim()));
  return cells.filter(
    (_, i) => !/^[-\s]*$/.test(cells[i + 1]?.[0] ?? "x") && !/^-+$/.test(cells[i]?.[0] ?? ""),
  );
}

const namesIn = (cell: string): string[] => [...cell.matchAll(/`([\w-]+)`/g)].map(([, name = ""]) => name);

type Layers = Readonly<
  Record<string, { readonly below: readonly string[]; readonly isPure?: boolean; readonly except?: unknown }>
>;

describe("DESIGN.md", () => {
  it("has the layers, what each may import and whether it is pure, as scripts/layers.mjs says", async () => {
    const { LAYERS } = (await import(new URL("../../scripts/layers.mjs", import.meta.url).href)) as {
      readonly LAYERS: Layers;
    };
    const rows = rowsOf(sectionOf(DESIGN, "Layers")).slice(0, Object.keys(LAYERS).length);
    const names = rows.map(([name = ""]) => namesIn(name)[0] ?? "");
    const table = rows.map(([, imports = "", pure], i) => {
      const named = namesIn(imports);
      const above = names.slice(0, i).filter((name) => !named.includes(name));
      return [names[i], (imports.startsWith("all above") ? above : named).sort(), pure];
    });
    const code = Object.entries(LAYERS).map(([layer, { below, isPure, except }]) => {
      const pure = isPure ? (except === undefined ? "yes" : "in part") : "no";
      return [layer, [...below].sort(), pure];
    });
    expect(table).toEqual(code);
  });

  it("lists the verbs of a link end", () => {
    const verbs = rowsOf(sectionOf(DESIGN, "Machines, roles and effects")).flatMap(([verb = ""]) => {
      const found = [...verb.matchAll(/`(\w+)\([\w, ]*\)`/g)];
      return found.map(([, name = ""]) => name);
    });
    const text = read("src/session/link-end.ts");
    const methods = [...text.matchAll(/^ {2}((?:handle|poll)\w+)\(/gm)].map(([, name = ""]) => name);
    expect(methods.length).toBeGreaterThan(4);
    expect(verbs.sort()).toEqual(methods.sort());
  });

  it("lists the deadlines that each role waits for", () => {
    const rows = rowsOf(sectionOf(DESIGN, "Machines, roles and effects"));
    const listed = rows.flatMap(([of = "", names = ""]) =>
      /^(target|target's session|rescuer|rescuer's handshake|rescuer's served board|query)$/.test(of) &&
      /^(`\w+`(, )?)+$/.test(names)
        ? namesIn(names).map((name) => `${of}: ${name}`)
        : [],
    );
    const of: Readonly<Record<string, string>> = {
      TargetDeadline: "target",
      SessionDeadline: "target's session",
      RescuerDeadline: "rescuer",
      HandshakeDeadline: "rescuer's handshake",
      ServedDeadline: "rescuer's served board",
      QueryDeadline: "query",
    };
    const declared = some("sources of session", files(/^src\/session\/.*\.ts$/)).flatMap((path) => {
      const types = read(path).matchAll(/^(?:export )?type (\w+Deadline) = ([^;]+);/gm);
      return [...types].flatMap(([, type = "", union = ""]) =>
        [...union.matchAll(/"(\w+)"/g)].map(([, name = ""]) => `${of[type] ?? type}: ${name}`),
      );
    });
    expect(declared.length).toBeGreaterThan(12);
    expect(listed.sort()).toEqual(declared.sort());
  });
});

describe.each([DESIGN, ...files(/^docs\/(board|transports|strangers|virtual-cable|i2c-rig|lab)\.md$/)])(
  "%s",
  (path) => {
    it("names classes, functions and members that the code has", () => {
      // Words between back quotes, and every CamelCase word, in pictures too.
      const text = read(path);
      const quoted = [...text.matchAll(/`([A-Za-z]\w*)(?:\([^`]*\))?`/g)].map(([, name = ""]) => name);
      const camel = text.match(/\b[A-Z][a-z]+(?:[A-Z]\w*)+\b/g) ?? [];
      const names = new Set([...quoted.filter((name) => /[a-z][A-Z]/.test(name)), ...camel]);
      const program = some("programs", PROGRAMS).map(read).join("\n");
      const settings = ["isolatedDeclarations", "noImportCycles", "TypeScript"];
      const missing = [...names].filter((name) => !new RegExp(`\\b${name}\\b`).test(program));
      expect(missing.filter((name) => !settings.includes(name))).toEqual([]);
      if (path === DESIGN) expect(names.size).toBeGreaterThan(20);
    });
  },
);
