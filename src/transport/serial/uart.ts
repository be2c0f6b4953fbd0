import type { SerialPort } from "serialport";
import { assert } from "../../base/assert.ts";
import { type Clock, systemClock, type Timer } from "../../base/clock.ts";
import type { TransportError } from "../../base/errors.ts";
import { lineTime, type Millis } from "../../base/units.ts";
import { bitsPerByteOf, type ResetLine, type UartEndpoint } from "../endpoint.ts";
import { makeStreamSplitter } from "../stream-splitter.ts";
import {
  asUint8Array,
  RTO_FLOOR_NATIVE_MS,
  RTO_FLOOR_USB_MS,
  type Transport,
  type TransportFacts,
  type TransportHandlers,
  WRITE_QUEUE_BYTES_HIGH,
  WRITE_QUEUE_BYTES_MAX,
} from "../transport.ts";
import { OtherReaders } from "./other-readers.ts";
import { closePort, descriptorOf, isUnlinked, openPort, resetBoard, updateBaud } from "./port-handle.ts";
import { type TtyKind, ttyKindOf } from "./tty-kind.ts";
import { TtySettings } from "./tty-settings.ts";
import { checkPortPath, portLost, portStalled } from "./uart-errors.ts";
import { armAllEvents, coalesceReads, READ_PAUSE_MS } from "./uart-tuning.ts";

export interface UartOptions {
  readonly clock?: Clock;
  /** Without it, DTR and RTS are left as the system sets them. */
  readonly reset?: ResetLine | undefined;
  /** See {@link READ_PAUSE_MS}; 0 reads immediately. */
  readonly readPauseMs?: Millis;
  /** Longest time without progress of a write, beyond the line time of the bytes held. */
  readonly writeLimitMs?: Millis;
}

/** Counted since the transport was made. */
export interface UartCounters {
  /** Data events of the port. */
  reads: number;
  /** How often a write made no progress within its limit. */
  stalls: number;
  /** Bytes dropped because the queue was full. */
  droppedBytes: number;
}

/** How often the port is checked: whether it still exists, whether writes make progress. */
const WATCH_MS: Millis = 1000;
const WRITE_LIMIT_MS: Millis = 5000;
/** Longest wait on close for bytes still to be written, and then for the system to close. Together below a second. */
const CLOSE_DRAIN_MS: Millis = 400;
const CLOSE_LIMIT_MS: Millis = 500;

/** What is not known is taken for USB: a timeout too long costs little, a needless resend costs line time. */
const RTO_FLOORS: Readonly<Record<TtyKind, Millis>> = {
  pseudo: RTO_FLOOR_NATIVE_MS,
  native: RTO_FLOOR_NATIVE_MS,
  usb: RTO_FLOOR_USB_MS,
  unknown: RTO_FLOOR_USB_MS,
};

/**
 * A serial port: raw, 8 data bits, no flow control, locked; 8N1 unless the endpoint says otherwise. Received parity is
 * not checked: the CRC of a frame covers more. After `onDown` it does not reconnect by itself; `open` may be called
 * again. The other end cannot be seen: when it is gone, there is silence, and no `onDown`.
 */
export class UartTransport implements Transport {
  readonly counters: UartCounters = { reads: 0, stalls: 0, droppedBytes: 0 };
  readonly #endpoint: UartEndpoint;
  readonly #path: string;
  readonly #options: UartOptions;
  readonly #clock: Clock;
  readonly #readers: OtherReaders;
  #settings: TtySettings;
  /** Reads at the last look after the port. */
  #readsSeen = 0;
  #port: SerialPort | undefined;
  #handlers: TransportHandlers | undefined;
  #opening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #watch: Timer | undefined;
  #baud: number;
  #kind: TtyKind = "unknown";
  #facts: TransportFacts;
  #writesPending = 0;
  #isHeldBack = false;
  #isStalled = false;
  #progressAt: Millis = 0;
  #onWritten: (() => void) | undefined;

  constructor(endpoint: UartEndpoint, options: UartOptions = {}) {
    this.#endpoint = endpoint;
    this.#path = endpoint.path;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#readers = new OtherReaders(this.#path, this.#clock);
    this.#settings = new TtySettings(this.#clock);
    this.#baud = endpoint.baud;
    this.#facts = this.#look();
  }

  get facts(): TransportFacts {
    return this.#facts;
  }

