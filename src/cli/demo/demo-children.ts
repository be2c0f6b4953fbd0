import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { FailedError } from "../../base/errors.ts";
import { packageRoot } from "../../files/package-root.ts";
import type { NodeEvent } from "../../node/node-event.ts";
import type { Verdict } from "../../node/verdict.ts";

/** This command line, as a program to run. */
const MAIN = fileURLToPath(new URL("dist/cli/main.js", packageRoot()));
/** Most characters of a child's stderr that are kept, in case it fails. */
const LOG_MAX = 65_536;

/** A child process of the demonstration: this command line, with `--json`. */
export interface DemoChild {
  readonly name: string;
  /** Resolves with its verdict when it has ended. FailedError `demo-child` if it ends without one. */
  readonly ended: Promise<Verdict>;
  /** What it wrote to stderr. */
  log(): string;
  /** Sends SIGTERM. May be called again. */
  stop(): void;
}

/** Starts `mayday ARGS --json`, and hands its events to `onEvent`. */
export function startChild(
  name: string,
  args: readonly string[],
  onEvent: (event: NodeEvent) => void,
): DemoChild {
  const child = spawn(process.execPath, [...process.execArgv, MAIN, ...args, "--json"], {
    stdio: ["ignore", "pipe", "pipe"],
    // Its own process group: Ctrl-C reaches it only through us, once.
    detached: true,
  });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log = (log + text).slice(-LOG_MAX);
  });
  let verdict: Verdict | undefined;
  createInterface({ input: child.stdout }).on("line", (line) => {
    // It is our own program, so its lines have this form.
    const event = JSON.parse(line) as NodeEvent | ({ readonly event: "verdict" } & Verdict);
    if (event.event === "verdict") verdict = event;
    else onEvent(event);
  });
  const stop = (): void => {
    child.kill("SIGTERM");
  };
  process.once("exit", stop);
  const ended = whenClosed(child).then((how) => {
    process.off("exit", stop);
    if (verdict !== undefined) return verdict;
    throw new FailedError("demo-child", `${name} ended without a verdict (${how})`, { name });
  });
  return { name, ended, log: () => log, stop };
}

function whenClosed(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (status, signal) => resolve(signal ?? `status ${status}`));
  });
}
