// A serial port as a loopback test needs it: it sends, and keeps what it hears.
import { setTimeout as sleep } from "node:timers/promises";
import { fromDist } from "./lib.mjs";

const { UartTransport } = await fromDist("transport/serial/uart.js");
const { lineTime } = await fromDist("base/units.js");

/** After the last byte that was expected, so long is waited for more: beyond an FTDI latency timer of 16 ms. */
export const SETTLE_MS = 40;
/** So long without a byte, after the time that the line needs, nothing more is expected. */
const QUIET_MS = 500;
/** A line that still delivers after this many line times, and some seconds, is given up. */
const LINE_TIMES_MAX = 4;
const LIMIT_MS = 5000;

/** A serial port that keeps what it hears, until {@link LoopbackPort.take}. */
export class LoopbackPort {
  fault;
  heard = 0;
  lastAt = 0;
  #chunks = [];
  #transport;
  #onWritable = () => {};

  constructor(path, baud) {
    this.#transport = new UartTransport({
      tag: "uart",
      text: path,
      path,
      baud,
      fixedBaud: true,
      baudMax: undefined,
      parity: "none",
      stopBits: 1,
    });
  }

  async open() {
    await this.#transport.open({
      onUp: () => {},
      onDown: (error) => {
        this.fault = error;
        this.#onWritable();
      },
      onBytes: (bytes) => {
        this.lastAt = performance.now();
        this.heard += bytes.length;
        this.#chunks.push(bytes);
      },
      onWritable: () => this.#onWritable(),
    });
  }

  /** Resolves when the transport has taken all; never, where the line takes nothing. */
  async send(writes) {
    for (const bytes of writes) {
      if (this.#transport.write(bytes) || this.fault !== undefined) continue;
      await new Promise((resolve) => {
        this.#onWritable = resolve;
      });
    }
  }

  take() {
    const bytes = Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.heard = 0;
    return bytes;
  }

  close() {
    return this.#transport.close();
  }
}

/** Waits until `to` has heard `count` bytes, or nothing more comes, or far too long. */
export async function hearOut({ from, to, baud }, count) {
  const started = performance.now();
  const line = lineTime(count, baud);
  const isOver = () => {
    const now = performance.now();
    if (to.heard >= count || to.fault !== undefined || from.fault !== undefined) return true;
    if (now > started + LINE_TIMES_MAX * line + LIMIT_MS) return true;
    return now > Math.max(to.lastAt, started + line) + QUIET_MS;
  };
  for (let heard = -1; heard !== to.heard; ) {
    while (!isOver()) await sleep(5);
    heard = to.heard;
    // Something may have waited while this process did not run, or come although nobody sent it.
    await sleep(SETTLE_MS);
    if (performance.now() > started + LINE_TIMES_MAX * line + LIMIT_MS) return;
  }
}
