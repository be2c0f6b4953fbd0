import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runToEnd } from "./run-to-end.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const LIMIT_MS = 40_000;

/** How lines of a document ended when they were run. */
export interface RanLines {
  /** Exit code of each; NaN for one that was not reached. */
  readonly codes: readonly number[];
  /** Of all of them, stdout and stderr together. */
  readonly output: string;
}

/** The exit code that a line of a document says it ends with: `# exit 4`. */
export function statedExit(line: string): number {
  return Number(/# exit (\d+)/.exec(line)?.[1] ?? 0);
}

/** Runs lines of a document by bash in the folder `dir`, each to its end but those with `&`; `setUp` first. */
export async function runLines(
  dir: string,
  lines: readonly string[],
  setUp: readonly string[] = [],
): Promise<RanLines> {
  const script = [
    "shopt -s expand_aliases",
    ...setUp,
    ...lines.map((line, i) => `${line}\necho "status ${i} $?"`),
    // What still runs in the background is not needed any more.
    "kill $(jobs -p) 2>/dev/null; wait",
  ];
  writeFileSync(join(dir, "lines.sh"), script.join("\n"));
  const { output } = await runToEnd("bash", ["lines.sh"], { cwd: dir, limitMs: LIMIT_MS });
  const codes = lines.map((_, i) =>
    Number(new RegExp(`^status ${i} (\\d+)$`, "m").exec(output)?.[1] ?? Number.NaN),
  );
  return { codes, output };
}

/** The line that makes `mayday` the command of this checkout. */
export const MAYDAY_ALIAS: string = `alias mayday='${process.execPath} ${join(ROOT, "dist/cli/main.js")}'`;
