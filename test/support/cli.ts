import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
/** A command that has not ended by then hangs, unless its test says that it takes longer. */
const LIMIT_MS = 15_000;

/** A line of `--json`. */
export type CliEvent = { readonly event: string } & Readonly<Record<string, unknown>>;

export interface CliOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** An open descriptor; nothing unless given. */
  readonly stdin?: number;
  /** The process is killed after this long. */
  readonly limitMs?: number;
}

/** How a run of `mayday` ended. */
export interface CliResult {
  /** Exit status; -1 after a signal. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Lines of stdout that are JSON. */
  readonly events: readonly CliEvent[];
}

/** A run of `mayday` that has not ended yet. */
export interface RunningCli {
  readonly child: ChildProcess;
  readonly ended: Promise<CliResult>;
  /** Resolves when stdout has matched; rejects when the process ends before. */
  saw(pattern: RegExp): Promise<void>;
}

/** Runs `mayday ARGS` of dist/ to its end. */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return startCli(args, options).ended;
}

/** Starts `mayday ARGS` of dist/. */
export function startCli(args: readonly string[], options: CliOptions = {}): RunningCli {
  const env = { ...process.env, NO_COLOR: "1", ...options.env };
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: [options.stdin ?? "ignore", "pipe", "pipe"],
    env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  let stdout = "";
  let stderr = "";
  const watchers = new Set<() => void>();
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    for (const look of watchers) look();
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const limit = setTimeout(() => child.kill("SIGKILL"), options.limitMs ?? LIMIT_MS);
  const ended = new Promise<CliResult>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(limit);
      resolve({ code: code ?? -1, stdout, stderr, events: eventsOf(stdout) });
    });
  });
  const saw = (pattern: RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!pattern.test(stdout)) return;
        watchers.delete(look);
        resolve();
      };
      watchers.add(look);
      look();
      void ended.then(() => reject(new Error(`ended without ${pattern}:\n${stdout}\n${stderr}`)));
    });
  return { child, ended, saw };
}

/** The verdict of a run with `--json`; fails if there is not exactly one, at the end. */
export function verdictOf(result: CliResult): CliEvent {
  const verdicts = result.events.filter(({ event }) => event === "verdict");
  const last = result.events.at(-1);
  if (verdicts.length === 1 && last !== undefined && last === verdicts[0]) return last;
  throw new Error(`${verdicts.length} verdicts, the last line is ${JSON.stringify(last)}\n${result.stderr}`);
}

function eventsOf(stdout: string): CliEvent[] {
  const lines = stdout.split("\n").filter((line) => line.startsWith("{"));
  return lines.map((line) => JSON.parse(line) as CliEvent);
}
