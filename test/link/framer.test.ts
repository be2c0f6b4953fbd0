import { beforeEach, describe, expect, it } from "vitest";
import { Framer, type Received } from "../../src/link/framer.ts";
import { FrameSeal } from "../../src/link/seal.ts";
import { Codec, SEAL_LENGTH } from "../../src/wire/constants.ts";
import { delimitedCobs, wholeFrames } from "../../src/wire/line-code.ts";
import type { Message, Packet } from "../../src/wire/messages.ts";
import { withCrc } from "../support/with-crc.ts";

const TAG = 0x1234_5678;
const id = new Uint8Array(8).fill(7);
const query: Message = { tag: "query", nodeId: id, bootNonce: id };
const busy: Message = { tag: "busy", forMs: 10 };
const probe: Packet = { tag: "probe", packetNumber: 5 };

let own: Framer;
let peer: Framer;

beforeEach(() => {
  own = new Framer(delimitedCobs);
  peer = new Framer(delimitedCobs);
});

/** What the peer makes of bytes on the line, as the run behind the first delimiter. */
const heard = (line: Uint8Array): Received => peer.decode(line.subarray(1));
const tagOf = (line: Uint8Array): Received["tag"] => heard(line).tag;

describe("a framer", () => {
  it("carries announcements without a session and says that they belong to none", () => {
    expect(heard(own.encodeMessage(query, undefined, false))).toMatchObject({
      tag: "frame",
      frame: query,
      isOfSession: false,
    });
  });

  it("carries control messages and packets within a session only", () => {
    own.startSession(TAG, undefined);
    const lines = [own.encodeMessage(busy, undefined, false), own.encodePacket(probe, false)];
    expect(lines.map(tagOf)).toEqual(["noFrame", "noFrame"]);
    peer.startSession(TAG, undefined);
    expect(lines.map(heard)).toMatchObject([
      { tag: "frame", frame: busy, isOfSession: true },
      { tag: "frame", frame: probe, isOfSession: true },
    ]);
    peer.startSession(TAG + 1, undefined);
    expect(() => new Framer(delimitedCobs).encodePacket(probe, false)).toThrow("packets belong to a session");
  });

  it("tells late frames of its last four sessions from noise", () => {
    const lines = [0, 1, 2, 3, 4].map((i) => {
      own.startSession(TAG + i, undefined);
      peer.startSession(TAG + i, undefined);
      return own.encodeMessage(busy, undefined, false);
    });
    peer.endSession();
    peer.endSession();
    expect(lines.map(tagOf)).toEqual(["noFrame", "stale", "stale", "stale", "stale"]);
  });

  it("writes a frame in the second form, which serves no other frame as a delimiter", () => {
    const delimiters = (line: Uint8Array): readonly boolean[] => [line[0] === 0, line.at(-1) === 0];
    own.encodeMessage(query, undefined, false);
    expect(delimiters(own.encodeMessage(query, undefined, true))).toEqual([false, true]);
    const coded = own.encodeMessage(query, undefined, true, 3);
    expect([own.isCoded, delimiters(coded)]).toEqual([true, [false, false]]);
    expect(coded).toHaveLength(7 + 25 + 6);
    expect(delimiters(own.encodeMessage(query, undefined, true))).toEqual([true, true]);
  });

  it("leaves a frame that is too long for the second form in COBS", () => {
    own.startSession(TAG, undefined);
    const data = (length: number): Packet => ({
      tag: "data",
      packetNumber: 1,
      codec: Codec.raw,
      attempt: 0,
      position: 0,
      payload: new Uint8Array(length).fill(1),
    });
    own.encodePacket(data(2040), false, 1);
    expect(own.isCoded).toBe(true);
    own.encodePacket(data(2041), false, 1);
    expect(own.isCoded).toBe(false);
  });

  it("names the version of a foreign announcement, and what is malformed", () => {
    expect(peer.decodeWhole(withCrc(Uint8Array.of(0x30, 1), undefined))).toEqual({
      tag: "foreignVersion",
      version: 3,
    });
    expect(peer.decodeWhole(withCrc(Uint8Array.of(0x10, 1, 2), undefined)).tag).toBe("malformed");
  });

  it("gives back the run without its delimiter when it holds no frame", () => {
    for (const run of [Uint8Array.of(9, 9, 0), Uint8Array.of(9, 9)])
      expect(peer.decode(run)).toEqual({ tag: "noFrame", body: Uint8Array.of(9, 9) });
    expect(peer.decode(Uint8Array.of(0))).toEqual({ tag: "noFrame", body: new Uint8Array() });
    expect(peer.decode(Uint8Array.of(2, 5, 0))).toEqual({ tag: "noFrame", body: Uint8Array.of(2, 5) });
  });

  it("leaves out the first delimiter of a frame that directly follows another one", () => {
    const apart = own.encodeMessage(query, undefined, false);
    expect(own.encodeMessage(query, undefined, true)).toEqual(apart.subarray(1));
  });

  it("puts frames on a link of messages as they are", () => {
    const messages = new Framer(wholeFrames);
    const bytes = messages.encodeMessage(query, undefined, true);
    expect(bytes).toHaveLength(22);
    expect(messages.decode(bytes)).toMatchObject({ tag: "frame", frame: query });
  });
});

describe("a framer of a session with a link key", () => {
  const mac = (): Uint8Array => new Uint8Array(8).fill(3);
  const otherMac = (): Uint8Array => new Uint8Array(8).fill(4);

  it("seals control messages and packets, and takes each once", () => {
    own.startSession(TAG, new FrameSeal(mac, mac));
    peer.startSession(TAG, new FrameSeal(mac, mac));
    const lines = [own.encodeMessage(busy, undefined, false), own.encodePacket(probe, false)];
    expect(lines.map(tagOf)).toEqual(["frame", "frame"]);
    expect(lines.map(tagOf)).toEqual(["unauthentic", "unauthentic"]);
    peer.startSession(TAG, new FrameSeal(mac, otherMac));
    expect(lines.map(tagOf)).toEqual(["unauthentic", "unauthentic"]);
  });

  it("costs each frame the seal, from the start of the session to its end", () => {
    const bare = own.overhead;
    own.startSession(TAG, new FrameSeal(mac, mac));
    expect(own.overhead).toBe(bare + SEAL_LENGTH);
    own.endSession();
    expect(own.overhead).toBe(bare);
  });

  it("says when the seal has no counter left", () => {
    expect(own.isExhausted).toBe(false);
    own.startSession(TAG, new FrameSeal(mac, mac, 0xffff_ffff));
    expect(own.isExhausted).toBe(false);
    own.encodeMessage(busy, undefined, false);
    expect(own.isExhausted).toBe(true);
    own.endSession();
    expect(own.isExhausted).toBe(false);
  });
});
