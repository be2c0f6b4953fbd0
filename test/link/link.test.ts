import { describe, expect, it } from "vitest";
import { Link } from "../../src/link/link.ts";
import type { LinkEvent } from "../../src/link/link-event.ts";
import type { SendItem } from "../../src/link/send-queue.ts";
import { CHUNK_UNIT, Codec } from "../../src/wire/constants.ts";
import type { Message } from "../../src/wire/messages.ts";
import { withCrc } from "../support/with-crc.ts";
import { bytesOf, FAULT_VECTORS } from "../wire/wire-vectors.ts";

const TAG = 0x1234_5678;
const id = new Uint8Array(8).fill(7);
const query: Message = { tag: "query", nodeId: id, bootNonce: id };
const busy: Message = { tag: "busy", forMs: 10 };

const newLink = (baud?: number): Link => new Link({ baud, rtoFloorMs: 10 });

/** All that a link sends at `now`. */
function transmitted(link: Link, now: number): Uint8Array[] {
  const out: Uint8Array[] = [];
  for (let bytes = link.pollTransmit(now); bytes; bytes = link.pollTransmit(now)) out.push(bytes);
  return out;
}

function events(link: Link): LinkEvent[] {
  const out: LinkEvent[] = [];
  for (let event = link.pollEvent(); event; event = link.pollEvent()) out.push(event);
  return out;
}

/** Hands wire bytes over as the run between two delimiters. */
const hear = (link: Link, now: number, wire: Uint8Array): void => link.handleRun(now, wire.subarray(1));

function carry(from: Link, to: Link, now: number): LinkEvent[] {
  for (const wire of transmitted(from, now)) hear(to, now, wire);
  return events(to);
}

function block(key: string, length: number): SendItem {
  return {
    key,
    length,
    isUrgent: false,
    packet: (packetNumber, from, to) => {
      const position = from / CHUNK_UNIT;
      const payload = new Uint8Array(to - from).fill(0xab);
      return { tag: "data", packetNumber, codec: Codec.raw, attempt: 0, position, payload };
    },
  };
}

function session(): { rescuer: Link; target: Link } {
  const rescuer = newLink();
  const target = newLink();
  rescuer.startSending(0, TAG, 1024);
  target.startReceiving(0, TAG);
  return { rescuer, target };
}

