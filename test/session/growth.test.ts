import { describe, expect, it } from "vitest";
import { pick } from "../../lab/fuzz/mutate.ts";
import { concatBytes } from "../../src/base/bytes.ts";
import { randomBelow, randomBytes, randomChance, SeededRandom } from "../../src/base/prng.ts";
import type { SendItem } from "../../src/link/send-queue.ts";
import { tagOf } from "../../src/session/identity.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { decodeCobs, encodeDelimited } from "../../src/wire/cobs.ts";
import { AnnounceType, Codec, CRC_LENGTH, FrameClass, type ObjectKind } from "../../src/wire/constants.ts";
import { isSessionFrame } from "../../src/wire/frame.ts";
import type { Packet } from "../../src/wire/messages.ts";
import {
  ReservedAnnounceType,
  ReservedExtension,
  ReservedObjectKind,
  ReservedRescuerControl,
  ReservedTargetControl,
} from "../../src/wire/reserved.ts";
import { BusAttacker, type Known } from "../support/bus-attacker.ts";
import { VirtualRescue } from "../support/virtual-rescue.ts";
import { withCrc } from "../support/with-crc.ts";
import { wrappedTransport } from "../support/wrapped-transport.ts";

/** Sessions in the suite; `npm run evidence:growth` runs 10,000, in shares. */
const FROM = Number(process.env["GROWTH_FROM"] ?? 0);
const SEEDS = Number(process.env["GROWTH_SEEDS"] ?? 60);

/** Where flags, and a set of codecs, stand in announcements. */
const FLAGS_AT = 28;
const CODECS_AT = 29;
const RESERVED_FLAGS = 0x60;
/** Codecs 2 and 3, as bits of a set: a board of an early release of version 1 does not say that it takes them. */
const LATER_CODECS = 0x0c;
const SPARE_ACCEPT_BIT = 0x80;

/** A node of a later release: a wire on which frames get what version 1 may add, and some that are new. */
class LaterRelease {
  readonly #random: SeededRandom;
  /** How many of each kind there were. */
  readonly counts: Record<string, number> = {};
  readonly attacker: BusAttacker;
  #tag: number | undefined;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed ^ 0x67726f77);
    this.attacker = new BusAttacker((known, _frame, from) => {
      this.#tag = tagOf(known.identity);
      return randomChance(this.#random, 0.25) ? { [1 - from]: [this.#newFrame(known, from)] } : {};
    });
  }

  #count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  /** A frame of a type that this version does not have. */
  #newFrame({ tag }: Known, from: 0 | 1): Uint8Array {
    const random = this.#random;
    const controls = from === 0 ? ReservedTargetControl : ReservedRescuerControl;
    const kinds = ["announcement", "control", "control", "class"] as const;
    const what = pick(random, kinds);
    this.#count(what);
    const body = randomBytes(random, randomBelow(random, 40));
    if (what === "announcement") {
      const type = pick(random, [...Object.values(ReservedAnnounceType), 0x40, 0xff]);
      return withCrc(concatBytes(Uint8Array.of(0x10, type), body), undefined);
    }
    const type = pick(random, [...Object.values(controls), 0x9, 0xf]);
    const first =
      what === "class"
        ? pick(random, [5, 6, 7]) | (randomBelow(random, 16) << 4)
        : (from === 0 ? FrameClass.targetControl : FrameClass.rescuerControl) | (type << 4);
    return withCrc(concatBytes(Uint8Array.of(first), body), tag);
  }

  /** The same frame with flags, codecs and extensions that are new. */
  readonly wrap = (wire: Transport, end: 0 | 1): Transport =>
    this.attacker.wrap(
      wrappedTransport(wire, {
        write: (bytes) => {
          const isSpaced = bytes[0] === 0;
          const frame = decodeCobs(bytes.subarray(isSpaced ? 1 : 0, -1));
          const grown = frame && this.#grow(frame);
          return wire.write(grown === undefined ? bytes : encodeDelimited(grown));
        },
      }),
      end,
    );

  #grow(frame: Uint8Array): Uint8Array | undefined {
    const random = this.#random;
    const isSession = isSessionFrame(frame);
    const frameClass = (frame[0] ?? 0) & 0xf;
    const isMessage = frameClass <= FrameClass.rescuerControl;
    const tag = isSession ? this.#tag : undefined;
    if (!isMessage || (isSession && tag === undefined) || !randomChance(random, 0.5)) return undefined;
    const covered = frame.slice(0, -CRC_LENGTH);
    if (!isSession && (covered[1] === AnnounceType.distress || covered[1] === AnnounceType.beacon)) {
      covered[FLAGS_AT] = (covered[FLAGS_AT] ?? 0) | RESERVED_FLAGS;
      this.#count("flags");
    }
    if (!isSession && covered[1] === AnnounceType.accept) {
      covered[CODECS_AT] = (covered[CODECS_AT] ?? 0) | LATER_CODECS | SPARE_ACCEPT_BIT;
      this.#count("codecs");
    }
    // Distress has room for 27 bytes of extensions, an offer for more.
    const names = Object.values(ReservedExtension).filter(() => randomChance(random, 0.4));
    const tail = names.flatMap(({ type, length }) => [type, length, ...randomBytes(random, length)]);
    if (tail.length > 0) this.#count("extensions");
    return withCrc(concatBytes(covered, Uint8Array.from(tail)), tag);
  }

  /** A packet that a later rescuer might send: of an unknown kind of object, or in a codec of later. */
  packetItem(key: string): SendItem {
    const random = this.#random;
    const payload = randomBytes(random, 1 + randomBelow(random, 200));
    const isObject = randomChance(random, 0.5);
    this.#count(isObject ? "object" : "data");
    const kind = pick(random, [...Object.values(ReservedObjectKind), 0xff]) as ObjectKind;
    const codec = pick(random, [Codec.deflate, Codec.dictionary]);
    const packet = (packetNumber: number, from: number, to: number): Packet => {
      const part = payload.subarray(from, to);
      if (!isObject)
        return { tag: "data", packetNumber, codec, attempt: 0, position: from / 32, payload: part };
      const name = { kind, node: { level: 0, index: 0 } };
      return { tag: "object", packetNumber, name, offset: from, total: payload.length, payload: part };
    };
    return { key, length: payload.length, isUrgent: isObject, packet };
  }
}

