import { unreachable } from "../../base/assert.ts";
import type { Millis } from "../../base/units.ts";
import type { I2cTroubleKind } from "./bus-diagnosis.ts";
import { FailureStreak } from "./failure-streak.ts";
import { FrameAssembler, FrameQueue } from "./frame-packing.ts";
import { decodeStatus, encodeHello, MailboxState, STATUS_LENGTH, type Status } from "./mailbox-codec.ts";
import { type OpenMailbox, openMailbox, segmentOf } from "./open-mailbox.ts";
import { PollTimer } from "./poll-timer.ts";
import { TransactionLimit } from "./transaction-limit.ts";

/** One transaction to carry out; the owner answers it with `handleWritten`, `handleRead` or `handleFailure`. */
export type I2cOperation =
  | { readonly tag: "write"; readonly bytes: Uint8Array }
  | { readonly tag: "read"; readonly length: number };

/** `up`: a peripheral's mailbox is open. `down`: it was, and is lost. `waiting`: not up, and this is why. */
export type ControllerEvent =
  | { readonly tag: "up" }
  | { readonly tag: "down"; readonly kind: I2cTroubleKind }
  | { readonly tag: "waiting"; readonly kind: I2cTroubleKind };

/** Counted since the machine was made. */
export interface ControllerCounters {
  writes: number;
  reads: number;
  /** Reads that found nothing. */
  emptyReads: number;
  /** Transactions that failed or answered wrong. */
  failures: number;
  greetings: number;
}

/** `seeking`: reads a status. `greeting`: writes a hello. `confirming`: reads whether it arrived. */
type State =
  | { readonly tag: "seeking" }
  | { readonly tag: "greeting" }
  | { readonly tag: "confirming" }
  | OpenMailbox;

/** The mailbox is read at least once in this many bytes written: acks and grants wait there. */
const READ_EVERY_BYTES = 4096;
/** Reads in a row whose content makes no sense, before the peripheral is greeted again. */
const BAD_READS_MAX = 4;

/**
 * The controller's end of an I2C mailbox (PROTOCOL.md 10): says which transaction comes next and takes in its result.
 * Sans-IO. Call {@link nextOperation} after every other call and when {@link pollTimeout} passes; drain
 * {@link pollEvent} and {@link pollFrame} after every result.
 */
export class I2cMailboxController {
  readonly counters: ControllerCounters = { writes: 0, reads: 0, emptyReads: 0, failures: 0, greetings: 0 };
  readonly #queue: FrameQueue = new FrameQueue();
  readonly #assembler: FrameAssembler = new FrameAssembler();
  readonly #streak: FailureStreak = new FailureStreak();
  readonly #events: ControllerEvent[] = [];
  readonly #limit: TransactionLimit;
  readonly #poll: PollTimer;
  #state: State = { tag: "seeking" };
  #isUp = false;
  #reportedKind: I2cTroubleKind | undefined;
  #notBefore: Millis = Number.NEGATIVE_INFINITY;
  #writtenSinceRead = 0;

  /** `transactionMax`: longest transaction to use, 32 to 8192 bytes; the peripheral's own limit and the adapter's count too. */
  constructor(now: Millis, transactionMax: number) {
    this.#limit = new TransactionLimit(transactionMax);
    this.#poll = new PollTimer(now);
  }

