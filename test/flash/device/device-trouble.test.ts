import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { claimDevice, openDevice } from "../../../src/flash/device/device-open.ts";
import type { DeviceNode, DeviceSystem } from "../../../src/flash/device/device-system.ts";
import { type FlashDeviceKind, flashDeviceText } from "../../../src/flash/device/flash-device.ts";
import { flashMap } from "../../../src/flash/geometry.ts";
import { MadeUpMachine } from "../../support/made-up-machine.ts";
import { openModes } from "../../support/open-files.ts";
import { refusal } from "../support.ts";

/** What errors of devices say for programs, what is left open, and what happens between a look and the opening. */
const MAP = flashMap({ sectorSize: 4096, slotSize: 65_536, layout: "single" });
const MIB = 1_048_576;

let machine: MadeUpMachine;
beforeEach(() => {
  machine = new MadeUpMachine();
});
afterEach(() => machine.close());

function claim(kind: FlashDeviceKind, name: string, offset = 0, system: DeviceSystem = machine, map = MAP) {
  return claimDevice(system, { kind, path: machine.dev(name), offset }, map, false);
}

const openOn = (name: string): number[] => openModes(machine.dev(name));

describe("an error of a device", () => {
  it("has numbers for programs", () => {
    machine.addDisk("sda", 8, MIB);
    const path = machine.dev("sda");
    expect(refusal(() => claim("block", "sda", 4097)).details).toEqual({ offset: 4097, sectorSize: 4096 });
    const needed = MIB - 4096 + MAP.size;
    expect(refusal(() => claim("block", "sda", MIB - 4096)).details).toEqual({ deviceSize: MIB, needed });
    machine.mount("8:0", "/data", "/dev/sda");
    expect(refusal(() => claim("block", "sda")).details).toEqual({ path });
    writeFileSync(machine.dev("full"), "x");
    expect(refusal(() => claim("file", "full")).code).toBe("flash-too-small");
    writeFileSync(machine.dev("full"), new Uint8Array(MIB).fill(0xff));
    const full = refusal(() => claim("file", "full"));
    expect(full).toMatchObject({ code: "flash-not-empty", details: { path: machine.dev("full") } });
    expect(full.message).toContain("the file exists");
  });

  it.each<[FlashDeviceKind, string, string]>([
    ["file", "block", "it is a block device; write block:"],
    ["mtd", "file", "it is a plain file; write file:"],
    ["block", "character", "it is a character device; write mtd:"],
    ["block", "other", "it is a folder, pipe or socket; it cannot hold a flash"],
  ])("says what is there instead of %s:, a %s", (kind, type, text) => {
    machine.addNode("thing", type as DeviceNode["type"], "10:130");
    const seen = refusal(() => claim(kind, "thing"));
    expect(seen).toMatchObject({ code: "flash-kind", message: expect.stringContaining(text) });
  });

  it("reports a block device whose size the system does not report", () => {
    machine.addDisk("sda", 8, MIB);
    rmSync(`${machine.root}/sys/devices/sda/size`);
    expect(refusal(() => claim("block", "sda")).code).toBe("flash-open");
  });

  it("reports a device that cannot be opened or is gone", () => {
    machine.addDisk("sda", 8, MIB);
    const vanishing = machine.but({
      look: (path) => {
        const seen = machine.look(path);
        rmSync(path);
        return seen;
      },
    });
    const seen = refusal(() => claim("block", "sda", 0, vanishing));
    expect(seen).toMatchObject({ code: "flash-open", details: { path: machine.dev("sda") } });
    expect(seen.message).toContain("ENOENT");
    expect(seen.message).not.toContain("permission");
  });

  it.each<[string, Partial<DeviceNode>]>([
    ["of another type", { type: "character" }],
    ["of another inode", { inode: "1/1" }],
    ["of another number", { number: "8:1" }],
  ])("reports a device that is %s when it is opened, and closes it", (_what, other) => {
    machine.addDisk("sda", 8, MIB);
    const racing = machine.but({ lookAt: (fd) => ({ ...machine.lookAt(fd), ...other }) });
    const seen = refusal(() => claim("block", "sda", 0, racing));
    expect(seen).toMatchObject({ code: "flash-open", details: { path: machine.dev("sda") } });
    expect(openOn("sda")).toEqual([]);
  });
});

describe("a device that is claimed", () => {
  it("may have exactly the size of the flash", () => {
    machine.addDisk("sda", 8, MAP.size);
    expect(claim("block", "sda").facts).toEqual({ deviceSize: MAP.size });
  });

  it("is open for writing, and closed when it is abandoned or not free", () => {
    machine.addDisk("sda", 8, MIB);
    const claimed = claim("block", "sda");
    expect(openOn("sda")).toEqual([2]);
    claimed.abandon();
    expect(openOn("sda")).toEqual([]);
    machine.put("/sys/devices/sda/size", `${2 * MAP.size}\n`);
    writeFileSync(machine.dev("sda"), "XFSB");
    expect(refusal(() => claim("block", "sda")).code).toBe("flash-not-empty");
    expect(openOn("sda")).toEqual([]);
  });

  it.each(["device/cid", "wwid", "device/wwid", "device/serial", "serial"])(
    "is identified by its disk's %s",
    (name) => {
      machine.addDisk("sda", 8, 2 * MIB, [MIB, MIB]);
      machine.put("/sys/devices/sda/device/cid", "\n");
      machine.put(`/sys/devices/sda/${name}`, "card 1\n");
      const idOf = (device: string): string | undefined => claim("block", device).facts.deviceId;
      expect([idOf("sda"), idOf("sda1"), idOf("sda2")]).toEqual(["card 1", "card 1 part 1", "card 1 part 2"]);
    },
  );

  it("is identified by the first of these that exists", () => {
    machine.addDisk("sda", 8, MIB);
    machine.put("/sys/devices/sda/serial", "last\n");
    machine.put("/sys/devices/sda/device/wwid", "third\n");
    expect(claim("block", "sda").facts.deviceId).toBe("third");
  });
});

