import { linkSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errnoOf } from "../base/errno.ts";
import { FailedError } from "../base/errors.ts";
import { readLockSocket, readPlainText, removeLockSocket, writeLockSocket } from "./lock-socket.ts";

/** Name of the lock in a board's folder. */
export const LOCK_FILE = "lock";

/** Mode of the lock, as far as the umask lets it: others may see who holds the board, and never write it. */
const LOCK_MODE = 0o644;
/** What a lock holds: process id and start time. Other content is nobody's. */
const LOCK_TEXT = /^(\d{1,10}) (\d{1,20})\n$/;
/** Name of a lock that is being made or broken. */
const LEFTOVER_NAME = /^(?:\.lock|lock\.stale)-(\d{1,10})-\d+$/;
/** Tries to break a stale lock before the board counts as busy. */
const TRIES_MAX = 5;

/** A board's lock, held by this process. */
export interface BoardLock {
  /**
   * Names the control socket of this process to others ({@link lockHolder}), in one step, until the lock is released.
   * UsageError `socket-path`; FailedError `board-lock`, also when the lock is not held any more.
   */
  setSocket(path: string): void;
  /** Releases the lock. Idempotent. */
  release(): void;
}

/** The process that holds a board. */
export interface LockHolder {
  readonly pid: number;
  /** Absolute path of its control socket; undefined when it named none. */
  readonly socket: string | undefined;
}

/** Who holds the board in `dir`; undefined when nobody does who is alive. Never throws. */
export function lockHolder(dir: string): LockHolder | undefined {
  const lock = readPlainText(join(dir, LOCK_FILE));
  const pid = lock === undefined ? undefined : livingHolder(lock.text);
  if (lock === undefined || pid === undefined) return undefined;
  return { pid, socket: readLockSocket(dir, lock) };
}

/**
 * Locks the board for writing. The lock names a process by id and start time: it is broken when that process is gone,
 * even if another one has its id. FailedError `board-busy` (details: pid), `board-lock`.
 */
export function lockBoard(dir: string): BoardLock {
  const path = join(dir, LOCK_FILE);
  const mine = `${process.pid} ${startTime(process.pid) ?? "0"}\n`;
  const draft = join(dir, `.${LOCK_FILE}-${process.pid}-${process.hrtime.bigint()}`);
  try {
    writeFileSync(draft, mine, { flag: "wx", mode: LOCK_MODE });
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      // A link appears with its content or not at all, unlike a file that is created and then written.
      if (tryLink(draft, path)) {
        clearLeftovers(dir, draft);
        return holder(dir, mine);
      }
      breakStale(path);
    }
    throw busy(dir, "another process");
  } catch (error) {
    if (error instanceof FailedError) throw error;
    throw new FailedError("board-lock", `${path}: cannot lock the board (${errnoOf(error)})`, { dir }, error);
  } finally {
    rmSync(draft, { force: true });
  }
}

function holder(dir: string, mine: string): BoardLock {
  const path = join(dir, LOCK_FILE);
  let isHeld = true;
  return {
    setSocket: (socket) => {
      if (!isHeld || readLock(path) !== mine) {
        throw new FailedError("board-lock", `${path}: this process does not hold the board any more`, {
          dir,
        });
      }
      writeLockSocket(dir, mine, socket);
    },
    release: () => {
      if (isHeld && readLock(path) === mine) {
        // First: from the next line on it may be another holder's.
        removeLockSocket(dir);
        rmSync(path, { force: true });
      }
      isHeld = false;
    },
  };
}

function tryLink(draft: string, path: string): boolean {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return false;
    throw error;
  }
}

/** Removes a lock whose process is gone; throws `board-busy` when it is alive. */
function breakStale(path: string): void {
  const seen = readLock(path);
  if (seen === undefined) return;
  const pid = livingHolder(seen);
  if (pid !== undefined) throw busy(path, `process ${pid}`, pid);
  const aside = `${path}.stale-${process.pid}-${process.hrtime.bigint()}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return;
    throw error;
  }
  // Another process may have broken the lock and taken its own before the rename: then that one is put back.
  if (readLock(aside) !== seen) tryLink(aside, path);
  rmSync(aside, { force: true });
}

/** Removes what was left by processes that were killed while they took or held the lock. */
function clearLeftovers(dir: string, draft: string): void {
  removeLockSocket(dir);
  try {
    for (const name of readdirSync(dir)) {
      const pid = LEFTOVER_NAME.exec(name)?.[1];
      if (pid === undefined || join(dir, name) === draft) continue;
      if (Number(pid) === process.pid || !isAlive(Number(pid))) rmSync(join(dir, name), { force: true });
    }
  } catch {
    // They are harmless.
  }
}

function readLock(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** The process that a lock's text names, if it is alive. */
function livingHolder(text: string): number | undefined {
  const match = LOCK_TEXT.exec(text);
  return match !== null && isAlive(Number(match[1]), match[2] ?? "") ? Number(match[1]) : undefined;
}

function isAlive(pid: number, started?: string): boolean {
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

function busy(where: string, who: string, pid?: number): FailedError {
  const message = `${where}: ${who} is using this board; wait until it ends, or stop it`;
  return new FailedError("board-busy", message, { pid });
}
