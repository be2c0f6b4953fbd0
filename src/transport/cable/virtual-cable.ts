import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { closeSync, existsSync } from "node:fs";
import { assert } from "../../base/assert.ts";
import { systemClock } from "../../base/clock.ts";
import { ExitCode, FailedError, UsageError } from "../../base/errors.ts";
import type { Millis } from "../../base/units.ts";
import { openOwnProgram } from "../../files/own-way.ts";
import { type CableHelper, chooseHelper, noHelper } from "./cable-helper.ts";
import { withLinkFix } from "./link-fix.ts";

/** Rate, latency and faults of a cable. They hold for both directions alike; each direction has faults of its own. */
export interface VirtualCableOptions {
  /** Path of the link to one end. Replaced if it is a link to a pseudo terminal or to nothing; else an error. */
  readonly a: string;
  /** Path of the link to the other end. */
  readonly b: string;
  /** Line rate in bit/s, 50 to 4,000,000. 115200 by default; see `strictBaud`. */
  readonly baud?: number;
  /**
   * Garble what is sent or received while that end is set to another rate. Without `baud` each direction runs at the rate that
   * its sender is set to, and what arrives at an end that is set to another one is garbled.
   */
  readonly strictBaud?: boolean;
  /** Rates at which everything is garbled, 16 at most. */
  readonly garbleBaud?: readonly number[];
  /** Probability that a data bit flips, 0 to 1. */
  readonly ber?: number;
  /** Probability that a byte vanishes, 0 to 1. */
  readonly drop?: number;
  /** One way, in milliseconds, 0 to 5000; fractions are allowed. */
  readonly latencyMs?: number;
  /** About one burst in `every` bytes: `length` consecutive bytes become random ones. `length` < `every`. */
  readonly burst?: { readonly every: number; readonly length: number };
  /** Bytes on the line during a cut are lost. Seconds since the first byte carried either way; 64 cuts at most. */
  readonly cuts?: readonly { readonly atSeconds: number; readonly forSeconds: number }[];
  /** 0 to 2^53 - 1; equal seeds give equal faults. 1 by default. */
  readonly seed?: number;
}

/** What happened to the bytes of one direction. */
export interface CableCounters {
  /** Bytes that went onto the line, lost ones included. */
  readonly octets: number;
  /** Data bits flipped by `ber` in bytes that were not lost. */
  readonly flippedBits: number;
  /** Bytes that vanished by `drop`. */
  readonly dropped: number;
  /** Bytes replaced by a burst. */
  readonly burst: number;
  /** Bytes lost to a cut. */
  readonly cut: number;
  /** Bytes lost because the receiver did not read. */
  readonly overrun: number;
  /** Bytes replaced because an end was set to another rate. */
  readonly garbled: number;
  /**
   * When the first byte began on the line, lost or not; null if there was none. Milliseconds of one monotonic clock
   * for both directions, which begins when the cable is made.
   */
  readonly firstByteMs: number | null;
  /** When the last byte ended on the line, by the same clock; its latency is not in it. */
  readonly lastByteMs: number | null;
}

/** Both directions of a cable. */
export interface VirtualCableCounters {
  readonly aToB: CableCounters;
  readonly bToA: CableCounters;
}

/** How a cable ended. */
export interface VirtualCableEnd {
  /** Undefined for a plain pair, and when the helper was killed. */
  readonly counters: VirtualCableCounters | undefined;
  /** Set when it ended though nobody had called {@link VirtualCable.close}. */
  readonly error: FailedError | undefined;
}

/** A running cable. It keeps the process alive until {@link VirtualCable.close}. */
export interface VirtualCable {
  readonly a: string;
  readonly b: string;
  /** `paced`: true rate and faults. `socat`: a plain pair without either, see {@link VirtualCable.notice}. */
  readonly kind: "paced" | "socat";
  /** What the user has to know about a plain pair; undefined for a paced one. */
  readonly notice: string | undefined;
  readonly pid: number;
  /** Undefined until the cable has ended. */
  counters(): VirtualCableCounters | undefined;
  /** Resolves when the cable has ended, for whatever reason; never rejects. */
  readonly closed: Promise<VirtualCableEnd>;
  /** Removes the links and ends the helper. Idempotent. */
  close(): Promise<VirtualCableCounters | undefined>;
}

const READY_LIMIT_MS: Millis = 5000;
/** Most characters of the helper's stderr that are kept for a message. */
const STDERR_MAX = 4096;

/**
 * Starts a serial cable between two pseudo terminals and resolves when both links can be opened
 * (docs/virtual-cable.md). The helper program is compiled at the first use and kept in the user's cache directory. Open both ends
 * before writing: opening a serial port discards what it has received.
 *
 * Without a C compiler a plain pair of socat takes its place; then {@link UsageError} if faults were asked for.
 * {@link FailedError}: neither is there, or a path is taken by something that is not a stale link.
 */
