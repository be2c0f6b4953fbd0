import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runCli } from "./cli.ts";

const PRELOAD = fileURLToPath(new URL("kill-at.mjs", import.meta.url));
/** A command that changes more than this is not one to sweep. */
const CALLS_MAX = 300;

/** One place where a command is killed. */
export interface KillPoint {
  /** "before 3 rename", "within 7 write": repeats it, with MAYDAY_KILL_AT=3 or 7:half. */
  readonly name: string;
  readonly at: string;
}

/**
 * Every place where `mayday ARGS` can be killed on its way: before each call that changes a file system, and within
 * each that writes. The command is run once, to its end, to find them; `dir` takes a file for that.
 */
export async function killPoints(args: readonly string[], dir: string): Promise<readonly KillPoint[]> {
  const log = join(dir, "calls");
  const { code, stderr } = await runCli(args, { env: { ...preload(), MAYDAY_KILL_LOG: log } });
  if (code !== 0) throw new Error(`ended with ${code}: ${stderr}`);
  const calls = (await readFile(log, "utf8")).split("\n");
  if (calls.length > CALLS_MAX) throw new Error(`${calls.length} calls`);
  return calls.flatMap((call, i) => {
    const before = { name: `before ${i + 1} ${call}`, at: String(i + 1) };
    return call.startsWith("write")
      ? [before, { name: `within ${i + 1} ${call}`, at: `${i + 1}:half` }]
      : [before];
  });
}

/** Runs `mayday ARGS` and kills it there. */
export async function killAt(args: readonly string[], point: KillPoint): Promise<void> {
  const { code, stderr } = await runCli(args, { env: { ...preload(), MAYDAY_KILL_AT: point.at } });
  if (code !== -1) throw new Error(`${point.name}: ended with ${code} instead of being killed\n${stderr}`);
}

function preload(): Record<string, string> {
  return { NODE_OPTIONS: `--import ${PRELOAD}` };
}
