import { TransportError } from "../../base/errors.ts";

/**
 * Why a transaction failed, as far as a controller can tell. What each leads to: PROTOCOL.md 10.5.
 * `nack`: no device acknowledged the address or a byte. `timeout`: the clock was held low for too long. `stuck`: the bus
 * is not free, data line held low. `arbitration`: another device drove the bus. `too-long`: the adapter cannot do a
 * transaction of this length. `short`: fewer bytes were moved than requested. `gone`: the adapter was removed. `io`:
 * anything else.
 */
export type I2cFaultKind =
  | "nack"
  | "timeout"
  | "stuck"
  | "arbitration"
  | "too-long"
  | "short"
  | "gone"
  | "io";

/** A transaction that failed; code `i2c-` and the kind. */
export class I2cError extends TransportError {
  readonly kind: I2cFaultKind;

  constructor(kind: I2cFaultKind, message: string, cause?: unknown) {
    super(`i2c-${kind}`, message, kind === "gone" ? "final" : "transient", {}, cause);
    this.kind = kind;
  }
}

/**
 * A bus as its controller sees it: plain transactions of one message each (START, address, bytes, STOP). One at a
 * time: wait for the promise before the next call.
 */
export interface I2cBus {
  /** Name for messages: `/dev/i2c-1`. */
  readonly name: string;
  /** Clock in hertz; undefined where it is not known. */
  readonly clockHz: number | undefined;
  /** Writes 1 to {@link I2C_TRANSACTION_MAX} bytes. Rejects with I2cError; some bytes may have been taken then. */
  write(address: number, bytes: Uint8Array): Promise<void>;
  /** Reads exactly `length` bytes, 1 to {@link I2C_TRANSACTION_MAX}. Rejects with I2cError. */
  read(address: number, length: number): Promise<Uint8Array>;
  /** Idempotent, never rejects. */
  close(): Promise<void>;
}

/** A peripheral as the bus sees it; called once for each message, in order. */
export interface I2cPeripheralHandler {
  /** Takes the bytes of a write, cut short where the bus failed; returns whether they are acknowledged. */
  onWrite(bytes: Uint8Array): boolean;
  /** Returns exactly `length` bytes. */
  onRead(length: number): Uint8Array;
}

/** Most bytes in a transaction: the Linux kernel silently cuts longer ones (PROTOCOL.md 10.1). */
export const I2C_TRANSACTION_MAX = 8192;
/** Length of a transaction, in bytes, that every adapter and every peripheral can do. */
export const I2C_TRANSACTION_MIN = 32;
