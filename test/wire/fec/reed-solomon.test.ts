import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { golayDecode, golayEncode } from "../../../src/wire/fec/golay.ts";
import { mend, writeParity } from "../../../src/wire/fec/reed-solomon.ts";

function codewordOf(data: Uint8Array, mendable: number): Uint8Array {
  const codeword = new Uint8Array(data.length + 2 * mendable);
  codeword.set(data);
  writeParity(data, codeword.subarray(data.length));
  return codeword;
}

/** A codeword of any strength and length, and changes to some of its bytes. */
const damaged = fc
  .tuple(fc.integer({ min: 1, max: 16 }), fc.uint8Array({ minLength: 1, maxLength: 223 }))
  .chain(([mendable, data]) =>
    fc.record({
      mendable: fc.constant(mendable),
      data: fc.constant(data),
      changes: fc.uniqueArray(
        fc.tuple(fc.nat({ max: data.length + 2 * mendable - 1 }), fc.integer({ min: 1, max: 255 })),
        { maxLength: 2 * mendable, selector: ([place]) => place },
      ),
    }),
  );

describe("Reed-Solomon (PROTOCOL.md 2.5)", () => {
  it("gives the check words of the QR code 1-M of HELLO WORLD", () => {
    const data = Uint8Array.of(32, 91, 11, 120, 209, 114, 220, 77, 67, 64, 236, 17, 236, 17, 236, 17);
    const parity = new Uint8Array(10);
    writeParity(data, parity);
    expect([...parity]).toEqual([196, 35, 39, 119, 235, 215, 231, 226, 93, 23]);
  });

  it("takes a codeword of zeros for what it is", () => {
    expect(mend(new Uint8Array(255), 32)).toBe(0);
  });

  property.prop([damaged], { seed: 0x0fec })(
    "mends any wrong bytes, up to as many as it can, and never throws for more",
    ({ mendable, data, changes }) => {
      const clean = codewordOf(data, mendable);
      const codeword = clean.slice();
      for (const [place, change] of changes) codeword[place] = (codeword[place] ?? 0) ^ change;
      const before = codeword.slice();
      const mended = mend(codeword, 2 * mendable);
      if (changes.length <= mendable) {
        expect(mended).toBe(changes.length);
        expect(codeword).toEqual(clean);
      } else if (mended === undefined) expect(codeword).toEqual(before);
      // Else it is another codeword, no farther away than one that can be mended.
      else {
        expect(mended).toBeLessThanOrEqual(mendable);
        expect(codewordOf(codeword.subarray(0, data.length), mendable)).toEqual(codeword);
      }
    },
  );

  property.prop([fc.uint8Array({ minLength: 33, maxLength: 255 }), fc.integer({ min: 1, max: 16 })], {
    seed: 0x0fec,
  })("makes of any bytes a codeword, or leaves them as they are", (bytes, mendable) => {
    const codeword = bytes.slice();
    const mended = mend(codeword, 2 * mendable);
    if (mended === undefined) expect(codeword).toEqual(bytes);
    else expect(codewordOf(codeword.subarray(0, -2 * mendable), mendable)).toEqual(codeword);
  });
});

describe("the Golay code of names (PROTOCOL.md 2.5)", () => {
  it("has words that differ in eight bits at least", () => {
    const words = Array.from({ length: 4096 }, (_, data) => golayEncode(data));
    const weights = words.map((word) => word.toString(2).replaceAll("0", "").length);
    // Linear: the distance of two words is the weight of a third one.
    expect(weights.filter((weight) => weight > 0 && weight < 8)).toEqual([]);
    expect(weights.filter((weight) => weight === 8)).toHaveLength(759);
  });

  property.prop([fc.nat({ max: 4095 }), fc.uniqueArray(fc.nat({ max: 23 }), { maxLength: 4 })], {
    seed: 0x0fec,
  })("tells a word with up to three wrong bits, and refuses one with four", (data, bits) => {
    const received = bits.reduce((word, bit) => word ^ (1 << bit), golayEncode(data));
    expect(golayDecode(received)).toBe(bits.length <= 3 ? data : undefined);
  });
});
