import { createHash, randomBytes } from "node:crypto";
import { readdirSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { errnoOf } from "../base/errno.ts";

/** .mayday-HOST-PID-RANDOM.tmp: says who may still be writing it. */
const TEMP_NAME = /^\.mayday-([0-9a-f]{8})-(\d+)-[0-9a-f]{12}\.tmp$/;

/** Temporary files and folders that this process is writing now. */
const active = new Set<string>();

function hostTag(): string {
  return createHash("sha256").update(hostname()).digest("hex").slice(0, 8);
}

/** A name for a file or folder that is being made and will be renamed. Give it back with {@link endTemp}. */
export function beginTemp(): string {
  const name = `.mayday-${hostTag()}-${process.pid}-${randomBytes(6).toString("hex")}.tmp`;
  active.add(name);
  return name;
}

/** The name is not in use any more. */
export function endTemp(name: string): void {
  active.delete(name);
}

/** Whether a name is one of our temporary ones. */
export function isTempName(name: string): boolean {
  return TEMP_NAME.test(name);
}

/**
 * Whether a temporary file was left behind by a writer that is gone. Files of other hosts are never stale: on network
 * storage their writer cannot be asked.
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

/** Removes what writers that were killed left in a folder, so that it never piles up. Where it cannot, it stays. */
export function clearStaleTemps(folder: string): void {
  try {
    for (const name of readdirSync(folder)) {
      if (isStaleTemp(name)) rmSync(join(folder, name), { recursive: true, force: true });
    }
  } catch {
    // A folder that cannot be read or written: what is to be done there will say so.
  }
}
