import { describe, expect, it } from "vitest";
import type { Millis } from "../../src/base/units.ts";
import type { VirtualClock } from "../../src/base/virtual-clock.ts";
import { linkKeyOf } from "../../src/node/derived-link-key.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { decodeCobs, encodeDelimited } from "../../src/wire/cobs.ts";
import { AnnounceType, FrameClass } from "../../src/wire/constants.ts";
import { carriedCall, encodeMessage } from "../../src/wire/frame.ts";
import { bytesOf, secondsOf, type Watched, watched } from "../repro/support.ts";
import type { VirtualRescueOptions } from "../support/virtual-rescue.ts";
import { wrappedTransport } from "../support/wrapped-transport.ts";

const TARGET = 0;
const RESCUER = 1;
const ascii = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** A frame that was sent: when, by which end, and of which kind. */
interface Sent {
  readonly at: Millis;
  readonly end: 0 | 1;
  readonly frame: Uint8Array;
  /** The same with line code and delimiters. */
  readonly wire: Uint8Array;
  readonly bytes: number;
}

/** A rescue on a line on which other things come as well, and that can be cut. */
class Line {
  readonly sent: Sent[] = [];
  isCut = false;
  readonly watched: Watched;
  readonly #wires: [Transport | undefined, Transport | undefined] = [undefined, undefined];

  constructor(options: Partial<VirtualRescueOptions> = {}) {
    this.watched = watched((clock) => ({
      seed: 1,
      data: bytesOf(2, 65_536),
      baud: 115_200,
      ...options,
      pieceBytes: Math.max(1, Math.min(32, Math.floor((options.baud ?? 115_200) / 1000))),
      wrap: (wire, end) => {
        this.#wires[end] = wire;
        return wrappedTransport(wire, {
          write: (bytes) => {
            const frame = decodeCobs(bytes.subarray(bytes[0] === 0 ? 1 : 0, -1)) ?? bytes;
            this.sent.push({ at: clock.now(), end, frame, wire: bytes, bytes: bytes.length });
            return this.isCut || wire.write(bytes);
          },
        });
      },
    }));
  }

  get clock(): VirtualClock {
    return this.watched.clock;
  }

  /** Foreign bytes come at one end. */
  write(end: 0 | 1, bytes: Uint8Array): void {
    this.#wires[1 - end]?.write(bytes);
  }

  /** Lets time pass. */
  pass(ms: Millis): void {
    const end = this.clock.now() + ms;
    this.watched.rescue.run(ms, () => false);
    this.clock.advanceTo(end);
  }

  /** Runs until so many blocks are written. */
  untilBlocks(count: number): void {
    const { rescue } = this.watched;
    const isThere = (): boolean =>
      rescue.targetEvents.some((event) => event.tag === "progress" && event.descent.blocks.written >= count);
    expect(rescue.run(600_000, isThere)).toBe(true);
  }

  /** Frames that one end has sent since then. */
  by(end: 0 | 1, since: Millis): Sent[] {
    return this.sent.filter((sent) => sent.end === end && sent.at > since);
  }
}

const isAnnouncement = ({ frame }: Sent): boolean => ((frame[0] ?? 0xff) & 0x0f) === FrameClass.announce;
const isQuery = (sent: Sent): boolean => isAnnouncement(sent) && sent.frame[1] === AnnounceType.query;
const isDistress = (sent: Sent): boolean => isAnnouncement(sent) && sent.frame[1] === AnnounceType.distress;
const isCarrier = (sent: Sent): boolean => carriedCall(sent.frame) !== undefined;

const U_BOOT =
  "\r\n\r\nU-Boot 2023.01 (Jan 20 2023)\r\n\r\nDRAM:  128 MiB\r\nHit any key to stop autoboot:  2 ";
const KERNEL = "[   12.345678] usb 1-1: reset high-speed USB device number 2\r\n";
const NOISE = Uint8Array.from({ length: 40 }, (_, i) => 0x80 + ((i * 37) & 0x7f));

