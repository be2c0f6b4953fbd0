import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
/** A command that has not ended by then hangs. */
const LIMIT_MS = 15_000;

export interface PtyResult {
  /** Exit status of the command; -1 after a signal. */
  readonly code: number;
  /** What the terminal received, of stdout and stderr together, escape sequences included; lines end in "\n". */
  readonly screen: string;
}

/** Runs `mayday ARGS` of dist/ on a pseudo-terminal, in colours. Needs `script` (Debian: bsdutils, always there). */
export function runOnPty(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<PtyResult> {
  const command = [process.execPath, MAIN, ...args].map(quoted).join(" ");
  const { NO_COLOR: _, FORCE_COLOR: __, ...inherited } = process.env;
  const child = spawn("script", ["-qec", command, "/dev/null"], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...inherited, SHELL: "/bin/sh", TERM: "xterm-256color", ...env },
  });
  let screen = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    screen += text;
  });
  const limit = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
  return new Promise((resolve, reject) => {
    child.once("error", (error) => {
      reject(new Error(`these tests need script: apt-get install bsdutils (${error.message})`));
    });
    child.once("close", (code) => {
      clearTimeout(limit);
      resolve({ code: code ?? -1, screen: screen.replaceAll("\r\n", "\n") });
    });
  });
}

/** A word for the shell that `script` starts. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
