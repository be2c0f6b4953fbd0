import { I2C_TRANSACTION_MIN } from "./bus.ts";
import type { I2cTroubleKind } from "./bus-diagnosis.ts";
import { boundedTransaction } from "./mailbox-codec.ts";

/** Timeouts in a row on long transactions, before shorter ones are tried. */
const TIMEOUTS_MAX = 3;

/** Longest transaction that both peripheral and adapter can do. What an adapter can do is found by trying. */
export class TransactionLimit {
  #adapter: number;
  #peer: number = I2C_TRANSACTION_MIN;
  /** Long transactions in a row that timed out. */
  #timeouts = 0;

  /** `own`: longest transaction wanted, in bytes. */
  constructor(own: number) {
    this.#adapter = boundedTransaction(own);
  }

  /** Bytes, 32 to 8192. */
  get value(): number {
    return Math.min(this.#peer, this.#adapter);
  }

  /** This side's limit, in bytes. */
  get own(): number {
    return this.#adapter;
  }

  /** The peripheral's limit, from its status. */
  advertised(length: number): void {
    this.#peer = boundedTransaction(length);
  }

  /** A transaction of this many bytes succeeded. */
  moved(length: number): void {
    if (length > I2C_TRANSACTION_MIN) this.#timeouts = 0;
  }

  /** A transaction failed. Some adapters refuse long ones, some let them time out: the limit is halved, down to 32. */
  failed(kind: I2cTroubleKind, length: number): void {
    if (length <= I2C_TRANSACTION_MIN) return;
    if (kind === "timeout" || kind === "short" || kind === "io") this.#timeouts++;
    if (kind !== "too-long" && this.#timeouts < TIMEOUTS_MAX) return;
    this.#timeouts = 0;
    this.#adapter = boundedTransaction(Math.floor(Math.min(length, this.value) / 2));
  }
}
