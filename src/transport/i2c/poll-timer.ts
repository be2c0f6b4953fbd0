import type { Millis } from "../../base/units.ts";
import { I2C_TRANSACTION_MIN } from "./bus.ts";
import type { I2cTroubleKind } from "./bus-diagnosis.ts";
import { boundedTransaction } from "./mailbox-codec.ts";

/** With nothing to do, the mailbox is looked into after this share of the time since something last happened. */
const POLL_SHARE = 1 / 16;
const POLL_MIN_MS = 0.5;
/** Pause between looks at rest: the patrol (PROTOCOL.md 10.5). */
const POLL_MAX_MS = 1_000;
/** While nobody is there, looks are no closer than this. */
const SEEK_MIN_MS = 20;
/** Timeouts in a row on long transactions, before shorter ones are tried. */
const TIMEOUTS_MAX = 3;

/** When a controller next looks into a mailbox that has nothing for it: at once in a session, once a second at rest. */
export class PollTimer {
  #activeAt: Millis;
  #at: Millis;

  constructor(now: Millis) {
    this.#activeAt = now;
    this.#at = now;
  }

  get at(): Millis {
    return this.#at;
  }

  /** A frame, or a part of one, went over. */
  active(now: Millis): void {
    this.#activeAt = now;
    this.#at = now + POLL_MIN_MS;
  }

  /** Looked, and found nothing. */
  looked(now: Millis): void {
    this.#at = now + this.#pause(now, POLL_MIN_MS);
  }

  /** Nobody was there. */
  missed(now: Millis): void {
    this.#at = now + this.#pause(now, SEEK_MIN_MS);
  }

  #pause(now: Millis, least: Millis): Millis {
    return Math.min(POLL_MAX_MS, Math.max(least, (now - this.#activeAt) * POLL_SHARE));
  }
}

/** Longest transaction that both the peripheral and the adapter do. Adapters are found out by trying. */
export class TransactionLimit {
  #adapter: number;
  #peer: number = I2C_TRANSACTION_MIN;
  /** Long transactions in a row that timed out. */
  #timeouts = 0;

  /** `own`: the most that is wanted, in bytes. */
  constructor(own: number) {
    this.#adapter = boundedTransaction(own);
  }

  /** Bytes, 32 to 8192. */
  get value(): number {
    return Math.min(this.#peer, this.#adapter);
  }

  /** What this side can, whatever the peripheral can. */
  get own(): number {
    return this.#adapter;
  }

  /** The peripheral's limit, from its status. */
  advertised(length: number): void {
    this.#peer = boundedTransaction(length);
  }

  /** A transaction of so many bytes went well. */
  moved(length: number): void {
    if (length > I2C_TRANSACTION_MIN) this.#timeouts = 0;
  }

  /** One failed. Some adapters refuse long ones, some let them time out: half as long ones are next, down to 32. */
  failed(kind: I2cTroubleKind, length: number): void {
    if (length <= I2C_TRANSACTION_MIN) return;
    if (kind === "timeout" || kind === "short" || kind === "io") this.#timeouts++;
    if (kind !== "too-long" && this.#timeouts < TIMEOUTS_MAX) return;
    this.#timeouts = 0;
    this.#adapter = boundedTransaction(Math.floor(Math.min(length, this.value) / 2));
  }
}
