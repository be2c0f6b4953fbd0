import { closeSync, fsyncSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";

/** Makes what was created, renamed or removed in `folder` survive a power cut, where the file system can do so. */
export function syncFolder(folder: string): void {
  try {
    const fd = openSync(folder, "r");
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch {
    // Windows and some network file systems cannot sync a folder.
  }
}

/** Makes a folder and its parents so that they survive a power cut. Errors of the operating system pass through. */
export function makeFolder(dir: string): void {
  const first = mkdirSync(dir, { recursive: true });
  if (first === undefined) return;
  const top = dirname(resolve(first));
  for (let at = dirname(resolve(dir)); ; at = dirname(at)) {
    syncFolder(at);
    if (at === top || at === dirname(at)) return;
  }
}

/** Writes a file that must not exist, and flushes it to the disk; its name is durable after {@link syncFolder}. */
export function writeNewFile(path: string, content: string | Uint8Array, mode = 0o666): void {
  writeFileSync(path, content, { flag: "wx", mode, flush: true });
}
