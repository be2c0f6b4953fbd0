import { readdir, readFile, readlink, realpath } from "node:fs/promises";
import { join } from "node:path";

/** A process that has a device open. */
export interface PortHolder {
  readonly pid: number;
  /** Its command name, as in `ps`; at most 15 characters (Linux). */
  readonly command: string;
}

/**
 * Searches /proc for processes that have one of `paths` open; the map is keyed by the path as given. Finds only what
 * this user may read, and nothing where there is no /proc. A pseudo terminal is also held by the program that makes it.
 * `root` is for tests.
 */
export async function findHolders(paths: readonly string[], root = "/"): Promise<Map<string, PortHolder[]>> {
  const wanted = new Map<string, string>();
  for (const path of paths) wanted.set(await realpath(path).catch(() => path), path);
  const found = new Map<string, PortHolder[]>();
  const proc = join(root, "proc");
  for (const pid of await namesIn(proc)) {
    if (!/^\d+$/.test(pid)) continue;
    const fds = join(proc, pid, "fd");
    const targets = await Promise.all(
      (await namesIn(fds)).map((fd) => readlink(join(fds, fd)).catch(() => "")),
    );
    for (const target of new Set(targets)) {
      const path = wanted.get(target);
      if (path === undefined) continue;
      const command = await readFile(join(proc, pid, "comm"), "utf8").catch(() => "");
      found.set(path, [...(found.get(path) ?? []), { pid: Number(pid), command: command.trim() }]);
    }
  }
  return found;
}

/** Names in a directory; none if it is absent or may not be read. */
export async function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch(() => []);
}
