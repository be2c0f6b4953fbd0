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

/**
 * How often these words may still stand in each folder: at most. Lower a number when you have removed some; none may
 * rise, and a folder that is not named here has none.
 */
const BUDGET: Readonly<Record<string, number>> = {
  "src/board": 12,
  "src/cli": 11,
  "src/files": 9,
  "src/flash": 12,
  "src/image": 10,
  "src/image-files": 8,
  "src/link": 1,
  "src/node": 3,
  "src/session": 6,
  "src/sim": 6,
  "src/transport": 38,
  "src/wire": 2,
};

/** "src/wire", "test", "docs/adr", or the file itself at the top level. */
function folderOf(path: string): string {
  const [first = "", second = "", third] = path.split("/");
  if (first === "src" || (first === "docs" && third !== undefined)) return `${first}/${second}`;
  return first;
}

describe("prose", () => {
  it("has no more words that read as translated than it had, folder by folder", () => {
    const counts: Record<string, number> = {};
    for (const path of some("texts", [...PROGRAMS, ...DOCS])) {
      const text = read(path).replace(/\s+/g, " ");
      const count = WORDS.reduce((sum, word) => sum + (text.match(word)?.length ?? 0), 0);
      const folder = folderOf(path);
      counts[folder] = (counts[folder] ?? 0) + count;
    }
    expect(Object.keys(counts).length).toBeGreaterThan(20);
    const over = Object.entries(counts).filter(([folder, count]) => count > (BUDGET[folder] ?? 0));
    expect(Object.fromEntries(over)).toEqual({});
  });

  it("has no budget for a folder that is gone", () => {
    const folders = new Set([...PROGRAMS, ...DOCS].map(folderOf));
    expect(Object.keys(BUDGET).filter((folder) => !folders.has(folder))).toEqual([]);
  });
});
