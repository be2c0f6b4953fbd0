import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CliResult, runCli } from "../support/cli.ts";
import { wrongCalls } from "../support/wrong-calls.ts";

/** Calls that run at the same time. */
const WIDTH = 4;
/** Where the table goes that people look through; only when asked to. */
const RECORD = "docs/evidence/wrong-calls.md";

const FILES = ["dir", "empty", "fw.bin", "text"];
const calls = wrongCalls();
let dir: string;
let results: readonly CliResult[];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "mayday-wrong-"));
  await mkdir(join(dir, "dir"));
  await writeFile(join(dir, "empty"), "");
  await writeFile(
    join(dir, "fw.bin"),
    new Uint8Array(1000).map((_, i) => (i * 37) & 0xff),
  );
  await writeFile(join(dir, "text"), "no key, no image, no board");
  const all: CliResult[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < calls.length; at = next++)
      all[at] = await runCli([...(calls[at]?.words ?? []), "--json"], {
        cwd: dir,
        env: { XDG_RUNTIME_DIR: dir },
      });
  };
  await Promise.all(Array.from({ length: WIDTH }, work));
  results = all;
  if (process.env["WRITE_WRONG_CALLS"] !== undefined) await writeFile(RECORD, tableText());
}, 300_000);
afterAll(() => rm(dir, { recursive: true, force: true }));

function shown(words: readonly string[]): string {
  return words
    .map((word) => (/^[\w./:=-]+$/.test(word) ? word : `'${word.replaceAll("\n", "\\n")}'`))
    .join(" ");
}

function tableText(): string {
  const rows = calls.map(({ words }, i) => {
    const { code, stderr } = results[i] ?? { code: -1, stderr: "" };
    const said = stderr.trim().replaceAll(dir, "DIR").replaceAll("|", "\\|").split("\n").join("<br>");
    return `| \`${shown(words).replaceAll("|", "\\|")}\` | ${code} | ${said} |`;
  });
  const head =
    "Written by `npm run docs:wrong-calls`: each wrong call that the tests make, and what it says.";
  return ["# Wrong calls", "", head, "", "| call | exit | says |", "| --- | --- | --- |", ...rows, ""].join(
    "\n",
  );
}

/** The calls for which something does not hold, with what they said. */
function unlike(holds: (result: CliResult, i: number) => boolean): string[] {
  return results.flatMap((result, i) =>
    holds(result, i) ? [] : [`${shown(calls[i]?.words ?? [])}: ${result.code} ${result.stderr.trim()}`],
  );
}

describe("a wrong call", () => {
  it("is one of at least 150", () => {
    expect(calls.length).toBeGreaterThan(150);
    expect(results).toHaveLength(calls.length);
  });

  it("has the exit code of its kind", () => {
    expect(unlike(({ code }, i) => code === calls[i]?.code)).toEqual([]);
  });

  it("tells people what is wrong in a sentence, without a stack trace", () => {
    expect(unlike(({ stderr }) => /^mayday: .{10,}/m.test(stderr))).toEqual([]);
    expect(unlike(({ stderr }) => !/internal error|^\s+at .+:\d+:\d+\)?$/m.test(stderr))).toEqual([]);
  });

  it("has exactly one verdict, as the last line, with the same code", () => {
    const isOne = ({ code, events }: CliResult): boolean => {
      const verdicts = events.filter(({ event }) => event === "verdict");
      const [verdict] = verdicts;
      return (
        verdicts.length === 1 &&
        events.at(-1) === verdict &&
        verdict?.["code"] === code &&
        verdict["ok"] === false
      );
    };
    expect(unlike(isOne)).toEqual([]);
  });

  it("writes nothing", async () => {
    expect((await readdir(dir)).sort()).toEqual(FILES);
    expect(await readdir(join(dir, "dir"))).toEqual([]);
  });
});
