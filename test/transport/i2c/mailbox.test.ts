import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import {
  decodeStatus,
  encodeHello,
  encodeSegmentHeader,
  MailboxState,
  SegmentKind,
} from "../../../src/transport/i2c/mailbox-codec.ts";
import { I2cMailboxController } from "../../../src/transport/i2c/mailbox-controller.ts";
import { I2cMailboxPeripheral } from "../../../src/transport/i2c/mailbox-peripheral.ts";

const hex = (text: string): Uint8Array => fromHex(text) ?? new Uint8Array();
const count = (length: number, from: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (from + i) & 0xff);

/** A greeted peripheral. */
function greeted(transactionMax = 64): I2cMailboxPeripheral {
  const peripheral = new I2cMailboxPeripheral(transactionMax);
  peripheral.handleWrite(encodeHello(transactionMax));
  return peripheral;
}

const acknowledge = (turn: 0 | 1): Uint8Array =>
  Uint8Array.of(encodeSegmentHeader({ kind: SegmentKind.none, number: 0, ack: turn }));

/** Carries out what the controller wants until it wants nothing; what went over the bus. */
function talk(controller: I2cMailboxController, peripheral: I2cMailboxPeripheral, now: number): string[] {
  const lines: string[] = [];
  for (let i = 0; i < 100; i++) {
    const operation = controller.nextOperation(now);
    if (operation === undefined) break;
    if (operation.tag === "write") {
      lines.push(`W ${toHex(operation.bytes)}`);
      peripheral.handleWrite(operation.bytes);
      controller.handleWritten(now);
    } else {
      const bytes = peripheral.handleRead(operation.length);
      lines.push(`R ${toHex(bytes)}`);
      controller.handleRead(now, bytes);
    }
  }
  return lines;
}

describe("the worked examples of PROTOCOL.md 10.6, frozen", () => {
  it("opens a mailbox, writes a frame of 40 bytes, reads one of 30", () => {
    const controller = new I2cMailboxController(0, 32);
    const peripheral = new I2cMailboxPeripheral(32);
    expect(talk(controller, peripheral, 0)).toEqual(["R 69200051", "W c301200055", "R 6b200087", "W 07"]);
    controller.send(count(40, 0));
    expect(talk(controller, peripheral, 0)).toEqual([
      "W 54280006000102030405060708090a0b0c0d0e0f101112131415161718191a1b",
      "W a11c1d1e1f2021222324252627",
    ]);
    peripheral.send(count(30, 0x80));
    expect(talk(controller, peripheral, 1)).toEqual([
      "R 6d2100ef",
      "R 6d2100ef1e0081808182838485868788898a8b8c8d8e8f909192939495969798",
      "W 2b",
      "R 6c05007e999a9b9c9d",
      "W 20",
    ]);
    expect(talk(controller, peripheral, 2)).toEqual(["R 6d000054"]);
    expect(toHex(peripheral.pollFrame() ?? new Uint8Array())).toBe(toHex(count(40, 0)));
    expect(toHex(controller.pollFrame() ?? new Uint8Array())).toBe(toHex(count(30, 0x80)));
  });
});

