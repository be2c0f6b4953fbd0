import { fstat } from "node:fs";
import { realpath } from "node:fs/promises";
import type { SerialPort } from "serialport";
import { assert } from "../../base/assert.ts";
import { type Clock, systemClock, type Timer } from "../../base/clock.ts";
import { TransportError } from "../../base/errors.ts";
import { lineTime, type Millis } from "../../base/units.ts";
import type { UartEndpoint } from "../endpoint.ts";
import { plainView } from "../plain-view.ts";
import {
  type Transport,
  type TransportHandlers,
  WRITE_QUEUE_BYTES_HIGH,
  WRITE_QUEUE_BYTES_MAX,
} from "../transport.ts";
import { checkPortPath, portLost, portOpenError, portStalled } from "./uart-errors.ts";
import { armAllEvents, coalesceReads, READ_PAUSE_MS } from "./uart-tuning.ts";

/** Modem line to pulse on open, to reset a board that is wired for it. */
export type ResetLine = "dtr" | "rts";

export interface UartOptions {
  readonly clock?: Clock;
  /** Without it, DTR and RTS are left as the system sets them. */
  readonly reset?: ResetLine | undefined;
  /** See {@link READ_PAUSE_MS}; 0 reads at once. */
  readonly readPauseMs?: Millis;
  /** Longest time without progress of a write, beyond what the line needs for the bytes held. */
  readonly writeLimitMs?: Millis;
}

/** Counted since the transport was made. */
export interface UartCounters {
  /** Data events of the port. */
  reads: number;
  /** Times that a write made no progress within its limit. */
  stalls: number;
  /** Bytes dropped because too many were held. */
  droppedBytes: number;
}

/** How often the port is looked after: whether it is still there, whether writes make progress. */
const WATCH_MS: Millis = 1000;
const WRITE_LIMIT_MS: Millis = 5000;
/** Longest wait on close for bytes still to be written, and then for the system to close. Together below a second. */
const CLOSE_DRAIN_MS: Millis = 400;
const CLOSE_LIMIT_MS: Millis = 500;
const RESET_PULSE_MS: Millis = 100;

/**
 * A serial port: raw, 8N1, no flow control, locked. When it ends (`onDown`) it does not come back by itself; `open` may
 * be called again. The other end is invisible: silence, not `onDown`, is what its absence looks like.
 */
export class UartTransport implements Transport {
  readonly endpoint: string;
  readonly baud: number;
  readonly counters: UartCounters = { reads: 0, stalls: 0, droppedBytes: 0 };
  readonly #path: string;
  readonly #options: UartOptions;
  readonly #clock: Clock;
  #port: SerialPort | undefined;
  #handlers: TransportHandlers | undefined;
  #opening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #watch: Timer | undefined;
  #isVirtual = false;
  #writesPending = 0;
  #isHeldBack = false;
  #isStalled = false;
  #progressAt: Millis = 0;
  #onWritten: (() => void) | undefined;

