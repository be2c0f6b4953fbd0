import { fstat } from "node:fs";
import type { SerialPort } from "serialport";
import type { Clock } from "../../base/clock.ts";
import { TransportError } from "../../base/errors.ts";
import type { Parity, ResetLine, StopBits, UartEndpoint } from "../endpoint.ts";
import { addonError } from "../native-addon.ts";
import { RESET_STEPS } from "../reset-steps.ts";
import { baudRefused, portOpenError } from "./uart-errors.ts";

/** The part of an endpoint that a port is opened with. */
export type PortSettings = Pick<UartEndpoint, "path" | "baud" | "parity" | "stopBits">;

/** Options of the serial package's port: raw, 8 data bits, no flow control, locked. */
export interface PortOptions {
  readonly path: string;
  readonly baudRate: number;
  readonly dataBits: 8;
  readonly parity: Parity;
  readonly stopBits: StopBits;
  readonly autoOpen: false;
  readonly lock: true;
  readonly hupcl: false;
}

export function portOptionsOf({ path, baud, parity, stopBits }: PortSettings): PortOptions {
  return {
    path,
    baudRate: baud,
    dataBits: 8,
    parity,
    stopBits,
    autoOpen: false,
    lock: true,
    // Closing must not drop DTR either: on many boards that is a reset.
    hupcl: false,
  };
}

/** Loads the serial package. Rejects with TransportError `serial-package-missing`. */
export async function loadSerialPort(): Promise<typeof import("serialport")> {
  try {
    return await import("serialport");
  } catch (error) {
    throw addonError("serial-package-missing", "@serialport/bindings-cpp", error);
  }
}

/**
 * Opens a port of the serial package. `onEnd` is called for each error and each close from then on, perhaps more than
 * once. Rejects with TransportError.
 */
export async function openPort(
  settings: PortSettings,
  onEnd: (port: SerialPort, cause: Error | undefined) => void,
): Promise<SerialPort> {
  // Imported on demand: loading takes some 80 ms, which commands without a serial port need not spend.
  const { SerialPort: Port } = await loadSerialPort();
  return new Promise((resolve, reject) => {
    const port = new Port(portOptionsOf(settings));
    // Listen from the start: an "error" without a listener ends the process. "close" may come twice.
    port.on("error", (error) => onEnd(port, error));
    port.on("close", (error?: Error) => onEnd(port, error ?? undefined));
    port.open((error) => {
      if (error === null) resolve(port);
      else portOpenError(settings.path, settings.baud, error).then(reject, reject);
    });
  });
}

/** Changes the rate of an open port. Rejects with TransportError `baud-unsupported`. */
export function updateBaud(port: SerialPort, path: string, baud: number): Promise<void> {
  return new Promise((resolve, reject) => {
    port.update({ baudRate: baud }, (error) => {
      if (error === null) resolve();
      else reject(baudRefused(path, baud, error));
    });
  });
}

/** The part of a port that resets a board. */
export interface ModemLines {
  set(lines: { readonly dtr: boolean; readonly rts: boolean }, done: (error: Error | null) => void): void;
  close(): void;
}

/** Resets the board at a port. Closes the port and rejects with TransportError `port-reset` when that fails. */
export async function resetBoard(
  port: ModemLines,
  path: string,
  line: ResetLine,
  clock: Clock,
): Promise<void> {
  const set = (dtr: boolean, rts: boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      port.set({ dtr, rts }, (error) => {
        // A pseudo terminal has no modem lines; a board behind one is reset by other means.
        if (error === null || /inappropriate ioctl/i.test(error.message)) resolve();
        else reject(resetError(path, line, error));
      });
    });
  try {
    for (const { dtr, rts, forMs } of RESET_STEPS[line]) {
      await set(dtr, rts);
      if (forMs > 0) await new Promise<void>((resolve) => clock.after(forMs, resolve));
    }
  } catch (error) {
    port.close();
    throw error;
  }
}

function resetError(path: string, line: ResetLine, cause: Error): TransportError {
  const lines = line === "esp" ? "DTR and RTS" : line.toUpperCase();
  const message = `cannot set ${lines} on ${path}: ${cause.message}; open without --reset, or with reset=none`;
  return new TransportError("port-reset", message, "final", { path, line }, cause);
}

/** Never rejects. `isBlocked`: discard what was not sent, since the system's close would wait for it. */
export function closePort(port: SerialPort, isBlocked: boolean): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => port.close(() => resolve());
    if (!port.isOpen) resolve();
    else if (isBlocked) port.flush(end);
    else end();
  });
}

/** The descriptor of an open port; undefined where the system has none. */
export function descriptorOf(port: SerialPort): number | undefined {
  const fd = port.port !== undefined && "fd" in port.port ? port.port.fd : undefined;
  return typeof fd === "number" ? fd : undefined;
}

/**
 * Whether the device of an open port has been removed: the system then removes its name, and the open descriptor leads
 * to a node without one.
 */
export async function isUnlinked(port: SerialPort): Promise<boolean> {
  const fd = descriptorOf(port);
  if (fd === undefined) return false;
  return new Promise((resolve) => fstat(fd, (error, stats) => resolve(error !== null || stats.nlink === 0)));
}
