import { describe, expect, it } from "vitest";
import { wrappedTransport } from "../support/wrapped-transport.ts";
import { bytesOf, countOf, HOUR_MS, linesAbout, secondsOf, watched } from "./support.ts";

/** A rescue over a line that carries bytes for `aliveMs` out of every `periodMs`, both ways. */
function overBrokenLine(
  seed: number,
  aliveMs: number,
  periodMs: number,
  data: Uint8Array = bytesOf(2, 262_144),
) {
  return watched((clock) => ({
    seed,
    data,
    wrap: (wire) =>
      wrappedTransport(wire, {
        onBytes: (bytes, handlers) => {
          if (clock.now() % periodMs < aliveMs) handlers.onBytes(bytes);
        },
      }),
  }));
}

describe("lines that hardly carry anything", () => {
  it.for([
    [2_000, 20_000, 1],
    [2_000, 20_000, 2],
    [2_000, 20_000, 3],
    [5_000, 60_000, 1],
    [5_000, 60_000, 2],
    [5_000, 60_000, 3],
  ])(
    "heals within 1.4 times what the line needs, when that is there %i of %i ms (fault F7, repaired; seed %i)",
    async ([aliveMs = 0, periodMs = 0, seed = 0], { annotate }) => {
      const { rescue, target, rescuer } = overBrokenLine(seed, aliveMs, periodMs);
      const isHealed = rescue.run(HOUR_MS);
      const needsS = (262_144 / 11.52 / 1000) * (periodMs / aliveMs);
      const healedS = secondsOf(rescuer, "healed") ?? Number.POSITIVE_INFINITY;
      const sessions = countOf(target, "offered");
      await annotate(
        `line needs ${needsS.toFixed(0)} s, healed at ${healedS.toFixed(0)} s, ${sessions} sessions`,
      );
      expect(isHealed).toBe(true);
      expect(healedS / needsS).toBeLessThan(1.4);
    },
  );

  it.each([1, 2, 3])(
    "heals 64 KiB at 115200 within 29 s over a line that is there 2 of every 8 s (seed %i)",
    (seed) => {
      const { rescue, rescuer } = overBrokenLine(seed, 2_000, 8_000, bytesOf(2, 65_536));
      expect(rescue.run(HOUR_MS)).toBe(true);
      expect(secondsOf(rescuer, "healed")).toBeLessThan(29);
    },
  );

  it.each([
    [
      "plain text",
      (i: number) => "the quick brown fox jumps over the lazy dog, 100% of it\r\n".charCodeAt(i % 57),
    ],
    [
      "text with prompts",
      (i: number) => "root@board:/# reboot\r\n=> Hit any key to stop autoboot: 2 ".charCodeAt(i % 59),
    ],
  ])(
    "heals as fast an image of %s, though frames of it are cut off whenever the line dies",
    (_what, byteAt) => {
      // Each block is another one, so that nothing of it is sent in a shorter form.
      const data = Uint8Array.from({ length: 262_144 }, (_, i) =>
        i % 4096 < 8 ? (i >> (i % 4)) & 0xff : byteAt(i),
      );
      const { rescue, rescuer } = overBrokenLine(1, 2_000, 8_000, data);
      expect(rescue.run(HOUR_MS)).toBe(true);
      expect(secondsOf(rescuer, "healed")).toBeLessThan(1.4 * (262_144 / 11.52 / 1000) * 4);
    },
  );

  it("heals over a line that is there half of the time, as fast as that line is (control of F7)", () => {
    const { rescue, rescuer } = overBrokenLine(1, 10_000, 20_000);
    expect(rescue.run(HOUR_MS)).toBe(true);
    expect(secondsOf(rescuer, "healed")).toBeLessThan(60);
  });

  function atBaud(baud: number) {
    const pieceBytes = Math.max(1, Math.min(32, Math.floor(baud / 1000)));
    const run = watched(() => ({ seed: 1, data: bytesOf(2, 65_536), baud, pieceBytes }));
    const lineS = 65_536 / (baud / 10);
    return { ...run, lineS, isHealed: run.rescue.run(lineS * 4_000) };
  }

  it("heals at 300 baud within 1.5 line times (fault F14, repaired)", () => {
    const { isHealed, rescuer, lineS } = atBaud(300);
    expect(isHealed).toBe(true);
    expect((secondsOf(rescuer, "healed") ?? Number.POSITIVE_INFINITY) / lineS).toBeLessThan(1.5);
  });

  it.each([600, 1200, 2400])("heals without a lost session at %i baud (fault F14, repaired)", (baud) => {
    const { isHealed, target, rescuer, lineS } = atBaud(baud);
    expect(isHealed).toBe(true);
    expect([...linesAbout(target, "sessionLost"), ...linesAbout(rescuer, "sessionLost")]).toEqual([]);
    expect((secondsOf(rescuer, "healed") ?? Number.POSITIVE_INFINITY) / lineS).toBeLessThan(1.15);
  });
});
