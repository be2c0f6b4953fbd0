import { lstatSync, readlinkSync, type Stats } from "node:fs";
import { dirname, isAbsolute, join, parse, resolve } from "node:path";
import { isOpenToOthers, type Rights } from "./rights.ts";

/** Most links on the way to a file, as in Linux. */
export const LINKS_MAX = 40;

/** A name that was looked up on the way to a file. */
export interface Lookup {
  /** The folder, without links. */
  readonly folder: string;
  readonly rights: Rights;
  /** What the name is: a folder, a link or the file. */
  readonly entry: Stats;
  /** Whether anyone but the owners of the folders above can reach this folder. */
  readonly isReachable: boolean;
}

/** The way to a file or folder. */
export interface PathWalk {
  readonly lookups: readonly Lookup[];
  /** Where the path leads to, without links; undefined when nothing is there. */
  readonly target: string | undefined;
}

/**
 * Walks to what `path` leads to, from the root of the file system and through links, as the kernel does. Ends early
 * where nothing is, or where this process may not look.
 */
export function walkPath(path: string): PathWalk {
  const lookups: Lookup[] = [];
  try {
    return { lookups, target: walkInto(lookups, resolve(path)) };
  } catch {
    return { lookups, target: undefined };
  }
}

/** Where the path leads to; errors of the operating system pass through. */
function walkInto(lookups: Lookup[], absolute: string): string {
  const { root } = parse(absolute);
  const isReachable = new Map<string, boolean>([[root, true]]);
  let names = namesOf(absolute.slice(root.length));
  let at = root;
  for (let links = 0; names.length > 0; ) {
    const [name = "", ...rest] = names;
    names = rest;
    if (name === "..") {
      at = dirname(at);
      continue;
    }
    const next = join(at, name);
    const entry = lstatSync(next);
    const rights = lstatSync(at);
    const reachable = (isReachable.get(at) ?? true) && isOpenToOthers(rights);
    lookups.push({ folder: at, rights, entry, isReachable: reachable });
    if (!entry.isSymbolicLink()) {
      isReachable.set(next, reachable);
      at = next;
      continue;
    }
    if (++links > LINKS_MAX) throw new Error(`more than ${LINKS_MAX} links`);
    const to = readlinkSync(next);
    if (isAbsolute(to)) at = root;
    names = [...namesOf(to), ...names];
  }
  return at;
}

/** The names in a path, without empty ones and ".". */
export function namesOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}
