import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { FailedError } from "../base/errors.ts";
import { systemText } from "../base/system-error.ts";
import type { Millis } from "../base/units.ts";
import { type FolderLock, lockFolder } from "../files/folder-lock.ts";
import { clearStaleTempsIn } from "../files/stale-temps.ts";
import {
  forgetHolder,
  isAlive,
  LOCK_FILE,
  livingHolder,
  nameHolder,
  olderHolder,
  ownLockText,
  type SeenHolder,
  seenHolder,
} from "./lock-holder.ts";
import { readLockSocket, readPlainText, removeLockSocket, writeLockSocket } from "./lock-socket.ts";

/** Name of a lock that an older version was making or breaking when it was killed. */
const LEFTOVER_NAME = /^(?:\.lock|lock\.stale)-(\d{1,10})-\d+$/;
/** How often, and after how long, it is looked for the name of a holder. */
const LOOKS_MAX = 6;
const LOOK_AGAIN_MS: Millis = 20;

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

/** Who holds the board in `dir`, as far as it runs in this container; undefined when nobody does who is alive. Never throws. */
export function lockHolder(dir: string): LockHolder | undefined {
  const lock = readPlainText(join(dir, LOCK_FILE));
  const pid = lock === undefined ? undefined : livingHolder(lock.text);
  if (lock === undefined || pid === undefined) return undefined;
  return { pid, socket: readLockSocket(dir, lock) };
}

/**
 * Locks the board for writing, by the kernel's lock on its folder: it is free as soon as its holder has ended, and holds between
 * containers, without hard links and on a full disk (docs/adr/0035-board-lock.md). The file `lock` only says who holds it, where
 * there is room to say so. FailedError `board-busy` (details: pid, host), `board-lock`.
 */
export function lockBoard(dir: string): BoardLock {
  const kernel = takeKernelLock(dir);
  if (kernel === undefined) throw busy(dir, namedHolder(dir));
  const older = olderHolder(dir);
  if (older !== undefined) {
    kernel.release();
    throw busy(dir, { text: `process ${older}`, pid: older });
  }
  clearLeftovers(dir);
  const text = ownLockText();
  return holder(dir, kernel, nameHolder(dir, text) ? text : undefined);
}

/** Who holds the board. A holder that took it just now may be about to say so. */
function namedHolder(dir: string): SeenHolder {
  for (let looks = 1; ; looks++) {
    const seen = seenHolder(dir);
    if (seen.pid !== undefined || looks === LOOKS_MAX) return seen;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_AGAIN_MS);
  }
}

function takeKernelLock(dir: string): FolderLock | undefined {
  try {
    return lockFolder(dir);
  } catch (error) {
    const message = error instanceof FailedError ? error.message : lockText(dir, error);
    throw new FailedError("board-lock", message, { dir }, error);
  }
}

function lockText(dir: string, error: unknown): string {
  return `${dir}: the board cannot be locked: ${systemText(error)}`;
}

/** `text` is the lock's text; undefined where it could not be written. */
function holder(dir: string, kernel: FolderLock, text: string | undefined): BoardLock {
  const path = join(dir, LOCK_FILE);
  const isNamed = (): boolean => text !== undefined && readPlainText(path)?.text === text;
  let isHeld = true;
  return {
    setSocket: (socket) => {
      if (text === undefined || !isHeld || !isNamed()) {
        const why =
          isHeld && text === undefined ? "it could not be written" : "it is not this process's any more";
        throw new FailedError("board-lock", `${path} cannot name a socket: ${why}`, { dir });
      }
      writeLockSocket(dir, text, socket);
    },
    release: () => {
      if (!isHeld) return;
      isHeld = false;
      // First: from the kernel's release on they may be another holder's.
      if (isNamed()) {
        removeLockSocket(dir);
        forgetHolder(dir);
      }
      kernel.release();
    },
  };
}

/** Removes what was left by processes that were killed while they took or held the lock. */
function clearLeftovers(dir: string): void {
  removeLockSocket(dir);
  clearStaleTempsIn(dir);
  try {
    for (const name of readdirSync(dir)) {
      const pid = LEFTOVER_NAME.exec(name)?.[1];
      if (pid === undefined) continue;
      if (Number(pid) === process.pid || !isAlive(Number(pid))) rmSync(join(dir, name), { force: true });
    }
  } catch {
    // They are harmless.
  }
}

function busy(dir: string, { text, pid, host }: SeenHolder): FailedError {
  const message = `${dir}: ${text} is using this board; wait until it ends, or stop it`;
  return new FailedError("board-busy", message, { pid, host });
}
