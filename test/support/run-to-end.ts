import { spawn } from "node:child_process";

/** How a program ended. */
export interface Ended {
  /** Exit status; -1 after a signal. */
  readonly code: number;
  /** stdout and stderr together. */
  readonly output: string;
}

/** Runs a program to its end, without colours; one that takes longer than `limitMs` is killed. */
export function runToEnd(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly limitMs: number },
): Promise<Ended> {
  const child = spawn(command, args, { cwd: options.cwd, env: { ...process.env, NO_COLOR: "1" } });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const limit = setTimeout(() => child.kill("SIGKILL"), options.limitMs);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(limit);
      resolve({ code: code ?? -1, output });
    });
  });
}
