import { describe, expect, it } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import { SeededRandom } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import { isHarmless } from "../../src/session/harmless-query.ts";
import { LinkEnd } from "../../src/session/link-end.ts";
import type { TargetOptions } from "../../src/session/target/target-announcer.ts";
import type { TargetEvent } from "../../src/session/target/target-events.ts";
import { TargetRole } from "../../src/session/target/target-role.ts";
import { TargetStart } from "../../src/session/target/target-start.ts";
import { decodeCobs, encodeDelimited } from "../../src/wire/cobs.ts";
import { AnnounceType } from "../../src/wire/constants.ts";
import { carriedCall, decodeFrame, encodeMessage } from "../../src/wire/frame.ts";
import type { Message } from "../../src/wire/messages.ts";
import { bytesOf } from "../repro/support.ts";
import { vectorBytes, vectorFile } from "../support/vector-file.ts";

const TICK_MS: Millis = 5;
const ascii = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

interface Said {
  readonly at: Millis;
  readonly wire: Uint8Array;
  /** Of its COBS frame. */
  readonly type: number;
  readonly isCarrier: boolean;
}

/** A board in distress, alone on a line that the test plays. */
class CallingBoard {
  readonly end: LinkEnd<TargetEvent>;
  readonly role: TargetRole;
  now: Millis = 0;

  constructor(seed = 1, options: Partial<TargetOptions> = {}, isHunting = true) {
    const line = { baud: 115_200, bitsPerByte: 10, framing: "stream", rtoFloorMs: 5, isHunting } as const;
    this.end = new LinkEnd<TargetEvent>(line);
    const status = {
      ...{ nodeId: bytesOf(seed, 8), hardwareId: bytesOf(seed + 1, 8), revision: 0x0d0a, counterFloor: 3 },
      ...{ failure: "hash" as const, installed: undefined, receivingDigest: undefined },
    };
    const start = new TargetStart(() => bytesOf(seed + 2, 8));
    const all = { random: new SeededRandom(seed), status: () => status, start, ...options };
    this.role = this.end.exchange(0, (host) => new TargetRole(0, host, all));
    this.end.handleLinkUp(0, true);
  }

  saidUntil(at: Millis): Said[] {
    const said: Said[] = [];
    for (; this.now < at; this.now += TICK_MS) {
      this.end.handleTimeout(this.now);
      for (let wire = this.end.pollTransmit(this.now); wire; wire = this.end.pollTransmit(this.now)) {
        const frame = decodeCobs(wire.subarray(wire.lastIndexOf(0, wire.length - 2) + 1, -1)) ?? wire;
        const isCarrier = carriedCall(frame) !== undefined;
        said.push({ at: this.now, wire, type: frame[1] ?? -1, isCarrier });
      }
    }
    return said;
  }

  hear(message: Message): void {
    this.end.handleRun(this.now, encodeDelimited(encodeMessage(message, 1)).subarray(1));
  }

  /** Bytes of a console, and the pause that ends them. */
  hearConsole(bytes: Uint8Array): void {
    this.end.handleBytes(this.now, bytes);
    this.now += 50;
    this.end.handleRun(this.now, bytes);
  }
}

const rescuer = { tag: "query", nodeId: bytesOf(8, 8), bootNonce: bytesOf(9, 8) } as const;
const { query, distress } = AnnounceType;

