import { describe, expect, it } from "vitest";
import { AssertionError } from "../../src/base/assert.ts";
import { encodeDelimited } from "../../src/wire/cobs.ts";
import {
  ACK_BITMAP_LENGTH,
  ACK_DELAY_UNIT_MS,
  AnnounceType,
  CHUNK_UNIT,
  Codec,
  codecBit,
  DATA_HEADER_LENGTH,
  FRAME_MAX,
  GRANT_ENTRIES_MAX,
  OBJECT_HEADER_LENGTH,
  ObjectKind,
  PAYLOAD_MAX,
  PAYLOAD_MIN,
  REQUEST_ENTRIES_MAX,
  WireLimit,
} from "../../src/wire/constants.ts";
import { decodeFrame, encodeMessage, encodePacket } from "../../src/wire/frame.ts";
import { RUN_MAX } from "../../src/wire/line-code.ts";
import type { Beacon, Frame, Message } from "../../src/wire/messages.ts";
import { encodeFrame, SESSION_TAG } from "./wire-vectors.ts";

const eight = (byte: number): Uint8Array => new Uint8Array(8).fill(byte);
const roundTrip = (frame: Frame): unknown => decodeFrame(encodeFrame(frame, SESSION_TAG), SESSION_TAG);

function beacon(tag: "beacon" | "distress", byte: number): Beacon {
  const most = byte === 0 ? 0 : 1;
  const digest = byte === 0 ? undefined : eight(byte);
  return {
    tag,
    nodeId: eight(byte),
    bootNonce: eight(byte),
    hardwareId: eight(byte),
    revision: most * 0xffff,
    failure: tag === "beacon" ? undefined : byte === 0 ? "empty" : "reverted",
    isProvider: byte !== 0,
    version: { major: most * 0xffff, minor: most * 0xffff, patch: most * 0xffff },
    sequence: most * (2 ** 48 - 1),
    counterFloor: most * 0xffff_ffff,
    installedDigest: digest,
    receivingDigest: digest,
  };
}

/** Each message at its longest, with fields that are all zero bits or all one bits. */
function extremes(byte: number): Message[] {
  const most = byte === 0 ? 0 : 1;
  const [rescuerId, rescuerNonce, targetNonce, digest] = [byte, byte, byte, byte].map(eight) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const u16 = most * 0xffff;
  const version = { major: u16, minor: u16, patch: u16 };
  const u32 = most * 0xffff_ffff;
  const u24 = most * 0xff_ffff;
  const entry = { first: u24, count: most * 0xff, attempt: most * 0xf, codecs: most * 0xf };
  const node = { level: most * 0xfe, index: u24 };
  return [
    { tag: "query", nodeId: rescuerId, bootNonce: targetNonce },
    beacon("beacon", byte),
    beacon("distress", byte),
    {
      ...{ tag: "offer", rescuerId, rescuerNonce, targetNonce, digest, version, size: u32, counter: u32 },
      blockSize: most * 65_536,
    },
    {
      ...{ tag: "accept", targetNonce, rescuerNonce, digest, payloadMax: u16, openBlocks: byte },
      ...{ codecs: most * 0xf, ...(byte === 0 ? {} : { asks: "blank" }) },
    },
    { tag: "standDown", targetId: rescuerId, rescuerNonce, winnerId: rescuerId, retryAfterMs: u16 },
    { tag: "refuse", targetNonce, rescuerNonce, digest, reason: byte === 0 ? "signature" : "other" },
    { tag: "bye", targetNonce, rescuerNonce, reason: 3 },
    { tag: "defer", targetNonce, rescuerNonce, digest, reason: byte === 0 ? "begun" : "other", seconds: u32 },
    { tag: "none", rescuerId, targetNonce, reason: byte === 0 ? "no-image" : "other" },
    {
      tag: "ack",
      highest: u16,
      delayMs: byte * ACK_DELAY_UNIT_MS,
      bitmap: new Uint8Array(ACK_BITMAP_LENGTH).fill(byte),
    },
    { tag: "grant", sequence: u16, entries: new Array(GRANT_ENTRIES_MAX).fill(entry) },
    { tag: "request", sequence: u16, wanted: new Array(REQUEST_ENTRIES_MAX).fill(node) },
    { tag: "busy", forMs: u16 },
    { tag: "done", digest },
    { tag: "later", forMs: u16 },
    { tag: "doneAck", digest },
  ];
}