describe("a flash chip that is claimed", () => {
  const big = flashMap({ sectorSize: 4096, slotSize: 3 * MIB, layout: "single" });
  const chip = (spoilt: number): string => {
    machine.addMtd(0, { size: 8 * MIB });
    const bytes = new Uint8Array(8 * MIB).fill(0xff);
    bytes[spoilt] = 0xfe;
    writeFileSync(machine.dev("mtd0"), bytes);
    return refusal(() => claim("mtd", "mtd0", MIB, machine, big).abandon()).code;
  };

  it.each<[string, number]>([
    ["the first byte", MIB],
    ["a byte in the middle", 2 * MIB + 77],
    ["the last byte", MIB + big.size - 1],
  ])("is not free where %s of the flash is not erased", (_what, at) => {
    expect(chip(at)).toBe("flash-not-empty");
  });

  it.each<[string, number]>([
    ["before", MIB - 1],
    ["behind", MIB + big.size],
  ])("is free where the byte %s is not erased", (_what, at) => {
    expect(chip(at)).toBe("none");
  });
});

describe("a file that is made", () => {
  it("is not made where there is no folder", () => {
    const seen = refusal(() => claim("file", "no/such/chip.bin"));
    expect(seen).toMatchObject({ code: "flash-open", details: { path: machine.dev("no/such/chip.bin") } });
  });

  it("may be missing when it is abandoned", () => {
    const claimed = claim("file", "chip.bin");
    rmSync(machine.dev("chip.bin"));
    claimed.abandon();
    expect(existsSync(machine.dev("chip.bin"))).toBe(false);
  });

  it("is kept as it is when another process has written to it", () => {
    writeFileSync(machine.dev("chip.bin"), "mine");
    const late = machine.but({
      look: (path) => {
        const seen = machine.look(path);
        return seen && { ...seen, size: 0 };
      },
    });
    const seen = refusal(() => claim("file", "chip.bin", 0, late));
    expect(seen).toMatchObject({
      code: "flash-not-empty",
      message: expect.stringContaining("another process has written to it"),
    });
    expect(readFileSync(machine.dev("chip.bin"), "utf8")).toBe("mine");
    expect(openOn("chip.bin")).toEqual([]);
  });

  it("is removed when it cannot be made long enough", () => {
    const failing = machine.but({
      lookAt: () => {
        throw new Error("no look");
      },
    });
    expect(refusal(() => claim("file", "chip.bin", 0, failing))).toMatchObject({ code: "flash-io" });
    expect(existsSync(machine.dev("chip.bin"))).toBe(false);
  });
});

describe("a board's device, opened again", () => {
  const facts = (): { kind: "block"; path: string; offset: number; deviceSize: number } => {
    return { kind: "block", path: machine.dev("sda"), offset: 0, deviceSize: MIB };
  };
  beforeEach(() => {
    machine.addDisk("sda", 8, MIB);
    const bytes = readFileSync(machine.dev("sda"));
    bytes.write("MDBREC", MAP.record[0].offset + 8, "latin1");
    writeFileSync(machine.dev("sda"), bytes);
  });

  it("is opened for reading or for writing, as asked", () => {
    const read = openDevice(machine, facts(), MAP, "read");
    expect(openOn("sda")).toEqual([0]);
    read.close();
    const write = openDevice(machine, facts(), MAP, "write");
    expect(openOn("sda")).toEqual([2]);
    write.close();
    expect(openOn("sda")).toEqual([]);
  });

  it("is refused with the numbers that show that it is another device", () => {
    const path = machine.dev("sda");
    const size = refusal(() => openDevice(machine, { ...facts(), deviceSize: 5 }, MAP, "read"));
    expect(size.details).toEqual({ path, seen: MIB, expected: 5 });
    machine.put("/sys/devices/sda/serial", "card 2\n");
    const other = refusal(() => openDevice(machine, { ...facts(), deviceId: "card 1" }, MAP, "read"));
    expect(other).toMatchObject({ code: "flash-other", details: { path } });
    // A board that was made before its device had a name.
    openDevice(machine, facts(), MAP, "write").close();
  });

  it("is refused with the name of its content", () => {
    const bytes = new Uint8Array(MIB).fill(0xff);
    writeFileSync(machine.dev("sda"), bytes);
    const bare = refusal(() => openDevice(machine, facts(), MAP, "write"));
    expect(bare).toMatchObject({ code: "flash-foreign", details: { path: machine.dev("sda") } });
    expect(bare.message).toContain("holds no boot record");
    bytes.set(Buffer.from("hsqs"));
    writeFileSync(machine.dev("sda"), bytes);
    expect(refusal(() => openDevice(machine, facts(), MAP, "write")).message).toContain("holds a SquashFS");
    expect(openOn("sda")).toEqual([]);
  });
});

describe("a device in the notation of users", () => {
  it("has an offset only if that is not 0", () => {
    expect(flashDeviceText({ kind: "mtd", path: "/dev/mtd1", offset: 0 })).toBe("mtd:/dev/mtd1");
    expect(flashDeviceText({ kind: "block", path: "/dev/sda", offset: 4096 })).toBe(
      "block:/dev/sda?offset=4096",
    );
  });
});
