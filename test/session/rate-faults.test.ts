import { describe, expect, it } from "vitest";
import { linkKeyOf } from "../../src/node/derived-link-key.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { decodeCobs } from "../../src/wire/cobs.ts";
import { forgedRate, forging } from "../support/forged-rates.ts";
import { RatedRescue, type RatedRescueOptions } from "../support/rated-rescue.ts";
import { wrappedTransport } from "../support/wrapped-transport.ts";

const LIMIT_MS = 120_000;
const SIZE = 65_536;
/** First bytes of *rate* and *rate-ok* (PROTOCOL.md 5.17, 5.18). */
const RATE = 0x32;
const RATE_OK = 0x51;

/** Runs to the end, healed; the virtual milliseconds that it took. */
function heal(rescue: RatedRescue): number {
  expect(rescue.run(LIMIT_MS, () => rescue.hasEvent("finished"))).toBe(true);
  expect(rescue.isHealed).toBe(true);
  return rescue.clock.now();
}

/** First byte of the frame in bytes of the line. */
function firstByteOf(bytes: Uint8Array): number {
  return decodeCobs(bytes.slice(bytes[0] === 0 ? 1 : 0, -1))?.[0] ?? 0;
}

/** Loses frames that `isLost` names, by their first byte; it is asked for each in turn. */
function losing(isLost: (first: number, from: 0 | 1) => boolean): Pick<RatedRescueOptions, "wrap"> {
  const wrap = (wire: Transport, end: 0 | 1): Transport =>
    wrappedTransport(wire, {
      write: (bytes) => {
        return isLost(firstByteOf(bytes), end) ? true : wire.write(bytes);
      },
    });
  return { wrap };
}

describe("the exchange about the rate of the line", () => {
  it("survives the loss of any one of the first 40 frames of a rescue", () => {
    for (let lost = 0; lost < 40; lost++) {
      let count = 0;
      const rescue = new RatedRescue({ size: SIZE, ...losing(() => count++ === lost) });
      expect(heal(rescue)).toBeLessThan(3_000);
      expect(rescue.setBy(1)).toContain(3_000_000);
    }
  });

  it.each([
    ["rate", RATE],
    ["rate-ok", RATE_OK],
  ])("survives the loss of the first one to five of its messages: %s", (_, first) => {
    for (let losses = 1; losses <= 5; losses++) {
      let left = losses;
      const rescue = new RatedRescue({ size: SIZE, ...losing((byte) => byte === first && left-- > 0) });
      expect(heal(rescue)).toBeLessThan(10_000);
    }
  });

  it.each([
    ["rate", RATE],
    ["rate-ok", RATE_OK],
  ])("that never completes leaves the line at the meeting rate, and the image arrives: %s", (_, first) => {
    const rescue = new RatedRescue({ size: SIZE, ...losing((byte) => byte === first) });
    heal(rescue);
    expect(rescue.setBy(1)).toEqual([]);
  });

  it("survives a line that carries nothing back at the new rate", () => {
    let isRaised = false;
    const rescue = new RatedRescue({
      size: SIZE,
      ...losing((byte, from) => {
        if (byte === RATE_OK) isRaised = true;
        return isRaised && from === 0 && rescue.bauds[0] === 3_000_000;
      }),
    });
    // The target believes that the rate is proven, and returns after a second of silence.
    expect(heal(rescue)).toBeLessThan(8_000);
    expect(rescue.setBy(1).at(-1)).toBe(921_600);
  });

  it("survives a restart of the target in each of its states", () => {
    let slow = 0;
    for (let at = 5; at < 800; at += 30) {
      const rescue = new RatedRescue({ size: SIZE, garbled: [3_000_000] });
      rescue.run(LIMIT_MS, () => rescue.clock.now() >= at);
      rescue.restartTarget();
      const ms = heal(rescue) - at;
      // What comes at another rate may look like text: the board is silent for 10 s then (PROTOCOL.md 2.4).
      if (ms > 3_000) slow++;
      expect(ms).toBeLessThan(13_000);
    }
    expect(slow).toBeLessThanOrEqual(3);
  });

  it("survives that the rescuer is killed in each of its states and another one comes", () => {
    for (let at = 5; at < 800; at += 30) {
      const rescue = new RatedRescue({ size: SIZE, garbled: [3_000_000] });
      rescue.run(LIMIT_MS, () => rescue.clock.now() >= at);
      rescue.restartRescuer();
      expect(heal(rescue)).toBeLessThan(at + 8_000);
    }
  });

  it("survives that the rescuer is killed and stays away for three seconds", () => {
    for (let at = 20; at < 800; at += 90) {
      const rescue = new RatedRescue({ size: SIZE, garbled: [3_000_000] });
      rescue.run(LIMIT_MS, () => rescue.clock.now() >= at);
      rescue.stopRescuer();
      rescue.run(at + 3_000, () => false);
      expect(rescue.bauds[0]).toBe(115_200);
      rescue.restartRescuer();
      expect(heal(rescue)).toBeLessThan(at + 9_000);
    }
  });
});

