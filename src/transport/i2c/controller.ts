import { type Clock, systemClock, type Timer } from "../../base/clock.ts";
import { TransportError } from "../../base/errors.ts";
import type { Millis } from "../../base/units.ts";
import {
  RTO_FLOOR_I2C_MS,
  type Transport,
  type TransportFacts,
  type TransportHandlers,
} from "../transport.ts";
import { type I2cBus, I2cError } from "./bus.ts";
import { type I2cTroubleKind, troubleError } from "./bus-diagnosis.ts";
import { I2cMailboxController, type I2cOperation } from "./mailbox-controller.ts";

export interface I2cControllerOptions {
  readonly clock?: Clock;
  /** Longest transaction to use, 32 to 8192 bytes; 1024 unless given. Peripheral and adapter may do less. */
  readonly transactionMax?: number;
  /** The bus's clock in hertz, where it is known: to pace by. */
  readonly clockHz?: number | undefined;
  /** How long `close` keeps writing what is queued; 500 ms unless given. */
  readonly lingerMs?: Millis;
}

/** Longest transaction unless given, in bytes: longer ones gain half a percent, and occupy the bus for longer. */
export const DEFAULT_TRANSACTION_MAX = 1024;
/** Clocks that a byte takes: eight bits and the acknowledgement. */
const CLOCKS_PER_BYTE = 9;
/** How long `close` waits for a transaction under way. */
const CLOSE_LIMIT_MS = 1_000;

/** Facts of both ends of an I2C link; `clockHz`: the bus's clock, where it is known. */
export function i2cFacts(endpoint: string, clockHz: number | undefined): TransportFacts {
  return {
    endpoint,
    framing: "message",
    baud: clockHz,
    bitsPerByte: CLOCKS_PER_BYTE,
    rtoFloorMs: RTO_FLOOR_I2C_MS,
    setBaud: undefined,
    makeSplitter: undefined,
  };
}

/**
 * The controller's end of an I2C link to the peripheral at one address (PROTOCOL.md 10). It patrols the address until it
 * is closed: `onUp` when a peripheral's mailbox opens, `onDown` with a TransportError when it is lost, and then `onUp`
 * again. A peripheral that does not acknowledge is absent or busy; that is not an error for ten seconds.
 */
export class I2cControllerTransport implements Transport {
  readonly facts: TransportFacts;
  readonly #address: number;
  readonly #openBus: () => Promise<I2cBus>;
  readonly #clock: Clock;
  readonly #options: I2cControllerOptions;
  #bus: I2cBus | undefined;
  #machine: I2cMailboxController;
  #handlers: TransportHandlers | undefined;
  #timer: Timer | undefined;
  #isHeldBack = false;
  /** Settles when the transactions under way have ended. */
  #running: Promise<void> | undefined;
  #closing = false;

  /** `openBus` opens the bus, and rejects with a TransportError that is final. */
  constructor(
    endpoint: string,
    address: number,
    openBus: () => Promise<I2cBus>,
    options: I2cControllerOptions = {},
  ) {
    this.#address = address;
    this.#openBus = openBus;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.facts = i2cFacts(endpoint, options.clockHz);
    this.#machine = this.#freshMachine();
  }

  /** The mailbox's end on this side: counters and the transaction length in use. */
  get mailbox(): I2cMailboxController {
    return this.#machine;
  }

