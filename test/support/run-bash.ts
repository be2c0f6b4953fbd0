import { spawn } from "node:child_process";

/** How a line of bash ended. */
export interface BashRun {
  /** Exit status; -1 after a signal. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a line of bash to its end, in `cwd` and with `env` beside this process's variables. */
export function runBash(
  line: string,
  { cwd, env }: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<BashRun> {
  const child = spawn("bash", ["-c", line], {
    ...(cwd !== undefined && { cwd }),
    env: { ...process.env, NO_COLOR: "1", ...env },
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (text) => {
    stdout += text;
  });
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  return new Promise((resolve) =>
    child.once("close", (code) => resolve({ code: code ?? -1, stdout, stderr })),
  );
}