describe("a peripheral's mailbox", () => {
  it("takes nothing before a hello, and answers with its limit", () => {
    const peripheral = new I2cMailboxPeripheral(500);
    peripheral.send(count(10, 0));
    peripheral.handleWrite(hex("54 01 00 15 09"));
    expect(peripheral.pollFrame()).toBeUndefined();
    expect(decodeStatus(peripheral.handleRead(20))).toEqual({
      state: MailboxState.fresh,
      turn: 1,
      length: 500,
    });
    peripheral.handleWrite(encodeHello(32));
    expect(decodeStatus(peripheral.handleRead(4))).toEqual({
      state: MailboxState.greeted,
      turn: 1,
      length: 500,
    });
  });

  it("gives the same bytes until they are acknowledged, with their own turn", () => {
    const peripheral = greeted();
    peripheral.handleWrite(acknowledge(0));
    peripheral.send(count(20, 0));
    peripheral.send(count(3, 100));
    const first = toHex(peripheral.handleRead(27));
    peripheral.handleWrite(acknowledge(0));
    expect(toHex(peripheral.handleRead(27))).toBe(first);
    peripheral.handleWrite(acknowledge(1));
    expect(decodeStatus(peripheral.handleRead(4))).toEqual({ state: MailboxState.open, turn: 0, length: 6 });
    // The acknowledgement came before; the read since then brought nothing to acknowledge.
    peripheral.handleWrite(acknowledge(1));
    peripheral.handleRead(10);
    peripheral.handleWrite(acknowledge(1));
    expect(decodeStatus(peripheral.handleRead(4))).toMatchObject({ length: 6 });
  });

  it("counts what the last read reached, not a longer one before", () => {
    const peripheral = greeted();
    peripheral.handleWrite(acknowledge(0));
    peripheral.send(count(20, 0));
    peripheral.handleRead(27);
    peripheral.handleRead(14);
    peripheral.handleWrite(acknowledge(1));
    expect(toHex(peripheral.handleRead(17).subarray(4))).toBe(toHex(count(13, 7)));
  });

  it("drops a frame of which a write is missing, and takes the next", () => {
    const peripheral = greeted();
    const write = (kind: SegmentKind, number: number, body: string): boolean =>
      peripheral.handleWrite(hex(toHex(Uint8Array.of(encodeSegmentHeader({ kind, number, ack: 0 }))) + body));
    write(SegmentKind.first, 1, "0a00820001");
    write(SegmentKind.next, 3, "06070809");
    write(SegmentKind.first, 4, "02002a5566");
    expect(toHex(peripheral.pollFrame() ?? new Uint8Array())).toBe("5566");
    expect(peripheral.counters.framesLost).toBe(1);
  });

  it("refuses frames while busy, and says so; acknowledgements and reads go on", () => {
    const peripheral = greeted();
    peripheral.send(count(5, 0));
    peripheral.setBusy(true);
    expect(peripheral.handleWrite(hex("54 01 00 15 09"))).toBe(false);
    peripheral.setBusy(false);
    peripheral.handleWrite(acknowledge(0));
    peripheral.setBusy(true);
    expect(decodeStatus(peripheral.handleRead(30))).toEqual({ state: MailboxState.busy, turn: 1, length: 8 });
    expect(peripheral.handleWrite(acknowledge(1))).toBe(true);
    expect(decodeStatus(peripheral.handleRead(30))).toMatchObject({ turn: 0, length: 0 });
  });

  test.prop([
    fc.array(fc.oneof(fc.uint8Array({ maxLength: 80 }), fc.integer({ min: 1, max: 80 })), { maxLength: 80 }),
  ])("bears any writes and reads", (steps) => {
    const peripheral = greeted();
    peripheral.send(count(300, 0));
    for (const step of steps) {
      if (typeof step === "number") expect(peripheral.handleRead(step).length).toBe(step);
      else peripheral.handleWrite(step);
      for (let frame = peripheral.pollFrame(); frame; frame = peripheral.pollFrame()) {
        expect(frame.length).toBeLessThanOrEqual(2063);
      }
    }
  });
});

describe("a controller's mailbox", () => {
  test.prop([fc.array(fc.uint8Array({ minLength: 64, maxLength: 64 }), { maxLength: 60 }), fc.boolean()])(
    "bears any answers",
    (answers, isOpened) => {
      const controller = new I2cMailboxController(0, 64);
      if (isOpened) talk(controller, new I2cMailboxPeripheral(64), 0);
      controller.send(count(200, 0));
      let now = 1;
      for (const answer of answers) {
        now = Math.max(now + 1, controller.pollTimeout(now));
        const operation = controller.nextOperation(now);
        if (operation?.tag === "write") controller.handleWritten(now);
        else if (operation !== undefined) controller.handleRead(now, answer.subarray(0, operation.length));
        while (controller.pollEvent() !== undefined || controller.pollFrame() !== undefined) {
          // drained
        }
      }
      expect(controller.pollTimeout(now)).toBeLessThanOrEqual(now + 1000);
    },
  );

  it("opens the mailbox again when what it reads makes no sense four times", () => {
    const controller = new I2cMailboxController(0, 64);
    const peripheral = new I2cMailboxPeripheral(64);
    talk(controller, peripheral, 0);
    peripheral.send(count(90, 0));
    peripheral.send(count(10, 0));
    // Somebody else reads between our read and its acknowledgement: places are lost.
    for (let i = 0; i < 3; i++) {
      const operation = controller.nextOperation(1 + i);
      if (operation?.tag === "read") controller.handleRead(1 + i, peripheral.handleRead(operation.length));
      else if (operation !== undefined) {
        peripheral.handleRead(9);
        peripheral.handleWrite(operation.bytes);
        controller.handleWritten(1 + i);
      }
    }
    const { greetings } = controller.counters;
    for (let now = 10; now < 2000; now += 10) talk(controller, peripheral, now);
    expect(controller.counters.greetings).toBe(greetings + 1);
    expect(peripheral.isIdle).toBe(true);
  });
});
