import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/base/prng.ts";
import { TimerTable } from "../../src/base/timer-table.ts";
import { type LinkCounters, newCounters } from "../../src/link/counters.ts";
import { ErrorEstimate } from "../../src/link/error-estimate.ts";
import { FrameSizer } from "../../src/link/frame-sizer.ts";
import type { LinkTimers } from "../../src/link/link-timers.ts";
import { Pacer } from "../../src/link/pacer.ts";
import { RangeSet } from "../../src/link/range-set.ts";
import { ReceiveSide } from "../../src/link/receive-side.ts";
import { RttEstimator } from "../../src/link/rtt.ts";
import type { SendItem } from "../../src/link/send-queue.ts";
import { SendSide } from "../../src/link/send-side.ts";
import { ACK_BITMAP_LENGTH, ACK_REACH, CHUNK_UNIT, Codec, IN_FLIGHT_MAX } from "../../src/wire/constants.ts";
import type { Ack, Packet } from "../../src/wire/messages.ts";

const PAYLOAD = 1024;
/** Timeout of an estimator without samples. */
const RTO = 100;
/** Bytes of a packet on the wire, where the test does not care. */
const WIRE_BYTES = 50;

/** Cuts at one size: what the sizer learns is its own tests' matter. */
class FixedSizer extends FrameSizer {
  readonly #fixed: number;
  /** Fate of every packet, as the send side told it. */
  readonly fates: boolean[] = [];

  constructor(payload: number) {
    super(new ErrorEstimate(), { payloadMax: payload, overhead: 2, bytesPerMs: undefined });
    this.#fixed = payload;
  }

  override get payload(): number {
    return this.#fixed;
  }

