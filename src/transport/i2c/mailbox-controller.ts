import { unreachable } from "../../base/assert.ts";
import { concatBytes } from "../../base/bytes.ts";
import type { Millis } from "../../base/units.ts";
import { FailureStreak, type I2cTroubleKind } from "./bus-diagnosis.ts";
import { FrameAssembler, FrameQueue, type Packed } from "./frame-packing.ts";
import {
  decodeStatus,
  encodeHello,
  encodeSegmentHeader,
  MailboxState,
  SegmentKind,
  STATUS_LENGTH,
  type Status,
} from "./mailbox-codec.ts";
import { PollTimer, TransactionLimit } from "./poll-timer.ts";

/** One transaction to carry out, and to answer with `handleWritten`, `handleRead` or `handleFailure`. */
export type I2cOperation =
  | { readonly tag: "write"; readonly bytes: Uint8Array }
  | { readonly tag: "read"; readonly length: number };

/** `up`: a peripheral's mailbox is open. `down`: it was, and is lost. `waiting`: not up, and this is why. */
export type ControllerEvent =
  | { readonly tag: "up" }
  | { readonly tag: "down"; readonly kind: I2cTroubleKind }
  | { readonly tag: "waiting"; readonly kind: I2cTroubleKind };

/** What a controller's end of a mailbox has seen. */
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
  | { readonly tag: "open" };

/** The mailbox is looked into at least once in so many bytes written: acks and grants wait there. */
const READ_EVERY_BYTES = 4096;
/** Reads in a row whose content makes no sense, before the mailbox is opened anew. */
const BAD_READS_MAX = 4;