describe("a rescuer in a session whose board falls silent", () => {
  it("sends nothing more after a second", () => {
    const line = new Line();
    line.untilBlocks(4);
    line.isCut = true;
    const from = line.clock.now();
    line.pass(60_000);
    // What was on its way when the line was cut is still heard.
    const late = line.by(RESCUER, from + 1_050);
    expect(line.by(RESCUER, from).length).toBeGreaterThan(0);
    expect(late).toEqual([]);
  });

  it.each([
    ["text", ascii("\r\nU-Boot 2023.01 (Jan 20 2023)\r\n"), 60],
    ["other foreign bytes", NOISE, 260],
  ])("sends nothing more soon after %s", (_what, bytes, withinMs) => {
    const line = new Line();
    line.untilBlocks(4);
    line.isCut = true;
    const from = line.clock.now();
    line.write(RESCUER, bytes);
    line.pass(60_000);
    expect(line.by(RESCUER, from + withinMs)).toEqual([]);
    expect(line.by(RESCUER, from).length).toBeGreaterThan(0);
  });

  it("says no goodbye to a boot loader", () => {
    const line = new Line();
    line.untilBlocks(4);
    line.isCut = true;
    line.pass(2_000);
    const from = line.clock.now();
    line.watched.rescue.rescuerEnd.stop();
    line.watched.rescue.pump();
    line.pass(1_000);
    expect(line.by(RESCUER, from)).toEqual([]);
  });

  it("serves on when the board is heard again, in the same session", () => {
    const line = new Line();
    line.untilBlocks(4);
    line.isCut = true;
    line.pass(2_000);
    line.isCut = false;
    expect(line.watched.rescue.run(60_000)).toBe(true);
    expect(line.watched.rescue.hasEvent("sessionLost")).toBe(false);
  });
});

describe("a target whose session falls silent", () => {
  it("knocks every 250 ms after three waits at the latest, for ten minutes in all, and calls every 2 s besides", () => {
    const line = new Line();
    line.untilBlocks(4);
    const wait = line.watched.rescue.targetEnd.link.rtt.timeout + 6_000 / 11.52;
    line.watched.rescue.stopRescuer();
    const from = line.clock.now();
    line.pass(700_000);
    // Every second call is a bare query like a knock.
    const knocks = line.by(TARGET, from).filter((sent) => isQuery(sent) && !isCarrier(sent));
    // Requests until then; after a second of silence the questions are queries, too.
    expect((knocks[0]?.at ?? 0) - from).toBeGreaterThan(1_000);
    expect((knocks[0]?.at ?? 0) - from).toBeLessThan(3 * wait + 150);
    expect(knocks.length).toBeGreaterThan(2_300);
    expect(knocks.filter(({ at }) => at - from > 605_000).length).toBeLessThan(30);
    const calls = line.by(TARGET, from + 10_000).filter(isCarrier);
    expect(calls.length).toBeGreaterThan(150);
    expect(line.by(TARGET, from + 30_000).filter(isDistress)).toEqual([]);
    const share = (25 * knocks.length) / (600 * 11_520);
    expect(share).toBeLessThan(0.01);
  });

  it.each([1_200, 9_600])(
    "takes no more than a hundredth of a line of %i baud for it, and a twentieth for calls",
    (baud) => {
      const line = new Line({ baud, data: bytesOf(2, 16_384), blockSize: 1024 });
      line.untilBlocks(4);
      line.watched.rescue.stopRescuer();
      line.pass(120_000);
      const from = line.clock.now();
      line.pass(200_000);
      const bytes = line
        .by(TARGET, from)
        .filter(isQuery)
        .reduce((sum, sent) => sum + sent.bytes, 0);
      // It calls with queries, too: at most a twentieth.
      expect(bytes).toBeGreaterThan(0);
      expect(bytes / (200 * (baud / 10))).toBeLessThan(0.06);
    },
  );
});

describe("text on the line", () => {
  it.each([
    ["target", TARGET],
    ["rescuer", RESCUER],
  ] as const)(
    "that never ends, behind U-Boot's log, keeps no board from being healed within 2 minutes (%s)",
    (_who, end) => {
      const line = new Line();
      line.isCut = true;
      line.pass(1_000);
      line.isCut = false;
      line.write(end, ascii(U_BOOT));
      const kernel = (): void => {
        line.write(end, ascii(KERNEL));
        line.clock.after(5_000, kernel);
      };
      line.clock.after(3_000, kernel);
      expect(line.watched.rescue.run(600_000)).toBe(true);
      expect(line.clock.now()).toBeLessThan(120_000);
    },
  );

  it("of a boot loader keeps a target silent for a minute after its last mark, and other text for ten seconds", () => {
    for (const [text, quietMs] of [
      [U_BOOT, 60_000],
      ["Starting application, version 3 of 2024\r\n", 10_000],
    ] as const) {
      const line = new Line();
      line.isCut = true;
      line.pass(11_000);
      const from = line.clock.now();
      line.write(TARGET, ascii(text));
      line.pass(quietMs + 3_000);
      const [first] = line.by(TARGET, from);
      expect((first?.at ?? 0) - from).toBeGreaterThanOrEqual(quietMs);
      expect((first?.at ?? 0) - from).toBeLessThan(quietMs + 200);
    }
  });

  it("keeps no target from answering a query", () => {
    const line = new Line();
    line.isCut = true;
    line.pass(11_000);
    line.write(TARGET, ascii(U_BOOT));
    line.pass(100);
    const from = line.clock.now();
    const { rescuerEnd } = line.watched.rescue;
    line.isCut = false;
    rescuerEnd.link.foreign.muting.setOn(line.clock.now(), false);
    rescuerEnd.link.send({ tag: "query", nodeId: bytesOf(8, 8), bootNonce: bytesOf(9, 8) });
    line.watched.rescue.pump();
    line.pass(100);
    expect(line.by(TARGET, from).some(isDistress)).toBe(true);
  });
});

