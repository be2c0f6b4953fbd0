import { concatBytes, EMPTY } from "../../base/bytes.ts";
import { I2C_TRANSACTION_MIN } from "./bus.ts";
import { FrameAssembler, FrameQueue, type PackedTo } from "./frame-packing.ts";
import {
  boundedTransaction,
  decodeHello,
  decodeSegmentHeader,
  encodeStatus,
  FILLER,
  MailboxState,
  type SegmentHeader,
  SegmentKind,
  STATUS_LENGTH,
} from "./mailbox-codec.ts";

/** Counted since the machine was made. */
export interface PeripheralCounters {
  writes: number;
  reads: number;
  /** Hellos: the controller started, or lost its place. */
  greetings: number;
  /** Writes whose header, hello or frame length was wrong. */
  damaged: number;
  /** Frames that lack bytes. */
  framesLost: number;
}

/**
 * The peripheral's end of an I2C mailbox (PROTOCOL.md 10). Sans-IO and without time: it answers the writes and reads of
 * the bus synchronously, from memory. Drain {@link pollFrame} after every {@link handleWrite}.
 */
export class I2cMailboxPeripheral {
  readonly counters: PeripheralCounters = { writes: 0, reads: 0, greetings: 0, damaged: 0, framesLost: 0 };
  readonly #limit: number;
  readonly #queue: FrameQueue = new FrameQueue();
  readonly #assembler: FrameAssembler = new FrameAssembler();
  #state: typeof MailboxState.fresh | typeof MailboxState.greeted | typeof MailboxState.open =
    MailboxState.fresh;
  #isBusy = false;
  #turn: 0 | 1 = 1;
  /** How far the newest read reached into the queue. */
  #offered: PackedTo | undefined;
  #number = 0;
  #controllerLimit: number = I2C_TRANSACTION_MIN;

  /** `transactionMax`: bytes of the longest transaction that this side takes and gives, 32 to 8192. */
  constructor(transactionMax: number) {
    this.#limit = boundedTransaction(transactionMax);
  }

  /** Whether a controller has introduced itself. */
  get isGreeted(): boolean {
    return this.#state !== MailboxState.fresh;
  }

  /** Whether frames wait that the controller has not fetched, enough for the next transactions. */
  get isFull(): boolean {
    return this.#queue.isFull(Math.min(this.#limit, this.#controllerLimit));
  }

  /** Whether nothing waits to be fetched. */
  get isIdle(): boolean {
    return this.#queue.isEmpty;
  }

  /** While busy, frames are refused, and the status says so; reads and acknowledgements still work. */
  setBusy(isBusy: boolean): void {
    this.#isBusy = isBusy;
  }

  /** Queues a frame for the controller to fetch. */
  send(frame: Uint8Array): void {
    this.#queue.push(frame);
  }

  /** Drops the frames that wait: nobody fetches them. */
  dropFrames(): void {
    this.#queue.clear();
    this.#offered = undefined;
  }

  /** Takes in a write; false: not acknowledged, nothing was taken. */
  handleWrite(bytes: Uint8Array): boolean {
    this.counters.writes++;
    if (bytes.length === 0) return true;
    const header = decodeSegmentHeader(bytes[0] as number);
    if (header === undefined) this.counters.damaged++;
    else if (header.kind === SegmentKind.hello) this.#handleHello(bytes);
    else if (this.#state !== MailboxState.fresh) return this.#handleSegment(header, bytes.subarray(1));
    return true;
  }

  #handleHello(bytes: Uint8Array): void {
    const hello = decodeHello(bytes);
    if (hello === undefined) {
      this.counters.damaged++;
      return;
    }
    this.counters.greetings++;
    this.#controllerLimit = boundedTransaction(hello.limit);
    this.#state = MailboxState.greeted;
    this.#turn = 1;
    this.#number = 0;
    this.#offered = undefined;
    this.#queue.rewind();
    this.#assembler.reset();
  }

  #handleSegment(header: SegmentHeader, body: Uint8Array): boolean {
    const hasBody = header.kind !== SegmentKind.none;
    if (hasBody && this.#isBusy) return false;
    this.#state = MailboxState.open;
    if (header.ack === this.#turn && this.#offered !== undefined) {
      this.#queue.advance(this.#offered);
      this.#offered = undefined;
      this.#turn = this.#turn === 0 ? 1 : 0;
    }
    if (hasBody) this.#takeBody(header, body);
    return true;
  }

  #takeBody({ kind, number }: SegmentHeader, body: Uint8Array): void {
    const isAgain = number === this.#number;
    const isNext = number === ((this.#number + 1) & 3);
    this.#number = number;
    this.#assembler.begin(isAgain);
    if (!isAgain && !isNext) {
      this.#dropPartial();
      // This write again continues nothing either: bytes between are missing.
      this.#assembler.reset();
    }
    if (kind === SegmentKind.first) this.#dropPartial();
    else if (!this.#assembler.isInside) return;
    if (this.#assembler.take(body) !== undefined) return;
    this.counters.damaged++;
    this.#dropPartial();
  }

  #dropPartial(): void {
    if (this.#assembler.drop()) this.counters.framesLost++;
  }

  /** Answers a read with exactly `length` bytes; the next acknowledgement covers the frames in them. */
  handleRead(length: number): Uint8Array {
    this.counters.reads++;
    const body = this.#bodyFor(length - STATUS_LENGTH);
    const answer = concatBytes(this.#status(), body);
    const out = new Uint8Array(length).fill(FILLER);
    out.set(answer.subarray(0, length));
    return out;
  }

  #bodyFor(room: number): Uint8Array {
    this.#offered = undefined;
    if (this.#state !== MailboxState.open || room <= 0) return EMPTY;
    const packed = this.#queue.pack(room);
    if (packed.bytes.length > 0) this.#offered = packed.to;
    return packed.bytes;
  }

  #status(): Uint8Array {
    const isOpen = this.#state === MailboxState.open;
    const state = isOpen && this.#isBusy ? MailboxState.busy : this.#state;
    return encodeStatus({ state, turn: this.#turn, length: isOpen ? this.#queue.waiting : this.#limit });
  }

  /** The next frame from the controller. */
  pollFrame(): Uint8Array | undefined {
    return this.#assembler.pollFrame();
  }
}