  /** Bytes of the longest transaction in use. */
  get transactionLimit(): number {
    return this.#limit.value;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Whether enough frames wait for the next transactions. */
  get isFull(): boolean {
    return this.#queue.isFull(this.transactionLimit);
  }

  /** Whether nothing waits to be written. */
  get isIdle(): boolean {
    return this.#queue.isEmpty;
  }

  /** Queues a frame; dropped while no peripheral is up. */
  send(frame: Uint8Array): void {
    if (this.#isUp) this.#queue.push(frame);
  }

  /** The transaction to carry out now, one at a time. */
  nextOperation(now: Millis): I2cOperation | undefined {
    if (now < this.#notBefore) return undefined;
    switch (this.#state.tag) {
      case "seeking":
        return now < this.#poll.at ? undefined : { tag: "read", length: STATUS_LENGTH };
      case "greeting":
        return { tag: "write", bytes: encodeHello(this.#limit.own) };
      case "confirming":
        return { tag: "read", length: STATUS_LENGTH };
      case "open":
        return this.#operationOf(this.#state, this.#nextOpen(this.#state, now));
      default:
        return unreachable(this.#state);
    }
  }

  #nextOpen(open: OpenMailbox, now: Millis): "read" | "write" | "acknowledge" | undefined {
    if (open.mustRead) return "read";
    const mayWrite = !open.isPeerBusy && !this.#queue.isEmpty;
    if (open.owesAck) return mayWrite ? "write" : "acknowledge";
    const wantsRead = open.waiting > 0 || this.#writtenSinceRead >= READ_EVERY_BYTES;
    if (mayWrite && !wantsRead) return "write";
    return wantsRead || now >= this.#poll.at ? "read" : undefined;
  }

  #operationOf(
    open: OpenMailbox,
    next: "read" | "write" | "acknowledge" | undefined,
  ): I2cOperation | undefined {
    open.write = undefined;
    if (next === undefined) return undefined;
    if (next === "read") {
      return { tag: "read", length: Math.min(this.transactionLimit, STATUS_LENGTH + open.waiting) };
    }
    const packed = next === "write" ? this.#queue.pack(this.transactionLimit - 1, true) : undefined;
    open.write = { packed };
    return { tag: "write", bytes: segmentOf(open, packed) };
  }

  /** When {@link nextOperation} has something to do without further input. */
  pollTimeout(now: Millis): Millis {
    const { tag } = this.#state;
    const isWaiting = tag === "seeking" || (tag === "open" && this.#nextOpen(this.#state, now) === undefined);
    return isWaiting ? Math.max(this.#notBefore, this.#poll.at) : this.#notBefore;
  }

  /** The write was acknowledged to its last byte. */
  handleWritten(now: Millis): void {
    this.counters.writes++;
    const state = this.#state;
    if (state.tag === "greeting") this.#state = { tag: "confirming" };
    if (state.tag !== "open") return;
    state.isWriteFailing = false;
    this.#succeeded(state);
    state.owesAck = false;
    const packed = state.write?.packed;
    state.write = undefined;
    if (packed === undefined) return;
    state.number++;
    this.#limit.moved(1 + packed.bytes.length);
    this.#queue.advance(packed.to);
    this.#writtenSinceRead += packed.bytes.length;
    this.#poll.active(now);
  }

  /** The bytes that a read brought. */
  handleRead(now: Millis, bytes: Uint8Array): void {
    this.counters.reads++;
    this.#limit.moved(bytes.length);
    const status = decodeStatus(bytes);
    if (typeof status === "string") this.handleFailure(now, status);
    else if (this.#state.tag === "open") this.#handleOpen(this.#state, now, status, bytes);
    else if (this.#state.tag === "seeking") this.#greet();
    else if (status.state === MailboxState.greeted) this.#open(now, status);
    else this.handleFailure(now, "foreign");
  }

  #greet(): void {
    this.counters.greetings++;
    this.#state = { tag: "greeting" };
  }

  #open(now: Millis, status: Status): void {
    const open = openMailbox();
    this.#state = open;
    this.#limit.advertised(status.length);
    this.#assembler.reset();
    this.#queue.rewind();
    this.#succeeded(open);
    this.#poll.active(now);
    if (this.#isUp) return;
    this.#isUp = true;
    this.#reportedKind = undefined;
    this.#events.push({ tag: "up" });
  }

  #handleOpen(open: OpenMailbox, now: Millis, status: Status, bytes: Uint8Array): void {
    if (status.state === MailboxState.fresh) {
      this.#greet();
      return;
    }
    open.mustRead = false;
    this.#writtenSinceRead = 0;
    if (status.state === MailboxState.greeted) {
      // The write that opens it was lost.
      open.owesAck = true;
      return;
    }
    open.isPeerBusy = status.state === MailboxState.busy;
    if (open.isPeerBusy) open.isWriteFailing = false;
    this.#succeeded(open);
    const body = bytes.subarray(STATUS_LENGTH, STATUS_LENGTH + status.length);
    if (body.length > 0) this.#takeBody(open, now, status, body);
    else {
      if (status.length === 0) this.counters.emptyReads++;
      open.waiting = status.length;
      this.#poll.looked(now);
    }
  }

  #takeBody(open: OpenMailbox, now: Millis, status: Status, body: Uint8Array): void {
    this.#assembler.begin(status.turn === open.lookedAt);
    open.lookedAt = status.turn;
    const taken = this.#assembler.take(body);
    if (taken === undefined) {
      this.#failedRead(open, now);
      return;
    }
    open.badReads = 0;
    open.ack = status.turn;
    open.owesAck = true;
    open.waiting = status.length - taken;
    this.#poll.active(now);
  }

  /** Not acknowledged, the bytes come again; if they never make sense, the two sides count differently. */
  #failedRead(open: OpenMailbox, now: Millis): void {
    this.counters.failures++;
    open.badReads++;
    open.mustRead = true;
    this.#poll.looked(now);
    if (open.badReads >= BAD_READS_MAX) this.#greet();
  }

  #succeeded(open: OpenMailbox): void {
    if (!open.isWriteFailing) this.#streak.clear();
    this.#notBefore = Number.NEGATIVE_INFINITY;
  }

  /** The transaction failed, or what it read is not a status. */
  handleFailure(now: Millis, kind: I2cTroubleKind, length: number = STATUS_LENGTH): void {
    this.counters.failures++;
    const state = this.#state;
    if (state.tag === "confirming") this.#state = { tag: "greeting" };
    if (state.tag === "open") {
      state.mustRead = true;
      state.isWriteFailing ||= state.write !== undefined;
    }
    this.#streak.note(now, kind);
    this.#limit.failed(kind, length);
    this.#notBefore = now + this.#streak.retryAfter;
    this.#poll.missed(now);
    if (this.#streak.isTrouble(now, this.#isUp)) this.#report(kind);
  }

  #report(kind: I2cTroubleKind): void {
    this.#state = { tag: "seeking" };
    if (this.#isUp) {
      this.#isUp = false;
      this.#queue.clear();
      this.#events.push({ tag: "down", kind });
    } else if (kind !== this.#reportedKind) this.#events.push({ tag: "waiting", kind });
    this.#reportedKind = kind;
  }

  /** The next complete frame from the peripheral. */
  pollFrame(): Uint8Array | undefined {
    return this.#assembler.pollFrame();
  }

  pollEvent(): ControllerEvent | undefined {
    return this.#events.shift();
  }
}
