import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { listPorts } from "../../../src/transport/serial/port-list.ts";

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "mayday-ports-"));
});

afterEach(async () => {
  await rm(root, { recursive: true });
});

async function file(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
}

async function link(path: string, target: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await symlink(target, join(root, path));
}

const none = async (): Promise<[]> => [];

/** An FTDI adapter as the kernel shows it: the tty's device is two levels below the USB device. */
async function makeFtdi(name: string): Promise<void> {
  const usb = `sys/devices/usb1/1-${name}`;
  await file(`${usb}/idVendor`, "0403\n");
  await file(`${usb}/idProduct`, "6001\n");
  await file(`${usb}/manufacturer`, "FTDI\n");
  await file(`${usb}/product`, "FT232R USB UART\n");
  await file(`${usb}/serial`, "A50285BI\n");
  await file(`${usb}/1-1:1.0/${name}/latency_timer`, "16\n");
  await link(`${usb}/1-1:1.0/${name}/driver`, "../../../../bus/usb-serial/drivers/ftdi_sio");
  await link(`sys/class/tty/${name}/device`, `../../../devices/usb1/1-${name}/1-1:1.0/${name}`);
}

describe("listPorts", () => {
  it("lists everything about a USB adapter, from /sys alone", async () => {
    await makeFtdi("ttyUSB0");
    await link("dev/serial/by-id/usb-FTDI_FT232R_A50285BI-if00-port0", "../../ttyUSB0");
    await link("proc/4711/fd/3", "/dev/ttyUSB0");
    await link("proc/4711/fd/4", "/dev/null");
    await file("proc/4711/comm", "minicom\n");
    await file("proc/4711/cmdline", "minicom\0-D\0/dev/ttyUSB0\0");
    expect((await listPorts({ root, list: none })).serial).toEqual([
      {
        path: "/dev/ttyUSB0",
        byId: ["/dev/serial/by-id/usb-FTDI_FT232R_A50285BI-if00-port0"],
        driver: "ftdi_sio",
        manufacturer: "FTDI",
        product: "FT232R USB UART",
        vendorId: "0403",
        productId: "6001",
        serialNumber: "A50285BI",
        latencyTimerMs: 16,
        holders: [{ pid: 4711, command: "minicom", commandLine: "minicom -D /dev/ttyUSB0", isMaker: false }],
      },
    ]);
  });

  it("leaves out consoles and UARTs without a chip, and keeps those with one", async () => {
    await mkdir(join(root, "sys/class/tty/tty0"), { recursive: true });
    for (const [name, type] of [
      ["ttyS0", "4"],
      ["ttyS1", "0"],
    ] as const) {
      await link(`sys/devices/platform/${name}/driver`, "../../../bus/platform/drivers/serial8250");
      await link(`sys/class/tty/${name}/device`, `../../../devices/platform/${name}`);
      await file(`sys/class/tty/${name}/type`, type);
    }
    const { serial } = await listPorts({ root, list: none });
    expect(serial.map(({ path, driver }) => [path, driver])).toEqual([["/dev/ttyS0", "serial8250"]]);
  });

  it("sorts by number, and joins what the serial package knows", async () => {
    await makeFtdi("ttyUSB10");
    await makeFtdi("ttyUSB9");
    const list = async (): Promise<{ path: string; vendorId?: string; manufacturer?: string }[]> => [
      { path: "/dev/ttyUSB9", vendorId: "ffff" },
      { path: "/dev/ttyACM0", vendorId: "2341", manufacturer: "Arduino" },
    ];
    const { serial } = await listPorts({ root, list });
    expect(serial.map(({ path, vendorId, manufacturer }) => [path, vendorId, manufacturer])).toEqual([
      ["/dev/ttyACM0", "2341", "Arduino"],
      ["/dev/ttyUSB9", "0403", "FTDI"],
      ["/dev/ttyUSB10", "0403", "FTDI"],
    ]);
  });

  it("lists I2C buses with the name of their adapter, where there is one", async () => {
    for (const name of ["i2c-10", "i2c-1", "i2c-stuff"]) await file(`dev/${name}`, "");
    await file("sys/class/i2c-dev/i2c-1/name", "bcm2835 (i2c@7e804000)\n");
    expect((await listPorts({ root, list: none })).i2c).toEqual([
      { path: "/dev/i2c-1", name: "bcm2835 (i2c@7e804000)" },
      { path: "/dev/i2c-10", name: undefined },
    ]);
  });

  it("tolerates a machine without /sys, /dev/serial and udev", async () => {
    const list = async (): Promise<never> => {
      throw new Error("spawn udevadm ENOENT");
    };
    expect(await listPorts({ root, list })).toEqual({ serial: [], i2c: [] });
  });

  it("works on this machine", async () => {
    const { serial } = await listPorts();
    for (const port of serial) expect(port.path).toMatch(/^\//);
  });
});
