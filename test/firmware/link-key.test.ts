import { beforeAll, describe, expect, it, test } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import { type Random, randomBelow, SeededRandom } from "../../src/base/prng.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { linkKeyOf } from "../../src/node/derived-link-key.ts";
import { tagOf } from "../../src/session/identity.ts";
import { createMemoryPair } from "../../src/sim/wires/memory-pair.ts";
import { withFaults } from "../../src/sim/wires/transport-faults.ts";
import { ByeReason, CRC_LENGTH } from "../../src/wire/constants.ts";
import { decodeFrame, encodeMessage, isSessionFrame, type Protect } from "../../src/wire/frame.ts";
import { linkProofOf } from "../../src/wire/link-proof.ts";
import type { Beacon, Message, Offer } from "../../src/wire/messages.ts";
import { FrameTap } from "../support/frame-tap.ts";
import { testKey, VirtualRescue } from "../support/virtual-rescue.ts";
import { WasmState, WasmTarget } from "../support/wasm-target.ts";
import { withCrc } from "../support/with-crc.ts";

const BAUD = 115_200;
const LINE = { baud: BAUD, latencyMs: 1, pieceBytes: 32 };
const NODE_ID = new Uint8Array(8).fill(9);
const SIZE = 40_000;
const secretOf = (byte: number): Uint8Array => new Uint8Array(16).fill(byte);
const SECRET = secretOf(1);
const STRANGER = new Uint8Array(8).fill(0xee);
/** A board that has no source of random numbers. */
const NO_CHANCE: Random = { u32: () => 0 };

interface BenchOptions {
  readonly seed?: number;
  /** Of the C target, and of the TypeScript rescuer; both have the same one unless given. */
  readonly keys?: readonly [Uint8Array | undefined, Uint8Array | undefined];
  readonly ber?: number;
  readonly size?: number;
  readonly chance?: Random;
  readonly payloadMax?: number;
}

/** A C board and a TypeScript rescuer on one wire in virtual time, with somebody on the wire beside the board. */
class Bench {
  readonly clock: VirtualClock = new VirtualClock();
  readonly tap: FrameTap = new FrameTap();
  readonly rescue: VirtualRescue;
  readonly target: WasmTarget;
  readonly #near: ReturnType<typeof createMemoryPair>[0];
  readonly #seed: number;
  readonly #ber: number;

  constructor({
    seed = 1,
    keys = [SECRET, SECRET],
    ber = 0,
    size = SIZE,
    chance,
    payloadMax,
  }: BenchOptions = {}) {
    const [near, far] = createMemoryPair(this.clock, { aToB: LINE, bToA: LINE });
    const [dead] = createMemoryPair(this.clock);
    const [linkKey, rescuerKey] = keys;
    this.#near = near;
    this.#seed = seed;
    this.#ber = ber;
    this.rescue = new VirtualRescue({
      ...{ clock: this.clock, seed, size, blockSize: 2048, baud: BAUD },
      makeEnd: (end) => (end === 0 ? dead : far),
      linkKeys: [undefined, rescuerKey && linkKeyOf(rescuerKey)],
      ...(ber > 0 && { faults: { ber } }),
    });
    this.target = new WasmTarget({
      ...{ clock: this.clock, random: chance ?? new SeededRandom(seed), nodeId: NODE_ID, revision: 3 },
      geometry: { sectorSize: 4096, slotSize: size, layout: "single" },
      hardware: { vendor: "acme", hardwareClass: "gate" },
      ...{ keys: [testKey.publicKey], baud: BAUD },
      ...(linkKey && { linkKey }),
      ...(payloadMax && { payloadMax }),
    });
  }

