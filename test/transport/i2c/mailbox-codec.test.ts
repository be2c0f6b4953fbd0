import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import {
  decodeHello,
  decodePrefix,
  decodeSegmentHeader,
  decodeStatus,
  encodeHello,
  encodePrefix,
  encodeSegmentHeader,
  encodeStatus,
  headerCrc,
  MAILBOX_FRAME_MAX,
  MailboxState,
  SegmentKind,
} from "../../../src/transport/i2c/mailbox-codec.ts";
import { FRAME_MAX } from "../../../src/wire/constants.ts";

const hex = (text: string): Uint8Array => fromHex(text) ?? new Uint8Array();

describe("bytes of the I2C mailbox, frozen", () => {
  it.each([
    ["69 00 04 e3", { state: MailboxState.fresh, turn: 1, length: 1024 }],
    ["6b 20 00 87", { state: MailboxState.greeted, turn: 1, length: 32 }],
    ["6d 00 00 54", { state: MailboxState.open, turn: 1, length: 0 }],
    ["6c 1a 00 ea", { state: MailboxState.open, turn: 0, length: 26 }],
    ["6e ff ff cd", { state: MailboxState.busy, turn: 0, length: 65_535 }],
  ] as const)("status %s", (bytes, status) => {
    expect(toHex(encodeStatus(status))).toBe(toHex(hex(bytes)));
    expect(decodeStatus(hex(bytes))).toEqual(status);
  });

  it.each([
    [0x07, { kind: SegmentKind.none, number: 0, ack: 0 }],
    [0x0c, { kind: SegmentKind.none, number: 0, ack: 1 }],
    [0x54, { kind: SegmentKind.first, number: 1, ack: 0 }],
    [0xa1, { kind: SegmentKind.next, number: 2, ack: 0 }],
    [0xbc, { kind: SegmentKind.next, number: 3, ack: 1 }],
    [0xc3, { kind: SegmentKind.hello, number: 0, ack: 0 }],
  ] as const)("segment header %i", (byte, header) => {
    expect(encodeSegmentHeader(header)).toBe(byte);
    expect(decodeSegmentHeader(byte)).toEqual(header);
  });

  it("hello and frame length", () => {
    expect(toHex(encodeHello(1024))).toBe(toHex(hex("c3 01 00 04 e7")));
    expect(decodeHello(hex("c3 01 00 04 e7"))).toEqual({ limit: 1024 });
    expect(toHex(encodePrefix(18))).toBe(toHex(hex("12 00 7d")));
    expect(decodePrefix(hex("12 00 7d"))).toBe(18);
  });

  it("uses the CRC-8 whose check value is 0xF4", () => {
    expect(headerCrc(new TextEncoder().encode("123456789"))).toBe(0xf4);
  });

  it("carries the longest frame of the protocol", () => {
    expect(MAILBOX_FRAME_MAX).toBe(FRAME_MAX);
    expect(decodePrefix(encodePrefix(MAILBOX_FRAME_MAX))).toBe(MAILBOX_FRAME_MAX);
    expect(decodePrefix(encodePrefix(MAILBOX_FRAME_MAX + 1))).toBeUndefined();
    expect(decodePrefix(encodePrefix(0))).toBeUndefined();
  });

  it("states a longer queue as 65535", () => {
    const status = encodeStatus({ state: MailboxState.open, turn: 0, length: 70_000 });
    expect(decodeStatus(status)).toMatchObject({ length: 65_535 });
  });
});

describe("damaged bytes of the I2C mailbox", () => {
  it("are distinguished: line held low, idle line, another device, damage", () => {
    expect(decodeStatus(hex("00 00 00 00"))).toBe("zeros");
    expect(decodeStatus(hex("ff ff ff ff"))).toBe("foreign");
    expect(decodeStatus(hex("12 34 56 78"))).toBe("foreign");
    expect(decodeStatus(hex("6d 00 01 54"))).toBe("damaged");
    expect(decodeStatus(hex(""))).toBe("zeros");
  });

  it("are found after every single wrong bit, and every two in one byte of a status", () => {
    const right = encodeStatus({ state: MailboxState.open, turn: 1, length: 0x155 });
    for (let bit = 0; bit < 32; bit++) {
      for (let other = bit; other < (bit | 7) + 1; other++) {
        const wrong = right.slice();
        wrong[bit >> 3] = (wrong[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        if (other !== bit) wrong[other >> 3] = (wrong[other >> 3] ?? 0) ^ (1 << (other & 7));
        expect(typeof decodeStatus(wrong), `bits ${bit} and ${other}`).toBe("string");
      }
    }
  });

  it("are found in a segment header after every single wrong bit and every burst of two or three", () => {
    for (let bits = 0; bits < 32; bits++) {
      const header = { kind: (bits >> 3) as SegmentKind, number: (bits >> 1) & 3, ack: (bits & 1) as 0 | 1 };
      const right = encodeSegmentHeader(header);
      for (const burst of [1, 3, 5, 7]) {
        for (let at = 0; burst << at < 256; at++)
          expect(decodeSegmentHeader(right ^ (burst << at))).toBeUndefined();
      }
    }
    expect(decodeSegmentHeader(0)).toBeUndefined();
  });

  it("make no hello of another version, length or CRC", () => {
    expect(decodeHello(hex("c3 02 00 04 00"))).toBeUndefined();
    expect(decodeHello(hex("c3 01 00 04"))).toBeUndefined();
    expect(decodeHello(hex("c3 01 00 05 e7"))).toBeUndefined();
  });
});