export async function startVirtualCable(options: VirtualCableOptions): Promise<VirtualCable> {
  const helper = await chooseHelper(options);
  return startHelper(helper, options);
}

async function startHelper(helper: CableHelper, options: VirtualCableOptions): Promise<VirtualCable> {
  const child = spawnHelper(helper);
  child.stdin.on("error", () => {}); // it may have ended already; `closed` reports that
  const said: Said = { stdout: "", stderr: "" };
  let isClosing = false;
  let counters: VirtualCableCounters | undefined;
  const ended = whenEnded(child);
  const closed = ended.then((end): VirtualCableEnd => {
    counters = parseCounters(said.stdout);
    return { counters, error: isClosing ? undefined : helperError(helper, end, said) };
  });
  const close = async (): Promise<VirtualCableCounters | undefined> => {
    isClosing = true;
    child.kill("SIGTERM");
    return (await closed).counters;
  };

  const first = await withLimit(Promise.race([whenReady(child, helper, said), ended]), READY_LIMIT_MS);
  if (first === undefined) {
    child.kill("SIGKILL");
    throw new FailedError("cable-failed", `The virtual cable was not ready within ${READY_LIMIT_MS} ms`);
  }
  if (first !== "ready") {
    // The helper's own exit codes are those of the command line.
    const isUsage = helper.kind === "paced" && first.exitStatus === ExitCode.usage;
    if (isUsage) throw new UsageError("bad-cable-option", firstLine(said.stderr) ?? "bad option");
    throw helperError(helper, first, said);
  }
  assert(child.pid !== undefined, "a helper that is ready has a process id");
  const { kind, notice } = helper;
  const { a, b } = options;
  return { a, b, kind, notice, pid: child.pid, counters: () => counters, closed, close };
}

/** Runs the file that was judged: it is opened first, then judged, then run by its descriptor. */
function spawnHelper({ kind, command, arguments: given }: CableHelper): ChildProcessWithoutNullStreams {
  const stdio: ["pipe", "pipe", "pipe"] = ["pipe", "pipe", "pipe"];
  if (kind === "socat") return spawn(command, given, { stdio });
  const fd = openOwnProgram(command);
  if (fd === undefined) {
    const message = `The virtual cable was not started: others can change its program ${command}; fix: remove it, and try again`;
    throw new FailedError("cable-failed", message, { path: command });
  }
  try {
    const program = existsSync("/proc/self/fd") ? `/proc/self/fd/${fd}` : command;
    return spawn(program, given, { stdio, argv0: command });
  } finally {
    // The child has started, or never will.
    closeSync(fd);
  }
}

/** Output of a helper so far. */
interface Said {
  stdout: string;
  stderr: string;
}

/** How a helper's process ended. */
interface Ended {
  readonly fault: Error | undefined;
  readonly exitStatus: number | null;
  readonly signal: string | null;
}

function whenEnded(child: ChildProcess): Promise<Ended> {
  return new Promise((resolve) => {
    let fault: Error | undefined;
    child.on("error", (error) => {
      fault = error;
    });
    child.on("close", (exitStatus, signal) => resolve({ fault, exitStatus, signal }));
  });
}

function whenReady(child: ChildProcessWithoutNullStreams, helper: CableHelper, said: Said): Promise<"ready"> {
  return new Promise((resolve) => {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      said.stdout += text;
      if (helper.readyMark.test(said.stdout)) resolve("ready");
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said.stderr = (said.stderr + text).slice(-STDERR_MAX);
      if (helper.readyMark.test(said.stderr)) resolve("ready");
    });
  });
}

function helperError(helper: CableHelper, end: Ended, said: Said): FailedError {
  if (helper.kind === "socat" && end.fault !== undefined) {
    return noHelper(`${helper.missing}; ${end.fault.message}`, end.fault);
  }
  const how =
    end.fault?.message ?? firstLine(said.stderr) ?? `ended by ${end.signal ?? `status ${end.exitStatus}`}`;
  return new FailedError("cable-failed", `The virtual cable failed: ${withLinkFix(how)}`, {}, end.fault);
}

/** The counters in the helper's last line; undefined if it was killed before it had written that. */
function parseCounters(output: string): VirtualCableCounters | undefined {
  const last = output.trimEnd().split("\n").at(-1) ?? "";
  if (!last.startsWith("{")) return undefined;
  try {
    return JSON.parse(last) as VirtualCableCounters;
  } catch {
    return undefined;
  }
}

function firstLine(text: string): string | undefined {
  const line = text.trim().split("\n", 1)[0] ?? "";
  return line === "" ? undefined : line.replace(/^virtual-cable: /, "");
}

function withLimit<T>(promise: Promise<T>, limit: Millis): Promise<T | undefined> {
  return new Promise((resolve) => {
    const timer = systemClock.after(limit, () => resolve(undefined));
    promise.then((value) => {
      timer.cancel();
      resolve(value);
    });
  });
}
