import { describe, expect, it } from "vitest";
import { randomBelow, SeededRandom } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { linkKeyOf } from "../../src/node/derived-link-key.ts";
import { standDownOf } from "../../src/session/handshake.ts";
import { decodeCobs, encodeDelimited } from "../../src/wire/cobs.ts";
import { decodeFrame, encodeMessage, isSessionFrame } from "../../src/wire/frame.ts";
import type { Message } from "../../src/wire/messages.ts";
import { fixedKey } from "../support/fixed-keys.ts";
import { VirtualRescue, type VirtualRescueOptions } from "../support/virtual-rescue.ts";
import { wrappedTransport } from "../support/wrapped-transport.ts";

const SIZE = 16_384;
/** Both sides want it. */
const INLINE = { limits: { inlineBytes: 65_536 }, isEager: true } as const;
/** Flash that differs from the image in every block, and of which nothing is known. */
const foreign = new Uint8Array(SIZE).fill(0x5a);

/** The frames of a wire, in order of their sending. `from`: 0 target, 1 rescuer. */
interface Sent {
  readonly at: Millis;
  readonly from: 0 | 1;
  /** "packet" for what a rescuer sends in a session. */
  readonly kind: Message["tag"] | "packet" | "session";
  readonly bytes: Uint8Array;
}

interface Watched {
  readonly rescue: VirtualRescue;
  readonly sent: readonly Sent[];
  firstAt(from: 0 | 1, kind: Sent["kind"]): Millis;
  packetsBetween(from: Millis, to: Millis): number;
}

/** A rescue of which every frame is seen. `change` may give another frame in place of one, or none. */
function watch(
  options: Partial<VirtualRescueOptions>,
  change: (frame: Uint8Array, from: 0 | 1) => Uint8Array | undefined = (frame) => frame,
): Watched {
  const clock = options.clock ?? new VirtualClock();
  const sent: Sent[] = [];
  const rescue = new VirtualRescue({
    ...{ seed: 1, size: SIZE, baud: 115_200, ...options, clock },
    wrap: (wire, end) =>
      wrappedTransport(wire, {
        write: (bytes) => {
          const frame = decodeCobs(bytes.slice(bytes[0] === 0 ? 1 : 0, -1))?.slice();
          if (frame === undefined) return wire.write(bytes);
          sent.push({ at: clock.now(), from: end, kind: kindOf(frame, end), bytes: frame });
          const changed = change(frame, end);
          return changed === undefined ? true : wire.write(encodeDelimited(changed));
        },
      }),
  });
  return {
    rescue,
    sent,
    firstAt: (from, kind) =>
      sent.find((seen) => seen.from === from && seen.kind === kind)?.at ?? Number.POSITIVE_INFINITY,
    packetsBetween: (from, to) =>
      sent.filter(({ kind, at }) => kind === "packet" && at >= from && at < to).length,
  };
}

function kindOf(frame: Uint8Array, from: 0 | 1): Sent["kind"] {
  if (isSessionFrame(frame)) return from === 1 && (frame[0] ?? 0) % 16 >= 3 ? "packet" : "session";
  const message = decodeFrame(frame, undefined);
  return message.tag === "fault" ? "session" : (message.tag as Message["tag"]);
}

function healed({ rescue }: Watched, limitMs: Millis = 60_000): void {
  expect(rescue.run(limitMs)).toBe(true);
  expect(rescue.flashed).toEqual(rescue.data);
  expect(rescue.board.boot().tag).toBe("boot");
}

/** When the image is verified. */
function verifiedAfter(options: Partial<VirtualRescueOptions>): Millis {
  const clock = new VirtualClock();
  const rescue = new VirtualRescue({ seed: 1, size: SIZE, ...options, clock });
  expect(rescue.run(600_000, () => rescue.hasEvent("verified"))).toBe(true);
  expect(rescue.flashed).toEqual(rescue.data);
  return clock.now();
}

