import { describe, expect, it, test } from "vitest";
import type { LinkKey } from "../../src/link/link-key.ts";
import { linkKeyOf } from "../../src/node/derived-link-key.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { encodeDelimited } from "../../src/wire/cobs.ts";
import { ByeReason, Codec, CRC_LENGTH, FRAME_MAX } from "../../src/wire/constants.ts";
import {
  crcMatches,
  decodeFrame,
  encodeMessage,
  encodePacket,
  isSessionFrame,
  type Protect,
} from "../../src/wire/frame.ts";
import { linkProofOf } from "../../src/wire/link-proof.ts";
import type { Beacon, Message } from "../../src/wire/messages.ts";
import { type Attack, BusAttacker, type End, type Known } from "../support/bus-attacker.ts";
import { healsExactly, UNSIGNED } from "../support/virtual-i2c-rescue.ts";
import { VirtualRescue, type VirtualRescueOptions } from "../support/virtual-rescue.ts";
import { withCrc } from "../support/with-crc.ts";
import { wrappedTransport } from "../support/wrapped-transport.ts";

const keyOf = (byte: number): LinkKey => linkKeyOf(new Uint8Array(16).fill(byte));
const key = keyOf(1);
const BOTH = [key, key] as const;

function rescueWith(options: Partial<VirtualRescueOptions>): VirtualRescue {
  return new VirtualRescue({ seed: 1, linkKeys: BOTH, size: 32_768, ...UNSIGNED, ...options });
}

function expectHealed(rescue: VirtualRescue): void {
  expect(rescue.run(60_000)).toBe(true);
  expect(rescue.flashed).toEqual(rescue.data);
}

function expectUndisturbed(rescue: VirtualRescue): void {
  expectHealed(rescue);
  const tags = [...rescue.targetEvents, ...rescue.rescuerEvents].map((event) => event.tag);
  expect(tags).not.toContain("sessionLost");
  expect(rescue.rescuerEvents.map(({ tag }) => tag)).not.toContain("refused");
  expect(tags.filter((tag) => tag === "accepted")).toHaveLength(1);
}

describe("with the same link key on both sides", () => {
  it("heals an erased slot, and finds the seal of every frame right", () => {
    const rescue = rescueWith({});
    expectUndisturbed(rescue);
    for (const { counters } of [rescue.targetEnd, rescue.rescuerEnd])
      expect(counters.unauthenticFrames).toBe(0);
  });

  test.each([1, 2, 3])("heals over a lossy line (seed %i)", (seed) => {
    const rescue = rescueWith({ seed, faults: { ber: 2e-5 } });
    expectHealed(rescue);
    expect(rescue.rescuerEnd.counters.packetsLost).toBeGreaterThan(0);
  });

  it.each(["rescuer", "target"] as const)(
    "heals over an I2C bus whose controller is the %s",
    async (controller) => {
      const options = { seed: 1, controller, linkKeys: BOTH, size: 32_768, ...UNSIGNED };
      const { rescue } = await healsExactly(options, controller);
      for (const { counters } of [rescue.targetEnd, rescue.rescuerEnd])
        expect(counters.unauthenticFrames).toBe(0);
    },
  );

  it("heals after the target restarted in mid-transfer, before the lease of the lost session ends", () => {
    const rescue = rescueWith({ size: 131_072 });
    rescue.run(60_000, () => rescue.targetEvents.filter(({ tag }) => tag === "progress").length > 8);
    rescue.restartTarget();
    const at = rescue.clock.now();
    expectHealed(rescue);
    expect(rescue.clock.now() - at).toBeLessThan(12_000);
  });

  it("heals after another rescuer took over in mid-transfer", () => {
    const rescue = rescueWith({ size: 131_072 });
    rescue.run(60_000, () => rescue.targetEvents.filter(({ tag }) => tag === "progress").length > 8);
    rescue.restartRescuer();
    const at = rescue.clock.now();
    expectHealed(rescue);
    expect(rescue.clock.now() - at).toBeLessThan(12_000);
  });

  it("sends no byte more without a key than before there were any", () => {
    const rescue = new VirtualRescue({ seed: 1 });
    expectUndisturbed(rescue);
    expect(rescue.bytesOnWire).toBe(68_994);
  });

  it("sends no frame beyond FRAME_MAX on a line so good that the longest are sent", () => {
    const tap = new BusAttacker(() => ({}));
    const wrap = (wire: Transport, end: End): Transport => tap.wrap(wire, end);
    expectUndisturbed(rescueWith({ wrap, size: 262_144, blockSize: 32_768 }));
    const longest = Math.max(...tap.heard[1].map((frame) => frame.length));
    expect(longest).toBeGreaterThan(1_900);
    expect(longest).toBeLessThanOrEqual(FRAME_MAX);
  });

  it("costs less than 3 % of the time and of the bytes", () => {
    const [bare, keyed] = [[undefined, undefined] as const, BOTH].map((linkKeys) => {
      const rescue = rescueWith({ linkKeys, size: 262_144 });
      expectUndisturbed(rescue);
      return { ms: rescue.clock.now(), bytes: rescue.bytesOnWire };
    });
    if (bare === undefined || keyed === undefined) expect.fail("no rescue");
    expect(keyed.ms / bare.ms).toBeLessThan(1.03);
    expect(keyed.bytes / bare.bytes).toBeLessThan(1.03);
  });
});