  constructor(endpoint: UartEndpoint, options: UartOptions = {}) {
    this.endpoint = endpoint.text;
    this.baud = endpoint.baud;
    this.#path = endpoint.path;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  async open(handlers: TransportHandlers): Promise<void> {
    assert(
      this.#opening === undefined && this.#closing === undefined,
      `${this.endpoint} is open or closed for good`,
    );
    this.#handlers = handlers;
    this.#opening = this.#start();
    try {
      await this.#opening;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }

  write(bytes: Uint8Array): boolean {
    const port = this.#port;
    if (port === undefined || bytes.length === 0) return true;
    const held = port.writableLength;
    if (held + bytes.length > WRITE_QUEUE_BYTES_MAX) {
      this.counters.droppedBytes += bytes.length;
      this.#isHeldBack = true;
      return false;
    }
    if (this.#writesPending === 0) this.#progressAt = this.#clock.now();
    this.#writesPending += 1;
    port.write(bytes, (error) => this.#written(port, error));
    if (port.writableLength >= WRITE_QUEUE_BYTES_HIGH) this.#isHeldBack = true;
    return !this.#isHeldBack;
  }

  close(): Promise<void> {
    this.#handlers = undefined;
    this.#watch?.cancel();
    this.#closing ??= this.#finish();
    return this.#closing;
  }

  async #start(): Promise<void> {
    const fault = await checkPortPath(this.#path);
    if (fault !== undefined) throw fault;
    const port = await this.#openPort();
    if (port.port !== undefined) {
      armAllEvents(port.port);
      const pauseMs = this.#options.readPauseMs ?? READ_PAUSE_MS;
      if (pauseMs > 0) coalesceReads(port.port, this.#clock, pauseMs);
    }
    this.#isVirtual = (await realpath(this.#path).catch(() => "")).startsWith("/dev/pts/");
    if (this.#options.reset !== undefined) await this.#pulse(port, this.#options.reset);
    if (!port.isOpen) throw portLost(this.#path);
    this.#port = port;
    if (this.#handlers === undefined) return;
    this.#writesPending = 0;
    this.#isHeldBack = false;
    this.#isStalled = false;
    this.#scheduleWatch();
    this.#handlers.onUp();
    // Reading starts here; what came in since the open waits in the system.
    port.on("data", (chunk: Buffer) => {
      this.counters.reads += 1;
      if (this.#port === port) this.#handlers?.onBytes(plainView(chunk));
    });
  }

  async #openPort(): Promise<SerialPort> {
    // On demand: loading it takes some 80 ms, which commands without a serial port need not spend.
    const { SerialPort: Port } = await import("serialport");
    return new Promise((resolve, reject) => {
      const port = new Port({
        path: this.#path,
        baudRate: this.baud,
        autoOpen: false,
        lock: true,
        // Closing must not drop DTR either: on many boards that is a reset.
        hupcl: false,
      });
      // Always there, from the start: an "error" without a listener ends the process. "close" may come twice.
      port.on("error", (error) => this.#end(port, portLost(this.#path, error)));
      port.on("close", (error?: Error) => this.#end(port, portLost(this.#path, error ?? undefined)));
      port.open((error) => {
        if (error === null) resolve(port);
        else portOpenError(this.#path, this.baud, error).then(reject, reject);
      });
    });
  }

  /** Ends with DTR's falling edge (Arduino resets on it) or with RTS released (ESP32 is in reset while it is asserted). */
  async #pulse(port: SerialPort, line: ResetLine): Promise<void> {
    const set = (dtr: boolean, rts: boolean): Promise<void> =>
      new Promise((resolve, reject) => {
        port.set({ dtr, rts }, (error) => {
          // A virtual port has no modem lines; whoever resets such a board does so by other means.
          if (error === null || /inappropriate ioctl/i.test(error.message)) resolve();
          else reject(resetError(this.#path, line, error));
        });
      });
    try {
      await set(false, true);
      await new Promise<void>((resolve) => this.#clock.after(RESET_PULSE_MS, resolve));
      await (line === "dtr" ? set(true, true) : set(false, false));
    } catch (error) {
      port.close();
      throw error;
    }
  }

  #written(port: SerialPort, error: Error | null | undefined): void {
    if (this.#port !== port) return;
    this.#writesPending -= 1;
    this.#progressAt = this.#clock.now();
    this.#isStalled = false;
    if (error) {
      this.#end(port, portLost(this.#path, error));
      return;
    }
    if (this.#writesPending === 0) this.#onWritten?.();
    if (!this.#isHeldBack || port.writableLength > WRITE_QUEUE_BYTES_HIGH / 2) return;
    this.#isHeldBack = false;
    this.#handlers?.onWritable();
  }

  #scheduleWatch(): void {
    this.#watch = this.#clock.after(WATCH_MS, () => {
      void this.#lookAfter();
    });
  }

  /** A port that vanished while it was receiving often gives no event at all, and a lost write no callback. */
  async #lookAfter(): Promise<void> {
    const port = this.#port;
    if (port === undefined) return;
    const isGone = await isUnlinked(port);
    if (this.#port !== port || this.#handlers === undefined) return;
    if (isGone) this.#end(port, portLost(this.#path));
    else this.#checkProgress(port);
    if (this.#port === port) this.#scheduleWatch();
  }

  #checkProgress(port: SerialPort): void {
    const waited = this.#clock.now() - this.#progressAt;
    const limit = (this.#options.writeLimitMs ?? WRITE_LIMIT_MS) + lineTime(port.writableLength, this.baud);
    if (this.#writesPending === 0 || this.#isStalled || waited <= limit) return;
    this.#isStalled = true;
    this.counters.stalls += 1;
    // A virtual port takes nothing while nobody reads its other end: that heals by waiting.
    if (!this.#isVirtual) this.#end(port, portStalled(this.#path, waited));
  }

  /** The port ended without our doing. Later calls for the same port do nothing. */
  #end(port: SerialPort, error: TransportError): void {
    if (this.#port !== port) return;
    this.#port = undefined;
    this.#opening = undefined;
    this.#watch?.cancel();
    this.#onWritten?.();
    void closePort(port, true);
    const handlers = this.#handlers;
    this.#handlers = undefined;
    handlers?.onDown(error);
  }

  async #finish(): Promise<void> {
    await this.#opening?.catch(() => {});
    const port = this.#port;
    if (port === undefined) return;
    if (this.#writesPending > 0) {
      const written = new Promise<void>((resolve) => {
        this.#onWritten = resolve;
      });
      await this.#atMost(CLOSE_DRAIN_MS, written);
    }
    this.#port = undefined;
    await this.#atMost(CLOSE_LIMIT_MS, closePort(port, this.#writesPending > 0));
  }

  async #atMost(limitMs: Millis, settled: Promise<void>): Promise<void> {
    let timer: Timer | undefined;
    const late = new Promise<void>((resolve) => {
      timer = this.#clock.after(limitMs, resolve);
    });
    await Promise.race([settled, late]);
    timer?.cancel();
  }
}

/** Never rejects. `isBlocked`: drop what was not sent, since the system's close would wait for it. */
function closePort(port: SerialPort, isBlocked: boolean): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => port.close(() => resolve());
    if (!port.isOpen) resolve();
    else if (isBlocked) port.flush(end);
    else end();
  });
}

function resetError(path: string, line: ResetLine, cause: Error): TransportError {
  const message = `cannot pulse ${line.toUpperCase()} on ${path}: ${cause.message}; open without --reset`;
  return new TransportError("port-reset", message, { path, line }, cause);
}

/** The system removes a device's name when the device goes: then the open descriptor leads to a node without a name. */
async function isUnlinked(port: SerialPort): Promise<boolean> {
  const fd = port.port !== undefined && "fd" in port.port ? port.port.fd : undefined;
  if (typeof fd !== "number") return false;
  return new Promise((resolve) => fstat(fd, (error, stats) => resolve(error !== null || stats.nlink === 0)));
}
