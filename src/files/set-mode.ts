import { chmodSync, fchmodSync } from "node:fs";
import { errnoOf } from "../base/errno.ts";

/** What file systems without modes say. */
const WITHOUT_MODES: readonly string[] = ["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP"];

/**
 * Gives a file (by descriptor or path) this mode, whatever the umask was when it was made. Where the file system keeps no
 * modes nothing happens. Other errors of the operating system pass through.
 */
export function setMode(file: number | string, mode: number): void {
  try {
    if (typeof file === "number") fchmodSync(file, mode);
    else chmodSync(file, mode);
  } catch (error) {
    if (!WITHOUT_MODES.includes(errnoOf(error))) throw error;
  }
}
