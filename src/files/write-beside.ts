import { writeNewFile } from "./durable-file.ts";
import type { OpenFolder } from "./open-folder.ts";
import { type FileId, removeIfSame } from "./same-file.ts";
import { clearStaleTemps } from "./stale-temps.ts";
import { beginTemp, endTemp } from "./temp-name.ts";

/**
 * Writes a short file whole or not at all: under a temporary name in the open folder, synced, with this mode whatever the
 * umask. `putInPlace` then gives the temporary file the name `name`; nothing of it is left behind, whether that succeeds
 * or not. Errors of the operating system pass through. Returns what was written.
 */
export function writeBeside(
  folder: OpenFolder,
  name: string,
  content: string,
  mode: number,
  putInPlace: (folder: OpenFolder, temp: string, name: string) => void,
): FileId {
  clearStaleTemps(folder);
  const temp = beginTemp();
  let written: FileId | undefined;
  try {
    written = writeNewFile(folder.at(temp), content, mode);
    putInPlace(folder, temp, name);
    folder.sync();
    return written;
  } finally {
    if (written !== undefined) removeIfSame(folder.at(temp), written);
    endTemp(temp);
  }
}
