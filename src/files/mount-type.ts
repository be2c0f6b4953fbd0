import { readFileSync, statSync } from "node:fs";

/**
 * Type of the mount that a path is on, as the system lists it ("fuseblk", "fuse.s3fs"); undefined when it is not listed, or there
 * is no list. Errors of stat pass through.
 */
export function mountTypeOf(path: string): string | undefined {
  const number = deviceText(statSync(path).dev);
  let list: string;
  try {
    list = readFileSync("/proc/self/mountinfo", "utf8");
  } catch {
    return undefined;
  }
  // "36 35 98:0 /root /mount rw,noatime master:1 - ext3 /dev/root rw": the type is behind the single dash.
  const line = list.split("\n").find((text) => text.split(" ")[2] === number);
  return line?.split(" - ")[1]?.split(" ")[0];
}

/** "8:1", from the number that stat gives on Linux. */
function deviceText(dev: number): string {
  const major = (dev >> 8) & 0xfff;
  const minor = (dev & 0xff) | ((dev >> 12) & 0xfff00);
  return `${major}:${minor}`;
}
