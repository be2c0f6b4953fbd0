import { type Clock, systemClock, type Timer } from "../../base/clock.ts";
import { TransportError } from "../../base/errors.ts";
import type { Millis } from "../../base/units.ts";
import { bitsPerByteOf, type ResetLine, type Rfc2217Endpoint } from "../endpoint.ts";
import { RESET_STEPS, type ResetStep } from "../reset-steps.ts";
import { makeStreamSplitter } from "../stream-splitter.ts";
import {
  RTO_FLOOR_USB_MS,
  type Transport,
  type TransportFacts,
  type TransportHandlers,
} from "../transport.ts";
import { ComPortClient } from "./com-port.ts";
import { TcpTransport } from "./tcp.ts";
import { TelnetReader, telnetData } from "./telnet.ts";

/** Longest wait until the server has agreed and set its port up, and for its answer to another rate. */
const SET_UP_MS: Millis = 5_000;
const BAUD_LIMIT_MS: Millis = 2_000;

export interface Rfc2217Options {
  readonly clock?: Clock;
  /** Resets the board when the port is reached for the first time. */
  readonly reset?: ResetLine | undefined;
}

/** A change of the rate that the server has not answered yet. */
interface BaudChange {
  readonly baud: number;
  readonly timer: Timer;
  resolve(): void;
  reject(error: TransportError): void;
}

/**
 * A serial port at another machine, reached by telnet with COM port control (RFC 2217). Up when the server has set the
 * port up; connects again by itself. A server that refuses is told by `onWaiting`, and asked again with the next connection.
 */
export class Rfc2217Transport implements Transport {
  readonly #endpoint: Rfc2217Endpoint;
  readonly #clock: Clock;
  readonly #inner: TcpTransport;
  #reset: ResetLine | undefined;
  #handlers: TransportHandlers | undefined;
  #client: ComPortClient | undefined;
  #reader: TelnetReader = new TelnetReader();
  #timer: Timer | undefined;
  #baud: number;
  #change: BaudChange | undefined;
  #isUp = false;
  #isSuspended = false;
  #lastReason = "";

  constructor(endpoint: Rfc2217Endpoint, options: Rfc2217Options = {}) {
    this.#endpoint = endpoint;
    this.#clock = options.clock ?? systemClock;
    this.#baud = endpoint.baud;
    this.#reset = options.reset;
    this.#inner = new TcpTransport({ ...endpoint, tag: "tcp" }, { clock: this.#clock });
  }

