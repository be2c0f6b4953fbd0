import { readFile, readlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { loadSerialPort } from "./port-handle.ts";
import { findHolders, namesIn, type PortHolder } from "./port-holder.ts";
import { usbDeviceOf } from "./tty-kind.ts";

/** A serial port of this machine. What is not known is undefined. */
export interface SerialPortEntry {
  readonly path: string;
  /** Names under /dev/serial/by-id: they stay the same across replugging and restarts. */
  readonly byId: readonly string[];
  /** Kernel driver, such as `ftdi_sio`. */
  readonly driver: string | undefined;
  readonly manufacturer: string | undefined;
  readonly product: string | undefined;
  /** USB ids, four hexadecimal digits. */
  readonly vendorId: string | undefined;
  readonly productId: string | undefined;
  readonly serialNumber: string | undefined;
  /** Longest time that an FTDI adapter holds received bytes back; 16 ms unless set, 1 ms is best. */
  readonly latencyTimerMs: number | undefined;
  /** Processes that have it open, as far as this user may see them. */
  readonly holders: readonly PortHolder[];
}

/** An I2C bus of this machine. */
export interface I2cBusEntry {
  readonly path: string;
  /** Name of its adapter. */
  readonly name: string | undefined;
}

export interface PortList {
  readonly serial: readonly SerialPortEntry[];
  readonly i2c: readonly I2cBusEntry[];
}

/** A port as the serial package lists it. */
export interface ListedPort {
  readonly path: string;
  readonly manufacturer?: string | undefined;
  readonly serialNumber?: string | undefined;
  readonly vendorId?: string | undefined;
  readonly productId?: string | undefined;
}

export interface PortListOptions {
  /** Where /dev, /sys and /proc are looked for; "/". Paths in the result do not include it. */
  readonly root?: string;
  /** What the serial package finds (on Linux by udev, where that is installed). */
  readonly list?: () => Promise<readonly ListedPort[]>;
}

/**
 * Lists serial ports and I2C buses, sorted by name. Needs no privilege and opens nothing; knows less where /sys, udev
 * or /dev/serial is missing. Pseudo terminals (/dev/pts) are not listed.
 */
export async function listPorts(options: PortListOptions = {}): Promise<PortList> {
  const root = options.root ?? "/";
  const listed = await (options.list ?? listBySerialPackage)().catch((): readonly ListedPort[] => []);
  const bySerial = new Map(listed.map((port) => [port.path, port]));
  const paths = new Set([...(await ttysWithDevice(root)), ...bySerial.keys()]);
  const byId = await namesById(root);
  const holders = await findHolders([...paths], root);
  const serial = [...paths].sort(byNumber).map(async (path) => {
    const device = join(root, "sys/class/tty", basename(path), "device");
    return describe(
      path,
      device,
      bySerial.get(path),
      byId.get(basename(path)) ?? [],
      holders.get(path) ?? [],
    );
  });
  return { serial: await Promise.all(serial), i2c: await i2cBuses(root) };
}

async function listBySerialPackage(): Promise<readonly ListedPort[]> {
  const { SerialPort } = await loadSerialPort();
  return SerialPort.list();
}

/** Ttys that have hardware behind them: consoles have no device, and an 8250 slot without a chip has type 0. */
async function ttysWithDevice(root: string): Promise<string[]> {
  const found: string[] = [];
  const directory = join(root, "sys/class/tty");
  for (const name of await namesIn(directory)) {
    if ((await driverOf(join(directory, name, "device"))) === undefined) continue;
    if ((await textOf(join(directory, name, "type"))) === "0") continue;
    found.push(`/dev/${name}`);
  }
  return found;
}

async function describe(
  path: string,
  device: string,
  listed: ListedPort | undefined,
  byId: readonly string[],
  holders: readonly PortHolder[],
): Promise<SerialPortEntry> {
  const usb = usbDeviceOf(device);
  const latencyTimer = await textOf(join(device, "latency_timer"));
  const usbText = async (name: string): Promise<string | undefined> =>
    usb === undefined ? undefined : textOf(join(usb, name));
  return {
    path,
    byId,
    driver: await driverOf(device),
    manufacturer: (await usbText("manufacturer")) ?? listed?.manufacturer,
    product: await usbText("product"),
    vendorId: (await usbText("idVendor")) ?? listed?.vendorId,
    productId: (await usbText("idProduct")) ?? listed?.productId,
    serialNumber: (await usbText("serial")) ?? listed?.serialNumber,
    latencyTimerMs: latencyTimer === undefined ? undefined : Number(latencyTimer),
    holders,
  };
}

async function driverOf(device: string): Promise<string | undefined> {
  const link = await readlink(join(device, "driver")).catch(() => undefined);
  return link === undefined ? undefined : basename(link);
}

/** Names under /dev/serial/by-id, keyed by the name of the tty they lead to. */
async function namesById(root: string): Promise<Map<string, string[]>> {
  const directory = "/dev/serial/by-id";
  const found = new Map<string, string[]>();
  for (const name of (await namesIn(join(root, directory))).sort()) {
    const target = basename(await readlink(join(root, directory, name)).catch(() => ""));
    found.set(target, [...(found.get(target) ?? []), `${directory}/${name}`]);
  }
  return found;
}

async function i2cBuses(root: string): Promise<I2cBusEntry[]> {
  const names = (await namesIn(join(root, "dev"))).filter((name) => /^i2c-\d+$/.test(name)).sort(byNumber);
  const buses = names.map(async (name) => ({
    path: `/dev/${name}`,
    name: await textOf(join(root, "sys/class/i2c-dev", name, "name")),
  }));
  return Promise.all(buses);
}

/** A file's text without white space around it; undefined if absent, unreadable or empty. */
async function textOf(path: string): Promise<string | undefined> {
  const text = await readFile(path, "utf8").catch(() => "");
  return text.trim() === "" ? undefined : text.trim();
}

/** ttyUSB2 before ttyUSB10. */
function byNumber(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}
