import { type Clock, systemClock, type Timer } from "../../base/clock.ts";
import { type Random, randomChance, SeededRandom } from "../../base/prng.ts";
import type { Millis } from "../../base/units.ts";
import type { Transport, TransportHandlers } from "../../transport/transport.ts";
import {
  type ByteFault,
  bitErrors,
  bursts,
  type Cut,
  chainFaults,
  cuts,
  dropBytes,
  insertText,
  type RunFaultOptions,
  runFaults,
} from "./byte-faults.ts";

/** What goes wrong; everything absent goes right. Faults act in the order given here. */
export interface FaultOptions {
  /** Same seed, same bytes: same faults. Each kind of fault draws from its own generator. */
  readonly seed: number;
  /** For cuts and stalls; the process's clock. */
  readonly clock?: Clock;
  /** Which bytes are harmed; received. */
  readonly direction?: "received" | "sent" | "both";
  /** Whole frames, lost or changed. */
  readonly frames?: RunFaultOptions;
  /** Bit-error rate. */
  readonly ber?: number;
  /** Probability that a byte is lost. */
  readonly drop?: number;
  /** Random bytes in place of true ones: `probability` per byte that a burst of `bytes` begins. */
  readonly burst?: { readonly probability: number; readonly bytes: number };
  /** Foreign text between bytes. */
  readonly garbage?: { readonly probability: number; readonly text: string };
  /** Times during which nothing passes. */
  readonly cuts?: readonly Cut[];
  /** Further faults, after all others. Shared by both directions if both are harmed. */
  readonly extra?: readonly ByteFault[];
  /** With `probability` per delivery, it and all behind it come `delayMs` later, in order: a stuck adapter. Received only. */
  readonly stall?: { readonly probability: number; readonly delayMs: Millis };
}

/**
 * Wraps a transport so that its wire does harm, the same harm for the same seed. Wrappers stack: each is a transport.
 */
export function withFaults(transport: Transport, options: FaultOptions): Transport {
  return new FaultyTransport(transport, options);
}

class FaultyTransport implements Transport {
  readonly endpoint: string;
  readonly #inner: Transport;
  readonly #clock: Clock;
  readonly #onReceived: ByteFault;
  readonly #onSent: ByteFault;
  readonly #stall: Stall;

  constructor(inner: Transport, options: FaultOptions) {
    const direction = options.direction ?? "received";
    const clock = options.clock ?? systemClock;
    this.endpoint = inner.endpoint;
    this.#inner = inner;
    this.#clock = clock;
    this.#onReceived = direction === "sent" ? passOn : faultsOf(options, 0);
    this.#onSent = direction === "received" ? passOn : faultsOf(options, 1);
    this.#stall = new Stall(clock, new SeededRandom(options.seed ^ STALL_SALT), options.stall);
  }

  get baud(): number | undefined {
    return this.#inner.baud;
  }

  open(handlers: TransportHandlers): Promise<void> {
    return this.#inner.open({
      onUp: () => handlers.onUp(),
      onDown: (error) => {
        this.#stall.clear();
        handlers.onDown(error);
      },
      onWritable: () => handlers.onWritable(),
      onWaiting: (reason) => handlers.onWaiting?.(reason),
      onBytes: (bytes) => {
        const passed = this.#onReceived(bytes, this.#clock.now());
        if (passed.length > 0) this.#stall.pass(passed, (late) => handlers.onBytes(late));
      },
    });
  }

  write(bytes: Uint8Array): boolean {
    const passed = this.#onSent(bytes, this.#clock.now());
    // Also when nothing is left to write: the inner transport knows whether it is held back.
    return this.#inner.write(passed);
  }

  close(): Promise<void> {
    this.#stall.clear();
    return this.#inner.close();
  }
}

const passOn: ByteFault = (bytes) => bytes;
const STALL_SALT = 0x5bd1e995;

function faultsOf(options: FaultOptions, directionIndex: number): ByteFault {
  const random = (kind: number): Random =>
    new SeededRandom(options.seed + kind * 0x10001 + directionIndex * 0x1000003);
  const list: ByteFault[] = [];
  if (options.frames !== undefined) list.push(runFaults(random(1), options.frames));
  if (options.ber !== undefined) list.push(bitErrors(random(2), options.ber));
  if (options.drop !== undefined) list.push(dropBytes(random(3), options.drop));
  if (options.burst !== undefined) list.push(bursts(random(4), options.burst));
  if (options.garbage !== undefined) list.push(insertText(random(5), options.garbage));
  if (options.cuts !== undefined) list.push(cuts(options.cuts));
  if (options.extra !== undefined) list.push(...options.extra);
  return chainFaults(list);
}

/** Deliveries that come late, in order. */
class Stall {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #options: FaultOptions["stall"];
  readonly #timers = new Set<Timer>();
  readonly #late: Uint8Array[] = [];
  #notBefore: Millis = 0;

  constructor(clock: Clock, random: Random, options: FaultOptions["stall"]) {
    this.#clock = clock;
    this.#random = random;
    this.#options = options;
  }

  pass(bytes: Uint8Array, deliver: (bytes: Uint8Array) => void): void {
    const now = this.#clock.now();
    if (this.#options !== undefined && randomChance(this.#random, this.#options.probability)) {
      this.#notBefore = Math.max(this.#notBefore, now) + this.#options.delayMs;
    }
    if (this.#late.length === 0 && this.#notBefore <= now) {
      deliver(bytes);
      return;
    }
    this.#late.push(bytes);
    // Each timer delivers the oldest, not its own: real timers of nearly the same time may fire in any order.
    const timer = this.#clock.after(this.#notBefore - now, () => {
      this.#timers.delete(timer);
      const oldest = this.#late.shift();
      if (oldest !== undefined) deliver(oldest);
    });
    this.#timers.add(timer);
  }

  clear(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#late.length = 0;
    this.#notBefore = 0;
  }
}