  #freshMachine(): I2cMailboxController {
    return new I2cMailboxController(
      this.#clock.now(),
      this.#options.transactionMax ?? DEFAULT_TRANSACTION_MAX,
    );
  }

  async open(handlers: TransportHandlers): Promise<void> {
    this.#bus = await this.#openBus();
    this.#machine = this.#freshMachine();
    this.#handlers = handlers;
    this.#closing = false;
    this.#isHeldBack = false;
    this.#kick();
  }

  write(bytes: Uint8Array): boolean {
    if (this.#handlers === undefined || !this.#machine.isUp) return true;
    if (bytes.length === 0) return !this.#isHeldBack;
    this.#machine.send(bytes);
    this.#isHeldBack = this.#machine.isFull;
    // Not immediately: the next frames of this turn fill the same transaction.
    if (this.#running === undefined) this.#wakeAfter(0);
    return !this.#isHeldBack;
  }

  /** Runs the transactions that are due, then sets the timer for the next. */
  #kick(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#running !== undefined || this.#bus === undefined) return;
    this.#running = this.#run(this.#bus).finally(() => {
      this.#running = undefined;
      if (this.#bus !== undefined)
        this.#wakeAfter(this.#machine.pollTimeout(this.#clock.now()) - this.#clock.now());
    });
  }

  #wakeAfter(delay: Millis): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.after(Math.max(0, delay), () => this.#kick());
  }

  async #run(bus: I2cBus): Promise<void> {
    while (this.#bus === bus) {
      const operation = this.#machine.nextOperation(this.#clock.now());
      if (operation === undefined) return;
      await this.#carryOut(bus, operation);
      this.#deliver();
    }
  }

  async #carryOut(bus: I2cBus, operation: I2cOperation): Promise<void> {
    try {
      if (operation.tag === "write") {
        await bus.write(this.#address, operation.bytes);
        this.#machine.handleWritten(this.#clock.now());
      } else {
        this.#machine.handleRead(this.#clock.now(), await bus.read(this.#address, operation.length));
      }
    } catch (error) {
      if (!(error instanceof I2cError)) throw error;
      const length = operation.tag === "write" ? operation.bytes.length : operation.length;
      this.#machine.handleFailure(this.#clock.now(), error.kind, length);
      if (error.kind === "gone") await this.#openAgain(bus);
    }
  }

  /** The adapter was unplugged: it may be plugged in again under the same name. */
  async #openAgain(bus: I2cBus): Promise<void> {
    await bus.close();
    try {
      const fresh = await this.#openBus();
      if (this.#bus === bus) this.#bus = fresh;
      else await fresh.close();
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
    }
  }

  /** Hands events and frames of the last transaction to the user. */
  #deliver(): void {
    for (let event = this.#machine.pollEvent(); event; event = this.#machine.pollEvent()) {
      this.#isHeldBack = false;
      if (event.tag === "up") this.#handlers?.onUp();
      else if (event.tag === "down") this.#handlers?.onDown(this.#error(event.kind));
      else this.#handlers?.onWaiting?.(this.#error(event.kind));
    }
    for (let frame = this.#machine.pollFrame(); frame; frame = this.#machine.pollFrame()) {
      this.#handlers?.onBytes(frame);
    }
    if (!this.#isHeldBack || this.#machine.isFull) return;
    this.#isHeldBack = false;
    this.#handlers?.onWritable();
  }

  #error(kind: I2cTroubleKind): TransportError {
    return troubleError(kind, this.#bus?.name ?? "the bus", this.#address);
  }

  async close(): Promise<void> {
    if (this.#bus === undefined || this.#closing) return;
    this.#closing = true;
    this.#handlers = undefined;
    await this.#linger(this.#options.lingerMs ?? 500);
    this.#timer?.cancel();
    const bus = this.#bus;
    this.#bus = undefined;
    if (this.#running !== undefined) await Promise.race([this.#running, this.#pass(CLOSE_LIMIT_MS)]);
    await bus.close();
  }

  /** Lets queued frames out first: a bye or an answer to DONE. */
  async #linger(limitMs: Millis): Promise<void> {
    const until = this.#clock.now() + limitMs;
    while (this.#machine.isUp && !this.#machine.isIdle && this.#clock.now() < until) await this.#pass(5);
  }

  #pass(ms: Millis): Promise<void> {
    return new Promise((resolve) => void this.#clock.after(ms, resolve));
  }
}
