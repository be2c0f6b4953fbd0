import { rmSync, writeFileSync } from "node:fs";

/** Mode of a note, as far as the umask lets it: others may read it, and never write it. */
const NOTE_MODE = 0o644;

/**
 * Writes a short file that only informs, in a folder that others may not write: nothing depends on it, so it is not synced. It
 * replaces what is there, also a link, and writes through none. Whether it could be written; otherwise nothing is left of it.
 */
export function writeNote(path: string, text: string): boolean {
  try {
    rmSync(path, { force: true });
    writeFileSync(path, text, { flag: "wx", mode: NOTE_MODE });
    return true;
  } catch {
    removeNote(path);
    return false;
  }
}

/** Removes a note, if it is there. What cannot be removed stays. */
export function removeNote(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // A folder of this name, or a file system that is read-only by now.
  }
}