describe("a link", () => {
  it("carries announcements without a session", () => {
    const [a, b] = [newLink(), newLink()];
    a.send(query);
    expect(carry(a, b, 0)).toEqual([{ tag: "message", message: query }]);
    expect(a.counters.framesSent).toBe(1);
    expect(b.counters).toMatchObject({ framesReceived: 1, bytesReceived: a.counters.bytesSent - 1 });
  });

  it("replaces a message of the same kind that has not gone out, in its place", () => {
    const { rescuer, target } = session();
    target.send(busy);
    target.send(query);
    target.send({ tag: "busy", forMs: 99 });
    expect(carry(target, rescuer, 0)).toEqual([
      { tag: "message", message: { tag: "busy", forMs: 99 } },
      { tag: "message", message: query },
    ]);
  });

  it("delivers an item, and the ack for it completes it", () => {
    const { rescuer, target } = session();
    rescuer.sender?.add(block("a", 2000));
    const chunks = carry(rescuer, target, 0);
    const lengths = chunks.map((event) => (event.tag === "chunk" ? event.chunk.payload.length : 0));
    expect(lengths).toEqual([256, 256, 256, 256, 256, 256, 256, 208]);
    expect(carry(target, rescuer, 0)).toEqual([]);
    expect(rescuer.sender?.takeCompleted()).toBe("a");
    expect(rescuer.sender?.isIdle).toBe(true);
    expect(rescuer.pollTimeout()).toBeUndefined();
  });

  it("gives a chunk to the session once, and counts what comes twice", () => {
    const { rescuer, target } = session();
    rescuer.sender?.add(block("a", 32));
    const [chunk] = transmitted(rescuer, 0);
    for (let i = 0; i < 3; i++) hear(target, 0, chunk ?? expect.fail("no frame"));
    expect(events(target)).toHaveLength(1);
    expect(target.counters.duplicates).toBe(2);
  });

  it("counts frames of past sessions as stale, and of unknown ones as damaged", () => {
    const { rescuer, target } = session();
    target.send(busy);
    const [late] = transmitted(target, 0);
    rescuer.startSending(0, TAG + 1, 1024);
    hear(rescuer, 0, late ?? expect.fail("no frame"));
    expect(rescuer.counters).toMatchObject({ staleFrames: 1, crcErrors: 0 });
    const stranger = newLink();
    hear(stranger, 0, late ?? expect.fail("no frame"));
    expect(stranger.counters).toMatchObject({ staleFrames: 0, crcErrors: 1 });
    expect(events(rescuer)).toEqual([{ tag: "stale" }]);
    expect(events(stranger)).toEqual([{ tag: "damaged" }]);
  });

  it("sends nothing more for a session that ended", () => {
    const { rescuer, target } = session();
    rescuer.sender?.add(block("a", 32));
    for (const wire of transmitted(rescuer, 0)) hear(target, 0, wire);
    target.send(busy);
    target.endSession();
    expect(target.pollTimeout()).toBeUndefined();
    expect(transmitted(target, 100)).toEqual([]);
  });

  it("counts own frames heard back as echoes", () => {
    const { rescuer, target } = session();
    rescuer.sender?.add(block("a", 32));
    for (const wire of transmitted(rescuer, 0)) {
      hear(rescuer, 0, wire);
      hear(target, 0, wire);
    }
    for (const wire of transmitted(target, 8)) hear(target, 8, wire);
    expect(rescuer.counters.echoes).toBe(2);
    expect(target.counters.echoes).toBe(1);
    expect(events(rescuer)).toEqual([]);
  });

  it("hands foreign text on, and counts what is neither text nor frame", () => {
    const link = newLink();
    link.handleRun(
      0,
      Uint8Array.from("login: \0", (c) => c.charCodeAt(0)),
    );
    expect(events(link)).toEqual([{ tag: "console", text: "login: " }]);
    expect(link.counters).toMatchObject({ crcErrors: 0, bytesDiscarded: 7 });
    link.handleRun(0, Uint8Array.of(0x90, 0x91, 0x92, 0));
    expect(link.counters).toMatchObject({ crcErrors: 1, bytesDiscarded: 10 });
  });

  it("counts empty runs as idle delimiters, not as errors", () => {
    const link = newLink();
    for (let i = 0; i < 1000; i++) link.handleRun(0, Uint8Array.of(0));
    expect(link.counters).toMatchObject({ crcErrors: 0, bytesDiscarded: 0, bytesReceived: 1000 });
  });

  it("reports a neighbour of another version once, and counts what it cannot understand", () => {
    const link = newLink();
    const ofVersion2 = bytesOf("20 01 cb065aa3");
    const ofVersion3 = withCrc(Uint8Array.of(0x30, 0x01), undefined);
    for (const bytes of [ofVersion2, ofVersion2, ofVersion3, ofVersion2]) link.handleFrame(0, bytes);
    expect(events(link)).toEqual([
      { tag: "foreignVersion", version: 2 },
      { tag: "foreignVersion", version: 3 },
    ]);
    const unknown = FAULT_VECTORS.filter(
      ({ tag, fault }) => tag === undefined && fault.fault === "malformed",
    );
    for (const { bytes } of unknown) link.handleFrame(0, bytes);
    expect(unknown.length).toBeGreaterThan(5);
    expect(link.counters).toMatchObject({
      framesReceived: 0,
      crcErrors: 0,
      unexpectedFrames: unknown.length,
    });
  });

  it("sends acks before messages, and messages before packets", () => {
    const { rescuer, target } = session();
    rescuer.sender?.add(block("a", 32));
    rescuer.send(query);
    const wires = transmitted(rescuer, 0);
    expect(wires.map((wire) => wire.length)).toEqual([25, 43, 9]);
    for (const wire of wires) hear(target, 0, wire);
    target.send(query);
    expect(transmitted(target, 0).map((wire) => wire.length)).toEqual([25, 25]);
  });

  it("keeps round-trip time, error estimate and counters when another session begins, on either side", () => {
    const { rescuer, target } = session();
    rescuer.sender?.add(block("a", 2048));
    const before = rescuer.errorRate;
    transmitted(rescuer, 0);
    rescuer.sender?.handleAck(40, { tag: "ack", highest: 7, delayMs: 0, bitmap: Uint8Array.of(1) });
    const rate = rescuer.errorRate;
    expect(rate).toBeGreaterThan(2 * before);
    const { smoothed } = rescuer.rtt;
    rescuer.endSession();
    rescuer.startReceiving(100, TAG + 1);
    rescuer.startSending(200, TAG + 2, 1024);
    expect(rescuer.errorRate).toBe(rate);
    expect(rescuer.rtt.smoothed).toBe(smoothed);
    expect(rescuer.counters.packetsLost).toBe(7);
    rescuer.sender?.add(block("b", 2048));
    const [first] = transmitted(rescuer, 200);
    expect(first?.length).toBeLessThan(256);
    expect(target.errorRate).toBe(before);
  });

  it("paces by another rate from the moment the port is set to it, and by the bits that a byte takes", () => {
    const link = new Link({ baud: 9600, baudMax: 96_000, rtoFloorMs: 10, bitsPerByte: 12 });
    link.gate.switchBaud(96_000, 0);
    expect([link.gate.isShut, link.gate.takeBaud(1_000), link.lineTime(800)]).toEqual([true, 96_000, 1_000]);
    link.handleBaudSet(1_000, true);
    expect(link.lineTime(800)).toBeCloseTo(100);
  });

  it("hands over no more than the line can take, and tells when to come back", () => {
    const link = newLink(115_200);
    link.startSending(0, TAG, 1024);
    link.sender?.add(block("a", 4096));
    const bytes = transmitted(link, 0).reduce((sum, wire) => sum + wire.length, 0);
    // Header, CRC, two COBS codes; three delimiters, since the one between the frames serves both.
    expect(bytes).toBe(2 * (256 + 8 + 2) + 3);
    const at = link.pollTimeout() ?? expect.fail("nothing is due");
    expect(at).toBeCloseTo(link.lineTime(bytes) - 40);
    expect(link.pollTransmit(at - 0.01)).toBeUndefined();
    expect(link.pollTransmit(at)).toBeDefined();
  });
});
