import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BUILD = `${ROOT}build/firmware/posix`;
/** A run that has not ended by then hangs. */
const LIMIT_MS = 60_000;

/** How a run of `mayday-posix` ended. */
export interface PosixResult {
  /** Exit status; -1 after a signal. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A run of `mayday-posix` that has not ended yet. */
export interface RunningPosix {
  readonly child: ChildProcess;
  readonly ended: Promise<PosixResult>;
  /** Resolves when stderr has matched; rejects when the process ends before. */
  saw(pattern: RegExp): Promise<void>;
}

/** Builds `mayday-posix` as a user does, by its two commands; nothing is done again that is up to date. Its path. */
export function buildPosix(): string {
  mkdirSync(BUILD, { recursive: true });
  const build = `cmake -S firmware-stubs -B "${BUILD}" -DMAYDAY_BUILD_TESTS=OFF && cmake --build "${BUILD}"`;
  // Test files run at the same time, and one of them builds.
  const { status, stdout, stderr } = spawnSync("flock", [`${BUILD}.lock`, "sh", "-c", build], {
    cwd: ROOT,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`mayday-posix could not be built:\n${stdout}${stderr}`);
  return `${BUILD}/mayday-posix`;
}

/** Starts `mayday-posix ARGS`; it has to be built. */
export function startPosix(args: readonly string[]): RunningPosix {
  const child = spawn(`${BUILD}/mayday-posix`, args, { stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  const watchers = new Set<() => void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    for (const look of watchers) look();
  });
  const limit = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
  const ended = new Promise<PosixResult>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(limit);
      resolve({ code: code ?? -1, stdout, stderr });
    });
  });
  const saw = (pattern: RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!pattern.test(stderr)) return;
        watchers.delete(look);
        resolve();
      };
      watchers.add(look);
      look();
      void ended.then(() => reject(new Error(`ended without ${pattern}:\n${stderr}`)));
    });
  return { child, ended, saw };
}

/** Runs `mayday-posix ARGS` to its end. */
export function runPosix(args: readonly string[]): Promise<PosixResult> {
  return startPosix(args).ended;
}
