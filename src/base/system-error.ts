import { errnoOf } from "./errno.ts";
import { type ErrorDetails, FailedError, MaydayError } from "./errors.ts";

/** What an error of the operating system means. */
interface Meaning {
  /** What was seen. */
  readonly seen: string;
  /** What to do about it. */
  readonly fix: string;
}

const RIGHTS = "look at owner and mode with ls -ld, and change them, or run as a user who may";
const NAMES = "choose another name";

/** By the system's name of the error: all that calls with a path give on Linux, and some of others. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  EACCES: { seen: "permission is denied", fix: RIGHTS },
  EAGAIN: { seen: "it is busy", fix: "try again" },
  EBADF: { seen: "it was closed meanwhile", fix: "try again" },
  EBUSY: {
    seen: "the system uses it",
    fix: "end what uses it (fuser -v shows that), or choose another one",
  },
  EDQUOT: { seen: "the disk quota is used up", fix: "remove what is not needed, or choose another place" },
  EEXIST: { seen: "something of this name is there", fix: NAMES },
  EFBIG: {
    seen: "it would get too large",
    fix: "raise the limit (ulimit -f), or choose another file system",
  },
  EHOSTDOWN: { seen: "the network storage does not answer", fix: "look at its server, and mount it again" },
  EINVAL: { seen: "the file system does not take it", fix: "choose another name, or another place" },
  EIO: { seen: "the storage reports an error", fix: "look at dmesg; disk, card or cable may be failing" },
  EISDIR: { seen: "it is a folder", fix: "name a file" },
  ELOOP: {
    seen: "links lead in a circle, or a link is not allowed here",
    fix: "name the file itself",
  },
  EMFILE: { seen: "this process has too many open files", fix: "raise the limit (ulimit -n)" },
  EMLINK: { seen: "it has too many names", fix: "choose another place" },
  ENAMETOOLONG: { seen: "the name is too long", fix: "choose a shorter one" },
  ENFILE: { seen: "the system has too many open files", fix: "end programs, or raise fs.file-max" },
  ENODEV: { seen: "its device is not there", fix: "plug it in, or choose another one" },
  ENOENT: { seen: "it does not exist", fix: "check the path" },
  ENOLCK: { seen: "the system has no locks left, or none here", fix: "use a local file system" },
  ENOMEM: { seen: "no memory is left", fix: "end other programs" },
  ENOSPC: {
    seen: "no room is left on the file system",
    fix: "remove what is not needed (df -h and df -i show how much there is), or choose another place",
  },
  ENOSYS: { seen: "the system cannot do that here", fix: "use another file system" },
  ENOTCONN: { seen: "the program behind this mount has ended", fix: "mount it again" },
  ENOTDIR: { seen: "a part of the path is not a folder", fix: "check the path" },
  ENOTEMPTY: { seen: "it is not empty", fix: NAMES },
  ENOTSUP: { seen: "the file system cannot do that", fix: "use another one" },
  EOPNOTSUPP: { seen: "the file system cannot do that", fix: "use another one" },
  ENXIO: { seen: "nothing is behind this device, pipe or socket", fix: "name a file" },
  EPERM: { seen: "the system does not permit it", fix: RIGHTS },
  EPIPE: { seen: "its reader has ended", fix: "keep the reader running" },
  EROFS: { seen: "the file system is read-only", fix: "mount it for writing, or choose another place" },
  ESTALE: { seen: "the network storage has lost it", fix: "mount it again" },
  ETIMEDOUT: { seen: "the storage does not answer", fix: "look at its server or cable, and try again" },
  ETXTBSY: { seen: "it is a program that runs", fix: "end it, or choose another name" },
  EXDEV: { seen: "it lies on another file system", fix: "choose a place on the same one" },
  ERR_INVALID_ARG_VALUE: { seen: "its name holds a zero byte", fix: NAMES },
};

const CWD_GONE: Meaning = {
  seen: "the current folder was removed",
  fix: "change into one that exists, or give whole paths",
};

/** "no room is left on the file system; remove what is not needed …": a clause for behind a colon, without the system's code. */
export function systemText(error: unknown): string {
  const { seen, fix } = meaningOf(error);
  return `${seen}; ${fix}`;
}

/**
 * The error for a call of the operating system that failed. `what` says what could not be done, with the path: "fw.bin cannot be
 * read". A path at which nothing is, or something of another kind, is a UsageError of its own instead, where that is seen.
 */
export function systemError(
  code: string,
  what: string,
  error: unknown,
  details: ErrorDetails = {},
): FailedError {
  return new FailedError(code, `${what}: ${systemText(error)}`, details, error);
}

/** Whether the error is one of the operating system's about a path, and not a defect of the program. */
export function isSystemError(error: unknown): boolean {
  return errnoOf(error) in MEANINGS || (error instanceof Error && "syscall" in error);
}

/** An error in words: what one of ours says, what one of the operating system means, and of any other its own text. */
export function errorWords(error: unknown): string {
  if (error instanceof MaydayError || !isSystemError(error)) {
    return error instanceof Error ? error.message : String(error);
  }
  return systemText(error);
}

function meaningOf(error: unknown): Meaning {
  if (error instanceof Error && "syscall" in error && error.syscall === "uv_cwd") return CWD_GONE;
  const known = MEANINGS[errnoOf(error)];
  if (known !== undefined) return known;
  // "ENOKEY: required key not available, open 'x'": the system's own words, between its code and its call.
  const said = error instanceof Error ? error.message : String(error);
  const words = /^[A-Z0-9]+: ([^,]+), /.exec(said)?.[1] ?? said;
  return { seen: `the system says: ${words}`, fix: "try again, or choose another place" };
}
