import { type Clock, systemClock, type Timer } from "../../base/clock.ts";
import { TransportError } from "../../base/errors.ts";
import type { Millis } from "../../base/units.ts";
import type { Transport, TransportFacts, TransportHandlers } from "../transport.ts";
import type { I2cPeripheralHandler } from "./bus.ts";
import { DEFAULT_TRANSACTION_MAX, i2cFacts } from "./controller.ts";
import { I2cMailboxPeripheral } from "./mailbox-peripheral.ts";

/** Connects a peripheral to its bus; the result disconnects it. Rejects with a TransportError. */
export type AttachPeripheral = (handler: I2cPeripheralHandler) => Promise<() => Promise<void>>;

export interface I2cPeripheralOptions {
  readonly clock?: Clock;
  /** Longest transaction to take and give, 32 to 8192 bytes; 1024 unless given. */
  readonly transactionMax?: number;
  /** The bus's clock in hertz, where it is known: to pace by. */
  readonly clockHz?: number | undefined;
  /** How long `close` waits for what the controller has not fetched yet; 500 ms unless given. */
  readonly lingerMs?: Millis;
}

/** A controller reads at least once a second; after this long without a transaction it counts as gone. */
const SILENCE_MAX_MS = 5_000;

/**
 * The peripheral's end of an I2C link (PROTOCOL.md 10): frames wait here until the controller fetches them. `onUp` when
 * a controller has greeted, `onDown` (`i2c-controller-silent`) after five seconds without a transaction.
 */
export class I2cPeripheralTransport implements Transport {
  readonly facts: TransportFacts;
  readonly #attach: AttachPeripheral;
  readonly #clock: Clock;
  readonly #options: I2cPeripheralOptions;
  #mailbox: I2cMailboxPeripheral;
  #handlers: TransportHandlers | undefined;
  #detach: (() => Promise<void>) | undefined;
  #watch: Timer | undefined;
  #heardAt: Millis = 0;
  #isUp = false;
  #isHeldBack = false;
  #isSilenceReported = false;

  constructor(endpoint: string, attach: AttachPeripheral, options: I2cPeripheralOptions = {}) {
    this.#attach = attach;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.facts = i2cFacts(endpoint, options.clockHz);
    this.#mailbox = this.#freshMailbox();
  }

  /** The mailbox's end on this side: counters. */
  get mailbox(): I2cMailboxPeripheral {
    return this.#mailbox;
  }

  #freshMailbox(): I2cMailboxPeripheral {
    return new I2cMailboxPeripheral(this.#options.transactionMax ?? DEFAULT_TRANSACTION_MAX);
  }

  async open(handlers: TransportHandlers): Promise<void> {
    this.#mailbox = this.#freshMailbox();
    this.#isUp = false;
    this.#isHeldBack = false;
    this.#handlers = handlers;
    this.#detach = await this.#attach({
      onWrite: (bytes) => this.#handleWrite(bytes),
      onRead: (length) => this.#handleRead(length),
    });
    this.#heardAt = this.#clock.now();
    this.#watchSilence();
  }

  write(bytes: Uint8Array): boolean {
    if (!this.#isUp) return true;
    if (bytes.length === 0) return !this.#isHeldBack;
    this.#mailbox.send(bytes);
    this.#isHeldBack = this.#mailbox.isFull;
    return !this.#isHeldBack;
  }

  #handleWrite(bytes: Uint8Array): boolean {
    const isTaken = this.#mailbox.handleWrite(bytes);
    this.#heard();
    for (let frame = this.#mailbox.pollFrame(); frame; frame = this.#mailbox.pollFrame()) {
      this.#handlers?.onBytes(frame);
    }
    // The write may have acknowledged what was fetched.
    if (this.#isHeldBack && !this.#mailbox.isFull) {
      this.#isHeldBack = false;
      this.#handlers?.onWritable();
    }
    return isTaken;
  }

  #handleRead(length: number): Uint8Array {
    const answer = this.#mailbox.handleRead(length);
    this.#heard();
    return answer;
  }

  #heard(): void {
    this.#heardAt = this.#clock.now();
    if (this.#isUp || !this.#mailbox.isGreeted || this.#handlers === undefined) return;
    this.#isUp = true;
    this.#isSilenceReported = false;
    this.#handlers.onUp();
  }

  #watchSilence(): void {
    const left = this.#heardAt + SILENCE_MAX_MS - this.#clock.now();
    if (left <= 0) this.#reportSilence();
    this.#watch = this.#clock.after(left > 0 ? left : SILENCE_MAX_MS, () => this.#watchSilence());
  }

  #reportSilence(): void {
    const fix = "check that the controller runs and names this address, and the wiring";
    const error = new TransportError(
      "i2c-controller-silent",
      `${this.facts.endpoint}: no controller has read or written for ${SILENCE_MAX_MS / 1000} s; ${fix}`,
      "transient",
      { endpoint: this.facts.endpoint },
    );
    if (!this.#isUp) {
      if (!this.#isSilenceReported) this.#handlers?.onWaiting?.(error);
    } else {
      this.#isUp = false;
      this.#isHeldBack = false;
      this.#mailbox.dropFrames();
      this.#handlers?.onDown(error);
    }
    this.#isSilenceReported = true;
  }

  async close(): Promise<void> {
    const detach = this.#detach;
    if (detach === undefined) return;
    this.#detach = undefined;
    this.#handlers = undefined;
    this.#watch?.cancel();
    const until = this.#clock.now() + (this.#options.lingerMs ?? 500);
    // Queued frames are fetched, not sent: a bye, or DONE once more.
    while (this.#isUp && !this.#mailbox.isIdle && this.#clock.now() < until) {
      await new Promise<void>((resolve) => void this.#clock.after(5, resolve));
    }
    this.#isUp = false;
    await detach();
  }
}
