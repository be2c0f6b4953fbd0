import { assert } from "../../base/assert.ts";
import { EMPTY } from "../../base/bytes.ts";
import type { Clock } from "../../base/clock.ts";
import type { Millis } from "../../base/units.ts";
import {
  I2C_TRANSACTION_MAX,
  type I2cBus,
  I2cError,
  type I2cFaultKind,
  type I2cPeripheralHandler,
} from "../../transport/i2c/bus.ts";
import type { ByteFate, I2cFaults } from "./i2c-bus-faults.ts";

/** Clocks that a byte takes: eight bits and the acknowledgement. */
const CLOCKS_PER_BYTE = 9;
/** START and STOP, a clock each. */
const CLOCKS_AROUND = 2;
const DEFAULT_CLOCK_HZ = 400_000;
/** How long a controller waits while the clock is held low. */
const TIMEOUT_MS = 25;
/** After this a controller reports that the bus is not free. */
const STUCK_MS = 1;

export interface MemoryBusOptions {
  /** 400,000 unless given. */
  readonly clockHz?: number;
  /** From one STOP to the next START, for controller and driver; 0 unless given. */
  readonly gapMs?: Millis;
  /** Longest transaction that the adapter can do, in bytes; 8192 unless given. Longer ones fail with `tooLongKind`. */
  readonly adapterMax?: number;
  /** `too-long` unless given; some adapters report `timeout`. */
  readonly tooLongKind?: "too-long" | "timeout";
  readonly faults?: I2cFaults;
}

/** Counted since the bus was made. */
export interface MemoryBusFigures {
  transactions: number;
  /** Address bytes included. */
  bytes: number;
  /** Time that the bus was occupied, gaps not included. */
  busyMs: Millis;
}

/** One transaction with its faults. */
interface Plan {
  readonly isAddressed: boolean;
  /** Data bytes that move. */
  readonly moved: number;
  /** Wrong bits by data byte. */
  readonly flips: ReadonlyMap<number, number>;
  readonly end: Exclude<ByteFate, { tag: "flip" }> | undefined;
}

/**
 * An I2C bus in memory, for tests and the simulator, on a clock handed in. Transactions take as long as on a real bus:
 * nine clocks a byte, address bytes included, a clock each for START and STOP, and the gap. Two peripherals at one
 * address both pull the data line low, as with open drains.
 */
export class I2cMemoryBus implements I2cBus {
  readonly name: string = "memory";
  readonly clockHz: number;
  readonly figures: MemoryBusFigures = { transactions: 0, bytes: 0, busyMs: 0 };
  readonly #clock: Clock;
  readonly #options: MemoryBusOptions;
  readonly #peripherals: Map<number, readonly I2cPeripheralHandler[]> = new Map();
  #stuckUntil: Millis = Number.NEGATIVE_INFINITY;
  #isTaken = false;

  constructor(clock: Clock, options: MemoryBusOptions = {}) {
    this.#clock = clock;
    this.#options = options;
    this.clockHz = options.clockHz ?? DEFAULT_CLOCK_HZ;
  }

  /** Connects a peripheral; the result disconnects it. */
  attach(address: number, handler: I2cPeripheralHandler): () => void {
    this.#peripherals.set(address, [...this.#at(address), handler]);
    return () => {
      const others = this.#at(address).filter((other) => other !== handler);
      this.#peripherals.set(address, others);
    };
  }