/** What a message may take on the wire. */
function limitOf(message: Message): number {
  if (message.tag === "ack") return WireLimit.ack;
  return message.tag in AnnounceType ? WireLimit.announcement : WireLimit.control;
}

describe("sizes on the wire", () => {
  it.each([...extremes(0), ...extremes(0xff)])("$tag stays within its limit and comes back", (message) => {
    const wire = encodeDelimited(encodeMessage(message, SESSION_TAG));
    expect(wire.length).toBeLessThanOrEqual(limitOf(message));
    expect(roundTrip(message)).toEqual(message);
  });

  it("a data frame costs 10 bytes over a payload of up to 246, beside the delimiter it shares", () => {
    for (const length of [1, PAYLOAD_MIN, 246]) {
      const payload = new Uint8Array(length).fill(1);
      const packet = { tag: "data", packetNumber: 0x111, codec: Codec.raw, attempt: 0, position: 1 } as const;
      const wire = encodeDelimited(encodePacket({ ...packet, payload }, SESSION_TAG));
      expect(wire.length - 1 - length).toBe(10);
    }
  });
});

describe("limits of packets", () => {
  const data = { tag: "data", packetNumber: 0xfff, codec: Codec.raw, attempt: 1, position: 0xffff } as const;
  const object = { tag: "object", packetNumber: 0, offset: 0 } as const;
  const name = { kind: ObjectKind.run, node: { level: 0, index: 0 } };

  it.each([1, PAYLOAD_MIN, PAYLOAD_MAX])("data takes a payload of %i bytes", (length) => {
    const frame = { ...data, payload: new Uint8Array(length).fill(length & 0xff) };
    expect(roundTrip(frame)).toEqual(frame);
  });

  it("data refuses a payload of one byte more", () => {
    expect(roundTrip({ ...data, payload: new Uint8Array(PAYLOAD_MAX + 1) })).toEqual({
      tag: "fault",
      fault: "malformed",
    });
  });

  it.each([1, PAYLOAD_MIN, PAYLOAD_MAX])("an object takes a payload of %i bytes", (length) => {
    const frame = { ...object, name, total: length, payload: new Uint8Array(length).fill(7) };
    expect(roundTrip(frame)).toEqual(frame);
  });

  it("an object refuses a payload of one byte more, and one that reaches behind its end", () => {
    const malformed = { tag: "fault", fault: "malformed" };
    const payload = new Uint8Array(PAYLOAD_MAX + 1);
    expect(roundTrip({ ...object, name, total: 0xffff, payload })).toEqual(malformed);
    const last = { ...object, name, offset: 33, total: 64 };
    expect(roundTrip({ ...last, payload: new Uint8Array(31) })).not.toEqual(malformed);
    expect(roundTrip({ ...last, payload: new Uint8Array(32) })).toEqual(malformed);
  });

  it.each([
    { level: 0, index: 0xff_ffff },
    { level: 0xff, index: 0xff_fffe },
    { level: 24, index: 0x01_0000 },
  ])("an object names node $level/$index", (node) => {
    const payload = new Uint8Array(32);
    const frame = { ...object, name: { kind: ObjectKind.uniform, node }, total: 0xffff, payload };
    expect(roundTrip(frame)).toEqual(frame);
  });

  it("sends the low 12 bits of a packet number and nothing of the rest", () => {
    expect(roundTrip({ tag: "probe", packetNumber: 0x12_3456 })).toEqual({
      tag: "probe",
      packetNumber: 0x456,
    });
  });

  it("the longest frame fills the longest run", () => {
    const payload = new Uint8Array(PAYLOAD_MAX).fill(0xff);
    const node = { level: 0xff, index: 0xff_ffff };
    const frame = encodePacket(
      { ...object, packetNumber: 0xfff, name: { ...name, node }, offset: 0xf7e0, total: 0xffff, payload },
      SESSION_TAG,
    );
    expect(frame.length).toBe(FRAME_MAX);
    expect(encodeDelimited(frame).length - 1).toBe(RUN_MAX);
  });

  it("has a bit for each codec", () => {
    expect(Object.values(Codec).map(codecBit)).toEqual([1, 2, 4, 8]);
  });

  it("derives its sizes from one another", () => {
    expect(FRAME_MAX).toBe(OBJECT_HEADER_LENGTH + PAYLOAD_MAX + 4);
    expect(DATA_HEADER_LENGTH).toBeLessThan(OBJECT_HEADER_LENGTH);
    expect(PAYLOAD_MAX % CHUNK_UNIT).toBe(0);
    expect(PAYLOAD_MIN % CHUNK_UNIT).toBe(0);
  });
});

