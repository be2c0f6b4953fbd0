import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";

/** How this process has a file open, for each of its descriptors on it: 0 reads, 1 writes, 2 does both (open(2)). */
export function openModes(path: string): number[] {
  const fds = readdirSync("/proc/self/fd").filter((fd) => {
    const link = `/proc/self/fd/${fd}`;
    return existsSync(link) && readlinkSync(link) === path;
  });
  return fds.map((fd) => {
    const flags = /^flags:\s+0(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "latin1"))?.[1] ?? "";
    return Number.parseInt(flags, 8) & 3;
  });
}

/** How many descriptors this process has open, besides the one that counts them. */
export function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length - 1;
}
