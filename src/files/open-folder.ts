import {
  type BigIntStats,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readlinkSync,
} from "node:fs";
import { isAbsolute, join } from "node:path";
import { errnoOf } from "../base/errno.ts";
import { FailedError } from "../base/errors.ts";
import { LINKS_MAX, namesOf } from "./path-walk.ts";
import { otherWriters, ownUid } from "./rights.ts";

/** Whether a descriptor can be looked into by path, as on Linux. */
const HAS_DESCRIPTOR_PATHS = existsSync("/proc/self/fd");
/** Opens a folder to look up names in it only (Linux); needs no right to list it. Node does not name this flag. */
const O_PATH = 0o10_000_000;

/**
 * A folder by an open descriptor: names in it are those of this folder, whatever its path leads to meanwhile. Where
 * the system has no /proc, names are looked up by path. Close it.
 */
export class OpenFolder {
  readonly path: string;
  readonly #fd: number;

  private constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
  }

  /**
   * Opens the folder that `path` leads to, one name after another. FailedError `foreign-link` where a link on the way
   * may have been put there by others: it is neither root's nor ours, in a folder that is neither or that others may
   * write. Errors of the operating system pass through.
   */
  static open(path: string): OpenFolder {
    if (!HAS_DESCRIPTOR_PATHS) return new OpenFolder(path, openSync(path, constants.O_RDONLY));
    let names = namesOf(path);
    let at = new OpenFolder(path, openToLookUp(isAbsolute(path) ? "/" : "."));
    try {
      for (let links = 0; names.length > 0; ) {
        const [name = "", ...rest] = names;
        names = rest;
        if (at.look(name)?.isSymbolicLink() === true) {
          if (++links > LINKS_MAX)
            throw Object.assign(new Error(`${path}: too many links`), { code: "ELOOP" });
          at.#refuseForeignLink(name);
          const to = readlinkSync(at.at(name));
          names = [...namesOf(to), ...names];
          if (isAbsolute(to)) at = at.#replacedBy(openToLookUp("/"));
        } else at = at.#replacedBy(openToLookUp(at.at(name), constants.O_NOFOLLOW));
      }
      return at.#replacedBy(openToList(at.itself));
    } catch (error) {
      at.close();
      throw error;
    }
  }

  /** Opens a folder in this one, but no link. Errors of the operating system pass through. */
  openIn(name: string): OpenFolder {
    return new OpenFolder(join(this.path, name), openToList(this.at(name), constants.O_NOFOLLOW));
  }

  /** Whether names are bound to the descriptor, so that nobody can put another folder in this one's place. */
  get isBound(): boolean {
    return HAS_DESCRIPTOR_PATHS;
  }

  /** A path of `name` in this folder, for calls that take a path. */
  at(name: string): string {
    return `${this.itself}/${name}`;
  }

  /** A path of the folder itself. */
  get itself(): string {
    return HAS_DESCRIPTOR_PATHS ? `/proc/self/fd/${this.#fd}` : this.path;
  }

  stat(): BigIntStats {
    return fstatSync(this.#fd, { bigint: true });
  }

  /** What `name` is, not what a link of this name leads to; undefined when there is nothing. */
  look(name: string): BigIntStats | undefined {
    return lstatSync(this.at(name), { bigint: true, throwIfNoEntry: false });
  }

  /** Makes what was created, renamed or removed here survive a power cut, where the file system can do so. */
  sync(): void {
    try {
      fsyncSync(this.#fd);
    } catch {
      // Windows and some network file systems cannot sync a folder, and one that may not be listed is not open for it.
    }
  }

  /** May be called once. */
  close(): void {
    closeSync(this.#fd);
  }

  #replacedBy(fd: number): OpenFolder {
    this.close();
    return new OpenFolder(this.path, fd);
  }

  #refuseForeignLink(name: string): void {
    const isOurs = ({ uid }: { readonly uid: number }): boolean => uid === 0 || uid === ownUid();
    const folder = fstatSync(this.#fd);
    const link = lstatSync(this.at(name));
    if (isOurs(link) || (isOurs(folder) && otherWriters(folder) === undefined)) return;
    const shown = join(readlinkSync(this.itself), name);
    const message = `${this.path}: ${shown} on the way there is a link of user ${link.uid}, who may make it lead elsewhere at any time; fix: give the path of the folder without this link`;
    throw new FailedError("foreign-link", message, { path: this.path, link: shown, uid: link.uid });
  }
}

function openToLookUp(path: string, flags = 0): number {
  return openSync(path, O_PATH | constants.O_DIRECTORY | flags);
}

/** Opens a folder to list and sync it, or where that is not allowed, to look up names in it. */
function openToList(path: string, flags = 0): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | flags);
  } catch (error) {
    if (errnoOf(error) === "EACCES" && HAS_DESCRIPTOR_PATHS) return openToLookUp(path, flags);
    throw error;
  }
}
