import { chmodSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { claimDevice, openDevice } from "../../../src/flash/device/device-open.ts";
import type { DeviceSystem } from "../../../src/flash/device/device-system.ts";
import type { FlashDeviceKind } from "../../../src/flash/device/flash-device.ts";
import { flashMap } from "../../../src/flash/geometry.ts";
import { MadeUpMachine } from "../../support/made-up-machine.ts";
import { refusal } from "../support.ts";

const MAP = flashMap({ sectorSize: 4096, slotSize: 65_536, layout: "single" });
const MIB = 1_048_576;

let machine: MadeUpMachine;
beforeEach(() => {
  machine = new MadeUpMachine();
});
afterEach(() => machine.close());

function device(kind: FlashDeviceKind, name: string, offset = 0) {
  return { kind, path: machine.dev(name), offset };
}

function claim(
  kind: FlashDeviceKind,
  name: string,
  offset = 0,
  overwrite = false,
  system: DeviceSystem = machine,
) {
  return claimDevice(system, device(kind, name, offset), MAP, overwrite);
}

/** Puts bytes onto a device behind everyone's back. */
function plant(name: string, offset: number, bytes: Uint8Array | string): void {
  const content = readFileSync(machine.dev(name));
  content.set(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes, offset);
  writeFileSync(machine.dev(name), content);
}

describe("the range of a flash on a device", () => {
  it("is the only part that is read or written", () => {
    machine.addDisk("sda", 8, MIB);
    const before = readFileSync(machine.dev("sda"));
    const { storage, facts } = claim("block", "sda", 8192);
    expect(readFileSync(machine.dev("sda")).equals(before)).toBe(true);
    expect(facts).toEqual({ deviceSize: MIB });
    storage.erase(0, MAP.size, 0xff);
    storage.write(MAP.size - 3, Uint8Array.of(1, 2, 3));
    expect([...storage.read(MAP.size - 4, 4)]).toEqual([0xff, 1, 2, 3]);
    const wrong: [number, number][] = [
      [-1, 1],
      [MAP.size, 1],
      [0, MAP.size + 1],
      [MAP.size - 1, 2],
      [0.5, 1],
      [Number.NaN, 1],
      [0, -1],
    ];
    for (const [offset, length] of wrong) {
      expect(() => storage.read(offset, length), `read ${length} at ${offset}`).toThrow("of a flash of");
      expect(() => storage.erase(offset, length, 0xff), `erase ${length} at ${offset}`).toThrow(
        "of a flash of",
      );
      if (length < 0) continue;
      expect(() => storage.write(offset, new Uint8Array(length)), `write ${length} at ${offset}`).toThrow(
        "of a flash of",
      );
    }
    storage.sync();
    storage.close();
    expect(machine.isUntouched("sda", 8192, MAP.size)).toBe(true);
    expect(readFileSync(machine.dev("sda")).subarray(8192, 8195)).toEqual(Buffer.from([0xff, 0xff, 0xff]));
  });

  it.each<[string, number, string, RegExp]>([
    ["beginning within a sector", 4097, "flash-offset", /4097.*4096/],
    [
      "longer than the device",
      MIB - 4096,
      "flash-too-small",
      new RegExp(`${MIB}.*${MAP.size}.*${MIB - 4096 + MAP.size}`),
    ],
  ])("%s is refused", (_what, offset, code, text) => {
    machine.addDisk("sda", 8, MIB);
    const seen = refusal(() => claim("block", "sda", offset));
    expect(seen).toMatchObject({ code, message: expect.stringMatching(text) });
    expect(machine.isUntouched("sda")).toBe(true);
  });
});

describe("a block device", () => {
  it.each<[string, string, (on: MadeUpMachine) => void, RegExp]>([
    [
      "is mounted",
      "sda2",
      (on) => on.mount("8:2", "/data", "/dev/sda2"),
      /sda2 is mounted on \/data.*umount/,
    ],
    [
      "is the root under another name",
      "sda1",
      (on) => on.mount("8:1", "/", "/dev/root"),
      /sda1 is mounted on \//,
    ],
    [
      "is a disk of a mounted partition",
      "sda",
      (on) => on.mount("8:2", "/data", "/dev/sda2"),
      /sda2 is mounted/,
    ],
    [
      "is a partition of a mounted disk",
      "sda1",
      (on) => on.mount("8:0", "/whole", "/dev/sda"),
      /sda is mounted/,
    ],
    [
      "belongs to btrfs, whose mounts have numbers of their own",
      "sda1",
      (on) => on.mount("0:44", "/data", "/dev/sda1"),
      /sda1 is mounted/,
    ],
    [
      "is mounted where a name has a space",
      "sda1",
      (on) => on.mount("8:1", "/my\\040data", "/dev/sda1"),
      /on \/my data/,
    ],
    ["is swap", "sda1", (on) => on.swapOn("/dev/sda1"), /sda1 is swap.*swapoff/],
    ["is a disk with swap on it", "sda", (on) => on.swapOn("/dev/sda1"), /sda1 is swap/],
    [
      "is held by device mapper or RAID",
      "sda1",
      (on) => on.put("/sys/devices/sda/sda1/holders/dm-0", ""),
      /sda1 belongs to dm-0/,
    ],
    [
      "is a disk with a held partition",
      "sda",
      (on) => on.put("/sys/devices/sda/sda2/holders/md0", ""),
      /sda2 belongs to md0/,
    ],
    [
      "is under a loop device",
      "sda1",
      (on) => on.put("/sys/block/loop3/loop/backing_file", "/dev/sda1\n"),
      /loop3.*losetup -d/,
    ],
  ])("that %s is refused, under any name, also with --overwrite", (_what, name, use, text) => {
    machine.addDisk("sda", 8, 2 * MIB, [MIB, MIB]);
    use(machine);
    symlinkSync(machine.dev(name), machine.dev("by-id"));
    for (const path of [name, "by-id"]) {
      const seen = refusal(() => claim("block", path, 0, true));
      expect(seen).toMatchObject({ code: "flash-in-use", message: expect.stringMatching(text) });
    }
    expect(machine.isUntouched(name)).toBe(true);
  });

  it("is free although its neighbour on the disk is in use", () => {
    machine.addDisk("sda", 8, 2 * MIB, [MIB, MIB]);
    machine.mount("8:2", "/data", "/dev/sda2");
    machine.addDisk("sdb", 9, MIB);
    machine.swapOn("/dev/sdb");
    claim("block", "sda1").storage.close();
  });

  it.each<[string, number, Uint8Array | string, RegExp]>([
    ["ext4", 1080, Uint8Array.of(0x53, 0xef), /ext4/],
    ["GPT", 512, "EFI PART", /GPT/],
    ["MBR", 510, Uint8Array.of(0x55, 0xaa), /MBR/],
    ["LUKS", 0, Uint8Array.of(0x4c, 0x55, 0x4b, 0x53, 0xba, 0xbe), /LUKS/],
    ["SquashFS", 0, "hsqs", /SquashFS/],
    ["btrfs", 65_600, "_BHRfS_M", /btrfs/],
    ["XFS", 0, "XFSB", /XFS/],
    ["FAT", 82, "FAT32   ", /FAT/],
    ["swap", 4086, "SWAPSPACE2", /swap/],
    ["LVM", 512, "LABELONE", /LVM/],
    ["RAID", 4096, Uint8Array.of(0xfc, 0x4e, 0x2b, 0xa9), /RAID/],
    ["a board", 16_384 + 8, "MDBREC", /a board's flash/],
  ])("with %s on it is refused, except with --overwrite", (_what, at, bytes, text) => {
    machine.addDisk("sda", 8, MIB);
    for (const offset of [0, 131_072]) {
      plant("sda", offset + at, bytes);
      const before = readFileSync(machine.dev("sda"));
      const seen = refusal(() => claim("block", "sda", offset));
      expect(seen).toMatchObject({ code: "flash-not-empty", message: expect.stringMatching(text) });
      expect(readFileSync(machine.dev("sda")).equals(before)).toBe(true);
      claim("block", "sda", offset, true).storage.close();
      plant("sda", offset + at, new Uint8Array(bytes.length));
    }
  });

  it("with a file system over all of it is refused although the flash would start after its signature", () => {
    machine.addDisk("sda", 8, MIB);
    plant("sda", 1080, Uint8Array.of(0x53, 0xef));
    expect(refusal(() => claim("block", "sda", 524_288)).message).toContain("ext4");
  });

  it("is told from everything that is not one, before it is opened", () => {
    machine.addDisk("sda", 8, MIB);
    machine.addNode("watchdog", "character", "10:130");
    machine.addNode("folder", "other", "");
    writeFileSync(machine.dev("plain"), new Uint8Array(MIB));
    chmodSync(machine.dev("watchdog"), 0);
    expect(refusal(() => claim("block", "watchdog"))).toMatchObject({ code: "flash-kind" });
    expect(refusal(() => claim("block", "plain")).message).toContain("file:");
    expect(refusal(() => claim("file", "sda")).message).toContain("block:");
    expect(refusal(() => claim("file", "folder"))).toMatchObject({ code: "flash-kind" });
    expect(refusal(() => claim("mtd", "watchdog")).message).toContain("not an MTD device");
    expect(refusal(() => claim("block", "nowhere"))).toMatchObject({ code: "flash-missing" });
  });

  it("that is write protected is refused", () => {
    machine.addDisk("sda", 8, MIB);
    machine.put("/sys/devices/sda/ro", "1\n");
    expect(refusal(() => claim("block", "sda")).code).toBe("flash-read-only");
  });

  it("that was exchanged before it is opened is refused", () => {
    machine.addDisk("sda", 8, MIB);
    machine.addDisk("sdb", 9, MIB);
    const racing = machine.but({
      look: (path) => {
        const seen = machine.look(path);
        renameSync(machine.dev("sdb"), machine.dev("sda"));
        return seen;
      },
    });
    expect(refusal(() => claim("block", "sda", 0, false, racing)).code).toBe("flash-open");
    expect(machine.isUntouched("sda")).toBe(true);
  });
});

describe("a file", () => {
  it("that does not exist is made, and removed if the board is not made", () => {
    const made = claim("file", "chip.bin");
    expect(made.facts).toEqual({ deviceSize: MAP.size });
    made.abandon();
    expect(machine.look(machine.dev("chip.bin"))).toBeUndefined();
    writeFileSync(machine.dev("chip.bin"), "", { mode: 0o600 });
    claim("file", "chip.bin").abandon();
    expect(machine.look(machine.dev("chip.bin"))?.size).toBe(0);
  });

  it("that is not empty is refused, except with --overwrite, which keeps the bytes around the range", () => {
    const old = new Uint8Array(MIB).fill(7);
    writeFileSync(machine.dev("dump"), old, { mode: 0o600 });
    expect(refusal(() => claim("file", "dump", 4096)).code).toBe("flash-not-empty");
    const { storage } = claim("file", "dump", 4096, true);
    storage.erase(0, MAP.size, 0xff);
    storage.close();
    old.fill(0xff, 4096, 4096 + MAP.size);
    expect(readFileSync(machine.dev("dump")).equals(old)).toBe(true);
    expect(refusal(() => claim("file", "dump", MIB - 4096, true)).code).toBe("flash-too-small");
  });

  it("of the kernel that looks empty is refused, and not written", () => {
    const comm = { kind: "file", path: "/proc/self/comm", offset: 0 } as const;
    const before = readFileSync(comm.path, "utf8");
    expect(refusal(() => claimDevice(machine, comm, MAP, true)).code).toMatch(/^flash-(kind|io|open)$/);
    expect(readFileSync(comm.path, "utf8")).toBe(before);
  });

  it("that is swap or behind a loop device is refused", () => {
    for (const name of ["swapfile", "disk.img"]) writeFileSync(machine.dev(name), new Uint8Array(MIB));
    machine.swapOn("/dev/swapfile");
    machine.put("/sys/block/loop0/loop/backing_file", "/dev/disk.img\n");
    expect(refusal(() => claim("file", "swapfile", 0, true)).code).toBe("flash-in-use");
    expect(refusal(() => claim("file", "disk.img", 0, true)).code).toBe("flash-in-use");
  });
});

describe("an MTD device", () => {
  it("is erased by flash_erase, sector by sector, and programmed through the descriptor that was checked", () => {
    machine.addMtd(1);
    const { storage, facts } = claim("mtd", "mtd1", 8192);
    expect(facts).toEqual({ deviceSize: MIB, deviceId: "chip1" });
    storage.write(4096, Uint8Array.of(0x0f));
    storage.erase(4096, 8192, 0xff);
    expect(storage.read(4096, 1)[0]).toBe(0xff);
    storage.sync();
    storage.close();
    expect(machine.eraseCalls()).toEqual(["-q /proc/self/fd/3 12288 2"]);
    // 0 sectors would be the whole rest of the chip.
    expect(() => storage.erase(4096, 0, 0xff)).toThrow("erase 0 bytes");
    expect(() => storage.erase(0, 2048, 0xff)).toThrow("erase 2048 bytes");
    expect(() => storage.erase(MAP.size, 4096, 0xff)).toThrow("erase 4096 bytes");
  });

  it.each<[string, Parameters<MadeUpMachine["addMtd"]>[1], string, RegExp]>([
    ["NAND", { type: "nand" }, "flash-nand", /bad blocks/],
    ["NAND of several levels", { type: "mlc-nand" }, "flash-nand", /mlc-nand/],
    ["a ROM", { type: "rom", flags: "0x0" }, "flash-nand", /rom/],
    ["write protected", { flags: "0x800" }, "flash-read-only", /write protected/],
    ["erased by larger blocks", { erasesize: 65_536 }, "flash-sector", /65536.*4096/],
    ["programmed by larger units", { writesize: 32 }, "flash-sector", /32.*16/],
    ["too small", { size: 65_536 }, "flash-too-small", new RegExp(`65536.*${MAP.size}`)],
  ])("that is %s is refused", (_what, facts, code, text) => {
    machine.addMtd(0, facts);
    const seen = refusal(() => claim("mtd", "mtd0", 0, true));
    expect(seen).toMatchObject({ code, message: expect.stringMatching(text) });
    expect(machine.eraseCalls()).toEqual([]);
  });

  it("is not written through its read-only node", () => {
    machine.addMtd(1);
    machine.addNode("mtd1ro", "character", "90:3");
    expect(refusal(() => claim("mtd", "mtd1ro")).message).toContain("give /dev/mtd1");
  });

  it.each<[string, (on: MadeUpMachine) => void]>([
    ["mounted", (on) => on.mount("31:1", "/data", "/dev/mtdblock1")],
    ["part of one that is mounted", (on) => on.mount("31:0", "/data", "mtd0")],
    ["made of one that is mounted", (on) => on.mount("31:2", "/data", "mtd2")],
    ["attached to UBI", (on) => on.put("/sys/class/ubi/ubi0/mtd_num", "1\n")],
  ])("that is %s is refused", (_what, use) => {
    machine.addMtd(0);
    machine.addMtd(1, {}, 0);
    machine.addMtd(2);
    renameSync(`${machine.root}/sys/devices/mtd/mtd2`, `${machine.root}/sys/devices/mtd/mtd0/mtd1/mtd2`);
    use(machine);
    expect(refusal(() => claim("mtd", "mtd1", 0, true)).code).toBe("flash-in-use");
  });

  it("that is not blank is refused, except with --overwrite: the board may start from it", () => {
    machine.addMtd(0);
    plant("mtd0", 50_000, Uint8Array.of(0));
    expect(refusal(() => claim("mtd", "mtd0")).code).toBe("flash-not-empty");
    claim("mtd", "mtd0", 0, true).storage.close();
  });

  it("reports an eraser that is missing, fails, or does not erase", () => {
    machine.addMtd(0);
    const { storage } = claim("mtd", "mtd0");
    writeFileSync(machine.eraseTool, "#!/bin/sh\necho MEMERASE: no >&2\nexit 1\n");
    expect(refusal(() => storage.erase(0, 4096, 0xff))).toMatchObject({
      code: "flash-io",
      message: expect.stringContaining("MEMERASE: no"),
    });
    writeFileSync(machine.eraseTool, "#!/bin/sh\nexit 0\n");
    storage.write(5, Uint8Array.of(1));
    expect(refusal(() => storage.erase(0, 4096, 0xff)).message).toContain("byte 5 is not erased");
    storage.close();
    machine.eraseTool = `${machine.root}/nowhere`;
    const { storage: other } = claim("mtd", "mtd0", 0, true);
    const seen = refusal(() => other.erase(0, 4096, 0xff));
    expect(seen).toMatchObject({
      code: "flash-erase-tool",
      message: expect.stringContaining("apt install mtd-utils"),
    });
    other.close();
  });
});

describe("a board's device, opened again", () => {
  function opened(mode: "read" | "write", facts: { deviceSize?: number; deviceId?: string } = {}) {
    return openDevice(machine, { ...device("block", "sda"), deviceSize: MIB, ...facts }, MAP, mode);
  }
  beforeEach(() => {
    machine.addDisk("sda", 8, MIB);
    plant("sda", MAP.record[1].offset + 8, "MDBREC");
  });

  it("passes all checks again before it is written", () => {
    opened("write").close();
    machine.mount("8:0", "/data", "/dev/sda");
    expect(refusal(() => opened("write")).code).toBe("flash-in-use");
    opened("read").close();
  });

  it("is refused when another device is there now", () => {
    expect(refusal(() => opened("read", { deviceSize: 2 * MIB })).code).toBe("flash-size");
    opened("write", { deviceId: "card 1" }).close();
    machine.put("/sys/devices/sda/device/cid", "card 2\n");
    expect(refusal(() => opened("read", { deviceId: "card 1" })).code).toBe("flash-other");
    opened("write", { deviceId: "card 2" }).close();
  });

  it("is refused for writing when it holds a file system, or no boot record", () => {
    plant("sda", 1080, Uint8Array.of(0x53, 0xef));
    expect(refusal(() => opened("write")).code).toBe("flash-foreign");
    // A boot loader in the place of the recovery image may well begin like this.
    plant("sda", 1080, Uint8Array.of(0x55, 0x55));
    plant("sda", 510, Uint8Array.of(0x55, 0xaa));
    opened("write").close();
    plant("sda", MAP.record[1].offset + 8, "mdbrec");
    expect(refusal(() => opened("write")).code).toBe("flash-foreign");
    opened("read").close();
  });

  it("is not taken for a file system by what lies behind a short recovery image", () => {
    const map = flashMap({ sectorSize: 1024, slotSize: 65_536, layout: "single", recoverySize: 1024 });
    plant("sda", map.record[0].offset + 8, "MDBREC");
    // In the first sector of the boot record.
    plant("sda", 1080, Uint8Array.of(0x53, 0xef));
    openDevice(machine, { ...device("block", "sda"), deviceSize: MIB }, map, "write").close();
  });
});