describe("a board in distress that knows nobody on its line", () => {
  it.each([true, false])("says no key, whatever its status and its ids, hunting %s", (isHunting) => {
    for (let seed = 0; seed < 100; seed++) {
      const said = new CallingBoard(seed, {}, isHunting).saidUntil(600);
      expect(said.length).toBeGreaterThan(2);
      // The marker of the second form, 1A CF FC 1D, is the same for all.
      const harmful = said.filter(({ wire }) => {
        const text = Buffer.from(wire).toString("latin1").replace("\x1a\xcf\xfc\x1d", "");
        return !isHarmless(Buffer.from(text, "latin1"));
      });
      expect(harmful).toEqual([]);
    }
  });

  it("calls at once, with the call in every second query, and a copy in the second form with every second of these", () => {
    const said = new CallingBoard().saidUntil(2_000);
    expect(said[0]?.at).toBe(0);
    expect(said.map(({ type }) => type)).toEqual(said.map(() => query));
    expect(said.slice(0, 4).map(({ isCarrier }) => isCarrier)).toEqual([true, false, true, false]);
    const copied = said.filter(({ wire }) => toHex(wire).includes("1acffc1d"));
    expect(copied.length).toBeGreaterThan(1);
    expect(copied.length).toBeLessThan(said.length / 3);
  });

  it("is heard by a rescuer as if it had said distress", () => {
    const [first] = new CallingBoard().saidUntil(10);
    const frame = decodeCobs(first?.wire.subarray(1, -1) ?? expect.fail("no call"));
    expect(decodeFrame(frame ?? expect.fail("no frame"), undefined)).toMatchObject({
      ...{ tag: "distress", nodeId: bytesOf(1, 8), failure: "hash", revision: 0x0d0a },
    });
  });

  it.each([0, 30_000])(
    "says distress to a rescuer that knows no carried call, and starts after %i ms",
    (startMs) => {
      const board = new CallingBoard();
      board.saidUntil(startMs);
      // It answers the query that it hears.
      board.hear({ ...rescuer, tag: "query" });
      expect(board.saidUntil(board.now + 20).map(({ type }) => type)).toContain(distress);
    },
  );

  it("says distress for ten seconds after a frame, and no longer", () => {
    const board = new CallingBoard();
    board.saidUntil(20_000);
    board.hear(rescuer);
    const said = board.saidUntil(board.now + 30_000);
    const plain = said.filter(({ type }) => type === distress);
    expect(plain.length).toBeGreaterThan(3);
    expect((plain.at(-1)?.at ?? 0) - 20_000).toBeLessThan(10_000);
    expect(said.at(-1)?.type).toBe(query);
  });

  it("listens for 1.5 s before it calls, if it starts with its board, unless a node is heard", () => {
    expect(new CallingBoard(1, { listensFirst: true }).saidUntil(5_000)[0]?.at).toBe(1_500);
    const board = new CallingBoard(1, { listensFirst: true });
    board.saidUntil(300);
    board.hear(rescuer);
    expect(board.saidUntil(330).map(({ type }) => type)).toContain(distress);
  });

  it("calls with plain distress where it has no room for drawing", () => {
    const said = new CallingBoard(1, { callsPlainly: true }).saidUntil(500);
    expect(new Set(said.map(({ type }) => type))).toEqual(new Set([distress]));
  });
});

/** What a line editor makes of the last of these: two of its bytes side by side among moves of the cursor, and no text. */
function movedCursor(said: readonly Said[]): Uint8Array {
  const wire = said.at(-1)?.wire ?? new Uint8Array();
  return Uint8Array.from([0xa8, 0x08, 0x1b, 0x5b, 0x4b, ...wire.subarray(9, 11), 0x08, 0x07]);
}

describe("what comes back at a call", () => {
  it.each([
    ["an echo with moved cursor", movedCursor, 10_000],
    ["an echo of the query before the last one", (said: Said[]) => movedCursor(said.slice(0, 1)), 10_000],
    ["text", () => ascii("what is this?\r\n"), 10_000],
    [
      "what a line editor says to a terminal",
      () => Uint8Array.from([0x9b, ...ascii("\x1b[?2004h"), 0xc7]),
      60_000,
    ],
  ] as const)("keeps it silent: %s", (_what, echoOf, quietMs) => {
    const board = new CallingBoard();
    board.hearConsole(echoOf(board.saidUntil(130)));
    const [next] = board.saidUntil(100_000);
    expect(next?.at).toBeGreaterThanOrEqual(quietMs);
    expect(next?.at).toBeLessThan(quietMs + 2_500);
  });

  it("does not keep it silent where it is a damaged frame, comes late, or is noise", () => {
    for (const [delayMs, echoOf] of [
      [0, (said: Said[]) => Uint8Array.from([0, ...movedCursor(said)])],
      [700, movedCursor],
      [0, () => Uint8Array.from([0x45, 0xa8, 0x08, 0x1b, 0x5b, 0x4b, 0xfe, 0xc7, 0x8a])],
    ] as const) {
      const board = new CallingBoard(1, { isDeafWhileWriting: false });
      board.saidUntil(20_000);
      const [call] = board.saidUntil(22_500).slice(-1);
      const bytes = call === undefined ? new Uint8Array() : echoOf([call]);
      board.now = (call?.at ?? 0) + 10 + delayMs;
      if (bytes[0] === 0) board.end.handleRun(board.now, bytes.subarray(0, 1));
      board.hearConsole(bytes);
      const [next] = board.saidUntil(board.now + 5_000);
      expect(next?.at).toBeGreaterThan(call?.at ?? Number.NaN);
      expect(next?.at).toBeLessThan((call?.at ?? Number.NaN) + 2_500);
    }
  });
});

describe("the queries of call-v1.json", () => {
  interface Carried {
    readonly name: string;
    readonly callHex: string | null;
    readonly frameHex: string;
  }
  const { carried } = vectorFile<{ readonly carried: readonly Carried[] }>("call-v1.json");

  it.each(carried)("carry what they say: $name", ({ callHex, frameHex }) => {
    const frame = vectorBytes(frameHex);
    const call = carriedCall(frame);
    expect(call === undefined ? null : toHex(call.subarray(0, -4))).toBe(callHex);
    expect(decodeFrame(frame, undefined)).toMatchObject({
      tag: callHex === null ? "query" : /^..02/.test(callHex) ? "beacon" : "distress",
    });
  });
});