  override cut(available: number): number {
    return Math.min(available, Math.floor(this.#fixed / CHUNK_UNIT) * CHUNK_UNIT);
  }

  override settle(_bytes: number, isLost: boolean): void {
    this.fates.push(isLost);
  }
}

interface Bench {
  readonly side: SendSide;
  readonly timers: LinkTimers;
  readonly counters: LinkCounters;
  readonly rtt: RttEstimator;
  readonly sizer: FixedSizer;
}

function bench(options: { baud?: number; payload?: number } = {}): Bench {
  const counters = newCounters();
  const rtt = new RttEstimator(10);
  const sizer = new FixedSizer(options.payload ?? PAYLOAD);
  const timers: LinkTimers = new TimerTable();
  const parts = { timers, counters, rtt, pacer: new Pacer(options.baud), sizer };
  return { side: new SendSide(0, parts), timers, counters, rtt, sizer };
}

/** Test items carry their first letter's code as payload; the position says which bytes. */
function item(key: string, length: number, isUrgent = false): SendItem {
  return {
    key,
    length,
    isUrgent,
    packet: (packetNumber, from, to) => ({
      tag: "data",
      packetNumber,
      codec: Codec.raw,
      attempt: 0,
      position: from / CHUNK_UNIT,
      payload: new Uint8Array(to - from).fill(key.charCodeAt(0)),
    }),
  };
}

/** What a packet carries, as "item from-to" or "probe". */
function contentOf(packet: Packet | undefined): string {
  if (packet?.tag !== "data") return packet?.tag ?? "nothing";
  const from = packet.position * CHUNK_UNIT;
  return `${String.fromCharCode(packet.payload[0] ?? 0)} ${from}-${from + packet.payload.length}`;
}

/** Takes one packet and says that it left the wire at `now`. */
function send(side: SendSide, now = 0): Packet | undefined {
  const packet = side.nextPacket(now);
  if (packet !== undefined) side.sent(now, WIRE_BYTES);
  return packet;
}

/** All that the side sends now without waiting. */
function sendAll(side: SendSide, now = 0): Packet[] {
  const out: Packet[] = [];
  for (let packet = send(side, now); packet !== undefined; packet = send(side, now)) out.push(packet);
  return out;
}

/** An ack of the highest of `arrived`, delay 0. */
function ackOf(arrived: readonly number[], delayMs = 0): Ack {
  const highest = Math.max(...arrived);
  const bitmap = new Uint8Array(ACK_BITMAP_LENGTH);
  for (const number of arrived) {
    const back = highest - number;
    if (back < ACK_REACH) bitmap[back >> 3] = (bitmap[back >> 3] ?? 0) | (1 << (back & 7));
  }
  return { tag: "ack", highest: highest & 0xffff, delayMs, bitmap };
}

function completed(side: SendSide): string[] {
  const out: string[] = [];
  for (let key = side.takeCompleted(); key !== undefined; key = side.takeCompleted()) out.push(key);
  return out;
}

describe("cutting items into packets", () => {
  it("covers an item once, with numbers that count up, and a probe behind the tail", () => {
    const { side, counters } = bench();
    side.add(item("a", 2500));
    const packets = sendAll(side);
    expect(packets.map(contentOf)).toEqual(["a 0-1024", "a 1024-2048", "a 2048-2500", "probe"]);
    expect(packets.map(({ packetNumber }) => packetNumber)).toEqual([0, 1, 2, 3]);
    expect(counters.probesSent).toBe(1);
    expect(side.canSend).toBe(false);
  });

  it("sends objects before blocks, each kind in the order it came", () => {
    const { side } = bench();
    for (const key of ["a", "b"]) side.add(item(key, 32));
    for (const key of ["x", "y"]) side.add(item(key, 32, true));
    expect(sendAll(side).map(contentOf)).toEqual(["x 0-32", "y 0-32", "a 0-32", "b 0-32", "probe"]);
  });

  it("takes an item once, however often it is added", () => {
    const { side } = bench();
    side.add(item("a", 32));
    side.add(item("a", 32));
    expect(side.keys).toEqual(["a"]);
    expect(sendAll(side).map(contentOf)).toEqual(["a 0-32", "probe"]);
  });

  it("asks for an item's length only when its turn has come, and takes it as something to send before", () => {
    const { side } = bench({ payload: 100 });
    let asked = 0;
    side.add(item("first", 200));
    side.add({
      ...item("second", 0),
      get length() {
        asked++;
        return 32;
      },
    });
    const contents = [send(side), send(side), send(side)].map(contentOf);
    expect(side.isIdle).toBe(false);
    expect(asked).toBe(0);
    contents.push(contentOf(send(side)));
    expect(contents.join("")).toContain("f");
    expect(asked).toBe(1);
  });

  it("sends one probe for a tail, and the next only for a new tail", () => {
    const { side } = bench();
    side.add(item("a", 32));
    sendAll(side);
    expect(send(side)).toBeUndefined();
    side.add(item("b", 32));
    expect(sendAll(side).map(contentOf)).toEqual(["b 0-32", "probe"]);
  });
});

describe("acks", () => {
  it("complete an item when its last byte is acked, once", () => {
    const { side, counters } = bench();
    side.add(item("a", 2048));
    side.add(item("b", 32));
    sendAll(side);
    side.handleAck(1, ackOf([0]));
    expect(completed(side)).toEqual([]);
    side.handleAck(2, ackOf([0, 1]));
    expect(completed(side)).toEqual(["a"]);
    side.handleAck(3, ackOf([0, 1, 2, 3]));
    side.handleAck(4, ackOf([0, 1, 2, 3]));
    expect(completed(side)).toEqual(["b"]);
    expect(side.isIdle).toBe(true);
    expect(counters.packetsLost).toBe(0);
  });

  it("take a gap for a loss: it is sent again at once, before what is new, under a new number", () => {
    const { side, counters } = bench();
    side.add(item("a", 4096));
    for (let i = 0; i < 4; i++) send(side);
    side.add(item("b", 64));
    side.handleAck(1, ackOf([0, 2]));
    const packets = sendAll(side, 1);
    expect(packets.map(contentOf)).toEqual(["a 1024-2048", "b 0-64", "probe"]);
    expect(packets[0]?.packetNumber).toBe(4);
    expect(counters).toMatchObject({ packetsLost: 1, resentBytes: 1024 });
    side.handleAck(2, ackOf([0, 2, 3, 4, 5]));
    expect(completed(side)).toEqual(["a", "b"]);
  });

  it("tell the frame sizer whether each packet arrived", () => {
    const { side, sizer } = bench();
    side.add(item("a", 3072));
    sendAll(side);
    side.handleAck(1, ackOf([0, 2]));
    side.handleAck(2, ackOf([0, 2, 3]));
    expect(sizer.fates).toEqual([false, true, false, false]);
  });

  it("do not take for lost what was sent after the highest", () => {
    const { side, counters } = bench();
    side.add(item("a", 4096));
    sendAll(side);
    side.handleAck(1, ackOf([1]));
    expect(counters.packetsLost).toBe(1);
    expect(sendAll(side, 1).map(contentOf)).toEqual(["a 0-1024", "probe"]);
  });

  it("take packets that the record no longer reaches for lost", () => {
    const { side, counters } = bench({ payload: 32 });
    side.add(item("a", 32 * (ACK_REACH + 1)));
    sendAll(side);
    side.handleAck(1, ackOf(Array.from({ length: ACK_REACH + 1 }, (_, i) => i)));
    expect(counters.packetsLost).toBe(1);
    expect(contentOf(side.nextPacket(1))).toBe("a 0-32");
  });

  it("of packets never sent are ignored", () => {
    const { side, timers, counters } = bench();
    side.add(item("a", 2048));
    sendAll(side);
    side.handleAck(90, ackOf([0, 1, 2, 3]));
    side.handleAck(90, { ...ackOf([0]), highest: 0x7000 });
    expect(counters).toMatchObject({ unexpectedFrames: 2, packetsLost: 0 });
    expect(completed(side)).toEqual([]);
    expect(timers.at("probe")).toBe(RTO);
  });

  it("that come twice or late change nothing", () => {
    const { side, counters } = bench();
    side.add(item("a", 3072));
    sendAll(side);
    side.handleAck(1, ackOf([0, 2]));
    side.handleAck(2, ackOf([0, 2]));
    side.handleAck(3, ackOf([0]));
    expect(counters).toMatchObject({ packetsLost: 1, resentBytes: 1024 });
  });

  it("give a round trip from the end on the wire, less the peer's delay", () => {
    const { side, rtt } = bench();
    side.add(item("a", 32));
    side.nextPacket(0);
    side.sent(10, WIRE_BYTES);
    side.handleAck(35, ackOf([0], 5));
    expect(rtt.smoothed).toBe(20);
    side.handleAck(90, ackOf([0], 5));
    expect(rtt.smoothed).toBe(20);
  });
});

describe("dropped items", () => {
  it("are never sent again, neither what waits nor what was lost", () => {
    const { side, counters } = bench();
    side.add(item("a", 3072));
    side.add(item("b", 32));
    send(side);
    send(side);
    side.drop("a");
    side.handleAck(1, ackOf([1]));
    expect(sendAll(side, 1).map(contentOf)).toEqual(["b 0-32", "probe"]);
    expect(completed(side)).toEqual([]);
    expect(counters).toMatchObject({ packetsLost: 1, resentBytes: 0 });
  });

  it("are sent from the start when they are added again, whatever happens to their old packets", () => {
    const { side } = bench();
    side.add(item("a", 1024));
    send(side);
    side.drop("a");
    side.add(item("a", 1024));
    expect(contentOf(send(side))).toBe("a 0-1024");
    side.handleAck(1, ackOf([0]));
    expect(completed(side)).toEqual([]);
    side.handleAck(2, ackOf([0, 1]));
    expect(completed(side)).toEqual(["a"]);
  });
});

describe("the window", () => {
  it("is the line's round trip, the ack's wait, the tty's share and two frames, and opens with an ack", () => {
    const { side } = bench({ baud: 115_200 });
    const window = 11.52 * (RTO + 8) + 3000 + 2 * PAYLOAD;
    side.add(item("a", 65_536));
    const packets = sendAll(side);
    const bytes = packets.length * PAYLOAD;
    expect(bytes).toBeGreaterThanOrEqual(window);
    expect(bytes).toBeLessThan(window + PAYLOAD);
    expect(side.canSend).toBe(false);
    side.handleAck(RTO, ackOf([0]));
    expect(side.canSend).toBe(true);
  });

  it("is 8 KiB at first on a link without a rate, and grows with the acks", () => {
    const { side } = bench();
    side.add(item("a", 100 * PAYLOAD));
    expect(sendAll(side)).toHaveLength(8);
    side.handleAck(1, ackOf([0, 1, 2, 3]));
    expect(sendAll(side)).toHaveLength(8);
  });

  it("never holds more packets than 12 bits of number allow", () => {
    const { side } = bench({ payload: 32, baud: 10_000_000 });
    side.add(item("a", 65_536));
    expect(sendAll(side)).toHaveLength(IN_FLIGHT_MAX);
    expect(side.canSend).toBe(false);
  });
});

describe("probes", () => {
  /** Lets time pass with no ack until `until`; the times of the probes. */
  function probeTimes({ side, timers }: Bench, until: number): number[] {
    const times: number[] = [];
    for (let at = timers.at("probe"); at !== undefined && at <= until; at = timers.at("probe")) {
      expect(contentOf(side.nextPacket(at))).toBe("probe");
      side.sent(at, WIRE_BYTES);
      times.push(at);
    }
    return times;
  }

  it("are not due while nothing is in flight", () => {
    const { side, timers } = bench();
    expect(timers.at("probe")).toBeUndefined();
    side.add(item("a", 32));
    expect(timers.at("probe")).toBeUndefined();
    sendAll(side, 5);
    side.handleAck(9, ackOf([0, 1]));
    expect(timers.at("probe")).toBeUndefined();
  });

  it("follow one timeout after the last byte left, and after the last ack", () => {
    const { side, timers } = bench();
    side.add(item("a", 2048));
    side.nextPacket(0);
    side.sent(40, WIRE_BYTES);
    side.nextPacket(0);
    side.sent(50, WIRE_BYTES);
    expect(timers.at("probe")).toBe(50 + RTO);
    side.handleAck(70, ackOf([0], 70));
    // The sample was 0: SRTT 0 and the floor make a timeout of 10 ms, but probes keep 20 ms apart.
    expect(timers.at("probe")).toBe(70 + 20);
  });

  it("come every timeout, for as long as nothing is heard", () => {
    const probed = bench();
    const { side } = probed;
    side.add(item("a", 32));
    sendAll(side);
    const times = probeTimes(probed, 20_000);
    const gaps = times.map((at, i) => at - (times[i - 1] ?? 0));
    expect(gaps).toEqual(new Array(200).fill(RTO));
  });

  it("are due at once when the peer asks, although nothing is in flight", () => {
    const { side } = bench();
    side.probeNow(50);
    expect(contentOf(side.nextPacket(49))).toBe("nothing");
    expect(contentOf(side.nextPacket(50))).toBe("probe");
  });

  it("find what was lost, and it is sent again", () => {
    const probed = bench();
    const { side, timers } = probed;
    side.add(item("a", 32));
    sendAll(side);
    const probes = probeTimes(probed, 15_000).length;
    const last = 1 + probes;
    side.handleAck(15_000, ackOf([last], 14_000));
    expect(contentOf(send(side, 15_000))).toBe("a 0-32");
    // The delay given exceeds the round trip, so the sample was 0, and probes are 20 ms apart.
    expect(timers.at("probe")).toBe(15_020);
    expect(side.isIdle).toBe(false);
  });

  it("go out although the window is full", () => {
    const { side } = bench();
    side.add(item("a", 100 * PAYLOAD));
    sendAll(side);
    expect(side.nextPacket(RTO - 1)).toBeUndefined();
    expect(contentOf(side.nextPacket(RTO))).toBe("probe");
  });
});

describe("delivery", () => {
  /** Runs one session over a line that loses packets and acks; the bytes that arrived, by item. */
  function deliver(seed: number, loss: number, lengths: readonly number[], payload: number): RangeSet[] {
    const random = new SeededRandom(seed);
    const isLost = (): boolean => random.u32() / 2 ** 32 < loss;
    const { side, counters } = bench({ payload });
    const receiver = new ReceiveSide(new TimerTable());
    const arrived = lengths.map(() => new RangeSet());
    for (const [i, length] of lengths.entries())
      side.add(item(String.fromCharCode(97 + i), length, i % 3 === 0));
    let open = lengths.length;
    for (let now = 0; open > 0; now++) {
      if (now > 60_000) expect.fail(`${open} items are not delivered`);
      const hearAck = (): void => {
        const ack = receiver.takeAck(now);
        if (ack !== undefined && !isLost()) side.handleAck(now, ack);
      };
      for (let packet = send(side, now); packet !== undefined; packet = send(side, now)) {
        if (isLost()) continue;
        const { isNew } = receiver.receive(now, { ...packet, packetNumber: packet.packetNumber & 0xfff });
        if (packet.tag === "probe") receiver.ackNow(now);
        else if (packet.tag === "data" && isNew) {
          const from = packet.position * CHUNK_UNIT;
          arrived[(packet.payload[0] ?? 0) - 97]?.add(from, from + packet.payload.length);
        }
        hearAck();
      }
      hearAck();
      for (const key of completed(side)) {
        open--;
        side.drop(key);
      }
    }
    if (loss === 0) expect(counters).toMatchObject({ packetsLost: 0, resentBytes: 0 });
    return arrived;
  }

  property.prop(
    [
      fc.integer(),
      fc.constantFrom(0, 0.01, 0.2, 0.6),
      fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 12 }),
      fc.constantFrom(32, 100, 1024),
    ],
    { numRuns: 60 },
  )("brings every byte of every item across, at any loss", (seed, loss, lengths, payload) => {
    for (const [i, set] of deliver(seed, loss, lengths, payload).entries()) {
      expect(set.isExactly(lengths[i] ?? -1)).toBe(true);
    }
  });
});

