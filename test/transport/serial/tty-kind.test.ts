import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ttyKindOf } from "../../../src/transport/serial/tty-kind.ts";
import { openSocatPair } from "../../support/socat-pair.ts";

let root: string;

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "mayday-tty-")));
});

afterEach(async () => {
  await rm(root, { recursive: true });
});

async function file(path: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), "1\n");
}

async function link(path: string, target: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await symlink(target, join(root, path));
}

/** A tty as the kernel shows it, `device` being its device under /sys/devices. */
async function makeTty(name: string, device: string): Promise<void> {
  await file(`dev/${name}`);
  await file(`sys/devices/${device}/uevent`);
  await link(`sys/class/tty/${name}/device`, `../../../devices/${device}`);
}

describe("the kind of a serial port", () => {
  it("is USB where a USB device is above it, whatever the path is called", async () => {
    await file("sys/devices/usb1/1-1/idVendor");
    await makeTty("ttyUSB0", "usb1/1-1/1-1:1.0/ttyUSB0");
    await link("dev/serial/by-id/some-name", "../../ttyUSB0");
    await link("dev/my-board", "ttyUSB0");
    for (const path of ["/dev/ttyUSB0", "/dev/serial/by-id/some-name", "/dev/my-board"]) {
      expect([path, ttyKindOf(path, root)]).toEqual([path, "usb"]);
    }
  });

  it("is native where none is, even if its name contains usb", async () => {
    await makeTty("ttyAMA0", "platform/fe201000.serial");
    await link("dev/usb-gate", "ttyAMA0");
    expect(ttyKindOf("/dev/ttyAMA0", root)).toBe("native");
    expect(ttyKindOf("/dev/usb-gate", root)).toBe("native");
  });

  it("is pseudo for a terminal under /dev/pts", async () => {
    await file("dev/pts/3");
    await link("tmp/ttyUSB0", "../dev/pts/3");
    expect(ttyKindOf("/tmp/ttyUSB0", root)).toBe("pseudo");
    const pair = await openSocatPair();
    expect(ttyKindOf(pair.a)).toBe("pseudo");
    await pair.close();
  });

  it("is unknown for a port that is missing, and on a machine without sysfs", async () => {
    await file("dev/ttyACM0");
    expect(ttyKindOf("/dev/ttyACM0", root)).toBe("unknown");
    expect(ttyKindOf("/dev/ttyUSB7", root)).toBe("unknown");
    expect(ttyKindOf("COM3")).toBe("unknown");
  });
});
