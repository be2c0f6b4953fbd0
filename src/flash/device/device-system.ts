import { type BigIntStats, fstatSync, readdirSync, readFileSync, statSync } from "node:fs";

/** A file or device node, independent of its name. */
export interface DeviceNode {
  readonly type: "file" | "block" | "character" | "other";
  /** Device and inode: identifies a file while it exists. */
  readonly inode: string;
  /** "MAJOR:MINOR" of a device node, as in the kernel's lists. */
  readonly number: string;
  /** Bytes of a file; 0 for devices. */
  readonly size: number;
}

/** What the program asks the system about devices. Tests pass one that answers for a made-up machine. */
export interface DeviceSystem {
  /** Text of a file in /proc or /sys; undefined when there is none. */
  readText(path: string): string | undefined;
  /** Names in a folder of /sys; empty when there is no such folder. */
  names(path: string): readonly string[];
  /** What a path leads to, through links; undefined when there is nothing. */
  look(path: string): DeviceNode | undefined;
  /** What a descriptor is open on. */
  lookAt(fd: number): DeviceNode;
  /** Program that erases MTD sectors: `flash_erase` of mtd-utils. */
  readonly eraseTool: string;
}

/** The running Linux. */
export const linuxSystem: DeviceSystem = {
  readText: (path) => orNothing(() => readFileSync(path, "latin1")),
  names: (path) => orNothing(() => readdirSync(path)) ?? [],
  look: (path) => orNothing(() => nodeOf(statSync(path, { bigint: true }))),
  lookAt: (fd) => nodeOf(fstatSync(fd, { bigint: true })),
  eraseTool: "flash_erase",
};

/** The node of a file status. */
export function nodeOf(stat: BigIntStats): DeviceNode {
  const isDevice = stat.isBlockDevice() || stat.isCharacterDevice();
  return {
    type: stat.isFile() ? "file" : stat.isBlockDevice() ? "block" : isDevice ? "character" : "other",
    inode: `${stat.dev}/${stat.ino}`,
    number: isDevice ? deviceNumber(stat.rdev) : "",
    size: stat.isFile() ? Number(stat.size) : 0,
  };
}

/** dev_t as glibc packs it (makedev(3)). */
function deviceNumber(rdev: bigint): string {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffff_ff00n);
  return `${major}:${minor}`;
}

function orNothing<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
