import { concatBytes } from "../../src/base/bytes.ts";
import { type Random, randomBelow, randomBytes, randomChance } from "../../src/base/prng.ts";
import { FrameQueue } from "../../src/transport/i2c/frame-packing.ts";
import {
  decodeStatus,
  encodeHello,
  encodeSegmentHeader,
  SegmentKind,
  STATUS_LENGTH,
} from "../../src/transport/i2c/mailbox-codec.ts";
import { I2cMailboxPeripheral } from "../../src/transport/i2c/mailbox-peripheral.ts";
import { pick } from "../fuzz/mutate.ts";
import type { CSide } from "./c-side.ts";
import { compared, type Kind } from "./kind.ts";

/** A controller that keeps to the protocol for the most part, with a mailbox of either side. */
class Bus {
  readonly #random: Random;
  readonly #c: CSide;
  readonly #limit: number;
  readonly #ts: I2cMailboxPeripheral;
  readonly #queue: FrameQueue = new FrameQueue();
  #number = 0;
  #turn: 0 | 1 = 0;
  #again: Uint8Array | undefined;
  #last: Uint8Array = encodeHello(64);
  readonly log: Uint8Array[] = [];
  readonly ts: unknown[] = [];
  readonly c: unknown[] = [];
  frames = 0;

  constructor(random: Random, c: CSide) {
    this.#random = random;
    this.#c = c;
    // Whole units of 32 bytes: in these the C side counts how much may wait.
    this.#limit = pick(random, [32, 64, 256, 1024]);
    this.#ts = new I2cMailboxPeripheral(this.#limit);
    c.call("begin_mailbox", this.#limit);
    if (randomChance(random, 0.9)) this.#hello();
  }

  step(): void {
    const dice = randomBelow(this.#random, 20);
    if (dice < 6) this.#read();
    else if (dice < 11) this.#write();
    else if (dice < 15) this.#send();
    else if (dice < 16) this.#writeBytes(this.#last);
    else if (dice < 17) this.#writeBytes(this.#bent());
    else if (dice < 18) this.#acknowledge();
    else if (dice < 19) this.#setBusy();
    else if (randomChance(this.#random, 0.3)) this.#hello();
  }

  #hello(): void {
    const hello = encodeHello(pick(this.#random, [32, 64, 128, 1024]));
    this.#writeBytes(randomChance(this.#random, 0.9) ? hello : hello.subarray(0, 4));
    this.#number = 0;
    this.#turn = 0;
    this.#again = undefined;
    this.#queue.rewind();
  }

  #read(): void {
    const length = pick(this.#random, [STATUS_LENGTH, 8, 20, this.#limit, this.#limit]);
    const answer = this.#ts.handleRead(length);
    this.#c.call("read_mailbox", length);
    this.ts.push(answer);
    this.c.push(this.#c.answer().bytes(length));
    this.log.push(Uint8Array.of(0, length & 0xff));
    const status = decodeStatus(answer);
    if (typeof status === "object" && randomChance(this.#random, 0.9)) this.#turn = status.turn;
  }

  /** Frames for the peripheral, begun or continued. */
  #write(): void {
    const random = this.#random;
    const again = this.#again;
    this.#again = undefined;
    // Its answer was lost.
    if (again !== undefined) this.#writeBytes(again);
    if (again !== undefined) return;
    if (this.#queue.isEmpty || randomChance(random, 0.5))
      this.#queue.push(randomBytes(random, 1 + randomBelow(random, randomChance(random, 0.2) ? 400 : 50)));
    const room = randomChance(random, 0.8) ? this.#limit - 1 : 4 + randomBelow(random, 20);
    const packed = this.#queue.pack(room, true);
    const next = (this.#number + 1) & 3;
    const number = randomChance(random, 0.95) ? next : randomBelow(random, 4);
    const kind = packed.isInside !== randomChance(random, 0.03) ? SegmentKind.next : SegmentKind.first;
    const header = encodeSegmentHeader({ kind, number, ack: this.#turn });
    const bytes = concatBytes(Uint8Array.of(header), packed.bytes);
    // Broken off, and then again.
    if (randomChance(random, 0.1)) this.#writeBytes(bytes.slice(0, randomBelow(random, bytes.length)));
    const isTaken = this.#writeBytes(bytes);
    if (!isTaken) return;
    if (randomChance(random, 0.1)) this.#again = bytes;
    this.#number = number;
    this.#queue.advance(packed.to);
  }

  #acknowledge(): void {
    this.#writeBytes(
      Uint8Array.of(encodeSegmentHeader({ kind: SegmentKind.none, number: this.#number, ack: this.#turn })),
    );
  }

  /**
   * The last write with a bit of its first byte changed, or of a hello. Not with fewer bytes: whether a frame that was complete then
   * comes twice is free (PROTOCOL.md 10.4).
   */
  #bent(): Uint8Array {
    const bytes = this.#last.slice();
    const isHello = (bytes[0] ?? 0) >> 6 === SegmentKind.hello;
    const at = isHello ? randomBelow(this.#random, bytes.length) : 0;
    bytes[at] = (bytes[at] ?? 0) ^ (1 << randomBelow(this.#random, 8));
    return bytes;
  }

  #writeBytes(bytes: Uint8Array): boolean {
    this.#last = bytes;
    this.log.push(Uint8Array.of(1, bytes.length & 0xff), bytes);
    const isTaken = this.#ts.handleWrite(bytes.slice());
    this.ts.push(isTaken);
    this.c.push(this.#c.callWith("write_mailbox", bytes) === 1);
    for (let frame = this.#ts.pollFrame(); frame; frame = this.#ts.pollFrame()) {
      this.frames++;
      this.ts.push(frame.slice());
    }
    while (this.#c.call("take_mail") === 1) this.c.push(this.#c.answer().rest());
    return isTaken;
  }

  #send(): void {
    const frame = randomBytes(this.#random, 1 + randomBelow(this.#random, 111));
    const isFull = this.#ts.isFull;
    if (!isFull) this.#ts.send(frame);
    this.ts.push(!isFull);
    this.c.push(this.#c.callWith("send_mail", frame) === 1);
    this.log.push(Uint8Array.of(2, frame.length), frame);
  }

  #setBusy(): void {
    const isBusy = randomChance(this.#random, 0.4);
    this.#ts.setBusy(isBusy);
    this.#c.call("set_mailbox_busy", isBusy ? 1 : 0);
    this.log.push(Uint8Array.of(3, isBusy ? 1 : 0));
  }
}

/** Transactions of a controller with the mailbox of a peripheral (PROTOCOL.md 10). */
export const MAILBOX_KIND: Kind = {
  name: "mailbox",
  weight: 2,
  run(random, c) {
    const bus = new Bus(random, c);
    for (let left = 5 + randomBelow(random, 30); left > 0; left--) bus.step();
    return compared(concatBytes(...bus.log), bus.frames > 0, bus.ts, bus.c);
  },
};
