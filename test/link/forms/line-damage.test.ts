import { describe, expect, it } from "vitest";
import { randomChance, SeededRandom } from "../../../src/base/prng.ts";
import { LineDamage } from "../../../src/link/forms/line-damage.ts";

const random = new SeededRandom(9);

/** Frames in COBS over a line with this many events per byte. */
function sendPlain(damage: LineDamage, rate: number, frames: number, bytes = 300): void {
  for (let i = 0; i < frames; i++)
    damage.settle({ tag: "plain", bytes, isLost: randomChance(random, 1 - Math.exp(-rate * bytes)) });
}

/** Frames in the second form, all of which arrive, with this many wrong bytes per byte. */
function sendCoded(damage: LineDamage, rate: number, frames: number, bytes = 1000): void {
  for (let i = 0; i < frames; i++) {
    let wrongBytes = 0;
    for (let at = 0; at < bytes; at++) if (randomChance(random, rate)) wrongBytes++;
    damage.settle({ tag: "mended", bytes, wrongBytes });
  }
}

describe("LineDamage (PROTOCOL.md 2.5)", () => {
  it("knows of no damage before a frame is lost or mended", () => {
    const damage = new LineDamage();
    sendPlain(damage, 0, 50);
    expect(damage.hasEvidence).toBe(false);
    damage.settle({ tag: "mended", bytes: 1000, wrongBytes: 1 });
    expect(damage.hasEvidence).toBe(true);
  });

  it("estimates wrong bytes from what was mended", () => {
    const damage = new LineDamage();
    sendCoded(damage, 8e-3, 200);
    expect(damage.wrongRate).toBeGreaterThan(7e-3);
    expect(damage.wrongRate).toBeLessThan(9e-3);
    expect(damage.fatalRate).toBeLessThan(1e-6);
  });

  it("takes losses in COBS for fatal ones where the second form has nothing to mend", () => {
    const damage = new LineDamage();
    sendPlain(damage, 1e-4, 100);
    const before = damage.fatalRate / damage.wrongRate;
    sendCoded(damage, 0, 20);
    for (let i = 0; i < 4; i++) damage.settle({ tag: "unmended", bytes: 1000, odds: 1e-9, wrongBytes: 17 });
    sendPlain(damage, 1e-4, 400);
    expect(before).toBeLessThan(1);
    expect(damage.fatalRate / damage.wrongRate).toBeGreaterThan(5);
  });

  it("takes a loss in the second form for wrong bytes where these explain it", () => {
    const damage = new LineDamage();
    sendCoded(damage, 8e-3, 50);
    const { fatalRate } = damage;
    damage.settle({ tag: "unmended", bytes: 1000, odds: 0.3, wrongBytes: 12 });
    expect(damage.fatalRate).toBeLessThan(fatalRate + 1e-7);
  });

  it.each([
    ["better", 8e-3, 0],
    ["worse", 0, 8e-3],
  ])("notices within 16 frames that the line got %s", (_, before, after) => {
    const damage = new LineDamage();
    sendCoded(damage, before, 400);
    sendCoded(damage, after, 16);
    if (after === 0) expect(damage.wrongRate).toBeLessThan(8e-4);
    else expect(damage.wrongRate).toBeGreaterThan(4e-3);
  });

  it("takes a hint of the other direction until it has damage of its own", () => {
    const damage = new LineDamage();
    damage.hint(5e-3);
    expect(damage.hasEvidence).toBe(true);
    expect(damage.wrongRate).toBeCloseTo(5e-3, 6);
    damage.hint(1);
    expect(damage.wrongRate).toBeCloseTo(5e-3, 6);
  });
});
