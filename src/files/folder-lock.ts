import { spawnSync } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { errnoOf } from "../base/errno.ts";
import { FailedError } from "../base/errors.ts";
import type { Millis } from "../base/units.ts";
import { findOwnProgram } from "./own-way.ts";

/** Where `flock` is when PATH does not lead to it. */
const USUAL_PATHS = ["flock", "/usr/bin/flock", "/bin/flock"] as const;
/** Number of the descriptor in the helper that the lock is put on. */
const HELPER_FD = 3;
/** Longest time that the helper may take: it never waits for a lock, but a network file system may not answer. */
const HELPER_MAX_MS: Millis = 10_000;
/** BSD's flag of open(2) for an exclusive lock of the kind that flock(2) makes; Node does not name it. */
const O_EXLOCK = 0x20;

/** A lock of the kernel's on a folder. */
export interface FolderLock {
  /** May be called once. */
  release(): void;
}

/**
 * Takes the kernel's exclusive lock (flock) on a folder, without waiting; undefined when it is taken. The kernel frees it when this
 * process ends, however that happens, and all processes of this machine see it, in whatever container. It needs no room, no
 * file and no right to write. Windows has none: there every call succeeds. FailedError `no-flock` when the program flock is
 * missing (Linux), or fails; errors of the operating system pass through.
 */
export function lockFolder(dir: string): FolderLock | undefined {
  switch (process.platform) {
    case "win32":
      return { release: () => {} };
    case "darwin":
    case "freebsd":
    case "openbsd":
      return lockAtOpen(dir);
    default:
      return lockByHelper(dir);
  }
}

function lockAtOpen(dir: string): FolderLock | undefined {
  try {
    return heldBy(openSync(dir, constants.O_RDONLY | constants.O_NONBLOCK | O_EXLOCK));
  } catch (error) {
    if (errnoOf(error) === "EAGAIN") return undefined;
    throw error;
  }
}

/**
 * Node has no call for flock(2). The helper locks what it inherits, the open file itself, and ends: the lock stays with this
 * process's descriptor, which no other program inherits.
 */
function lockByHelper(dir: string): FolderLock | undefined {
  const fd = openSync(dir, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    if (runHelper(dir, fd)) return heldBy(fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  closeSync(fd);
  return undefined;
}

/** Whether the helper got the lock. */
function runHelper(dir: string, fd: number): boolean {
  const program = USUAL_PATHS.map(findOwnProgram).find((path) => path !== undefined);
  if (program === undefined) {
    const message = `${dir}: cannot be locked: the program flock is missing; install util-linux (apt-get install util-linux, or apk add util-linux)`;
    throw new FailedError("no-flock", message, { dir });
  }
  const stdio = ["ignore", "ignore", "pipe", fd] as const;
  const { status, stderr, error } = spawnSync(program, ["-xn", String(HELPER_FD)], {
    stdio: [...stdio],
    timeout: HELPER_MAX_MS,
    killSignal: "SIGKILL",
  });
  if (error !== undefined) throw error;
  if (status === 0) return true;
  const said = String(stderr).trim();
  // It says nothing when the lock is taken.
  if (status === 1 && said === "") return false;
  const seen = said === "" ? `it ended with status ${status}` : said;
  throw new FailedError("no-flock", `${dir}: cannot be locked: ${program} failed (${seen}); try again`, {
    dir,
  });
}

function heldBy(fd: number): FolderLock {
  return { release: () => closeSync(fd) };
}
