import { describe, expect, it } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import { isAfter } from "../../src/base/serial-number.ts";
import { TimerTable } from "../../src/base/timer-table.ts";
import { newCounters } from "../../src/link/counters.ts";
import { ErrorEstimate } from "../../src/link/error-estimate.ts";
import { FrameSizer } from "../../src/link/frame-sizer.ts";
import type { LinkTimers } from "../../src/link/link-timers.ts";
import { Pacer } from "../../src/link/pacer.ts";
import { decodePacketNumber } from "../../src/link/packet-number.ts";
import { ReceiveSide } from "../../src/link/receive-side.ts";
import { RttEstimator } from "../../src/link/rtt.ts";
import type { SendItem } from "../../src/link/send-queue.ts";
import { SendSide } from "../../src/link/send-side.ts";
import { encodeDelimited } from "../../src/wire/cobs.ts";
import {
  ACK_BITMAP_LENGTH,
  ACK_DELAY_UNIT_MS,
  ACK_REACH,
  Codec,
  PROTOCOL_VERSION,
} from "../../src/wire/constants.ts";
import { decodeFrame, encodeMessage } from "../../src/wire/frame.ts";
import type { Ack } from "../../src/wire/messages.ts";
import { numbersOf, rangesOf, type VectorRange, vectorBytes, vectorFile } from "../support/vector-file.ts";
import { SESSION_TAG } from "../wire/wire-vectors.ts";

type PacketKind = "data" | "probe" | "blockComplete";

interface LinkVectors {
  readonly protocolVersion: number;
  readonly tag: number;
  readonly packetNumbers: readonly { highest: number; low: number; number: number }[];
  readonly acksBuilt: readonly {
    readonly name: string;
    readonly received: readonly VectorRange[];
    readonly highest: number;
    readonly bitmap: string;
    readonly delayUnits: number;
    readonly frameHex: string;
    readonly wireHex: string;
  }[];
  readonly ackSchedules: readonly {
    readonly name: string;
    readonly packets: readonly { atUs: number; number: number; kind: PacketKind }[];
    readonly acks: readonly { atUs: number; highest: number; delayUnits: number; bitmap: string }[];
  }[];
  readonly acksTaken: readonly {
    readonly name: string;
    readonly next: number;
    readonly inFlight: readonly VectorRange[];
    readonly ack: { readonly highest: number; readonly bitmap: string };
    readonly highest: number | null;
    readonly arrived: readonly VectorRange[];
    readonly lost: readonly VectorRange[];
    readonly stillInFlight: readonly VectorRange[];
  }[];
  readonly sequences: readonly { a: number; b: number; isAfter: boolean }[];
}

const vectors = vectorFile<LinkVectors>("link-v1.json");
const probe = (number: number) => ({ tag: "probe", packetNumber: number & 0xfff }) as const;

describe("frozen vectors of the link", () => {
  it("are many of each kind, of this protocol version, and of the session of wire-v1.json", () => {
    const { packetNumbers, acksBuilt, ackSchedules, acksTaken, sequences } = vectors;
    const lists = [packetNumbers, acksBuilt, ackSchedules, acksTaken, sequences];
    expect(lists.map((list) => list.length)).toEqual([135, 24, 14, 24, 81]);
    expect(vectors.protocolVersion).toBe(PROTOCOL_VERSION);
    expect(vectors.tag).toBe(SESSION_TAG);
  });

  it("give each packet its number, given the highest one before", () => {
    const found = vectors.packetNumbers.map(({ highest, low }) => {
      return { highest, low, number: decodePacketNumber(low, highest) };
    });
    expect(found).toEqual(vectors.packetNumbers);
  });

  it("order grants and requests by their sequence numbers", () => {
    const found = vectors.sequences.map(({ a, b }) => ({ a, b, isAfter: isAfter(a, b) }));
    expect(found).toEqual(vectors.sequences);
  });
});