/**
 * The controller's end of an I2C mailbox (PROTOCOL.md 10): says which transaction comes next and takes in what became of
 * it. Sans-IO. {@link nextOperation} may have news after every other call and when {@link pollTimeout} passes.
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
  #toldKind: I2cTroubleKind | undefined;
  #notBefore: Millis = Number.NEGATIVE_INFINITY;
  /** The turn of the newest read whose bytes were taken in. */
  #ack: 0 | 1 = 0;
  /** The turn of the newest read whose bytes were looked at: if it comes again, so do they. */
  #lookedAt: 0 | 1 = 0;
  /** A read brought bytes, and no write has acknowledged them yet. */
  #owesAck = false;
  /** A transaction failed: turn and state must be known before anything is written or acknowledged. */
  #mustRead = false;
  /** The last write failed: reads that go well are no sign that the trouble is over. */
  #isWriteFailing = false;
  /** Bytes known to wait behind those taken in. */
  #waiting = 0;
  #isPeerBusy = false;
  #number = 0;
  #isWriting = false;
  /** What the write under way carries of the queue. */
  #inWrite: Packed | undefined;
  #writtenSinceRead = 0;
  #badReads = 0;

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
    this.#inWrite = undefined;
    const operation = this.#chooseOperation(now);
    this.#isWriting = operation?.tag === "write";
    return operation;
  }

  #chooseOperation(now: Millis): I2cOperation | undefined {
    switch (this.#state.tag) {
      case "seeking":
        return now < this.#poll.at ? undefined : { tag: "read", length: STATUS_LENGTH };
      case "greeting":
        return { tag: "write", bytes: encodeHello(this.#limit.own) };
      case "confirming":
        return { tag: "read", length: STATUS_LENGTH };
      case "open":
        return this.#operationOf(this.#nextOpen(now));
      default:
        return unreachable(this.#state);
    }
  }

  #nextOpen(now: Millis): "read" | "write" | "acknowledge" | undefined {
    if (this.#mustRead) return "read";
    const mayWrite = !this.#isPeerBusy && !this.#queue.isEmpty;
    if (this.#owesAck) return mayWrite ? "write" : "acknowledge";
    const wantsRead = this.#waiting > 0 || this.#writtenSinceRead >= READ_EVERY_BYTES;
    if (mayWrite && !wantsRead) return "write";
    return wantsRead || now >= this.#poll.at ? "read" : undefined;
  }

  #operationOf(what: "read" | "write" | "acknowledge" | undefined): I2cOperation | undefined {
    if (what === undefined) return undefined;
    if (what === "write") return this.#write();
    return what === "read" ? this.#read() : this.#acknowledge();
  }

  #read(): I2cOperation {
    return { tag: "read", length: Math.min(this.transactionLimit, STATUS_LENGTH + this.#waiting) };
  }

  #write(): I2cOperation {
    this.#inWrite = this.#queue.pack(this.transactionLimit - 1, true);
    const kind = this.#inWrite.isInside ? SegmentKind.next : SegmentKind.first;
    const header = encodeSegmentHeader({ kind, number: this.#number + 1, ack: this.#ack });
    return { tag: "write", bytes: concatBytes(Uint8Array.of(header), this.#inWrite.bytes) };
  }

  #acknowledge(): I2cOperation {
    const header = encodeSegmentHeader({ kind: SegmentKind.none, number: this.#number, ack: this.#ack });
    return { tag: "write", bytes: Uint8Array.of(header) };
  }

  /** When {@link nextOperation} has something to do without further input. */
  pollTimeout(now: Millis): Millis {
    if (this.#state.tag === "seeking") return Math.max(this.#notBefore, this.#poll.at);
    if (this.#state.tag !== "open" || this.#nextOpen(now) !== undefined) return this.#notBefore;
    return Math.max(this.#notBefore, this.#poll.at);
  }

  /** The write was acknowledged to its last byte. */
  handleWritten(now: Millis): void {
    this.counters.writes++;
    if (this.#state.tag === "greeting") this.#state = { tag: "confirming" };
    if (this.#state.tag !== "open") return;
    this.#isWriteFailing = false;
    this.#succeeded();
    this.#owesAck = false;
    if (this.#inWrite === undefined) return;
    this.#number++;
    this.#limit.moved(1 + this.#inWrite.bytes.length);
    this.#queue.advance(this.#inWrite.to);
    this.#writtenSinceRead += this.#inWrite.bytes.length;
    this.#inWrite = undefined;
    this.#poll.active(now);
  }

  /** The bytes that a read brought. */
  handleRead(now: Millis, bytes: Uint8Array): void {
    this.counters.reads++;
    this.#limit.moved(bytes.length);
    const status = decodeStatus(bytes);
    if (typeof status === "string") this.handleFailure(now, status);
    else if (this.#state.tag === "open") this.#handleOpen(now, status, bytes);
    else if (this.#state.tag === "seeking") this.#greet();
    else if (status.state === MailboxState.greeted) this.#open(now, status);
    else this.handleFailure(now, "foreign");
  }

  #greet(): void {
    this.counters.greetings++;
    this.#state = { tag: "greeting" };
  }

  #open(now: Millis, status: Status): void {
    this.#state = { tag: "open" };
    this.#limit.advertised(status.length);
    this.#assembler.reset();
    this.#queue.rewind();
    this.#ack = 0;
    this.#lookedAt = 0;
    this.#number = 0;
    this.#mustRead = false;
    this.#waiting = 0;
    this.#isPeerBusy = false;
    this.#isWriteFailing = false;
    this.#badReads = 0;
    this.#succeeded();
    // The mailbox opens with the first write, be it an acknowledgement of nothing.
    this.#owesAck = true;
    this.#poll.active(now);
    if (this.#isUp) return;
    this.#isUp = true;
    this.#toldKind = undefined;
    this.#events.push({ tag: "up" });
  }

  #handleOpen(now: Millis, status: Status, bytes: Uint8Array): void {
    if (status.state === MailboxState.fresh) {
      this.#greet();
      return;
    }
    this.#mustRead = false;
    this.#writtenSinceRead = 0;
    if (status.state === MailboxState.greeted) {
      // The write that opens it was lost.
      this.#owesAck = true;
      return;
    }
    this.#isPeerBusy = status.state === MailboxState.busy;
    if (this.#isPeerBusy) this.#isWriteFailing = false;
    this.#succeeded();
    const body = bytes.subarray(STATUS_LENGTH, STATUS_LENGTH + status.length);
    if (body.length > 0) this.#takeBody(now, status, body);
    else {
      if (status.length === 0) this.counters.emptyReads++;
      this.#waiting = status.length;
      this.#poll.looked(now);
    }
  }

  #takeBody(now: Millis, status: Status, body: Uint8Array): void {
    this.#assembler.begin(status.turn === this.#lookedAt);
    this.#lookedAt = status.turn;
    const taken = this.#assembler.take(body);
    if (taken === undefined) {
      this.#failedRead(now);
      return;
    }
    this.#badReads = 0;
    this.#ack = status.turn;
    this.#owesAck = true;
    this.#waiting = status.length - taken;
    this.#poll.active(now);
  }

  /** Not acknowledged, the bytes come again; if they never make sense, places have been lost. */
  #failedRead(now: Millis): void {
    this.counters.failures++;
    this.#badReads++;
    this.#mustRead = true;
    this.#poll.looked(now);
    if (this.#badReads >= BAD_READS_MAX) this.#greet();
  }

  #succeeded(): void {
    if (!this.#isWriteFailing) this.#streak.clear();
    this.#notBefore = Number.NEGATIVE_INFINITY;
  }

  /** The transaction failed, or brought something else than a status. */
  handleFailure(now: Millis, kind: I2cTroubleKind, length: number = STATUS_LENGTH): void {
    this.counters.failures++;
    this.#mustRead = true;
    if (this.#isWriting) this.#isWriteFailing = true;
    this.#streak.note(now, kind);
    this.#limit.failed(kind, length);
    if (this.#state.tag === "confirming") this.#state = { tag: "greeting" };
    this.#notBefore = now + this.#streak.retryAfter;
    this.#poll.missed(now);
    if (this.#streak.isTrouble(now, this.#isUp)) this.#tell(kind);
  }

  #tell(kind: I2cTroubleKind): void {
    this.#state = { tag: "seeking" };
    if (this.#isUp) {
      this.#isUp = false;
      this.#queue.clear();
      this.#events.push({ tag: "down", kind });
    } else if (kind !== this.#toldKind) this.#events.push({ tag: "waiting", kind });
    this.#toldKind = kind;
  }

  /** The next complete frame from the peripheral. */
  pollFrame(): Uint8Array | undefined {
    return this.#assembler.pollFrame();
  }

  pollEvent(): ControllerEvent | undefined {
    return this.#events.shift();
  }
}