  start(): void {
    const wire = this.tap.wrap(this.#near);
    const { clock } = this;
    const faults = { ber: this.#ber, seed: this.#seed * 2 + 5, clock };
    this.target.start(this.#ber === 0 ? wire : this.tap.wrap(withFaults(this.#near, faults)));
  }

  run(limitMs = 120_000, until = () => this.target.state === WasmState.healed): boolean {
    return this.rescue.run(limitMs, until);
  }

  expectHealed(): void {
    expect(this.target.state).toBe(WasmState.healed);
    expect(Buffer.compare(this.target.slot(this.rescue.data.length), this.rescue.data)).toBe(0);
    expect(this.target.faults).toBe(0);
  }

  /** Healed in one session, as if nobody else were there. */
  expectUndisturbed(): void {
    this.start();
    this.run();
    this.expectHealed();
    this.run(2_000, () => false);
    expect(this.target.report.sessions).toBe(1);
    const tags = this.rescue.rescuerEvents.map(({ tag }) => tag);
    expect(tags).not.toContain("sessionLost");
    expect(tags).not.toContain("refused");
    expect(tags).toContain("healed");
  }

  expectNothingWritten(): void {
    const slot = this.target.slot(this.rescue.data.length);
    expect(slot.every((byte) => byte === 0xff)).toBe(true);
    expect(this.target.report).toMatchObject({ sessions: 0, blocksWritten: 0 });
  }

  /** Messages of a kind that the target sent. */
  said<Tag extends Message["tag"]>(tag: Tag): Extract<Message, { tag: Tag }>[] {
    return this.tap.sent.map(announcementOf).filter((message) => message?.tag === tag) as Extract<
      Message,
      { tag: Tag }
    >[];
  }

  get offer(): Offer {
    const offers = this.tap.received.map(announcementOf).filter((message) => message?.tag === "offer");
    return (offers.at(-1) as Offer | undefined) ?? expect.fail("no offer was heard");
  }

  /** What everybody on the wire knows of the session that was offered last. */
  get identity() {
    const { rescuerId, rescuerNonce, targetNonce, digest } = this.offer;
    return { targetId: NODE_ID, targetNonce, rescuerId, rescuerNonce, digest };
  }

  get blocksWritten(): number {
    return this.target.report.blocksWritten;
  }
}

/** The message in a frame; undefined if it is a session's frame, or none. */
function announcementOf(frame: Uint8Array): Message | undefined {
  if (isSessionFrame(frame)) return undefined;
  const message = decodeFrame(frame, undefined);
  return "rescuerNonce" in message || "nodeId" in message ? (message as Message) : undefined;
}

const isAck = (frame: Uint8Array): boolean => frame[0] === 0x01;

function flipped(frame: Uint8Array, bit: number, tag: number | undefined): Uint8Array {
  const covered = frame.slice(0, -CRC_LENGTH);
  const at = bit % (8 * covered.length);
  covered[at >> 3] = (covered[at >> 3] ?? 0) ^ (1 << (at & 7));
  return withCrc(covered, tag);
}

/** The C side is compiled with link keys and without. */
const COMPILE_MS = 180_000;
beforeAll(() => {
  for (const keys of [
    [SECRET, SECRET],
    [undefined, undefined],
  ] as const)
    new Bench({ keys }).start();
}, COMPILE_MS);

describe("a C target and a TypeScript rescuer with the same link key", () => {
  it("heal, and find the seal of every frame right", () => {
    const bench = new Bench();
    bench.expectUndisturbed();
    expect(bench.target.report.framesUnauthentic).toBe(0);
    expect(bench.rescue.rescuerEnd.counters.unauthenticFrames).toBe(0);
    const calls = bench.said("distress");
    expect(calls.length).toBeGreaterThan(0);
    expect(calls.every(({ wantsLinkKey }) => wantsLinkKey === true)).toBe(true);
  });

  it("take frames of 4064 bytes, and say so", () => {
    const bench = new Bench();
    bench.expectUndisturbed();
    expect(bench.said("accept").map(({ payloadMax }) => payloadMax)).toEqual([4064]);
  });

  it("heal where the target takes payloads of 64 bytes", () => {
    const bench = new Bench({ payloadMax: 64, size: 8192 });
    bench.expectUndisturbed();
    expect(bench.said("accept").map(({ payloadMax }) => payloadMax)).toEqual([64]);
  });

  test.each([1, 2, 3])("heal over a line of 1e-4 bit errors (seed %i)", (seed) => {
    const bench = new Bench({ seed, ber: 1e-4 });
    bench.start();
    bench.run();
    bench.expectHealed();
  });

  test.each([
    ["random numbers", undefined],
    ["no random numbers", NO_CHANCE],
  ])("heal over such a line through 12 power losses, and no nonce repeats: %s", (_name, chance) => {
    const bench = new Bench({ seed: 3, ber: 1e-4, size: 131_072, ...(chance && { chance }) });
    const random = new SeededRandom(8);
    const bootNonces: string[] = [];
    let heard = 0;
    const noteNonce = (): void => {
      const own = bench.said("distress").slice(heard);
      heard += own.length;
      const nonces = new Set(own.map(({ bootNonce }) => toHex(bootNonce)));
      expect(nonces.size).toBe(1);
      bootNonces.push(...nonces);
    };
    for (let start = 0; start < 12; start++) {
      bench.start();
      bench.run(300 + randomBelow(random, 9000));
      bench.target.kill();
      if (bench.target.state !== WasmState.healed) noteNonce();
    }
    bench.start();
    if (bench.target.failure !== 0) bench.run();
    expect(bench.target.failure).toBe(0);
    expect(Buffer.compare(bench.target.slot(131_072), bench.rescue.data)).toBe(0);
    expect(bench.target.faults).toBe(0);
    expect(bootNonces.length).toBeGreaterThan(5);
    expect(new Set(bootNonces).size).toBe(bootNonces.length);
    // One accept nonce for each session: repeats of an accept carry the same.
    const acceptNonces = new Map<string, Set<string>>();
    for (const frame of bench.tap.sent) {
      const accept = announcementOf(frame);
      if (accept?.tag !== "accept") continue;
      const of = acceptNonces.get(toHex(accept.rescuerNonce)) ?? new Set();
      acceptNonces.set(
        toHex(accept.rescuerNonce),
        of.add(toHex(linkProofOf(accept, frame)?.extra ?? STRANGER)),
      );
    }
    expect(acceptNonces.size).toBeGreaterThan(3);
    const all = [...acceptNonces.values()].flatMap((nonces) => [...nonces]);
    expect(all).toHaveLength(acceptNonces.size);
    expect(new Set([...all, ...bootNonces]).size).toBe(all.length + bootNonces.length);
  });

  it("heal after another rescuer took over in mid-transfer, by a proven offer", () => {
    const bench = new Bench({ size: 131_072 });
    bench.start();
    bench.run(60_000, () => bench.blocksWritten > 8);
    bench.rescue.restartRescuer();
    const at = bench.clock.now();
    bench.run();
    bench.expectHealed();
    expect(bench.target.report.sessions).toBe(2);
    expect(bench.clock.now() - at).toBeLessThan(25_000);
  });
});

describe("a mismatch of link keys begins no session, and is reported by both sides", () => {
  test.each([
    ["the rescuer has none", [SECRET, undefined], 1, undefined],
    ["the target has none", [undefined, SECRET], 0, "peer-lacks-key"],
    ["they differ", [SECRET, secretOf(2)], 3, "keys-differ"],
  ] as const)("%s", (_name, keys, mismatch, atRescuer) => {
    const bench = new Bench({ keys });
    bench.start();
    bench.run(4_000);
    bench.expectNothingWritten();
    expect(bench.target.report).toMatchObject({ refused: 14, mismatch });
    const told = bench.rescue.rescuerEvents.filter(({ tag }) => tag === "refused");
    expect(told).toContainEqual(expect.objectContaining({ reason: "link-key" }));
    if (atRescuer !== undefined) expect(told[0]).toMatchObject({ mismatch: atRescuer });
    expect(bench.said("accept")).toEqual([]);
    // Such a refusal never has a proof.
    const proofs = bench.tap.sent.flatMap((frame) => {
      const message = announcementOf(frame);
      return message?.tag === "refuse" ? [linkProofOf(message, frame)] : [];
    });
    expect(proofs.length).toBeGreaterThan(0);
    expect(new Set(proofs)).toEqual(new Set([undefined]));
  });
});

const beaconOf = (): Beacon => ({
  ...{ tag: "beacon", nodeId: STRANGER, bootNonce: STRANGER, hardwareId: STRANGER, revision: 0 },
  ...{ failure: undefined, isProvider: true, version: { major: 1, minor: 0, patch: 0 }, sequence: 0 },
  ...{ counterFloor: 0, installedDigest: undefined, receivingDigest: undefined },
});

/** Forged by somebody who knows both nonces and the session's tag. */
const FORGERIES: readonly (readonly [string, (bench: Bench) => Message])[] = [
  ["bye", ({ identity }) => ({ tag: "bye", ...identity, reason: ByeReason.stopped })],
  ["done-ack", ({ identity }) => ({ tag: "doneAck", digest: identity.digest })],
  ["later", () => ({ tag: "later", forMs: 60_000 })],
  ["query", () => ({ tag: "query", nodeId: STRANGER, bootNonce: STRANGER })],
  ["beacon", beaconOf],
  ["offer of another rescuer", ({ offer }) => ({ ...offer, rescuerId: STRANGER, rescuerNonce: STRANGER })],
  ["offer with the nonces of the session", ({ offer }) => ({ ...offer, size: 5 })],
];

/** What an attacker may put where proof or seal belong. */
const guess: Protect = () => Uint8Array.of(0x01, 0x08, 1, 2, 3, 4, 5, 6, 7, 8);
const guessedOffer: Protect = () => Uint8Array.of(0x01, 0x10, ...new Uint8Array(16).fill(7));
const guessedSeal: Protect = () => new Uint8Array(12);

describe("somebody on the wire without the key, who knows nonces and tag", () => {
  test.each(FORGERIES)("cannot disturb a C target by %s", (_name, forge) => {
    const bench = new Bench();
    let injected = 0;
    bench.tap.replace = (frame) => {
      if (!isSessionFrame(frame) || bench.target.state === WasmState.healed) return [frame];
      injected++;
      const message = forge(bench);
      const tag = tagOf(bench.identity);
      const bare = encodeMessage(message, tag);
      const protect = isSessionFrame(bare) ? guessedSeal : message.tag === "offer" ? guessedOffer : guess;
      return [bare, encodeMessage(message, tag, protect), frame];
    };
    bench.expectUndisturbed();
    expect(injected).toBeGreaterThan(20);
    // Each is found to be a forgery, but for what never has a proof.
    const hasProof = !["query", "beacon"].includes(forge(bench).tag);
    expect(bench.target.report.framesUnauthentic).toBe(hasProof ? 2 * injected : 0);
  });

  test.each(["bye", "done-ack"])("does disturb by %s where there is no key", (name) => {
    const bench = new Bench({ keys: [undefined, undefined], size: 131_072 });
    const [, forge] = FORGERIES.find((row) => row[0] === name) ?? expect.fail(name);
    let frames = 0;
    bench.tap.replace = (frame) => {
      frames += isSessionFrame(frame) ? 1 : 0;
      const isTime = name === "bye" ? frames === 9 : bench.target.failure === 0;
      return isTime ? [encodeMessage(forge(bench), tagOf(bench.identity)), frame] : [frame];
    };
    bench.start();
    if (name === "bye") {
      bench.run();
      expect(bench.target.report.sessions).toBeGreaterThan(1);
    } else {
      const isSaid = (): boolean => bench.tap.sent.some((frame) => frame[0] === 0x41);
      bench.run(120_000, isSaid);
      bench.tap.inject(encodeMessage(forge(bench), tagOf(bench.identity)));
      expect(bench.target.state).toBe(WasmState.healed);
    }
  });

  it("ends no session that says done by a done-ack or a bye of its own", () => {
    const bench = new Bench();
    bench.start();
    bench.run(120_000, () => bench.tap.sent.some((frame) => frame[0] === 0x41));
    const { identity } = bench;
    bench.tap.replace = () => [];
    bench.tap.inject(
      encodeMessage({ tag: "doneAck", digest: identity.digest }, tagOf(identity), guessedSeal),
    );
    bench.tap.inject(encodeMessage({ tag: "doneAck", digest: identity.digest }, tagOf(identity)));
    bench.tap.inject(encodeMessage({ tag: "bye", ...identity, reason: 1 }, 1, guess));
    bench.tap.inject(encodeMessage({ tag: "bye", ...identity, reason: 1 }, 1));
    expect(bench.target.state).toBe(WasmState.served);
    expect(bench.target.report.framesUnauthentic).toBe(4);
    // It says done for 15 s, and ends as healed, not heard.
    bench.run(14_000);
    expect(bench.target.state).toBe(WasmState.served);
    bench.run(2_000);
    expect(bench.target.state).toBe(WasmState.healed);
  });

  it("gets no ack for a frame in which a bit was flipped, whatever CRC it has", () => {
    const bench = new Bench({ seed: 4 });
    let altered = 0;
    bench.tap.replace = (frame) =>
      isSessionFrame(frame) ? [flipped(frame, 37 * altered++, tagOf(bench.identity))] : [frame];
    bench.start();
    bench.run(4_000);
    expect(altered).toBeGreaterThan(10);
    expect(bench.tap.sent.filter(isAck)).toEqual([]);
    expect(bench.blocksWritten).toBe(0);
    // A flipped class makes an announcement of a few of them.
    expect(bench.target.report.framesUnauthentic).toBeGreaterThan(altered / 2);
  });

  it("does not disturb by altered copies in front of the right frames", () => {
    const bench = new Bench();
    let altered = 0;
    bench.tap.replace = (frame) => {
      if (!isSessionFrame(frame)) return [frame];
      const tag = tagOf(bench.identity);
      // Every byte, and in it every bit, of frame after frame.
      altered += 3;
      return [altered, altered + 1, altered + 2].map((bit) => flipped(frame, bit * 7, tag)).concat([frame]);
    };
    bench.expectUndisturbed();
    expect(altered).toBeGreaterThan(100);
  });

  it("cannot play frames again within a session", () => {
    const bench = new Bench();
    bench.tap.replace = (frame) => [frame, frame, ...bench.tap.received.slice(-20, -19)];
    bench.expectUndisturbed();
    expect(bench.target.report.framesUnauthentic).toBeGreaterThan(30);
  });

  it("begins nothing by a recorded session that is played again, in the same start or in another one", () => {
    const bench = new Bench({ size: 131_072 });
    bench.start();
    bench.run(60_000, () => bench.blocksWritten > 8);
    bench.rescue.stopRescuer();
    bench.run(60_000, () => bench.target.state === WasmState.calling);
    const recorded = bench.tap.received.slice();
    const { sessions, blocksWritten } = bench.target.report;
    const play = (): void => {
      const accepts = bench.said("accept").length;
      const acks = bench.tap.sent.filter(isAck).length;
      for (const frame of recorded) {
        bench.tap.inject(frame);
        bench.run(5, () => false);
      }
      expect(bench.said("accept")).toHaveLength(accepts);
      expect(bench.tap.sent.filter(isAck)).toHaveLength(acks);
      expect(bench.target.state).toBe(WasmState.calling);
    };
    expect(sessions).toBe(1);
    expect(recorded.length).toBeGreaterThan(25);
    play();
    expect(bench.target.report).toMatchObject({ sessions, blocksWritten });
    bench.start();
    // Something comes, so that more can be put on the wire.
    bench.rescue.restartRescuer();
    bench.tap.replace = () => [];
    bench.run(1_000, () => false);
    play();
    expect(bench.target.report).toMatchObject({ sessions: 0, blocksWritten: 0 });
    // The true rescuer is heard all the same.
    bench.tap.replace = (frame) => [frame];
    bench.run();
    bench.expectHealed();
  });

  it.each([
    ["cannot end a session that is silent by a query, but hears a call", SECRET, true],
    ["can end a session that is silent by a query where there is no key", undefined, false],
  ] as const)("%s", (_name, secret, isKept) => {
    const bench = new Bench({ keys: [secret, secret], size: 131_072 });
    bench.start();
    bench.run(60_000, () => bench.blocksWritten > 8);
    bench.rescue.stopRescuer();
    bench.run(2_500, () => false);
    expect(bench.target.state).toBe(WasmState.served);
    const calls = bench.said("distress").length;
    bench.tap.inject(encodeMessage({ tag: "query", nodeId: STRANGER, bootNonce: STRANGER }, 1));
    bench.tap.inject(encodeMessage(beaconOf(), 1));
    expect(bench.target.state === WasmState.served).toBe(isKept);
    bench.run(10, () => false);
    expect(bench.said("distress").length).toBeGreaterThan(calls);
    expect(bench.run(10_000, () => bench.target.state === WasmState.calling)).toBe(true);
  });
});