/** One rescue between nodes of this release, with a later one on the wire. */
function rescueWith(seed: number): LaterRelease {
  const later = new LaterRelease(seed);
  const random = new SeededRandom(seed);
  const size = 4_000 + randomBelow(random, 16_000);
  const slot = randomChance(random, 0.5) ? { slot: randomBytes(random, 3_000) } : {};
  let keys = 0;
  const rescue: VirtualRescue = new VirtualRescue({
    ...{ seed, size, blockSize: 1024, slotSize: 20_480, wrap: later.wrap, ...slot },
    // What is under a mask cannot be changed on its way.
    callsPlainly: seed % 2 === 0,
    onRescuerEvent: (event, proceed) => {
      proceed();
      const sender = rescue.rescuerEnd.link.sender;
      if (event.tag === "readBlock" && sender !== undefined && randomChance(random, 0.5))
        sender.add(later.packetItem(`later ${keys++}`));
    },
  });
  expect(rescue.run(60_000), `seed ${seed}`).toBe(true);
  expect(rescue.flashed, `seed ${seed}`).toEqual(rescue.data);
  expect(rescue.targetEvents.filter(({ tag }) => tag === "sessionLost" || tag === "refused")).toEqual([]);
  const [target, rescuer] = [rescue.targetEnd.counters, rescue.rescuerEnd.counters];
  // On a clean line each packet was acked, those that mean nothing among them, and none was sent again.
  expect([target.duplicates, rescuer.resentBytes], `seed ${seed}`).toEqual([0, 0]);
  // Every frame that is new was counted, and no other was dropped for what is new in it.
  const dropped = [target, rescuer].map((of) => of.unexpectedFrames + of.staleFrames + of.crcErrors);
  expect((dropped[0] ?? 0) + (dropped[1] ?? 0), `seed ${seed}`).toBeLessThanOrEqual(later.attacker.injected);
  return later;
}

describe("a session with a node of a later release of version 1", () => {
  it(`skips all that is new, in ${SEEDS} seeds from ${FROM} on`, { timeout: 3_600_000 }, () => {
    const all: Record<string, number> = {};
    let injected = 0;
    for (let seed = FROM; seed < FROM + SEEDS; seed++) {
      const later = rescueWith(seed);
      injected += later.attacker.injected;
      for (const [what, count] of Object.entries(later.counts)) all[what] = (all[what] ?? 0) + count;
    }
    process.stdout.write(`${SEEDS} sessions, ${injected} new frames, ${JSON.stringify(all)}\n`);
    for (const what of [
      "announcement",
      "control",
      "class",
      "flags",
      "codecs",
      "extensions",
      "object",
      "data",
    ])
      expect(all[what] ?? 0, what).toBeGreaterThan(SEEDS / 10);
  });
});

/** A rescue in which an announcement with the session's nonces reaches the rescuer once, from a target of a later release. */
function rescueThatHears(type: number, tail: readonly number[]): VirtualRescue {
  let frames = 0;
  const attacker = new BusAttacker(({ identity }, frame, from) => {
    frames += from === 0 && isSessionFrame(frame) ? 1 : 0;
    if (from === 1 || frames !== 2) return {};
    const { targetNonce, rescuerNonce } = identity;
    const body = concatBytes(Uint8Array.of(0x10, type), targetNonce, rescuerNonce, Uint8Array.from(tail));
    return { 1: [withCrc(body, undefined)] };
  });
  const rescue = new VirtualRescue({ seed: 1, size: 65_536, wrap: attacker.wrap });
  rescue.run(50_000, () => false);
  return rescue;
}

describe("a target of a later release", () => {
  const digest = (): number[] => [
    ...new VirtualRescue({ seed: 1, size: 65_536 }).image.digest.subarray(0, 8),
  ];

  it("that refuses for a reason unknown here has refused: the image is not offered again for a minute", () => {
    const { rescuerEvents } = rescueThatHears(AnnounceType.refuse, [...digest(), 0x77]);
    expect(rescuerEvents).toContainEqual(expect.objectContaining({ tag: "refused", reason: "other" }));
    expect(rescuerEvents.filter(({ tag }) => tag === "accepted")).toHaveLength(1);
    expect(rescuerEvents.some(({ tag }) => tag === "healed")).toBe(false);
  });

  it("that leaves for a reason unknown here has left: the session ends, and the next call is answered", () => {
    const { rescuerEvents } = rescueThatHears(AnnounceType.bye, [0x77]);
    expect(rescuerEvents).toContainEqual(expect.objectContaining({ tag: "sessionLost", why: "bye" }));
    expect(rescuerEvents.some(({ tag }) => tag === "healed")).toBe(true);
  });
});
