import { createHash, randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { errnoOf } from "../base/errno.ts";

/** .mayday-HOST-PID-RANDOM.tmp: names its writer. */
const TEMP_NAME = /^\.mayday-([0-9a-f]{8})-(\d+)-[0-9a-f]{12}\.tmp$/;

/** How hidden names begin that are this program's business alone: temporary files, and what a pull keeps. */
const OWN_PREFIX = ".mayday-";

/** Names of the temporary files and folders that this process is writing. */
const active = new Set<string>();

function hostTag(): string {
  return createHash("sha256").update(hostname()).digest("hex").slice(0, 8);
}

/** A name for a file or folder that is written and then renamed. Call {@link endTemp} when it is. */
export function beginTemp(): string {
  const name = `.mayday-${hostTag()}-${process.pid}-${randomBytes(6).toString("hex")}.tmp`;
  active.add(name);
  return name;
}

/** Ends the use of a name from {@link beginTemp}. */
export function endTemp(name: string): void {
  active.delete(name);
}

/** Whether a name has the form of {@link beginTemp}. */
export function isTempName(name: string): boolean {
  return TEMP_NAME.test(name);
}

/** Whether a name is hidden and this program's: nobody lists it, and no image has it. */
export function isOwnHiddenName(name: string): boolean {
  return name.startsWith(OWN_PREFIX);
}

/**
 * Whether the writer of a temporary file is gone. Files of other hosts are never stale: on network storage their
 * writer cannot be looked up.
 */
export function isStaleTemp(name: string): boolean {
  const match = TEMP_NAME.exec(name);
  if (match === null || match[1] !== hostTag()) return false;
  const pid = Number(match[2]);
  if (pid === process.pid) return !active.has(name);
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return errnoOf(error) === "ESRCH";
  }
}