describe("a peer that says it is deaf", () => {
  /** Items of which two packets are in flight when the peer says at 200 that it is deaf until 5200. */
  function pausedAt200(): Bench {
    const made = bench({ baud: 115_200 });
    made.side.add(item("a", 2048));
    send(made.side, 190);
    send(made.side, 195);
    made.side.add(item("b", 1024));
    made.side.pause(200, 5_200);
    return made;
  }

  it("is sent nothing but a probe a second, until its time is over", () => {
    const { side, timers } = pausedAt200();
    const sent: [number, string][] = [];
    for (let now = 200; now <= 5_400; now += 100) {
      for (const packet of sendAll(side, now)) sent.push([now, contentOf(packet)]);
      if (now < 5_200) expect([side.isPaused, side.canSend]).toEqual([true, false]);
    }
    expect(sent.slice(0, 4).map(([at]) => at)).toEqual([1_200, 2_200, 3_200, 4_200]);
    expect(sent.slice(0, 4).every(([, content]) => content === "probe")).toBe(true);
    expect(sent[4]).toEqual([5_200, "b 0-1024"]);
    expect(timers.at("pause")).toBeUndefined();
  });

  it("is sent what waits as soon as it acknowledges a packet of that time, not an older one", () => {
    const { side } = pausedAt200();
    side.handleAck(250, ackOf([0, 1]));
    expect([side.isPaused, sendAll(side, 300)]).toEqual([true, []]);
    expect(sendAll(side, 1_300).map(contentOf)).toEqual(["probe"]);
    side.handleAck(1_310, ackOf([0, 1, 2]));
    expect(side.isPaused).toBe(false);
    expect(sendAll(side, 1_320).map(contentOf)[0]).toBe("b 0-1024");
  });

  it("is sent what waits as soon as it says something else", () => {
    const { side } = pausedAt200();
    side.resume(900);
    expect(sendAll(side, 900).map(contentOf)).toEqual(["b 0-1024", "probe"]);
  });

  it("may say so again and stays deaf until the latest time", () => {
    const { side } = pausedAt200();
    side.pause(4_000, 9_000);
    side.pause(4_500, 6_000);
    expect(sendAll(side, 8_999).map(contentOf)).toEqual(["probe"]);
    expect(sendAll(side, 9_000).map(contentOf)[0]).toBe("b 0-1024");
  });

  it("costs no error estimate for what was lost in that time, and no round trip for what had to wait", () => {
    const { side, sizer, rtt } = pausedAt200();
    send(side, 1_200); // a probe
    side.resume(5_000);
    const rto = rtt.timeout;
    side.handleAck(5_010, ackOf([2]));
    expect([sizer.fates, rtt.timeout]).toEqual([[false], rto]);
    expect(sendAll(side, 5_020).map(contentOf)).toContain("a 0-1024");
    side.handleAck(5_040, ackOf([2, 5]));
    expect(sizer.fates.filter((isLost) => isLost)).toHaveLength(2);
  });

  it("still teaches what was lost long before it said so", () => {
    const { side, sizer } = bench();
    side.add(item("a", 2048));
    send(side, 0);
    side.pause(200, 1_200);
    side.resume(300);
    send(side, 310);
    side.handleAck(320, ackOf([1]));
    expect(sizer.fates).toEqual([true, false]);
  });

  it("leaves no timer behind when nothing is wanted any more", () => {
    const { side, timers } = pausedAt200();
    side.clear();
    expect([side.isPaused, timers.next()]).toEqual([false, undefined]);
  });
});