  #at(address: number): readonly I2cPeripheralHandler[] {
    return this.#peripherals.get(address) ?? [];
  }

  async write(address: number, bytes: Uint8Array): Promise<void> {
    const plan = await this.#begin(address, bytes.length);
    await this.#pass(this.#account(plan));
    const seen = withFlips(bytes.slice(0, plan.moved), plan.flips);
    const isTaken =
      plan.moved > 0 &&
      this.#at(address)
        .map((one) => one.onWrite(seen))
        .includes(true);
    await this.#finish(plan);
    if (!isTaken) throw failure("nack");
  }

  async read(address: number, length: number): Promise<Uint8Array> {
    const plan = await this.#begin(address, length);
    // The peripheral's answer is fixed when the read begins.
    const line = plan.moved === 0 ? EMPTY : this.#readLine(address, plan.moved);
    await this.#pass(this.#account(plan));
    await this.#finish(plan);
    return withFlips(line, plan.flips);
  }

  async close(): Promise<void> {}

  #readLine(address: number, length: number): Uint8Array {
    const line = new Uint8Array(length).fill(0xff);
    for (const handler of this.#at(address)) {
      const driven = handler.onRead(length);
      for (let i = 0; i < length; i++) line[i] = (line[i] as number) & (driven[i] ?? 0xff);
    }
    return line;
  }

  async #begin(address: number, length: number): Promise<Plan> {
    assert(length >= 1 && length <= I2C_TRANSACTION_MAX, `a transaction of ${length} bytes`);
    assert(!this.#isTaken, "one transaction at a time");
    this.#isTaken = true;
    const kind = this.#refusalOf(length);
    if (kind === undefined) return this.#plan(this.#at(address).length > 0, length);
    await this.#pass(kind === "timeout" ? TIMEOUT_MS : STUCK_MS);
    this.#isTaken = false;
    throw failure(kind);
  }

  #refusalOf(length: number): I2cFaultKind | undefined {
    if (length > (this.#options.adapterMax ?? I2C_TRANSACTION_MAX))
      return this.#options.tooLongKind ?? "too-long";
    return this.#clock.now() < this.#stuckUntil ? "stuck" : undefined;
  }

  #plan(isPresent: boolean, length: number): Plan {
    const { faults } = this.#options;
    const flips = new Map<number, number>();
    const last = isPresent ? length : 0;
    for (let i = 0; i <= last && faults !== undefined; i++) {
      const fate = faults.fateOf(this.figures.bytes + i);
      if (fate === undefined) continue;
      // A flipped bit in the address selects another device.
      if (fate.tag === "flip" && i === 0) return { isAddressed: false, moved: 0, flips, end: undefined };
      if (fate.tag === "flip") flips.set(i - 1, fate.mask);
      // A byte whose acknowledgement was misread has arrived.
      else
        return { isAddressed: true, moved: fate.tag === "nack" ? i : Math.max(0, i - 1), flips, end: fate };
    }
    return { isAddressed: isPresent, moved: last, flips, end: undefined };
  }

  /** Time that the transaction takes. */
  #account({ moved, end }: Plan): Millis {
    const bytes = 1 + moved;
    const clocked = ((CLOCKS_AROUND + CLOCKS_PER_BYTE * bytes) * 1000) / this.clockHz;
    const lasts = clocked + (end?.tag === "timeout" ? TIMEOUT_MS : 0);
    this.figures.transactions++;
    this.figures.bytes += bytes;
    this.figures.busyMs += lasts;
    return lasts;
  }

  async #finish({ isAddressed, end }: Plan): Promise<void> {
    if (this.#options.gapMs !== undefined) await this.#pass(this.#options.gapMs);
    this.#isTaken = false;
    if (end?.tag === "stuck") this.#stuckUntil = this.#clock.now() + end.lastsMs;
    if (!isAddressed) throw failure("nack");
    if (end !== undefined) throw failure(end.tag);
  }

  #pass(ms: Millis): Promise<void> {
    return new Promise((resolve) => void this.#clock.after(ms, resolve));
  }
}

function withFlips(bytes: Uint8Array, flips: ReadonlyMap<number, number>): Uint8Array {
  for (const [at, mask] of flips) if (at < bytes.length) bytes[at] = (bytes[at] as number) ^ mask;
  return bytes;
}

function failure(kind: I2cFaultKind): I2cError {
  return new I2cError(kind, `the bus in memory: ${kind}`);
}
