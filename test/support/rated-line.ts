import { randomBelow, randomChance, SeededRandom } from "../../src/base/prng.ts";
import { lineTime, type Millis } from "../../src/base/units.ts";
import type { VirtualClock } from "../../src/base/virtual-clock.ts";
import type { Transport, TransportFacts, TransportHandlers } from "../../src/transport/transport.ts";
import { lineFacts } from "./line-facts.ts";

export interface RatedLineOptions {
  readonly clock: VirtualClock;
  readonly seed: number;
  /** One way, 1 ms unless given. */
  readonly latencyMs?: Millis;
  /** Rates at which everything is garbled. */
  readonly garbled?: readonly number[];
  /** Chance that a byte is damaged at this rate; none unless given. */
  readonly errorsAt?: (baud: number, now: Millis) => number;
  /** Highest rate of each end (0 target, 1 rescuer), in bit/s; undefined: it is fixed. 3,000,000 unless given. */
  readonly max?: readonly [number | undefined, number | undefined];
  /** A port (0 target, 1 rescuer) refuses to be set to these. */
  readonly refused?: readonly [readonly number[], readonly number[]];
  /** What the line carries, in bit/s, whatever its ports are set to: they are pseudo terminals. */
  readonly carries?: number;
}

/** Rate at which ports are opened. */
const MEETING = 115_200;
/** Bytes that arrive together. */
const PIECE = 16;

/**
 * A serial line between two ports that are set to rates of their own: what one sends at another rate than the other one is set
 * to, or at one that the cable garbles, arrives as random bytes.
 */
export class RatedLine {
  readonly ends: readonly [RatedEnd, RatedEnd];
  readonly options: RatedLineOptions;
  readonly random: SeededRandom;
  /** Rates that the ends were set to, oldest first. */
  readonly set: [end: 0 | 1, baud: number, at: Millis][] = [];

  constructor(options: RatedLineOptions) {
    this.options = options;
    this.random = new SeededRandom(options.seed ^ 0x62617564);
    this.ends = [new RatedEnd(this, 0), new RatedEnd(this, 1)];
  }

  /** What arrives of bytes that were sent at `from` by an end, at one that is set to `to`. */
  carry(bytes: Uint8Array, from: number, to: number): Uint8Array {
    const { clock, errorsAt, garbled = [] } = this.options;
    if (this.options.carries === undefined && (from !== to || garbled.includes(from))) {
      const count = Math.min(64, Math.max(1, Math.round((bytes.length * to) / from)));
      return Uint8Array.from({ length: count }, () => randomBelow(this.random, 256));
    }
    const chance = errorsAt?.(from, clock.now()) ?? 0;
    if (chance === 0) return bytes;
    return bytes.map((byte) =>
      randomChance(this.random, chance) ? byte ^ (1 + randomBelow(this.random, 255)) : byte,
    );
  }
}

export class RatedEnd implements Transport {
  readonly #line: RatedLine;
  readonly #end: 0 | 1;
  #openedAt = MEETING;
  #baud = MEETING;
  #handlers: TransportHandlers | undefined;
  #freeAt: Millis = 0;

  constructor(line: RatedLine, end: 0 | 1) {
    this.#line = line;
    this.#end = end;
  }

  get baud(): number {
    return this.#baud;
  }

  /** The port is opened at this rate from now on. */
  fix(baud: number): void {
    this.#openedAt = baud;
    this.#baud = baud;
  }

  get facts(): TransportFacts {
    const max = (this.#line.options.max ?? [3_000_000, 3_000_000])[this.#end];
    const setBaud = max === undefined ? undefined : (baud: number): undefined => this.#setBaud(baud);
    return { ...lineFacts(`rated:${this.#end}`, this.#baud), setBaud, baudMax: max };
  }

  #setBaud(baud: number): undefined {
    if (this.#line.options.refused?.[this.#end].includes(baud)) return;
    this.#baud = baud;
    this.#line.set.push([this.#end, baud, this.#line.options.clock.now()]);
  }

  async open(handlers: TransportHandlers): Promise<void> {
    this.#handlers = handlers;
    this.#baud = this.#openedAt;
    handlers.onUp();
  }

  write(bytes: Uint8Array): boolean {
    const { carries, clock, latencyMs = 1 } = this.#line.options;
    const baud = carries ?? this.#baud;
    const start = Math.max(clock.now(), this.#freeAt);
    this.#freeAt = start + lineTime(bytes.length, baud);
    for (let at = 0; at < bytes.length; at += PIECE) {
      const piece = bytes.subarray(at, at + PIECE);
      const leftAt = start + lineTime(at + piece.length, baud);
      // A port that is set to another rate meanwhile sends the rest at that one.
      clock.after(leftAt - clock.now(), () => {
        const isCut = carries === undefined && this.#baud !== baud;
        clock.after(latencyMs, () => this.#peer.receive(piece, isCut ? 0.5 * baud : baud));
      });
    }
    return true;
  }

  get #peer(): RatedEnd {
    return this.#line.ends[this.#end === 0 ? 1 : 0];
  }

  receive(bytes: Uint8Array, from: number): void {
    this.#handlers?.onBytes(this.#line.carry(bytes, from, this.#baud));
  }

  async close(): Promise<void> {
    this.#handlers = undefined;
    this.#baud = this.#openedAt;
  }
}
