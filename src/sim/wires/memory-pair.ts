import { assert } from "../../base/assert.ts";
import type { Clock, Timer } from "../../base/clock.ts";
import { lineTime, type Millis, UART_BITS_PER_BYTE } from "../../base/units.ts";
import {
  RTO_FLOOR_NATIVE_MS,
  type Transport,
  type TransportFacts,
  type TransportHandlers,
} from "../../transport/transport.ts";

/** One direction of a wire in memory. */
export interface MemoryLineOptions {
  /** Line rate in baud; undefined: bytes take no time on the line. */
  readonly baud?: number | undefined;
  /** One way, added to the line time; 0 unless given. */
  readonly latencyMs?: Millis;
  /** Bytes are delivered in pieces of this many, each when its last byte arrives; unless given, a whole write is one. */
  readonly pieceBytes?: number;
  /** `write` returns false while more bytes than this wait for the line; unless given, never. */
  readonly queueBytes?: number;
}

export interface MemoryPairOptions {
  readonly aToB?: MemoryLineOptions;
  readonly bToA?: MemoryLineOptions;
  /** The endpoints; "memory:a" and "memory:b" unless given. */
  readonly names?: readonly [string, string];
}

/**
 * Two transports joined by a serial wire in memory, on a clock handed in, for tests and the simulator. Like a UART it
 * keeps no bytes for an end that is not open, and an end does not notice when the other one closes.
 */
export function createMemoryPair(clock: Clock, options: MemoryPairOptions = {}): [Transport, Transport] {
  const [nameA, nameB] = options.names ?? ["memory:a", "memory:b"];
  const a = new MemoryEnd(nameA, clock, options.aToB ?? {});
  const b = new MemoryEnd(nameB, clock, options.bToA ?? {});
  a.joinTo(b);
  b.joinTo(a);
  return [a, b];
}

/** A write on its way. */
interface Flight {
  readonly bytes: Uint8Array;
  /** Bytes that have arrived. */
  arrived: number;
}

class MemoryEnd implements Transport {
  readonly facts: TransportFacts;
  readonly #clock: Clock;
  readonly #line: MemoryLineOptions;
  #peer: MemoryEnd | undefined;
  /** Oldest first. */
  readonly #onWire: Flight[] = [];
  #handlers: TransportHandlers | undefined;
  /** When the last byte written so far leaves the line. */
  #freeAt: Millis = 0;
  /** Set while the writer is held back. */
  #holdBack: Timer | undefined;

  constructor(endpoint: string, clock: Clock, line: MemoryLineOptions) {
    assert((line.pieceBytes ?? 1) >= 1, "pieceBytes is at least 1");
    this.facts = {
      endpoint,
      framing: "stream",
      baud: line.baud,
      bitsPerByte: UART_BITS_PER_BYTE,
      rtoFloorMs: RTO_FLOOR_NATIVE_MS,
      setBaud: undefined,
      makeSplitter: undefined,
    };
    this.#clock = clock;
    this.#line = line;
  }

  joinTo(peer: MemoryEnd): void {
    this.#peer = peer;
  }

  async open(handlers: TransportHandlers): Promise<void> {
    this.#handlers = handlers;
    handlers.onUp();
  }

  write(bytes: Uint8Array): boolean {
    if (this.#handlers === undefined) return true;
    if (bytes.length === 0) return this.#holdBack === undefined;
    const start = Math.max(this.#clock.now(), this.#freeAt);
    const piece = this.#line.pieceBytes ?? bytes.length;
    this.#onWire.push({ bytes, arrived: 0 });
    for (let at = 0; at < bytes.length; at += piece) {
      const end = Math.min(at + piece, bytes.length);
      this.#at(start + this.#lineTime(end) + (this.#line.latencyMs ?? 0), this.#arrive);
    }
    this.#freeAt = start + this.#lineTime(bytes.length);
    if (this.#isOver(1)) this.#watch();
    return this.#holdBack === undefined;
  }

  /** Bytes already written stay on the wire. */
  async close(): Promise<void> {
    this.#handlers = undefined;
    this.#holdBack?.cancel();
    this.#holdBack = undefined;
  }

  receive(bytes: Uint8Array): void {
    this.#handlers?.onBytes(bytes);
  }

  /**
   * The oldest piece arrives, whichever timer fired: real timers of nearly the same time may fire in any order. It is cut
   * only now, and all timers share this function: while a simulation runs, much is on its way.
   */
  readonly #arrive = (): void => {
    const oldest = this.#onWire[0];
    if (oldest === undefined) return;
    const { bytes, arrived } = oldest;
    oldest.arrived = Math.min(bytes.length, arrived + (this.#line.pieceBytes ?? bytes.length));
    if (oldest.arrived === bytes.length) this.#onWire.shift();
    this.#peer?.receive(bytes.subarray(arrived, oldest.arrived));
  };

  #lineTime(bytes: number): Millis {
    return this.#line.baud === undefined ? 0 : lineTime(bytes, this.#line.baud);
  }

  /** When the queue will be down to `share` of its limit. */
  #drainedAt(share: number): Millis {
    return this.#freeAt - share * this.#lineTime(this.#line.queueBytes ?? Number.POSITIVE_INFINITY);
  }

  #isOver(share: number): boolean {
    return this.#line.queueBytes !== undefined && this.#drainedAt(share) > this.#clock.now();
  }

  /** Calls `onWritable` when the queue is half empty, so that the writer can refill it before the line is idle. */
  #watch(): void {
    this.#holdBack ??= this.#at(this.#drainedAt(0.5), () => {
      this.#holdBack = undefined;
      if (this.#isOver(0.5)) this.#watch();
      else this.#handlers?.onWritable();
    });
  }

  #at(time: Millis, fire: () => void): Timer {
    return this.#clock.after(time - this.#clock.now(), fire);
  }
}