describe("an ack that a target builds, frozen", () => {
  it.each(vectors.acksBuilt)("says what has arrived: $name", (vector) => {
    const side = new ReceiveSide(new TimerTable());
    for (const number of numbersOf(vector.received)) side.receive(0, probe(number));
    side.ackNow(0);
    const ack = side.takeAck(0) ?? expect.fail("no ack is due");
    expect(ack.highest).toBe(vector.highest & 0xffff);
    expect(toHex(ack.bitmap)).toBe(vector.bitmap);
    const frame = encodeMessage({ ...ack, delayMs: vector.delayUnits * ACK_DELAY_UNIT_MS }, vectors.tag);
    expect(toHex(frame)).toBe(vector.frameHex.replaceAll(" ", ""));
    expect(toHex(encodeDelimited(frame))).toBe(vector.wireHex);
  });

  it.each(vectors.ackSchedules)("is due when the text says: $name", ({ packets, acks }) => {
    const timers: LinkTimers = new TimerTable();
    const side = new ReceiveSide(timers);
    const sent: unknown[] = [];
    const takeAcksUntil = (end: number): void => {
      for (let at = timers.at("ack"); at !== undefined && at <= end; at = timers.at("ack")) {
        const ack = side.takeAck(at) ?? expect.fail("no ack is due");
        const inUnits = decodeFrame(encodeMessage(ack, vectors.tag), vectors.tag) as Ack;
        const delayUnits = Math.round(inUnits.delayMs / ACK_DELAY_UNIT_MS);
        sent.push({
          atUs: Math.round(at * 1000),
          highest: ack.highest,
          delayUnits,
          bitmap: toHex(ack.bitmap),
        });
      }
    };
    for (const { atUs, number, kind } of packets) {
      takeAcksUntil(atUs / 1000);
      side.receive(atUs / 1000, probe(number));
      if (kind !== "data") side.ackNow(atUs / 1000);
    }
    takeAcksUntil(10_000);
    expect(sent).toEqual(
      acks.map(({ atUs, highest, delayUnits, bitmap }) => ({ atUs, highest, delayUnits, bitmap })),
    );
  });
});

/** Learns the fate of each packet: the test states a packet's number as its bytes on the line. */
class NotingSizer extends FrameSizer {
  readonly arrived: number[] = [];
  readonly lost: number[] = [];

  constructor() {
    super(new ErrorEstimate(), { payloadMax: 64, overhead: 2, bytesPerMs: undefined });
  }

  override settle(wireBytes: number, isLost: boolean): void {
    (isLost ? this.lost : this.arrived).push(wireBytes);
  }
}

const ALL_ARRIVED: Uint8Array = new Uint8Array(ACK_BITMAP_LENGTH).fill(0xff);

const oneByte = (key: string): SendItem => ({
  key,
  length: 1,
  isUrgent: false,
  packet: (packetNumber) => {
    const payload = new Uint8Array(1);
    return { tag: "data", packetNumber, codec: Codec.raw, attempt: 0, position: 0, payload };
  },
});

/** A sender that has used all numbers below `next`; those from `first` on are in flight, the others were acked. */
function senderWith(first: number, next: number): { side: SendSide; sizer: NotingSizer } {
  const sizer = new NotingSizer();
  const shared = {
    timers: new TimerTable() as LinkTimers,
    counters: newCounters(),
    rtt: new RttEstimator(10),
  };
  const side = new SendSide(0, { ...shared, pacer: new Pacer(undefined), sizer });
  for (let number = 0; number < next; number++) {
    side.add(oneByte(String(number)));
    if (side.nextPacket(0)?.packetNumber !== number) throw new Error(`packet ${number} is not sent`);
    side.sent(0, number);
    if (number + 1 !== first && (number >= first || number % ACK_REACH !== 0)) continue;
    side.handleAck(0, { tag: "ack", highest: number & 0xffff, delayMs: 0, bitmap: ALL_ARRIVED });
    for (const key of side.keys) side.drop(key);
  }
  sizer.arrived.length = 0;
  return { side, sizer };
}

describe("an ack that a rescuer takes, frozen", () => {
  it.each(vectors.acksTaken)("settles what was in flight: $name", (vector) => {
    const { next, inFlight, ack, arrived, lost, stillInFlight } = vector;
    const first = inFlight[0]?.[0] ?? next;
    const { side, sizer } = senderWith(first, next);
    side.handleAck(0, { tag: "ack", highest: ack.highest, delayMs: 0, bitmap: vectorBytes(ack.bitmap) });
    expect(rangesOf(sizer.arrived)).toEqual(arrived);
    expect(rangesOf(sizer.lost)).toEqual(lost);
    if (next === 0) return;
    // The ack of the last packet settles what is still in flight, and nothing else.
    const settled = new Set([...sizer.arrived, ...sizer.lost]);
    side.handleAck(0, { tag: "ack", highest: (next - 1) & 0xffff, delayMs: 0, bitmap: ALL_ARRIVED });
    const later = [...sizer.arrived, ...sizer.lost].filter((number) => !settled.has(number));
    expect(rangesOf(later)).toEqual(stillInFlight);
    expect(sizer.arrived.length + sizer.lost.length).toBe(settled.size + later.length);
  });
});