describe("who starts first", () => {
  /** Seconds from the start of the later one until the offer is accepted. */
  function delayOf(first: 0 | 1, laterMs: Millis): number {
    const line = new Line();
    const { rescue } = line.watched;
    if (first === TARGET) rescue.stopRescuer();
    else line.isCut = true;
    line.pass(laterMs);
    const from = line.clock.now();
    line.isCut = false;
    rescue.restartRescuer();
    if (first === RESCUER) rescue.restartTarget();
    expect(rescue.run(60_000, () => rescue.hasEvent("offered"))).toBe(true);
    return (line.clock.now() - from) / 1000;
  }

  it.each([500, 3_000, 8_000])("costs at most 0.3 s in the first ten seconds (%i ms)", (laterMs) => {
    expect(Math.abs(delayOf(TARGET, laterMs) - delayOf(RESCUER, laterMs))).toBeLessThanOrEqual(0.3);
  });

  it.each([15_000, 61_000, 3_600_000])("costs at most 2.5 s later (%i ms)", (laterMs) => {
    expect(Math.abs(delayOf(TARGET, laterMs) - delayOf(RESCUER, laterMs))).toBeLessThanOrEqual(2.5);
  });
});

describe("a rescuer that is killed and started again in mid-session", () => {
  const key = linkKeyOf(bytesOf(77, 32));
  const CASES = [9_600, 115_200].flatMap((baud) =>
    [4_096, 65_536].flatMap((blockSize) =>
      [undefined, key].map((linkKey) => ({ baud, blockSize, keyed: linkKey !== undefined, linkKey })),
    ),
  );

  it.each(CASES)(
    "continues within three waits and a second: $baud baud, blocks of $blockSize, key $keyed",
    ({ baud, blockSize, linkKey }) => {
      const line = new Line({
        baud,
        blockSize,
        sectorSize: Math.min(blockSize, 4_096),
        data: bytesOf(2, 196_608),
        linkKeys: [linkKey, linkKey],
      });
      const { rescue } = line.watched;
      line.untilBlocks(1);
      line.pass(2_000);
      const wait = rescue.targetEnd.link.rtt.timeout + 60_000_000 / baud;
      rescue.restartRescuer();
      const from = line.clock.now();
      const offers = (): number => rescue.targetEvents.filter(({ tag }) => tag === "offered").length;
      expect(rescue.run(600_000, () => offers() === 2)).toBe(true);
      expect(line.clock.now() - from).toBeLessThan(3 * wait + 1_000);
      expect(rescue.run(3_600_000)).toBe(true);
      expect(secondsOf(line.watched.rescuer, "healed")).toBeDefined();
    },
  );
});

describe("a rescuer on a line that echoes", () => {
  it("is mute all the same when its board falls silent, and ends the session", () => {
    const line = new Line();
    line.untilBlocks(4);
    line.isCut = true;
    const from = line.clock.now();
    const heard = line.sent.length;
    const echo = (): void => {
      for (const { end, wire } of line.sent.splice(heard)) if (end === RESCUER) line.write(RESCUER, wire);
      line.clock.after(1, echo);
    };
    echo();
    let last = from;
    for (let at = 0; at < 30_000; at += 100) {
      const { framesSent } = line.watched.rescue.rescuerEnd.counters;
      line.pass(100);
      if (line.watched.rescue.rescuerEnd.counters.framesSent > framesSent) last = line.clock.now();
    }
    expect(last - from).toBeLessThan(1_500);
    expect(line.watched.rescuer.some((told) => told.includes("sessionLost/silence"))).toBe(true);
  });
});

describe("answers to queries", () => {
  it("are given at most five times a second by a rescuer whose offer is out", () => {
    const line = new Line();
    const { rescue } = line.watched;
    expect(rescue.run(60_000, () => rescue.rescuerEvents.some(({ tag }) => tag === "offered"))).toBe(true);
    line.isCut = true;
    line.pass(3_000);
    const from = line.clock.now();
    for (let i = 0; i < 100; i++) {
      const query = encodeMessage({ tag: "query", nodeId: bytesOf(8, 8), bootNonce: bytesOf(9, 8) }, 1);
      rescue.rescuerEnd.handleRun(line.clock.now(), encodeDelimited(query).subarray(1));
      rescue.pump();
      line.pass(10);
    }
    const answers = line.by(RESCUER, from - 1);
    expect(answers.length).toBeGreaterThan(2);
    expect(answers.length).toBeLessThan(14);
  });
});