const key = linkKeyOf(new Uint8Array(32).fill(7));
const KEYS = [key, key] as const;

describe("a forged message about the rate", () => {
  it("cannot move a line whose link has a key", () => {
    const attacker = forging(forgedRate, 1, 3, 1000);
    const rescue = new RatedRescue({ linkKeys: KEYS, wrap: attacker.wrap });
    heal(rescue);
    expect(attacker.injected).toBeGreaterThan(20);
    expect(rescue.setBy(0)).toEqual([3_000_000]);
    const answers = forging((count) => ({ tag: "rateOk", step: count & 0xff, isTaken: true }), 0, 0, 1000);
    const other = new RatedRescue({ linkKeys: KEYS, wrap: answers.wrap, max: [undefined, 3_000_000] });
    heal(other);
    expect(answers.injected).toBeGreaterThan(20);
    expect(other.line.set).toEqual([]);
  });

  it("takes a target without a key away for 800 ms at most, and the image arrives", () => {
    const quiet = heal(new RatedRescue({}));
    const attacker = forging(forgedRate, 1, 60, 1);
    const rescue = new RatedRescue({ wrap: attacker.wrap });
    const ms = heal(rescue);
    expect(attacker.injected).toBe(1);
    expect(rescue.setBy(0)).toEqual([3_000_000, 921_600, 3_000_000]);
    const [, left, back] = rescue.line.set.filter(([end]) => end === 0).map(([, , at]) => at);
    expect((back ?? 0) - (left ?? 0)).toBeLessThan(340);
    // What it lost is sent again.
    expect(ms - quiet).toBeLessThan(1_200);
  });

  it("is obeyed twelve times in a session at most, however often it is sent", () => {
    const attacker = forging(forgedRate, 1, 60, 100_000);
    const rescue = new RatedRescue({ wrap: attacker.wrap });
    const ms = heal(rescue);
    expect(attacker.injected).toBeGreaterThan(100);
    expect(rescue.setBy(0).filter((baud) => baud === 921_600).length).toBeLessThanOrEqual(12);
    // At worst the image comes at the meeting rate.
    expect(ms - heal(new RatedRescue({ max: [undefined, undefined] }))).toBeLessThan(9_600);
  });

  it("that answers in place of the target takes a rescuer away for 400 ms at most", () => {
    const attacker = forging((count) => ({ tag: "rateOk", step: count + 1, isTaken: true }), 1, 0, 30);
    const wrap = (wire: Transport, end: 0 | 1): Transport =>
      attacker.wrap(
        wrappedTransport(wire, {
          write: (bytes) => {
            return end === 1 && firstByteOf(bytes) === RATE ? true : wire.write(bytes);
          },
        }),
        end,
      );
    const rescue = new RatedRescue({ wrap });
    heal(rescue);
    expect(rescue.setBy(0)).toEqual([]);
  });
});