describe("a line that was cut", () => {
  /** Two packets are in flight when the line is cut at 200; probes follow, and an ack of the last one ends it. */
  function cutFor(ms: number): Bench {
    const made = bench({ baud: 115_200 });
    made.side.add(item("a", 2048));
    send(made.side, 190);
    send(made.side, 195);
    const probes: number[] = [];
    for (let now = 200; now < 200 + ms; now += 10) for (const _ of sendAll(made.side, now)) probes.push(now);
    made.side.handleAck(200 + ms, ackOf([1 + probes.length]));
    return made;
  }

  it("costs no error estimate for what was lost in that time", () => {
    const { sizer, counters } = cutFor(2_000);
    expect(counters.packetsLost).toBeGreaterThan(10);
    expect(sizer.fates).toEqual([false]);
  });

  it("is told from a line with errors, on which some ack comes sooner", () => {
    const { sizer, counters } = cutFor(150);
    expect(counters.packetsLost).toBeGreaterThan(1);
    expect(sizer.fates.filter((isLost) => isLost)).toHaveLength(counters.packetsLost);
  });

  it("is believed once in 32 packets: a line on which each ack is as late is slow", () => {
    const { side, sizer } = cutFor(2_000);
    const packets = sendAll(side, 2_300).length;
    expect(packets).toBeLessThan(32);
    const before = sizer.fates.filter((isLost) => isLost).length;
    const probes = [...sendAll(side, 3_000), ...sendAll(side, 3_400)];
    const last = probes.at(-1)?.packetNumber ?? expect.fail("no probe");
    side.handleAck(4_600, ackOf([last]));
    expect(sizer.fates.filter((isLost) => isLost).length).toBeGreaterThan(before);
  });

  it("still shows how long the round trip is, if a packet was only late", () => {
    const { side, rtt } = bench({ baud: 115_200 });
    side.add(item("a", 1024));
    send(side, 100);
    side.handleAck(1_100, ackOf([0]));
    expect(rtt.smoothed).toBe(1_000);
  });

  it("is sent again what was lost", () => {
    const { side } = cutFor(2_000);
    expect(sendAll(side, 2_300).map(contentOf)).toEqual(["a 0-1024", "a 1024-2048", "probe"]);
  });
});
