import { assert } from "../../base/assert.ts";
import { EMPTY } from "../../base/bytes.ts";
import { type Clock, systemClock, type Timer } from "../../base/clock.ts";
import { type Random, randomChance, SeededRandom } from "../../base/prng.ts";
import type { Millis } from "../../base/units.ts";
import type { Transport, TransportHandlers } from "../../transport/transport.ts";
import { relayHandlers, TransportWrapper } from "../../transport/transport-wrapper.ts";
import {
  type ByteFault,
  bitErrors,
  bursts,
  type Cut,
  chainFaults,
  cuts,
  dropBytes,
  insertText,
  messageFaults,
  type RunFaultOptions,
  runFaults,
} from "./byte-faults.ts";

/** Faults of a transport; what is absent does not happen. They are applied in the order of these members. */
export interface FaultOptions {
  /** Equal seeds and equal bytes give equal faults. Each kind of fault has a random generator of its own. */
  readonly seed: number;
  /** For cuts and stalls; the process's clock unless given. */
  readonly clock?: Clock;
  /** Which bytes are damaged; received ones unless given. */
  readonly direction?: "received" | "sent" | "both";
  /** Whole frames, lost or changed. */
  readonly frames?: RunFaultOptions;
  /** Bit-error rate. */
  readonly ber?: number;
  /** Probability that a byte is lost. */
  readonly drop?: number;
  /** Random bytes in place of the real ones: `probability` per byte that a burst of `bytes` begins. */
  readonly burst?: { readonly probability: number; readonly bytes: number };
  /** Foreign text between bytes; only on a link that carries a stream. */
  readonly garbage?: { readonly probability: number; readonly text: string };
  /** Times during which nothing passes. */
  readonly cuts?: readonly Cut[];
  /** Further faults, after all others. Both directions share them if both are damaged. */
  readonly extra?: readonly ByteFault[];
  /** A stuck adapter: with `probability` per delivery, it and all after it come `delayMs` later, in order. Received only. */
  readonly stall?: { readonly probability: number; readonly delayMs: Millis };
}

/**
 * Wraps a transport so that its wire damages what it carries, in the same way for the same seed. Wrappers stack. On a link
 * of messages (I2C) the faults of `frames` act on whole messages, and `garbage` is not possible.
 */
export function withFaults(transport: Transport, options: FaultOptions): Transport {
  return new FaultyTransport(transport, options);
}

class FaultyTransport extends TransportWrapper {
  readonly #clock: Clock;
  readonly #onReceived: PieceFault;
  readonly #onSent: PieceFault;
  readonly #stall: Stall;

  constructor(inner: Transport, options: FaultOptions) {
    super(inner);
    const direction = options.direction ?? "received";
    const clock = options.clock ?? systemClock;
    this.#clock = clock;
    const isMessageLink = inner.facts.framing === "message";
    assert(!isMessageLink || options.garbage === undefined, "a message link carries no text between bytes");
    const faults = isMessageLink ? faultsOfMessages : faultsOfBytes;
    this.#onReceived = direction === "sent" ? passOn : faults(options, 0);
    this.#onSent = direction === "received" ? passOn : faults(options, 1);
    this.#stall = new Stall(clock, new SeededRandom(options.seed ^ STALL_SALT), options.stall);
  }

  override open(handlers: TransportHandlers): Promise<void> {
    return super.open(
      relayHandlers(handlers, {
        onDown: (error) => {
          this.#stall.clear();
          handlers.onDown(error);
        },
        onBytes: (bytes) => {
          for (const passed of this.#onReceived(bytes, this.#clock.now())) {
            this.#stall.pass(passed, (late) => handlers.onBytes(late));
          }
        },
      }),
    );
  }

  override write(bytes: Uint8Array): boolean {
    const pieces = this.#onSent(bytes, this.#clock.now());
    if (pieces.length === 0) return super.write(EMPTY);
    return pieces.map((piece) => super.write(piece)).every((isWritable) => isWritable);
  }

  override close(): Promise<void> {
    this.#stall.clear();
    return super.close();
  }
}

/** Faults applied to what one `write` or `onBytes` brings: what is passed on, in pieces that are not empty. */
type PieceFault = (bytes: Uint8Array, now: Millis) => readonly Uint8Array[];

const passOn: PieceFault = (bytes) => withoutEmpty([bytes]);
const STALL_SALT = 0x5bd1e995;

function withoutEmpty(pieces: readonly Uint8Array[]): readonly Uint8Array[] {
  return pieces.filter(({ length }) => length > 0);
}

function faultsOfBytes(options: FaultOptions, directionIndex: number): PieceFault {
  const list = [...byteFaultsOf(options, directionIndex)];
  if (options.frames !== undefined)
    list.unshift(runFaults(randomOf(options, 1, directionIndex), options.frames));
  const fault = chainFaults(list);
  return (bytes, now) => withoutEmpty([fault(bytes, now)]);
}

function faultsOfMessages(options: FaultOptions, directionIndex: number): PieceFault {
  const damage = messageFaults(randomOf(options, 1, directionIndex), options.frames ?? {});
  const fault = chainFaults(byteFaultsOf(options, directionIndex));
  return (message, now) => withoutEmpty(damage(message).map((passed) => fault(passed, now)));
}

function randomOf(options: FaultOptions, kind: number, directionIndex: number): Random {
  return new SeededRandom(options.seed + kind * 0x10001 + directionIndex * 0x1000003);
}

/** All faults but those of whole frames. */
function byteFaultsOf(options: FaultOptions, directionIndex: number): readonly ByteFault[] {
  const random = (kind: number): Random => randomOf(options, kind, directionIndex);
  const list: ByteFault[] = [];
  if (options.ber !== undefined) list.push(bitErrors(random(2), options.ber));
  if (options.drop !== undefined) list.push(dropBytes(random(3), options.drop));
  if (options.burst !== undefined) list.push(bursts(random(4), options.burst));
  if (options.garbage !== undefined) list.push(insertText(random(5), options.garbage));
  if (options.cuts !== undefined) list.push(cuts(options.cuts));
  if (options.extra !== undefined) list.push(...options.extra);
  return list;
}

/** Delays deliveries, and keeps their order. */
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
