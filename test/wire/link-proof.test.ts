import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { concatBytes, EMPTY } from "../../src/base/bytes.ts";
import { CRC_LENGTH } from "../../src/wire/constants.ts";
import { decodeFrame, encodeMessage } from "../../src/wire/frame.ts";
import { linkProofHead, linkProofOf } from "../../src/wire/link-proof.ts";
import type { Message } from "../../src/wire/messages.ts";
import { anyFrame } from "./arbitrary-frames.ts";

const eight = (byte: number): Uint8Array => new Uint8Array(8).fill(byte);
const bye: Message = { tag: "bye", targetNonce: eight(1), rescuerNonce: eight(2), reason: 1 };
const accept: Message = {
  ...{ tag: "accept", targetNonce: eight(1), rescuerNonce: eight(2), digest: eight(3) },
  ...{ payloadMax: 4064, openBlocks: 64, codecs: 3 },
};
const mac = eight(9);

/** The frame of a message with these bytes behind its body. */
const withTail = (message: Message, ...tail: Uint8Array[]): Uint8Array =>
  encodeMessage(message, 1, () => concatBytes(...tail));

const offer: Message = {
  ...{ tag: "offer", rescuerId: eight(1), rescuerNonce: eight(2), targetNonce: eight(3), digest: eight(4) },
  ...{ version: { major: 1, minor: 2, patch: 3 }, size: 5, counter: 6, blockSize: 1024 },
};

describe("the proof in a frame", () => {
  it("is found, with all before its MAC as what it is over", () => {
    const frame = withTail(bye, linkProofHead(EMPTY), mac);
    expect(linkProofOf(bye, frame)).toEqual({
      covered: frame.subarray(0, frame.length - CRC_LENGTH - 8),
      extra: EMPTY,
      mac,
    });
  });

  it.each([offer, accept])("has eight bytes before its MAC in $tag: a call's name, a nonce", (message) => {
    const extra = eight(4);
    expect(linkProofOf(message, withTail(message, linkProofHead(extra), mac))).toMatchObject({ extra, mac });
  });

  it.each<Message>([
    { tag: "standDown", targetId: eight(1), rescuerNonce: eight(2), winnerId: eight(3), retryAfterMs: 5_000 },
    { tag: "refuse", targetNonce: eight(1), rescuerNonce: eight(2), digest: eight(3), reason: "hardware" },
    bye,
  ])("is found in $tag", (message) => {
    expect(linkProofOf(message, withTail(message, linkProofHead(EMPTY), mac))).toMatchObject({ mac });
  });

  it("is found behind another extension", () => {
    const other = Uint8Array.of(5, 1, 1);
    const frame = withTail(bye, other, linkProofHead(EMPTY), mac);
    expect(decodeFrame(frame, undefined)).toEqual(bye);
    expect(linkProofOf(bye, frame)).toMatchObject({ mac });
  });

  it.each([
    [
      "an extension behind it, which it does not prove",
      bye,
      [linkProofHead(EMPTY), mac, Uint8Array.of(5, 0)],
    ],
    ["a MAC that is too short", bye, [Uint8Array.of(1, 7), mac.subarray(1)]],
    ["a nonce where none belongs", bye, [linkProofHead(eight(4)), mac]],
    ["no nonce in an accept", accept, [linkProofHead(EMPTY), mac]],
    ["no name of a call in an offer", offer, [linkProofHead(EMPTY), mac]],
    ["no value", bye, [Uint8Array.of(1, 0)]],
  ])("has no MAC that could be right with %s", (_name, message, tail) => {
    const frame = withTail(message, ...tail);
    expect(decodeFrame(frame, undefined)).toEqual(message);
    expect(linkProofOf(message, frame)).toMatchObject({ mac: EMPTY });
  });

  it("is none in a query, whatever that ends with", () => {
    const query: Message = { tag: "query", nodeId: eight(1), bootNonce: eight(2) };
    expect(linkProofOf(query, withTail(query, linkProofHead(EMPTY), mac))).toBeUndefined();
  });

  property.prop([anyFrame, fc.uint8Array({ maxLength: 20 })])("never throws", (frame, tail) => {
    if (frame.tag === "data" || frame.tag === "object" || frame.tag === "probe") return;
    const decoded = linkProofOf(frame, withTail(frame, tail));
    if (tail.length === 0) expect(decoded).toBeUndefined();
  });
});
