import { basename, dirname } from "node:path";
import { describe, expect, it } from "vitest";
import { DOCS, hits, PROGRAMS, read, SOURCES, some } from "./repository.ts";

/** Groups items by a key; those keys that several distinct values have. */
function keysOfSeveral(entries: readonly (readonly [key: string, value: string])[]): string[] {
  const values = new Map<string, Set<string>>();
  for (const [key, value] of some("names", entries)) {
    values.set(key, (values.get(key) ?? new Set()).add(value));
  }
  return [...values].filter(([, where]) => where.size > 1).map(([key, where]) => `${key}: ${[...where]}`);
}

describe("one word for one thing", () => {
  it("gives each file of src a name that no other folder of src has", () => {
    const named = SOURCES.map((path) => [basename(path), dirname(path)] as const);
    const several = keysOfSeveral(named);
    expect(several).toEqual([]);
    expect(SOURCES.filter((path) => basename(path) === "index.ts")).toEqual(["src/index.ts"]);
  });

  it("exports a class, type or constant of one name from one file of src only", () => {
    const declared = SOURCES.flatMap((path) => {
      const found = read(path).matchAll(
        /^export (?:declare )?(?:abstract )?(?:async )?(?:class|interface|type|const|function) (\w+)/gm,
      );
      return [...found].map(([, name = ""]) => [name, path] as const);
    });
    expect(declared.length).toBeGreaterThan(500);
    expect(keysOfSeveral(declared)).toEqual([]);
  });

  it("says byte and never octet, except in JSON names, which stay as they are", () => {
    const jsonNames = [
      "src/cli/json-names.ts",
      "src/cli/cable.ts",
      "src/transport/cable/virtual-cable.ts",
      "test/transport/cable/virtual-cable.test.ts",
      "hw-loopback/virtual-cable.c",
      "bench/peers/transfer.mjs",
      "firmware-stubs/tests/json.h",
      "test/session/link-key-vectors.test.ts",
      "test/wire/vectors.test.ts",
      "test/wire/wire-vectors.ts",
      "test/cli/demo.test.ts",
      // The heading of a table that is kept, and compared.
      "lab/survival.ts",
    ];
    const written = [...PROGRAMS, ...DOCS, "package.json"];
    const found = hits(written, /octet/i);
    const elsewhere = found.filter((hit) => !jsonNames.some((path) => hit.startsWith(`${path}:`)));
    expect(elsewhere).toEqual([]);
    // In those files it is a name, never a word of a comment.
    const words = found.filter((hit) => /(\*|\/\/).*octet/i.test(hit.replace(/^[^ ]+ /, "")));
    expect(words).toEqual([]);
  });
});
