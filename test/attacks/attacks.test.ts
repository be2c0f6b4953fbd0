import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ATTACKS, attackTable } from "./table.ts";

const DOCUMENT = new URL("../../docs/SECURITY.md", import.meta.url);
const BEGIN = "<!-- attacks: written by npm run docs:attacks -->";
const END = "<!-- attacks: end -->";

const results: Map<string, string> = new Map();

describe("a hostile neighbour", () => {
  it.each(ATTACKS)(
    "gains nothing but the time that the table states: $attack",
    async ({ attack, play }) => {
      results.set(attack, await play());
    },
    120_000,
  );

  it("is described in docs/SECURITY.md as it was measured (npm run docs:attacks writes it)", () => {
    expect(results.size).toBe(ATTACKS.length);
    const text = readFileSync(DOCUMENT, "utf8");
    const [before, rest = ""] = text.split(BEGIN);
    const [, after] = rest.split(END);
    expect(after).toBeDefined();
    const written = `${before}${BEGIN}\n\n${attackTable(results)}\n\n${END}${after}`;
    if (process.env["WRITE_ATTACKS"] === "1") writeFileSync(DOCUMENT, written);
    else expect(text).toBe(written);
  });
});
