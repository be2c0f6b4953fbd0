import { describe, expect, it } from "vitest";
import { DOCS, PROGRAMS, read, some } from "./repository.ts";

/** Words that read as translated, and what says the same plainly. */
const WORDS = [
  /\bmanieth\b/gi, // every n-th
  /\bcures?\b/gi, // fix, try
  /\bshall be\b/gi, // is, must be
  /\banew\b/gi, // again
  /\bwhoever\b/gi, // anyone who, the peer that
  /\bgoes on\b/gi, // continues, resumes
  /\bin vain\b/gi, // wasted, without success
  /\bis no (?!such )\w+ (?:file|flash|port|image)\b/gi, // is not a
] as const;

describe("prose", () => {
  it.each(WORDS)("does without words that read as translated: %s", (word) => {
    const found = some("texts", [...PROGRAMS, ...DOCS]).flatMap((path) => {
      const lines = read(path).replace(/\s+/g, " ").match(word) ?? [];
      return lines.map((text) => `${path}: ${text}`);
    });
    expect(found).toEqual([]);
  });
});