describe("a mismatch of link keys names itself on both sides within 4 s", () => {
  test.each([
    ["the rescuer has none", [key, undefined], "peer-lacks-key", undefined],
    ["the target has none", [undefined, key], "we-lack-key", "peer-lacks-key"],
    ["they differ", [key, keyOf(2)], "keys-differ", "keys-differ"],
  ] as const)("%s", (_name, linkKeys, atTarget, atRescuer) => {
    const rescue = rescueWith({ linkKeys });
    expect(rescue.run(4_000)).toBe(false);
    expect(rescue.targetEvents).toContainEqual({
      tag: "refused",
      reason: "link-key",
      mismatch: atTarget,
      rescuerId: expect.any(Uint8Array),
    });
    const told = rescue.rescuerEvents.filter((event) => event.tag === "refused");
    expect(told).toContainEqual(expect.objectContaining({ reason: "link-key" }));
    const [first] = told;
    if (atRescuer !== undefined) expect(first).toMatchObject({ mismatch: atRescuer });
    expect(rescue.hasEvent("receiving")).toBe(false);
  });
});

type Forge = (known: Known) => Message;
const stranger = new Uint8Array(8).fill(0xee);

const beaconOf = ({ identity }: Known, tag: "beacon" | "distress", bootNonce: Uint8Array): Beacon => ({
  tag,
  nodeId: identity.targetId,
  bootNonce,
  hardwareId: stranger,
  revision: 0,
  failure: tag === "beacon" ? undefined : "empty",
  isProvider: false,
  version: { major: 1, minor: 0, patch: 0 },
  sequence: 0,
  counterFloor: 0,
  installedDigest: identity.digest,
  receivingDigest: undefined,
});
const allOnes = new Uint8Array(14).fill(0xff);