  get facts(): TransportFacts {
    const { text, fixedBaud, baudMax } = this.#endpoint;
    return {
      endpoint: text,
      framing: "stream",
      isNoisy: true,
      baud: this.#baud,
      bitsPerByte: bitsPerByteOf(this.#endpoint),
      // A network and an adapter behind it.
      rtoFloorMs: RTO_FLOOR_USB_MS,
      setBaud: fixedBaud ? undefined : (baud) => this.#setBaud(baud),
      baudMax: fixedBaud ? undefined : baudMax,
      makeSplitter: makeStreamSplitter,
    };
  }

  async open(handlers: TransportHandlers): Promise<void> {
    this.#handlers = handlers;
    await this.#inner.open({
      onUp: () => this.#connected(),
      onDown: (error) => this.#disconnected(error),
      onWaiting: (reason) => this.#handlers?.onWaiting?.(reason),
      onBytes: (bytes) => {
        const data = this.#reader.read(bytes, (command) => this.#client?.handle(command));
        if (this.#isUp && data.length > 0) this.#handlers?.onBytes(data);
      },
      onWritable: () => {
        if (this.#isUp && !this.#isSuspended) this.#handlers?.onWritable();
      },
    });
  }

  write(bytes: Uint8Array): boolean {
    if (!this.#isUp) return true;
    return this.#inner.write(telnetData(bytes)) && !this.#isSuspended;
  }

  dropUnsent(): void {
    if (this.#isUp) this.#client?.purge();
  }

  close(): Promise<void> {
    this.#handlers = undefined;
    this.#timer?.cancel();
    this.#endChange(portGone(this.#endpoint.text));
    return this.#inner.close();
  }

  #connected(): void {
    this.#reader = new TelnetReader();
    this.#baud = this.#endpoint.baud;
    this.#isSuspended = false;
    const client = new ComPortClient(this.#endpoint, {
      send: (bytes) => void this.#inner.write(bytes),
      onReady: () => this.#ready(client),
      onRefused: (why) => this.#refused(why),
      onBaud: (baud) => this.#baudIs(baud),
      onSuspended: (isSuspended) => {
        this.#isSuspended = isSuspended;
        if (!isSuspended && this.#isUp) this.#handlers?.onWritable();
      },
    });
    this.#client = client;
    this.#timer = this.#clock.after(SET_UP_MS, () => this.#refused(client.lacks));
    client.start();
  }

  #ready(client: ComPortClient): void {
    this.#timer?.cancel();
    const steps = this.#reset === undefined ? [] : RESET_STEPS[this.#reset];
    // Only the first time: later on the board may be in the middle of a transfer.
    this.#reset = undefined;
    this.#resetBoard(client, steps);
  }

  #resetBoard(client: ComPortClient, [step, ...more]: readonly ResetStep[]): void {
    if (step === undefined) {
      this.#up();
      return;
    }
    client.setLines(step.dtr, step.rts);
    this.#timer = this.#clock.after(step.forMs, () => this.#resetBoard(client, more));
  }

  #up(): void {
    this.#isUp = true;
    this.#lastReason = "";
    this.#handlers?.onUp();
  }

  #refused(why: string): void {
    this.#tell(why);
    this.#inner.drop();
  }

  #tell(why: string): void {
    if (why === this.#lastReason) return;
    this.#lastReason = why;
    const { text, host, port } = this.#endpoint;
    const message = `${text}: the server does not set its port up: ${why}; let it speak RFC 2217 (ser2net: accepter: telnet(rfc2217),tcp,${port}), or take its bytes as they are: tcp:${host}:${port}; it keeps trying`;
    const error = new TransportError("rfc2217-refused", message, "transient", { endpoint: text });
    this.#handlers?.onWaiting?.(error);
  }

  #disconnected(error: TransportError | undefined): void {
    this.#timer?.cancel();
    this.#client = undefined;
    this.#endChange(portGone(this.#endpoint.text));
    if (this.#isUp) {
      this.#isUp = false;
      this.#handlers?.onDown(error);
    } else if (this.#lastReason === "") this.#tell("it closes the connection");
  }

  #setBaud(baud: number): Promise<void> {
    const { text } = this.#endpoint;
    if (!this.#isUp || this.#client === undefined) return Promise.reject(portGone(text));
    this.#client.setBaud(baud);
    return new Promise((resolve, reject) => {
      const timer = this.#clock.after(BAUD_LIMIT_MS, () => this.#endChange(refusedBaud(text, baud)));
      this.#change = { baud, timer, resolve, reject };
    });
  }

  #baudIs(baud: number): void {
    const change = this.#change;
    this.#baud = baud;
    if (change !== undefined)
      this.#endChange(baud === change.baud ? undefined : refusedBaud(this.#endpoint.text, change.baud));
  }

  #endChange(error: TransportError | undefined): void {
    const change = this.#change;
    this.#change = undefined;
    change?.timer.cancel();
    if (error === undefined) change?.resolve();
    else change?.reject(error);
  }
}

function portGone(endpoint: string): TransportError {
  return new TransportError("rfc2217-gone", `${endpoint}: the server is not connected`, "transient", {
    endpoint,
  });
}

function refusedBaud(endpoint: string, baud: number): TransportError {
  return new TransportError("baud-unsupported", `${endpoint} does not do ${baud} baud`, "final", {
    endpoint,
    baud,
  });
}