  /** The facts as they are now; the path may lead to another device than before. */
  #look(): TransportFacts {
    this.#kind = ttyKindOf(this.#path);
    return {
      endpoint: this.#endpoint.text,
      framing: "stream",
      isNoisy: true,
      baud: this.#baud,
      bitsPerByte: bitsPerByteOf(this.#endpoint),
      rtoFloorMs: RTO_FLOORS[this.#kind],
      setBaud: this.#endpoint.fixedBaud ? undefined : (baud) => this.#setBaud(baud),
      baudMax: this.#endpoint.fixedBaud ? undefined : this.#endpoint.baudMax,
      makeSplitter: makeStreamSplitter,
    };
  }

  async #setBaud(baud: number): Promise<void> {
    const port = this.#port;
    if (port === undefined) throw portLost(this.#path);
    await updateBaud(port, this.#path, baud);
    this.#baud = baud;
    this.#facts = this.#look();
  }

  async open(handlers: TransportHandlers): Promise<void> {
    assert(
      this.#opening === undefined && this.#closing === undefined,
      `${this.#endpoint.text} is open or closed for good`,
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
    if (port === undefined) return true;
    if (bytes.length === 0) return !this.#isHeldBack;
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

  dropUnsent(): void {
    // Drops what came, too: nobody who is mute needs it. A port that fails here ends in other ways.
    this.#port?.flush(() => {});
  }

  noteDamage(): void {
    if (this.#port !== undefined) this.#checkSettings(this.#port);
    void this.#readers.look((detail) => this.#handlers?.onShared?.(detail));
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
    // Links begin at the endpoint's rate, also when a port is opened again.
    this.#baud = this.#endpoint.baud;
    const port = await openPort(this.#endpoint, (ended, cause) =>
      this.#end(ended, portLost(this.#path, cause)),
    );
    if (port.port !== undefined) {
      armAllEvents(port.port);
      const pauseMs = this.#options.readPauseMs ?? READ_PAUSE_MS;
      if (pauseMs > 0) coalesceReads(port.port, this.#clock, pauseMs);
    }
    this.#facts = this.#look();
    if (this.#options.reset !== undefined) {
      await resetBoard(port, this.#path, this.#options.reset, this.#clock);
    }
    if (!port.isOpen) throw portLost(this.#path);
    this.#port = port;
    this.#settings = new TtySettings(this.#clock);
    if (this.#handlers === undefined) return;
    this.#writesPending = 0;
    this.#isHeldBack = false;
    this.#isStalled = false;
    this.#scheduleWatch();
    this.#handlers.onUp();
    this.noteDamage();
    // Reading starts here; bytes received since the open wait in the kernel.
    port.on("data", (chunk: Buffer) => {
      this.counters.reads += 1;
      if (this.#port === port) this.#handlers?.onBytes(asUint8Array(chunk));
    });
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

  /** A port that vanishes while it receives often emits no event, and a lost write gets no callback. */
  async #lookAfter(): Promise<void> {
    const port = this.#port;
    if (port === undefined) return;
    const isGone = await isUnlinked(port);
    if (this.#port !== port || this.#handlers === undefined) return;
    if (isGone) this.#end(port, portLost(this.#path));
    else this.#checkProgress(port);
    if (this.counters.reads === this.#readsSeen) this.#checkSettings(port);
    this.#readsSeen = this.counters.reads;
    if (this.#port === port) this.#scheduleWatch();
  }

  /** While nothing comes, or what comes is damaged: a tty that another program changed holds bytes back, or changes them. */
  #checkSettings(port: SerialPort): void {
    const fd = descriptorOf(port);
    if (fd === undefined) return;
    void this.#settings.look(
      fd,
      () => this.#baud,
      (detail) => this.#handlers?.onShared?.(detail),
    );
  }

  #checkProgress(port: SerialPort): void {
    const waited = this.#clock.now() - this.#progressAt;
    const heldMs = lineTime(port.writableLength, this.#baud, this.#facts.bitsPerByte);
    const limit = (this.#options.writeLimitMs ?? WRITE_LIMIT_MS) + heldMs;
    if (this.#writesPending === 0 || this.#isStalled || waited <= limit) return;
    this.#isStalled = true;
    this.counters.stalls += 1;
    // A pseudo terminal takes nothing while nobody reads its other end: waiting helps.
    if (this.#kind !== "pseudo") this.#end(port, portStalled(this.#path, waited));
  }

  /** The port ended, and we did not close it. Later calls for the same port do nothing. */
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