/** Forged by somebody who knows both nonces and the session's tag: to whom, and what. */
const FORGERIES: readonly (readonly [string, End, Forge])[] = [
  ["bye", 0, ({ identity }) => ({ tag: "bye", ...identity, reason: ByeReason.stopped })],
  ["done-ack", 0, ({ identity }) => ({ tag: "doneAck", digest: identity.digest })],
  ["later", 0, () => ({ tag: "later", forMs: 60_000 })],
  ["query", 0, () => ({ tag: "query", nodeId: stranger, bootNonce: stranger })],
  [
    "another rescuer's offer",
    0,
    ({ identity }) => ({
      ...{ tag: "offer", ...identity, rescuerId: stranger, rescuerNonce: stranger },
      ...{ version: { major: 9, minor: 0, patch: 0 }, size: 5, counter: 0, blockSize: 1024 },
    }),
  ],
  ["bye", 1, ({ identity }) => ({ tag: "bye", ...identity, reason: ByeReason.failed })],
  [
    "stand-down",
    1,
    ({ identity }) => ({ tag: "standDown", ...identity, winnerId: stranger, retryAfterMs: 60_000 }),
  ],
  ["refuse", 1, ({ identity }) => ({ tag: "refuse", ...identity, reason: "signature" })],
  ["refuse for the key", 1, ({ identity }) => ({ tag: "refuse", ...identity, reason: "link-key" })],
  ["distress of the same start", 1, (known) => beaconOf(known, "distress", known.identity.targetNonce)],
  ["distress of another start", 1, (known) => beaconOf(known, "distress", stranger)],
  ["beacon with the image installed", 1, (known) => beaconOf(known, "beacon", known.identity.targetNonce)],
  ["ack", 1, ({ heard }) => ({ tag: "ack", highest: heard[1].length & 0xffff, delayMs: 0, bitmap: allOnes })],
  ["grant", 1, () => ({ tag: "grant", sequence: 0x7fff, entries: [] })],
  ["request", 1, () => ({ tag: "request", sequence: 0x7fff, wanted: [] })],
  ["busy", 1, () => ({ tag: "busy", forMs: 10_000 })],
  ["done", 1, ({ identity }) => ({ tag: "done", digest: identity.digest })],
];

/** What an attacker may put where proof or seal belong. */
const guess: Protect = () => Uint8Array.of(0x01, 0x08, 1, 2, 3, 4, 5, 6, 7, 8);
const guessedSeal: Protect = () => new Uint8Array(12);

function forging(forge: Forge, to: End): Attack {
  return (known, _frame, from) => {
    if (from === to) return {};
    const message = forge(known);
    const bare = encodeMessage(message, known.tag);
    const guessed = encodeMessage(message, known.tag, isSessionFrame(bare) ? guessedSeal : guess);
    return { [to]: [bare, guessed] };
  };
}

