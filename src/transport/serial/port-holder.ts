import { readdir, readFile, readlink, realpath } from "node:fs/promises";
import { join } from "node:path";

/** A process that has a device open. */
export interface PortHolder {
  readonly pid: number;
  /** Its command name, as in `ps`; at most 15 characters (Linux). */
  readonly command: string;
  /** Its command line, printable, cut after 80 characters; empty if the system does not say. */
  readonly commandLine: string;
  /** It made this pseudo terminal, and holds the other side of it. */
  readonly isMaker: boolean;
}

/** Most characters of a command line that are shown. */
const COMMAND_LINE_MAX = 80;

/** A holder, for people: by its command line, as many programs are called `node` or `python3`. */
export function holderText({ pid, command, commandLine }: PortHolder): string {
  if (pid === process.pid) return "this process";
  return `process ${pid} (${commandLine === "" ? command : commandLine})`;
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
    const names = await namesIn(fds);
    const targets = await Promise.all(names.map((fd) => readlink(join(fds, fd)).catch(() => "")));
    for (const target of new Set(targets)) {
      const path = wanted.get(target);
      if (path === undefined) continue;
      const command = await textOf(join(proc, pid, "comm"));
      const commandLine = (await textOf(join(proc, pid, "cmdline"))).replace(/[^\x20-\x7e]+/g, " ");
      const masters = names.filter((_fd, i) => targets[i]?.endsWith("/ptmx") === true);
      const infos = await Promise.all(masters.map((fd) => textOf(join(proc, pid, "fdinfo", fd))));
      const isMaker = infos.some((info) => isMasterOf(info, target));
      const shown = commandLine.trim().slice(0, COMMAND_LINE_MAX);
      const holder = { pid: Number(pid), command: command.trim(), commandLine: shown, isMaker };
      found.set(path, [...(found.get(path) ?? []), holder]);
    }
  }
  return found;
}

/** Whether the descriptor of which this is the information is the other side of a pseudo terminal; if unsaid, it may be. */
function isMasterOf(info: string, device: string): boolean {
  const index = /^tty-index:\s*(\d+)$/m.exec(info)?.[1];
  return index === undefined || device.endsWith(`/pts/${index}`);
}

async function textOf(file: string): Promise<string> {
  return readFile(file, "utf8").catch(() => "");
}

/** Names in a directory; none if it is absent or may not be read. */
export async function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch(() => []);
}
