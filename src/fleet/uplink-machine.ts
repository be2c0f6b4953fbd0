import { type Random, randomFraction } from "../base/prng.ts";
import type { Millis } from "../base/units.ts";
import { type AckCursor, BATCH_MAX, type ReportBatch } from "./fleet-messages.ts";
import type { OutboxQueue } from "./outbox-queue.ts";

/** Batches that are sent before the broker has answered the first of them. */
export const BATCHES_IN_FLIGHT_MAX = 4;
/** Reports that are sent before a collector has acknowledged the first of them. */
export const WINDOW_MAX: number = 8 * BATCH_MAX;
/** Without a cursor for this long everything is sent again from the last one on, ... */
export const CURSOR_WAIT_MS: Millis = 15_000;
/** ... with pauses that double up to this. */
export const CURSOR_WAIT_MAX_MS: Millis = 900_000;

/** How long to wait for a cursor: {@link CURSOR_WAIT_MS} and {@link CURSOR_WAIT_MAX_MS}, or less in tests. */
export interface CursorWaits {
  readonly first: Millis;
  readonly most: Millis;
}

/** What the uplink has to do besides. */
export type UplinkNews =
  /** A collector has stored everything up to this number: the file may forget it. */
  | { readonly tag: "forget"; readonly through: number }
  /** A collector knows more numbers than were given: the outbox is a copy of an older one. It needs another epoch (`handleRenewed`). */
  | { readonly tag: "restored" };

/**
 * What a site sends to its collectors, and when (ADR 0044). Only a cursor lets it forget; that the broker took a batch means that
 * no more than the next may be sent.
 *
 * `pollBatch` and `pollNews` may give something after any call that handles something; `pollTimeout` is when to call
 * `handleTimeout`.
 */
export class UplinkMachine {
  readonly #queue: OutboxQueue;
  readonly #random: Random;
  readonly #run: string;
  readonly #startedAt: Millis;
  /** Highest number on the disk. */
  #stored: number;
  #isConnected = false;
  /** Highest number that was sent since the last cursor, or loss. */
  #sent: number;
  /** Batches in flight, by their token. */
  readonly #inFlight: Set<number> = new Set();
  #token = 0;
  #waitUntil: Millis | undefined;
  #waits = 0;
  /** No cursor came in time: one batch at a time, so that a broker without a collector is not filled. */
  #isProbing = false;
  readonly #waitFirst: Millis;
  readonly #waitMost: Millis;
  readonly #news: UplinkNews[] = [];

  /** `run`: the node's run, 8 digits, which began at `now`. What the queue holds is stored. */
  constructor(
    now: Millis,
    queue: OutboxQueue,
    random: Random,
    run: string,
    { first = CURSOR_WAIT_MS, most = CURSOR_WAIT_MAX_MS }: Partial<CursorWaits> = {},
  ) {
    this.#waitFirst = first;
    this.#waitMost = most;
    this.#queue = queue;
    this.#random = random;
    this.#run = run;
    this.#startedAt = now;
    this.#stored = queue.last;
    this.#sent = queue.through;
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** Everything up to this number is on the disk. */
  handleStored(seq: number): void {
    this.#stored = Math.max(this.#stored, seq);
  }

  /** The broker is there, and the cursor's topic is subscribed. */
  handleConnected(): void {
    this.#isConnected = true;
    this.#waits = 0;
    this.#rewind();
  }

  handleDisconnected(): void {
    this.#isConnected = false;
    this.#rewind();
  }

  /** The broker took a batch, or refused it. After a loss of the connection, answers to batches of before are ignored. */
  handleAnswer(now: Millis, token: number, isTaken: boolean): void {
    if (!this.#inFlight.delete(token)) return;
    if (!isTaken) this.#sent = this.#queue.through;
    this.#waitUntil ??= now + this.#nextWait();
  }

  handleCursor(now: Millis, { epoch, through }: AckCursor): void {
    if (epoch !== this.#queue.epoch) return;
    if (through > this.#queue.last) {
      this.#news.push({ tag: "restored" });
      return;
    }
    if (!this.#queue.forget(through)) return;
    this.#news.push({ tag: "forget", through });
    this.#sent = Math.max(this.#sent, through);
    this.#isProbing = false;
    this.#waits = 0;
    this.#waitUntil = this.#sent > through ? now + this.#nextWait() : undefined;
  }

  /** The queue got another epoch; `handleStored` says when it is on the disk with it. */
  handleRenewed(): void {
    this.#stored = 0;
    this.#rewind();
  }

  handleTimeout(now: Millis): void {
    if (this.#waitUntil === undefined || now < this.#waitUntil) return;
    this.#isProbing = true;
    this.#rewind();
  }

  /** The next batch to publish, with a token for `handleAnswer`. */
  pollBatch(now: Millis): { readonly token: number; readonly batch: ReportBatch } | undefined {
    const { epoch, through: acked } = this.#queue;
    // Refused: not again before the time.
    const isWaiting = this.#waitUntil !== undefined && now < this.#waitUntil && this.#sent === acked;
    if (!this.#isConnected || isWaiting || this.#inFlight.size >= BATCHES_IN_FLIGHT_MAX) return undefined;
    const after = this.#sent;
    if (this.#isProbing && after > acked) return undefined;
    const until = Math.min(this.#stored, acked + WINDOW_MAX);
    const reports = this.#queue.slice(after, until, BATCH_MAX);
    const last = reports.at(-1);
    if (last === undefined) return undefined;
    this.#sent = last.seq;
    const token = ++this.#token;
    this.#inFlight.add(token);
    const upMs = Math.round(now - this.#startedAt);
    return { token, batch: { v: 1, epoch, after, acked, run: this.#run, upMs, reports } };
  }

  pollNews(): UplinkNews | undefined {
    return this.#news.shift();
  }

  pollTimeout(): Millis | undefined {
    return this.#isConnected ? this.#waitUntil : undefined;
  }

  #rewind(): void {
    this.#sent = this.#queue.through;
    this.#inFlight.clear();
    this.#waitUntil = undefined;
  }

  /** With a quarter of jitter, so that sites do not send again at the same time. */
  #nextWait(): Millis {
    const wait = Math.min(this.#waitMost, this.#waitFirst * 2 ** Math.min(this.#waits++, 8));
    return wait * (1 + randomFraction(this.#random) / 4);
  }
}
