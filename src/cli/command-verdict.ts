import { ExitCode, MaydayError } from "../base/errors.ts";
import { isSystemError, systemText } from "../base/system-error.ts";
import type { Verdict } from "../node/verdict.ts";
import { errorText } from "./advice/error-advice.ts";
import { NOTHING_MOVED } from "./nothing-moved.ts";

const NO_SESSION = { ...NOTHING_MOVED, peer: undefined, digest: undefined } as const;

/** The verdict of a command that succeeded without using a link. */
export function doneVerdict(reason = "done"): Verdict {
  return { ok: true, code: ExitCode.done, reason, ...NO_SESSION };
}

/** The verdict of a command that failed; `detail` is for people. */
export function failedVerdict(code: ExitCode, reason: string, detail: string): Verdict {
  return { ok: false, code, reason, ...NO_SESSION, detail };
}

/** The verdict of a command that was ended by a signal. */
export function interruptedVerdict(): Verdict {
  return failedVerdict(ExitCode.interrupted, "interrupted", "interrupted");
}

/** The verdict of a command that threw. An error that is neither a MaydayError nor the operating system's is a bug. */
export function errorVerdict(error: unknown): Verdict {
  if (error instanceof MaydayError) return failedVerdict(error.exitCode, error.code, errorText(error));
  if (isSystemError(error)) {
    const path = error instanceof Error && "path" in error ? String(error.path) : "this cannot be done";
    return failedVerdict(ExitCode.failed, "system-error", `${path}: ${systemText(error)}`);
  }
  const text = error instanceof Error ? error.message : String(error);
  const next = "run it again with MAYDAY_DEBUG=1, and report the stack trace that it prints";
  return failedVerdict(ExitCode.failed, "internal-error", `internal error: ${text}; ${next}`);
}

/** The verdict of a command whose result could not be written to standard output. */
export function lostVerdict(cause: Error): Verdict {
  const detail = `the result could not be written to standard output: ${systemText(cause)}`;
  return failedVerdict(ExitCode.failed, "output-lost", detail);
}

/** The verdict of a command that runs until it is stopped: SIGTERM is how a service manager stops it, and no failure. */
export function stoppedVerdict(verdict: Verdict, signal: AbortSignal): Verdict {
  const isStopped = verdict.reason === "interrupted" && signal.reason === "SIGTERM";
  return isStopped ? { ...verdict, ok: true, code: ExitCode.done, reason: "stopped" } : verdict;
}