describe("somebody on the wire without the key, who knows nonces and tag", () => {
  test.each(FORGERIES)("cannot disturb by %s (to end %i)", (_name, to, forge) => {
    const attacker = new BusAttacker(forging(forge, to));
    const rescue = rescueWith({ wrap: attacker.wrap });
    expectUndisturbed(rescue);
    expect(attacker.injected).toBeGreaterThan(20);
  });

  test.each([
    ["bye", 0],
    ["bye", 1],
    ["refuse", 1],
    ["distress of another start", 1],
    ["beacon with the image installed", 1],
    ["grant", 1],
    ["done", 1],
  ] as const)("does disturb by %s (to end %i) where there is no key", (name, to) => {
    const [, , forge] = FORGERIES.find((row) => row[0] === name && row[1] === to) ?? expect.fail(name);
    // A few frames into the session, once.
    let frames = 0;
    const attacker = new BusAttacker((known, frame, from) => {
      frames += isSessionFrame(frame) && from !== to ? 1 : 0;
      return frames === 2 && from !== to ? { [to]: [encodeMessage(forge(known), known.tag)] } : {};
    });
    // Something in flash: a rescuer believes no DONE while the blocks that a blank board asked for are on their way.
    const slot = new Uint8Array(262_144).fill(1);
    const rescue = rescueWith({ wrap: attacker.wrap, linkKeys: [undefined, undefined], size: 262_144, slot });
    rescue.run(3_500);
    const tags = [...rescue.targetEvents, ...rescue.rescuerEvents].map(({ tag }) => tag);
    const isDisturbed = !rescue.isOver || tags.includes("sessionLost") || tags.includes("refused");
    expect(isDisturbed || tags.filter((tag) => tag === "accepted").length > 1).toBe(true);
  });

  it("cannot play frames again, at once or later", () => {
    const attacker = new BusAttacker(({ heard }, frame, from) => {
      const old = heard[from].at(-20);
      return { [1 - from]: old === undefined ? [frame] : [frame, old] };
    });
    const rescue = rescueWith({ wrap: attacker.wrap });
    expectUndisturbed(rescue);
    expect(rescue.targetEnd.counters.duplicates).toBe(0);
    for (const { counters } of [rescue.targetEnd, rescue.rescuerEnd])
      expect(counters.unauthenticFrames).toBeGreaterThan(20);
  });

  it("cannot send frames back to who sent them", () => {
    const attacker = new BusAttacker((_known, frame, from) =>
      isSessionFrame(frame) ? { [from]: [frame] } : {},
    );
    expectUndisturbed(rescueWith({ wrap: attacker.wrap }));
  });

  test.each([0, 1, 5])("cannot alter frames, even with a recomputed CRC (byte %i)", (place) => {
    const attacker = new BusAttacker((known, frame, from) => {
      const altered = frame.slice(0, -CRC_LENGTH);
      altered[place] = (altered[place] ?? 0) ^ 0x10;
      const tag = isSessionFrame(altered) ? known.tag : undefined;
      return isSessionFrame(frame) ? { [1 - from]: [withCrc(altered, tag)] } : {};
    });
    expectUndisturbed(rescueWith({ wrap: attacker.wrap }));
  });

  it("cannot put chunks of its own into blocks", () => {
    const attacker = new BusAttacker(({ tag }) => ({
      0: [0, 1, 2, 3].map((i) =>
        encodePacket(
          {
            ...{ tag: "data", packetNumber: i, codec: Codec.raw, attempt: 0, position: 128 * i },
            payload: stranger,
          },
          tag,
          guessedSeal,
        ),
      ),
    }));
    const rescue = rescueWith({ wrap: attacker.wrap });
    expectUndisturbed(rescue);
    expect(rescue.targetEnd.counters.duplicates).toBe(0);
  });

  it("cannot play frames of an earlier session in this one, with CRCs made for it", () => {
    let firstTag: number | undefined;
    const attacker = new BusAttacker(({ tag, heard }, _frame, from) => {
      firstTag ??= tag;
      if (tag === firstTag) return {};
      const old = heard[from].filter((frame) => isSessionFrame(frame) && crcMatches(frame, firstTag));
      const again = old.slice(attacker.injected % 50, (attacker.injected % 50) + 2);
      return { [1 - from]: again.map((frame) => withCrc(frame.slice(0, -CRC_LENGTH), tag)) };
    });
    const rescue = rescueWith({ wrap: attacker.wrap, size: 65_536 });
    rescue.run(60_000, () => rescue.targetEvents.filter(({ tag }) => tag === "progress").length > 8);
    rescue.restartRescuer(rescue.rescuerId);
    expectHealed(rescue);
    expect(rescue.targetEvents.filter(({ tag }) => tag === "sessionLost")).toHaveLength(1);
    expect(rescue.targetEnd.counters.duplicates).toBe(0);
    expect(attacker.injected).toBeGreaterThan(30);
  });

  it("does not keep a session alive that lost its rescuer", () => {
    const attacker = new BusAttacker(({ tag }, _frame, from) =>
      from === 1 ? {} : { 0: [encodeMessage({ tag: "later", forMs: 1 }, tag)] },
    );
    const rescue = rescueWith({ wrap: attacker.wrap, size: 131_072 });
    rescue.run(60_000, () => rescue.targetEvents.filter(({ tag }) => tag === "progress").length > 8);
    rescue.stopRescuer();
    expect(rescue.run(10_000, () => rescue.hasEvent("sessionLost"))).toBe(true);
  });

  it.each([
    ["cannot end a session that is silent by a query", BOTH, false],
    ["can end a session that is silent by a query where there is no key", [undefined, undefined], true],
  ] as const)("%s", (_name, linkKeys, isLost) => {
    const rescue = rescueWith({ linkKeys });
    rescue.run(60_000, () => rescue.hasEvent("receiving"));
    rescue.stopRescuer();
    rescue.run(2_000);
    const query = encodeMessage({ tag: "query", nodeId: stranger, bootNonce: stranger }, 1);
    rescue.targetEnd.handleRun(rescue.clock.now(), encodeDelimited(query).subarray(1));
    rescue.run(1_000);
    expect(rescue.targetEnd.pollEvent()?.tag === "sessionLost" || rescue.hasEvent("sessionLost")).toBe(
      isLost,
    );
  });

  it.each([
    ["keeps its session while a target is deaf that said so", 0x31, 10_000, false],
    ["ends its session after 5 s with a target that was not", 0x01, 6_000, true],
  ] as const)("a rescuer that hears forged distress %s", (_name, last, waitMs, isLost) => {
    let isMute = false;
    const tap = new BusAttacker((_known, frame, from) => {
      isMute ||= from === 0 && frame[0] === last;
      return {};
    });
    const wrap = (wire: Transport, end: End): Transport => {
      const heard = tap.wrap(wire, end);
      const write = (bytes: Uint8Array): boolean => (isMute && end === 0 ? true : heard.write(bytes));
      return wrappedTransport(heard, { write });
    };
    const rescue = rescueWith({ wrap });
    rescue.run(60_000, () => isMute);
    rescue.run(200);
    const [distress] = tap.heard[0].filter((frame) => decodeFrame(frame, undefined).tag === "distress");
    const wire = encodeDelimited(distress ?? expect.fail("no distress"));
    rescue.rescuerEnd.handleRun(rescue.clock.now(), wire.subarray(1));
    const hasLost = (): boolean => rescue.rescuerEvents.some(({ tag }) => tag === "sessionLost");
    expect(rescue.run(waitMs, hasLost)).toBe(isLost);
  });

  it("cannot have a target take a recorded offer once more", () => {
    const tap = new BusAttacker(() => ({}));
    const rescue = rescueWith({ wrap: tap.wrap });
    rescue.run(60_000, () => rescue.hasEvent("receiving"));
    rescue.stopRescuer();
    rescue.run(60_000, () => rescue.hasEvent("sessionLost"));
    const offer = tap.heard[1].find((frame) => decodeFrame(frame, undefined).tag === "offer");
    const wire = encodeDelimited(offer ?? expect.fail("no offer"));
    for (let i = 0; i < 3; i++) {
      rescue.targetEnd.handleRun(rescue.clock.now(), wire.subarray(1));
      rescue.run(1_000);
    }
    expect(rescue.targetEvents.filter(({ tag }) => tag === "offered")).toHaveLength(1);
    rescue.restartRescuer();
    expectHealed(rescue);
  });
});