describe("an image behind its offer", () => {
  it.each([
    ["blank", {}],
    ["other", { slot: foreign }],
  ] as const)(
    "comes before the accept is heard, to %s flash, and heals without a further round trip",
    (_, flash) => {
      const seen = watch({ ...INLINE, ...flash, latencyMs: 100 });
      healed(seen);
      const offerAt = seen.firstAt(1, "offer");
      expect(seen.firstAt(1, "packet")).toBeLessThan(offerAt + 20);
      // What is sent twice is at most what was on its way when the first call that crossed the offer came.
      expect(seen.rescue.bytesOnWire).toBeLessThan(SIZE * 1.25);
      expect(seen.rescue.targetEvents.some(({ tag }) => tag === "sessionLost")).toBe(false);
    },
  );

  it.each([
    ["the rescuer is not eager", { limits: INLINE.limits }],
    ["the board did not say that it takes it", { isEager: true }],
    ["the board takes less", { isEager: true, limits: { inlineBytes: SIZE } }],
    ["the image has more than 16 blocks", { ...INLINE, blockSize: 1024, size: 17 * 1024 }],
    ["a link key is on the link", { ...INLINE, linkKeys: keys() }],
  ] as const)("does not come before the accept where %s", (_, options) => {
    const seen = watch(options);
    healed(seen);
    expect(seen.firstAt(1, "packet")).toBeGreaterThan(seen.firstAt(0, "accept"));
  });

  it("is said in calls by nobody who has a link key, though its rescuer would ignore it", () => {
    const seen = watch({ ...INLINE, linkKeys: keys() });
    healed(seen);
    const said = seen.sent
      .filter(({ kind }) => kind === "distress")
      .map(({ bytes }) => decodeFrame(bytes, 0));
    expect(said.length).toBeGreaterThan(0);
    for (const call of said) expect(call).not.toHaveProperty("inlineBytes");
  });

  it("saves round trips, and is not slower on any line, however bad (6 seeds each)", () => {
    for (const [baud, latencyMs, ber, most] of [
      [115_200, 1, 0, 0.999],
      [115_200, 100, 0, 0.9],
      [921_600, 16, 0, 0.9],
      [9_600, 1, 1e-4, 1.03],
      [115_200, 1, 1e-4, 1.02],
      [115_200, 1, 5e-4, 1.02],
      [921_600, 16, 5e-4, 1.02],
    ] as const) {
      const sums = [false, true].map((isInline) => {
        let sum = 0;
        for (let seed = 1; seed <= 6; seed++)
          sum += verifiedAfter({
            seed,
            baud,
            latencyMs,
            faults: { ber },
            slot: foreign,
            ...(isInline ? INLINE : {}),
          });
        return sum / 6;
      });
      const [without = 0, within = 0] = sums;
      process.stdout.write(
        `${baud} bit/s, ${latencyMs} ms, bit errors ${ber}: ${without.toFixed(0)} ms without, ${within.toFixed(0)} ms inline\n`,
      );
      expect(within).toBeLessThan(without * most);
    }
  }, 120_000);
});

