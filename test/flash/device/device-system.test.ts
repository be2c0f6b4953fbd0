import { execFileSync } from "node:child_process";
import {
  type BigIntStats,
  closeSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { linuxSystem, nodeOf } from "../../../src/flash/device/device-system.ts";

const dir = mkdtempSync(join(tmpdir(), "mayday-system-"));
afterAll(() => rmSync(dir, { recursive: true }));

/** What stat(2) tells of a device node. */
function device(kind: "block" | "character", rdev: bigint): BigIntStats {
  return {
    ...{ dev: 5n, ino: 77n, size: 4096n, rdev },
    isFile: () => false,
    isBlockDevice: () => kind === "block",
    isCharacterDevice: () => kind === "character",
  } as BigIntStats;
}

/** makedev(3): twelve bits of the major number around eight of the minor, the rest of both above. */
function makedev(major: bigint, minor: bigint): bigint {
  return (
    ((major & 0xffff_f000n) << 32n) |
    ((major & 0xfffn) << 8n) |
    ((minor & 0xffff_ff00n) << 12n) |
    (minor & 0xffn)
  );
}

describe("the running system", () => {
  it("tells files, folders, pipes and devices apart", () => {
    const file = join(dir, "file");
    writeFileSync(file, "four");
    execFileSync("mkfifo", [join(dir, "pipe")]);
    expect(linuxSystem.look(file)).toMatchObject({ type: "file", number: "", size: 4 });
    expect(linuxSystem.look(dir)).toMatchObject({ type: "other", number: "", size: 0 });
    expect(linuxSystem.look(join(dir, "pipe"))).toMatchObject({ type: "other", number: "", size: 0 });
    expect(linuxSystem.look("/dev/null")).toMatchObject({ type: "character", number: "1:3", size: 0 });
    expect(linuxSystem.look(join(dir, "nothing"))).toBeUndefined();
  });

  it("follows links, and identifies a file by its descriptor", () => {
    const file = join(dir, "linked");
    writeFileSync(file, "four");
    writeFileSync(join(dir, "other"), "four");
    symlinkSync(file, join(dir, "link"));
    const fd = openSync(file, "r");
    const seen = linuxSystem.lookAt(fd);
    closeSync(fd);
    expect(linuxSystem.look(join(dir, "link"))).toEqual(seen);
    expect(linuxSystem.look(join(dir, "other"))?.inode).not.toBe(seen.inode);
    expect(seen.inode).toMatch(/^\d+\/\d+$/);
    const nothing = openSync("/dev/null", "r");
    expect(linuxSystem.lookAt(nothing)).toEqual(linuxSystem.look("/dev/null"));
    closeSync(nothing);
  });

  it("reads text and folders, and finds nothing where nothing is", () => {
    writeFileSync(join(dir, "text"), Buffer.from([0x41, 0xe9, 0x0a]));
    expect(linuxSystem.readText(join(dir, "text"))).toBe("A\u00e9\n");
    expect(linuxSystem.readText(join(dir, "nothing"))).toBeUndefined();
    expect(linuxSystem.names(dir)).toContain("text");
    expect(linuxSystem.names(join(dir, "nothing"))).toEqual([]);
    expect(linuxSystem.eraseTool).toBe("flash_erase");
  });

  it.each([
    ["sda1", "block", 8n, 1n],
    ["an NVMe partition", "block", 259n, 3n],
    ["many SCSI disks", "block", 8n, 0x1_2345n],
    ["a major number beyond twelve bits", "character", 0x1_2345n, 0xfedc_ba98n],
  ] as const)("reads the number of %s as the kernel writes it", (_what, kind, major, minor) => {
    const node = nodeOf(device(kind, makedev(major, minor)));
    expect(node).toEqual({ type: kind, inode: "5/77", number: `${major}:${minor}`, size: 0 });
  });
});
