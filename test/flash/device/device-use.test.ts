import { rmSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { blockDeviceUser, fileUser, mtdUser } from "../../../src/flash/device/device-use.ts";
import { MadeUpMachine } from "../../support/made-up-machine.ts";

/** What is in use is refused in device.test.ts; here is what is not, and what the system may leave out. */
const MIB = 1_048_576;

let machine: MadeUpMachine;
beforeEach(() => {
  machine = new MadeUpMachine();
});
afterEach(() => machine.close());

describe("a block device", () => {
  it("is free although other devices are mounted, swap, held, or behind loop devices", () => {
    for (const [name, major] of [
      ["sda", 8],
      ["sdb", 9],
      ["sdc", 10],
    ] as const)
      machine.addDisk(name, major, MIB);
    machine.mount("9:0", "/data", "/dev/sdb");
    machine.swapOn("/dev/sdc");
    machine.put("/sys/devices/sdb/holders/dm-0", "");
    machine.put("/sys/block/loop3/loop/backing_file", "/dev/sdb\n");
    machine.put("/sys/block/loop4/size", "0\n");
    expect(blockDeviceUser(machine, "8:0")).toBeUndefined();
    expect(blockDeviceUser(machine, "9:0")).toBe("sdb is mounted on /data; unmount it: umount /data");
  });

  it("is free although swap and loop devices name files that are gone", () => {
    machine.addDisk("sda", 8, MIB);
    machine.swapOn("/dev/gone");
    machine.put("/sys/block/loop0/loop/backing_file", "/dev/gone (deleted)\n");
    expect(blockDeviceUser(machine, "8:0")).toBeUndefined();
  });

  it("is named by its number where the system has no name", () => {
    machine.addDisk("sda", 8, MIB);
    machine.mount("8:0", "/data", "/dev/sda");
    rmSync(`${machine.root}/sys/devices/sda/uevent`);
    expect(blockDeviceUser(machine, "8:0")).toMatch(/^8:0 is mounted/);
  });

  it("is free on a system without lists of mounts and swap", () => {
    machine.addDisk("sda", 8, MIB);
    for (const list of ["self/mountinfo", "swaps"]) rmSync(`${machine.root}/proc/${list}`);
    expect(blockDeviceUser(machine, "8:0")).toBeUndefined();
    expect(blockDeviceUser(machine, "77:7")).toBeUndefined();
  });
});

describe("a file", () => {
  const userOf = (name: string): string | undefined =>
    fileUser(machine, machine.look(machine.dev(name))?.inode ?? expect.fail(name), name);

  it("is free although other files and disks are swap, or behind loop devices", () => {
    for (const name of ["mine", "swapfile", "disk.img"])
      writeFileSync(machine.dev(name), new Uint8Array(MIB));
    machine.addDisk("sda", 8, MIB);
    machine.swapOn("/dev/swapfile");
    machine.swapOn("/dev/sda");
    machine.put("/sys/block/loop0/loop/backing_file", "/dev/disk.img\n");
    expect(userOf("mine")).toBeUndefined();
    expect(userOf("swapfile")).toBe("swapfile is swap space; stop that: swapoff /dev/swapfile");
    expect(userOf("disk.img")).toContain("losetup -d /dev/loop0");
  });

  it("is found in use although its name contains a line feed", () => {
    writeFileSync(machine.dev("a\nb"), "");
    machine.put("/sys/block/loop0/loop/backing_file", "/dev/a\nb\n");
    expect(userOf("a\nb")).toContain("loop0");
  });
});

describe("an MTD device", () => {
  it("is free although other MTD devices are mounted or attached to UBI", () => {
    for (const index of [0, 1, 2]) machine.addMtd(index);
    machine.put("/sys/class/mtd/mtd0ro/name", "chip0\n");
    machine.put("/sys/class/ubi/version", "1\n");
    machine.put("/sys/class/ubi/ubi0/mtd_num", "2\n");
    machine.mount("31:0", "/data", "/dev/mtdblock0");
    expect(mtdUser(machine, 1)).toBeUndefined();
    expect(mtdUser(machine, 0)).toBe("mtd0 is mounted on /data; unmount it: umount /data");
    expect(mtdUser(machine, 2)).toBe("mtd2 is attached as ubi0; detach it: ubidetach -m 2");
  });

  it("is in use when a device that it is part of is, at any depth", () => {
    machine.addMtd(12);
    machine.addMtd(13, {}, 12);
    machine.mount("31:12", "/data", "/dev/mtdblock12");
    expect(mtdUser(machine, 13)).toMatch(/^mtd12 is mounted/);
    expect(mtdUser(machine, 12)).toMatch(/^mtd12 is mounted/);
  });

  it("is in use when one of its parts is", () => {
    machine.addMtd(12);
    machine.addMtd(13, {}, 12);
    machine.put("/sys/class/ubi/ubi0/mtd_num", "13\n");
    expect(mtdUser(machine, 12)).toContain("ubidetach -m 13");
  });
});