describe("what is sent behind an offer", () => {
  it("needs no accept: a question of the session stands for one that never comes", () => {
    const seen = watch(INLINE, (frame, from) =>
      from === 0 && decodeFrame(frame, undefined).tag === "accept" ? undefined : frame,
    );
    healed(seen);
    expect(seen.rescue.rescuerEvents.map(({ tag }) => tag)).toContain("accepted");
  });

  it("is sent again when the offer was lost, and stays within the window until then", () => {
    let offers = 0;
    const seen = watch({ ...INLINE, size: 60_000, slotSize: 61_440 }, (frame, from) => {
      const isOffer = from === 1 && decodeFrame(frame, undefined).tag === "offer";
      return isOffer && ++offers <= 6 ? undefined : frame;
    });
    expect(seen.rescue.run(1_000, () => offers >= 6)).toBe(true);
    const pushed = seen.sent
      .filter(({ kind }) => kind === "packet")
      .reduce((sum, { bytes }) => sum + bytes.length, 0);
    expect(pushed).toBeGreaterThan(4_000);
    expect(pushed).toBeLessThan(6_500);
    healed(seen);
  });

  it("ends when the board stands the rescuer down", () => {
    const clock = new VirtualClock();
    const seen = watch({ ...INLINE, clock, size: 60_000, slotSize: 61_440 }, (frame, from) => {
      const message = decodeFrame(frame, undefined);
      if (from === 0 && message.tag === "accept") {
        const { digest, rescuerNonce, targetNonce } = message;
        const nobody = new Uint8Array(8);
        const peer = { targetId: nobody, targetNonce, rescuerId: nobody, rescuerNonce, digest };
        return encodeMessage(standDownOf(peer, new Uint8Array(8).fill(3), 60_000), 0);
      }
      return frame;
    });
    expect(seen.rescue.run(5_000, () => seen.firstAt(0, "accept") < clock.now() - 60)).toBe(true);
    const stoppedAt = seen.firstAt(0, "accept") + 60;
    seen.rescue.run(3_000, () => false);
    expect(seen.packetsBetween(0, stoppedAt)).toBeGreaterThan(0);
    expect(seen.packetsBetween(stoppedAt, clock.now())).toBe(0);
    expect(seen.rescue.board.nor.counters.programs).toBe(0);
  });

  it.each([true, false])(
    "is judged by its manifest: a refusal ends it, nothing is written (accept heard: %s)",
    (isHeard) => {
      const clock = new VirtualClock();
      const wrongKey = { ...INLINE, clock, size: 60_000, slotSize: 61_440, trusts: [fixedKey(0x77)] };
      const seen = watch(wrongKey, (frame, from) =>
        !isHeard && from === 0 && decodeFrame(frame, undefined).tag === "accept" ? undefined : frame,
      );
      expect(seen.rescue.run(5_000, () => seen.firstAt(0, "refuse") < clock.now() - 60)).toBe(true);
      expect(seen.rescue.targetEvents).toContainEqual(
        expect.objectContaining({ tag: "refused", reason: "signature" }),
      );
      const stoppedAt = seen.firstAt(0, "refuse") + 60;
      seen.rescue.run(3_000, () => false);
      expect(seen.packetsBetween(0, stoppedAt)).toBeGreaterThan(2);
      expect(seen.packetsBetween(stoppedAt, clock.now())).toBe(0);
      const { programs, erases } = seen.rescue.board.nor.counters;
      expect([programs, erases]).toEqual([0, 0]);
    },
  );

  it("asks for what flash lacks, and for no more, where it holds most of the image", () => {
    const seen = watch({ ...INLINE, baud: 9_600 });
    healed(seen);
    const region = seen.rescue.board.nor.map.slots[0];
    seen.rescue.board.storage.write((region?.offset ?? 0) + 5_000, new Uint8Array(32));
    const before = seen.rescue.bytesOnWire;
    seen.rescue.restartTarget();
    const isHealedAgain = (): boolean =>
      seen.rescue.targetEvents.filter(({ tag }) => tag === "finished").length > 1;
    expect(seen.rescue.run(60_000, isHealedAgain)).toBe(true);
    // Without: manifest, run and one block. The first grant names that block alone.
    expect(seen.rescue.bytesOnWire - before).toBeLessThan(8_000);
  });

  it("is void where the board could not keep it: its blocks begin with the other attempt", () => {
    // The call is changed on its way: it says more than the board has room for while it checks.
    const slow = { delaysMs: [900], works: "last" } as const;
    const seen = watch(
      { isEager: true, limits: { inlineBytes: 4_096 }, slot: foreign, slow },
      (frame, from) => {
        const message = decodeFrame(frame, undefined);
        const isCall = from === 0 && message.tag === "distress";
        return isCall ? encodeMessage({ ...message, inlineBytes: 65_536 }, 0) : frame;
      },
    );
    healed(seen);
    expect(seen.firstAt(1, "packet")).toBeLessThan(seen.firstAt(1, "offer") + 20);
    expect(seen.rescue.targetEvents.some(({ tag }) => tag === "sessionLost")).toBe(false);
  });

  it.each(Array.from({ length: 4 }, (_, share) => share))(
    "arrives exactly on lines with losses, with boards and rescuers that start again: share %i",
    (share) => {
      for (let seed = share; seed < 60; seed += 4) {
        const random = new SeededRandom(seed);
        const faults = {
          ber: [0, 1e-5, 3e-4][seed % 3] ?? 0,
          frames: { loss: (randomBelow(random, 40) / 100) * (seed % 2), duplicate: 0.02 },
        };
        const size = 1_000 + randomBelow(random, 60_000);
        const slot = seed % 4 === 0 ? {} : { slot: new Uint8Array(size).fill(seed & 0xff) };
        const slotSize = Math.ceil(size / 4096) * 4096;
        const rescue = new VirtualRescue({ seed, size, slotSize, baud: 115_200, faults, ...slot, ...INLINE });
        rescue.run(randomBelow(random, 1_500), () => false);
        if (seed % 5 === 1) rescue.restartTarget();
        if (seed % 5 === 2) rescue.restartRescuer();
        expect(rescue.run(600_000), `seed ${seed}`).toBe(true);
        expect(rescue.flashed, `seed ${seed}`).toEqual(rescue.data);
        expect(rescue.board.boot().tag, `seed ${seed}`).toBe("boot");
      }
    },
    60_000,
  );
});

function keys(): NonNullable<VirtualRescueOptions["linkKeys"]> {
  const key = linkKeyOf(new Uint8Array(32).fill(7));
  return [key, key];
}
