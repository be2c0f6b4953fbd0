import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { errnoOf } from "../base/errno.ts";
import { removeNote, writeNote } from "../files/note-file.ts";
import { readPlainText } from "./lock-socket.ts";

/** Name of the lock's text in a board's folder. */
export const LOCK_FILE = "lock";
/** Name of the file beside it that says on which system the holder runs. */
export const LOCK_HOLDER_FILE = "lock.holder";

/** What a lock holds: process id and start time. Other content is nobody's. */
const LOCK_TEXT = /^(\d{1,10}) (\d{1,20})\n$/;

/** Where process ids mean something. Empty where the system does not say. */
const SystemSchema = v.object({
  host: v.pipe(v.string(), v.maxLength(255)),
  boot: v.pipe(v.string(), v.maxLength(64)),
  namespace: v.pipe(v.string(), v.maxLength(64)),
});
type System = v.InferOutput<typeof SystemSchema>;

/** What is known of a process that holds a board. */
export interface SeenHolder {
  /** "process 123", or as much as is known. */
  readonly text: string;
  /** Its id on its own system. */
  readonly pid?: number;
  /** Its host, when that or its container is another one than ours. */
  readonly host?: string;
}

/** The lock's text for this process. */
export function ownLockText(): string {
  return `${process.pid} ${startTime(process.pid) ?? "0"}\n`;
}

/**
 * Writes who holds the board, for others to see; the caller holds the kernel's lock. Whether it could be written: on a full disk
 * or in a read-only folder the board is held without.
 */
export function nameHolder(dir: string, text: string): boolean {
  if (!writeNote(join(dir, LOCK_FILE), text)) return false;
  writeNote(join(dir, LOCK_HOLDER_FILE), `${text}${JSON.stringify(ownSystem())}\n`);
  return true;
}

/** Removes what {@link nameHolder} wrote. What cannot be removed stays, and counts for nobody. */
export function forgetHolder(dir: string): void {
  removeNote(join(dir, LOCK_HOLDER_FILE));
  removeNote(join(dir, LOCK_FILE));
}

/** What is known of who holds the board in `dir`, for people. The caller knows that somebody does. Never throws. */
export function seenHolder(dir: string): SeenHolder {
  const lock = readPlainText(join(dir, LOCK_FILE));
  const pid = Number(LOCK_TEXT.exec(lock?.text ?? "")?.[1]);
  const unknown = { text: `another process (fuser -v ${dir} may show it)` };
  if (lock === undefined || Number.isNaN(pid)) return unknown;
  const system = readSystem(dir, lock.text);
  const own = ownSystem();
  if (system === undefined || isSame(system, own)) {
    // The text may be of a holder that was killed, where the present one could not write its own.
    return livingHolder(lock.text) === undefined ? unknown : { text: `process ${pid}`, pid };
  }
  if (system.boot !== own.boot)
    return { text: `process ${pid} of host ${system.host}`, pid, host: system.host };
  return { text: `process ${pid} of another container (host ${system.host})`, pid, host: system.host };
}

/**
 * The process that a lock's text names, if it is alive here, and the text is of a version that knew no kernel lock: what a later
 * version wrote counts only as long as its kernel lock is held.
 */
export function olderHolder(dir: string): number | undefined {
  const lock = readPlainText(join(dir, LOCK_FILE));
  if (lock === undefined || readSystem(dir, lock.text) !== undefined) return undefined;
  const pid = livingHolder(lock.text);
  return pid === process.pid ? undefined : pid;
}

/** The process that a lock's text names, if it is alive. */
export function livingHolder(text: string): number | undefined {
  const match = LOCK_TEXT.exec(text);
  return match !== null && isAlive(Number(match[1]), match[2] ?? "") ? Number(match[1]) : undefined;
}

/** Whether a process is alive, and began at this time if that is given. */
export function isAlive(pid: number, started?: string): boolean {
  const now = startTime(pid);
  if (now !== undefined) return started === undefined || now === started;
  if (process.platform === "linux") return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) === "EPERM";
  }
}

function isSame(a: System, b: System): boolean {
  return a.boot === b.boot && a.namespace === b.namespace;
}

function readSystem(dir: string, lock: string): System | undefined {
  const text = readPlainText(join(dir, LOCK_HOLDER_FILE))?.text;
  if (text === undefined || lock === "" || !text.startsWith(lock)) return undefined;
  try {
    const parsed = v.safeParse(SystemSchema, JSON.parse(text.slice(lock.length)));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}

function ownSystem(): System {
  return {
    host: hostname(),
    boot: known(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()),
    namespace: known(() => readlinkSync("/proc/self/ns/pid")),
  };
}

function known(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}

/**
 * Field 22 of /proc/PID/stat, in clock ticks since boot; undefined when the process does not exist, is dead, or the
 * system has no /proc.
 */
function startTime(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // Field 2 is the program's name in parentheses and may hold anything, spaces and parentheses included.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const state = fields[0];
  return state === "Z" || state === "X" ? undefined : fields[19];
}
