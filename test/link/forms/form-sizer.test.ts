import { describe, expect, it } from "vitest";
import { FormSizer } from "../../../src/link/forms/form-sizer.ts";
import { LineDamage } from "../../../src/link/forms/line-damage.ts";
import { PAYLOAD_MAX } from "../../../src/wire/constants.ts";
import { CODED_FRAME_MAX } from "../../../src/wire/fec/coded-frame.ts";
import { delimitedCobs } from "../../../src/wire/line-code.ts";

function newSizer(damage: LineDamage, payloadMax = PAYLOAD_MAX, payload?: number): FormSizer {
  return new FormSizer(
    damage,
    { payloadMax, overhead: delimitedCobs.overhead, bytesPerMs: 92.16, payload },
    0,
  );
}

/** A line that is known to have this many wrong bytes, and fatal events, per byte. */
function lineWith(wrong: number, fatal: number): LineDamage {
  const damage = new LineDamage();
  for (let i = 0; i < 400; i++)
    damage.settle({
      tag: "mended",
      bytes: 1000,
      wrongBytes: Math.round(wrong * 1000 * (i + 1)) - Math.round(wrong * 1000 * i),
    });
  for (let i = 0; i < fatal * 400_000; i++)
    damage.settle({ tag: "unmended", bytes: 1, odds: 1e-12, wrongBytes: 17 });
  return damage;
}

/** The form of the next frame of a block, trials apart. */
function nextForm(sizer: FormSizer): number {
  sizer.cut(4096);
  return sizer.mendable;
}

describe("FormSizer (PROTOCOL.md 2.5)", () => {
  it("begins as without a second form: with 256 bytes in COBS", () => {
    const sizer = newSizer(new LineDamage());
    expect([sizer.payload, nextForm(sizer)]).toEqual([256, 0]);
  });

  it.each([
    [8e-6, 0],
    [8e-5, 1],
    [8e-4, 2],
    [8e-3, 5],
    [2.4e-2, 10],
  ])("codes more the more bytes are wrong: %d per byte, t at least %i", (wrong, least) => {
    const mendable = nextForm(newSizer(lineWith(wrong, 0)));
    expect(mendable).toBeGreaterThanOrEqual(least);
    expect(mendable).toBeLessThanOrEqual(least === 0 ? 1 : 2 * least + 1);
  });

  it("stays with COBS where what is lost cannot be mended", () => {
    expect(nextForm(newSizer(lineWith(0, 1e-4)))).toBe(0);
  });

  it("tries the second form once in 64 frames of a bad line, with all its strength, and never on one without damage", () => {
    const forms = (sizer: FormSizer): number[] => Array.from({ length: 256 }, () => nextForm(sizer));
    expect(forms(newSizer(lineWith(0, 1e-4))).filter((form) => form > 0)).toEqual([16, 16, 16, 16]);
    expect(forms(newSizer(new LineDamage())).filter((form) => form > 0)).toEqual([]);
  });

  it("cuts a stretch into equal parts of what the peer takes, and of what fits a frame of the second form", () => {
    for (const payloadMax of [32, 100, 1024, PAYLOAD_MAX]) {
      const sizer = newSizer(lineWith(8e-5, 0), payloadMax);
      const cut = sizer.cut(4096);
      expect(cut % 32).toBe(0);
      expect(cut).toBeLessThanOrEqual(Math.min(payloadMax, CODED_FRAME_MAX));
    }
  });

  it("keeps the payload that its user chose, in both forms", () => {
    expect(newSizer(new LineDamage(), PAYLOAD_MAX, 128).payload).toBe(128);
    const sizer = newSizer(lineWith(8e-3, 0), PAYLOAD_MAX, 128);
    expect([sizer.payload, nextForm(sizer) > 0]).toEqual([128, true]);
  });
});
