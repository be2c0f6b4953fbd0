import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { FailedError } from "../base/errors.ts";
import { mountTypeOf } from "./mount-type.ts";
import { walkPath } from "./path-walk.ts";
import { isSticky, otherWriters, ownUid, type Rights, rightsText } from "./rights.ts";

/** Types of file systems whose modes are made up when they are mounted, as statfs(2) gives them. */
const WITHOUT_MODES: Readonly<Record<number, string>> = {
  [0x4d44]: "FAT",
  [0x2011_bab0]: "exFAT",
  [0x5346_544e]: "NTFS",
  [0x7366_746e]: "NTFS",
  [0xff53_4d42]: "CIFS",
  [0xfe53_4d42]: "SMB",
};

/** Type that statfs(2) gives for everything behind FUSE. */
const FUSE = 0x6573_5546;
/** How the system lists programs that serve a block device: exFAT and NTFS, which make up all modes. Others keep them. */
const FUSE_ON_DEVICE = "fuseblk";

/** The status of an opened file. */
export interface OpenedFile extends Rights {
  readonly dev: number;
  readonly ino: number;
}

/** Code of the error when others may write what decides. */
export const WRITABLE_BY_OTHERS = "writable-by-others";

/** What a guard asks of its surroundings. */
export interface GuardOptions {
  /** Takes a warning where a file system has no modes. */
  readonly warn?: ((text: string) => void) | undefined;
  /** Type of the file system that a path is on; the system's own answer unless given. */
  readonly typeOf?: (path: string) => number;
}

/**
 * Refuses files that decide something (trusted keys, a board's configuration and flash) when others may write them:
 * everybody, or a group other than the owner's private one. On a file system without modes it warns once instead.
 */
export class WriteGuard {
  readonly #options: GuardOptions;
  #owners: ReadonlySet<number> | undefined;
  #hasWarned = false;

  constructor(options: GuardOptions = {}) {
    this.#options = options;
  }

  /** From now on also refuses what neither root, nor this process's user, nor the owner of `rights` owns. */
  limitOwners({ uid }: Rights): void {
    this.#owners = new Set([0, ownUid(), uid]);
  }

  /**
   * Checks an opened file and the way to it: in no folder on the way, links included, that others can reach may they
   * put something else under the name that is looked up. In a sticky folder such as /tmp they cannot, if the name is
   * root's, ours or of the file's owner. FailedError `writable-by-others`.
   */
  checkFile(path: string, file: OpenedFile): void {
    const { lookups } = walkPath(path);
    for (const { folder, rights, entry, isReachable } of lookups) {
      const writers = isReachable ? otherWriters(rights) : undefined;
      if (writers === undefined) continue;
      if (isSticky(rights) && [0, ownUid(), file.uid].includes(entry.uid)) continue;
      const seen = `${writers} may write it and so put something else at ${path}`;
      this.#refuse(folder, rights, seen, `chmod go-w ${folder}, or keep it in a folder of your own`);
    }
    const last = lookups.at(-1)?.entry;
    if (last?.ino !== file.ino || last.dev !== file.dev) {
      this.#refuse(path, file, "it was replaced while it was checked", "try again");
    }
    this.check(path, file);
  }

  /** Checks a file or folder alone, not the way to it. FailedError `writable-by-others`. */
  check(path: string, rights: Rights): void {
    const writers = otherWriters(rights);
    if (writers !== undefined) this.#refuse(path, rights, `${writers} may write it`, `chmod go-w ${path}`);
    if (this.#owners?.has(rights.uid) === false) {
      this.#refuse(path, rights, `user ${rights.uid} owns it, who does not own the board`, `chown 0 ${path}`);
    }
  }

  #refuse(path: string, rights: Rights, seen: string, fix: string): void {
    const fileSystem = this.#withoutModes(path);
    if (fileSystem === undefined) {
      const message = `${path} decides what is trusted, and ${seen} (${rightsText(rights)}); fix: ${fix}`;
      const mode = (rights.mode & 0o7777).toString(8).padStart(4, "0");
      throw new FailedError(WRITABLE_BY_OTHERS, message, { path, mode, uid: rights.uid, gid: rights.gid });
    }
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#options.warn?.(
      `${path}: ${seen}, and ${fileSystem} keeps no modes; fix: mount it with umask=077, or use another file system`,
    );
  }

  #withoutModes(path: string): string | undefined {
    const { typeOf = (at: string): number => statfsSync(at).type } = this.#options;
    for (const at of [path, dirname(path)]) {
      try {
        const type = typeOf(at) >>> 0;
        if (type === FUSE)
          return mountTypeOf(at) === FUSE_ON_DEVICE ? "FUSE on a device (exFAT, NTFS)" : undefined;
        return WITHOUT_MODES[type];
      } catch {
        // A file that is gone: its folder is on the same file system.
      }
    }
    return undefined;
  }
}
