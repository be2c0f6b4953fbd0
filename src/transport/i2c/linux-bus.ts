import { readFileSync } from "node:fs";
import { errnoOf } from "../../base/errno.ts";
import { TransportError } from "../../base/errors.ts";
import { addonError } from "../native-addon.ts";
import { asUint8Array } from "../transport.ts";
import { I2C_TRANSACTION_MAX, type I2cBus, I2cError, type I2cFaultKind } from "./bus.ts";

/** The part of the package `i2c-bus` 5 that is used; the package has no types. */
interface RawBus {
  i2cFuncs(): Promise<{ readonly i2c: boolean }>;
  i2cRead(address: number, length: number, buffer: Buffer): Promise<{ readonly bytesRead: number }>;
  i2cWrite(address: number, length: number, buffer: Buffer): Promise<{ readonly bytesWritten: number }>;
  close(): Promise<void>;
}
interface RawPackage {
  openPromisified(busNumber: number): Promise<RawBus>;
}

/** In a variable so that tsc does not resolve this optional, untyped package. */
const PACKAGE = "i2c-bus";

/** What drivers' error names mean for a transaction; any other name is `io`. */
const KINDS: Readonly<Record<string, I2cFaultKind>> = {
  ENXIO: "nack",
  EREMOTEIO: "nack",
  EIO: "nack", // i2c-gpio, for a byte that was not acknowledged
  ETIMEDOUT: "timeout",
  EAGAIN: "arbitration",
  EBUSY: "stuck",
  EOPNOTSUPP: "too-long",
  ENOTSUP: "too-long",
  EMSGSIZE: "too-long",
  EINVAL: "too-long",
  ENODEV: "gone",
  ESHUTDOWN: "gone",
  EBADF: "gone",
};

/**
 * Opens the bus `path` (`/dev/i2c-N`) for the peripheral at `address`, without a transaction. Rejects with TransportError:
 * `i2c-path` (not the name of a bus), `i2c-package-missing`, `i2c-bus-missing`, `i2c-permission`, `i2c-address-claimed` (a
 * driver of the kernel holds it), `i2c-smbus-only`, `i2c-open-failed`.
 */
export async function openLinuxBus(path: string, address: number): Promise<I2cBus> {
  const raw = await (await loadPackage()).openPromisified(busNumberOf(path));
  try {
    const functions = await raw.i2cFuncs();
    if (!functions.i2c) throw smbusOnly(path);
    // A read of no bytes moves nothing, but claims the address. Where claiming fails, the package would continue with
    // address 0, which every device hears: fail here instead.
    await raw.i2cRead(address, 0, Buffer.alloc(1));
  } catch (error) {
    await raw.close().catch(() => {});
    throw openError(path, address, error);
  }
  return new LinuxBus(path, raw);
}

/** The clock of a bus in hertz as its device tree gives it; undefined where there is none. */
export function linuxClockHz(path: string): number | undefined {
  const match = /^\/dev\/i2c-(\d+)$/.exec(path);
  if (match === null) return undefined;
  try {
    const bytes = readFileSync(`/sys/bus/i2c/devices/i2c-${match[1]}/of_node/clock-frequency`);
    return bytes.length === 4 && bytes.readUInt32BE(0) > 0 ? bytes.readUInt32BE(0) : undefined;
  } catch {
    return undefined;
  }
}

class LinuxBus implements I2cBus {
  readonly name: string;
  readonly clockHz: number | undefined;
  readonly #raw: RawBus;
  #isClosed = false;

  constructor(path: string, raw: RawBus) {
    this.name = path;
    this.clockHz = linuxClockHz(path);
    this.#raw = raw;
  }

  async write(address: number, bytes: Uint8Array): Promise<void> {
    this.#check(bytes.length);
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const { bytesWritten } = await this.#transact(() => this.#raw.i2cWrite(address, bytes.length, buffer));
    if (bytesWritten !== bytes.length) throw this.#short("written", bytesWritten, bytes.length);
  }

  async read(address: number, length: number): Promise<Uint8Array> {
    this.#check(length);
    const buffer = Buffer.alloc(length);
    const { bytesRead } = await this.#transact(() => this.#raw.i2cRead(address, length, buffer));
    if (bytesRead !== length) throw this.#short("read", bytesRead, length);
    return asUint8Array(buffer);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#raw.close().catch(() => {});
  }

  #check(length: number): void {
    if (length >= 1 && length <= I2C_TRANSACTION_MAX) return;
    // Of more, the kernel cuts reads short, and Node splits a write into two transactions.
    throw new I2cError(
      "too-long",
      `${this.name}: a transaction has 1 to ${I2C_TRANSACTION_MAX} bytes, not ${length}`,
    );
  }

  async #transact<Result>(run: () => Promise<Result>): Promise<Result> {
    if (this.#isClosed) throw new I2cError("gone", `${this.name} is closed`);
    try {
      return await run();
    } catch (error) {
      const code = errnoOf(error);
      throw new I2cError(KINDS[code] ?? "io", `${this.name}: transaction failed (${code})`, error);
    }
  }

  #short(what: string, moved: number, asked: number): I2cError {
    return new I2cError("short", `${this.name}: ${moved} of ${asked} bytes ${what}`);
  }
}

function busNumberOf(path: string): number {
  const match = /^\/dev\/i2c-(\d{1,6})$/.exec(path);
  if (match !== null) return Number(match[1]);
  const message = `${path} is not an I2C bus; name one as i2c:/dev/i2c-1?address=0x42 (\`mayday ports\` lists them)`;
  throw new TransportError("i2c-path", message, "final", { path });
}

async function loadPackage(): Promise<RawPackage> {
  try {
    const loaded = (await import(PACKAGE)) as { readonly default: RawPackage };
    return loaded.default;
  } catch (error) {
    throw addonError("i2c-package-missing", "i2c-bus", error);
  }
}

function openError(path: string, address: number, error: unknown): TransportError {
  if (error instanceof TransportError) return error;
  const at = `0x${address.toString(16).padStart(2, "0")}`;
  switch (errnoOf(error)) {
    case "ENOENT":
    case "ENXIO":
    case "ENODEV": {
      const fix = "on a Raspberry Pi put dtparam=i2c_arm=on into /boot/firmware/config.txt, and load i2c-dev";
      return new TransportError(
        "i2c-bus-missing",
        `cannot open ${path}: there is no such bus; ${fix}`,
        "final",
        { path },
        error,
      );
    }
    case "EACCES":
    case "EPERM": {
      const fix = "add yourself to its group (`sudo usermod -aG i2c $USER`, then log in again)";
      return new TransportError(
        "i2c-permission",
        `cannot open ${path}: permission denied; ${fix}`,
        "final",
        { path },
        error,
      );
    }
    case "EBUSY": {
      const message = `cannot use ${at} on ${path}: a driver of the kernel holds this address; unbind it, or give the peripheral another address`;
      return new TransportError("i2c-address-claimed", message, "final", { path, address }, error);
    }
    default: {
      const seen = error instanceof Error ? error.message : String(error);
      return new TransportError("i2c-open-failed", `cannot open ${path}: ${seen}`, "final", { path }, error);
    }
  }
}

function smbusOnly(path: string): TransportError {
  const message = `${path} can do SMBus only, not plain I2C transactions; use another bus, or the i2c-gpio overlay`;
  return new TransportError("i2c-smbus-only", message, "final", { path });
}
