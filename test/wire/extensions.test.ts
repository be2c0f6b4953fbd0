import { describe, expect, it } from "vitest";
import { concatBytes, toHex } from "../../src/base/bytes.ts";
import { encodeDelimited } from "../../src/wire/cobs.ts";
import { CRC_LENGTH, WireLimit } from "../../src/wire/constants.ts";
import { encodeCodedFrame } from "../../src/wire/fec/coded-frame.ts";
import { decodeFrame, encodeMessage } from "../../src/wire/frame.ts";
import type { Frame, Message } from "../../src/wire/messages.ts";
import { withCrc } from "../support/with-crc.ts";
import { FRAME_VECTORS, SESSION_TAG } from "./wire-vectors.ts";

const messageOf = (tag: Frame["tag"]): Message =>
  (FRAME_VECTORS.find(({ frame }) => frame.tag === tag)?.frame as Message | undefined) ??
  expect.fail(`no ${tag}`);

/** The frame of a message without its CRC, as hexadecimal text. */
const covered = (message: Message): string =>
  toHex(encodeMessage(message, SESSION_TAG).subarray(0, -CRC_LENGTH));

/** The frame of `message` with these bytes behind its body. */
function withTail(message: Message, tail: readonly number[]): Frame | { readonly tag: "fault" } {
  const plain = encodeMessage(message, SESSION_TAG).subarray(0, -CRC_LENGTH);
  const isAnnouncement = ((plain[0] ?? 0) & 0x0f) === 0;
  const tag = isAnnouncement ? undefined : SESSION_TAG;
  return decodeFrame(withCrc(concatBytes(plain, Uint8Array.from(tail)), tag), tag);
}

describe("the extensions of the second form (PROTOCOL.md 2.5)", () => {
  it.each(["query", "beacon", "distress", "offer"] as const)("forms stand behind the body of a %s", (tag) => {
    const message = messageOf(tag);
    expect(covered({ ...message, forms: 2 } as Message)).toBe(`${covered(message)}070102`);
    expect(withTail(message, [7, 1, 2])).toEqual({ ...message, forms: 2 });
  });

  it("mended stands behind the bitmap of an ack, modulo 65536", () => {
    const ack = messageOf("ack");
    expect(covered({ ...ack, mended: 0x1_0203 } as Message)).toBe(`${covered(ack)}08020302`);
    expect(withTail(ack, [8, 2, 3, 2])).toEqual({ ...ack, mended: 0x0203 });
  });

  it("are found among others, and longer than this version knows them", () => {
    const query = messageOf("query");
    expect(withTail(query, [4, 3, 7, 1, 9, 7, 2, 2, 0xff])).toEqual({ ...query, forms: 2 });
    const ack = messageOf("ack");
    expect(withTail(ack, [0x7e, 0, 8, 3, 1, 0, 9])).toEqual({ ...ack, mended: 1 });
  });

  it("say nothing where they are too short, or stand in another message", () => {
    expect(withTail(messageOf("query"), [7, 0])).toEqual(messageOf("query"));
    expect(withTail(messageOf("ack"), [8, 1, 5])).toEqual(messageOf("ack"));
    for (const [tag, tail] of [
      ["accept", [7, 1, 2]],
      ["ack", [7, 1, 2]],
      ["offer", [8, 2, 1, 0]],
    ] as const)
      expect(withTail(messageOf(tag), tail)).toEqual(messageOf(tag));
  });

  it("leave every message within its limit, in both forms", () => {
    const distress = encodeMessage({ ...messageOf("distress"), forms: 2 } as Message, SESSION_TAG);
    expect(encodeDelimited(distress).length).toBeLessThanOrEqual(WireLimit.announcement);
    expect(encodeCodedFrame(distress, 8)).toHaveLength(96);
    const ack = encodeMessage({ ...messageOf("ack"), mended: 0xffff } as Message, SESSION_TAG);
    expect(encodeDelimited(ack).length).toBeLessThanOrEqual(WireLimit.ack);
    expect(encodeCodedFrame(ack, 8)).toHaveLength(56);
  });
});

describe("the extension changes (PROTOCOL.md 2.6)", () => {
  it.each(["query", "beacon", "distress", "offer"] as const)("stands behind the forms of a %s", (tag) => {
    const message = { ...messageOf(tag), forms: 2 } as Message;
    expect(covered({ ...message, changes: 5 } as Message)).toBe(`${covered(message)}090105`);
    expect(withTail(messageOf(tag), [7, 1, 2, 9, 1, 5])).toEqual({ ...message, changes: 5 });
    expect(withTail(messageOf(tag), [9, 2, 5, 0xff])).toEqual({ ...messageOf(tag), changes: 5 });
    expect(withTail(messageOf(tag), [9, 0])).toEqual(messageOf(tag));
  });

  it.each(["query", "beacon", "distress", "offer"] as const)("leaves a %s within its limit", (tag) => {
    const partial = tag === "offer" ? { partial: 0xffffff } : {};
    const longest = { ...messageOf(tag), forms: 2, changes: 0x3f, ...partial } as Message;
    const frame = encodeMessage(longest, SESSION_TAG, () => new Uint8Array(tag === "offer" ? 20 : 0));
    expect(encodeDelimited(frame).length).toBeLessThanOrEqual(WireLimit.announcement);
    expect(encodeCodedFrame(frame, 8).length).toBeLessThanOrEqual(WireLimit.announcement + 32);
  });
});

describe("the extension partial (PROTOCOL.md 5.3)", () => {
  const offer = messageOf("offer");

  it.each([
    [0, "0403000000"],
    [5, "0403050000"],
    [0x01_02_03, "0403030201"],
    [0xff_ff_ff, "0403ffffff"],
  ])("of %i blocks stands behind the body of an offer", (partial, tail) => {
    expect(covered({ ...offer, partial } as Message)).toBe(`${covered(offer)}${tail}`);
    const bytes = tail.match(/../g)?.map((byte) => Number.parseInt(byte, 16)) ?? [];
    expect(withTail(offer, bytes)).toEqual({ ...offer, partial });
  });

  it("stands behind others, and is found among them", () => {
    const said = { ...offer, forms: 2, changes: 5, partial: 9 } as Message;
    expect(covered(said)).toBe(`${covered(offer)}0701020901050403090000`);
    expect(withTail(offer, [4, 4, 9, 0, 0, 0xff, 7, 1, 2])).toEqual({ ...offer, forms: 2, partial: 9 });
  });

  it("says nothing where it is too short, or stands in another message", () => {
    expect(withTail(offer, [4, 2, 9, 0])).toEqual(offer);
    for (const tag of ["query", "accept", "distress"] as const)
      expect(withTail(messageOf(tag), [4, 3, 9, 0, 0])).toEqual(messageOf(tag));
  });
});