describe("before a session, somebody without the key", () => {
  it("does not turn a rescuer away by a refusal, since the proven accept counts", () => {
    const attacker = new BusAttacker(
      forging(({ identity }) => ({ tag: "refuse", ...identity, reason: "link-key" }), 1),
    );
    const early = new BusAttacker((known, _frame, from) =>
      from === 0 ? { 1: [encodeMessage({ tag: "refuse", ...known.identity, reason: "link-key" }, 1)] } : {},
    );
    for (const { wrap } of [attacker, early]) expectUndisturbed(rescueWith({ wrap }));
  });

  it("gets no proven refusal by spoiling an offer, and floods no user with mismatches", () => {
    const tap = new BusAttacker(() => ({}));
    const rescue = rescueWith({ linkKeys: [key, keyOf(2)], wrap: tap.wrap });
    rescue.run(20_000);
    const refusals = tap.heard[0].flatMap((frame) => {
      const message = decodeFrame(frame, undefined);
      return message.tag === "refuse" ? [linkProofOf(message, frame)] : [];
    });
    expect(refusals.length).toBeGreaterThan(10);
    expect(new Set(refusals)).toEqual(new Set([undefined]));
    const told = rescue.targetEvents.filter(({ tag }) => tag === "refused").length;
    expect(told).toBeGreaterThan(1);
    expect(told).toBeLessThanOrEqual(4);
  });
});