describe("limits of messages", () => {
  it.each([0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 47 + 1, 2 ** 48 - 1])(
    "a beacon carries sequence %i",
    (sequence) => {
      const frame = { ...beacon("beacon", 0xff), sequence };
      expect(roundTrip(frame)).toEqual(frame);
    },
  );

  it("a beacon of a board that boots has no failure's number, and the bootable flag", () => {
    const bytes = encodeMessage(beacon("beacon", 0xff), SESSION_TAG);
    // PROTOCOL.md 5.2: flags and failure stand behind type, two ids, the nonce and the revision.
    expect([...bytes.subarray(28, 30)]).toEqual([0x0f, 0]);
    const failed = encodeMessage(beacon("distress", 0xff), SESSION_TAG);
    expect((failed[28] ?? 0) & 1).toBe(0);
    expect(failed[29]).not.toBe(0);
  });

  it.each([0, 1, GRANT_ENTRIES_MAX])("a grant holds %i entries up to block 2^24 - 1", (count) => {
    const entry = { first: 0xff_ffff, count: 1, attempt: 0, codecs: 1 };
    const frame = { tag: "grant", sequence: 1, entries: new Array(count).fill(entry) } as const;
    expect(roundTrip(frame)).toEqual(frame);
  });

  it.each([0, 1, REQUEST_ENTRIES_MAX])("a request holds %i entries, the manifest among them", (count) => {
    const wanted = new Array(count).fill("manifest").fill({ level: 24, index: 0 }, 1);
    const frame = { tag: "request", sequence: 1, wanted } as const;
    expect(roundTrip(frame)).toEqual(frame);
  });

  it.each([
    [-5, 0],
    [1.4, 1],
    [70_000, 65_535],
  ])("a time of %d ms goes out as %i", (forMs, sent) => {
    expect(roundTrip({ tag: "busy", forMs })).toEqual({ tag: "busy", forMs: sent });
    expect(roundTrip({ tag: "later", forMs })).toEqual({ tag: "later", forMs: sent });
  });

  it("an ack's delay is rounded to its unit and stops at the highest", () => {
    const bitmap = new Uint8Array(ACK_BITMAP_LENGTH);
    const delay = (delayMs: number): unknown => roundTrip({ tag: "ack", highest: 0, delayMs, bitmap });
    expect(delay(1)).toMatchObject({ delayMs: 4 * ACK_DELAY_UNIT_MS });
    expect(delay(1000)).toMatchObject({ delayMs: 255 * ACK_DELAY_UNIT_MS });
  });

  it("a session frame cannot be sealed with tag 0, which means none", () => {
    expect(() => encodeMessage({ tag: "busy", forMs: 1 }, 0)).toThrow(AssertionError);
  });
});
