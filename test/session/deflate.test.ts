import { deflateRawSync, inflateRawSync } from "node:zlib";
import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { codeLengths } from "../../src/session/deflate/code-lengths.ts";
import { deflate } from "../../src/session/deflate/deflate.ts";
import { inflate } from "../../src/session/deflate/inflate.ts";
import { tameFirmware } from "../support/tame-firmware.ts";

function expectRead(bytes: Uint8Array, dictionary?: Uint8Array): number {
  const deflated = deflate(bytes, dictionary);
  const byZlib = inflateRawSync(deflated, dictionary && { dictionary });
  expect(Buffer.compare(byZlib, bytes)).toBe(0);
  const byOurs = inflate(deflated, bytes.length, dictionary);
  expect(byOurs !== undefined && Buffer.compare(byOurs, bytes) === 0).toBe(true);
  return deflated.length;
}

describe("deflating", () => {
  it("gives streams that zlib and we read, of nothing, of one byte, of one value, and of what does not compress", () => {
    const random = randomBytes(new SeededRandom(3), 65_536);
    for (const bytes of [new Uint8Array(), Uint8Array.of(7), new Uint8Array(65_536), random])
      expectRead(bytes);
  });

  it("takes at most 1 in 50 bytes more than zlib at its sixth level, in blocks with a dictionary before them", () => {
    const data = tameFirmware(65_536 + 32_768);
    let [ours, zlibs] = [0, 0];
    for (let at = 32_768; at < data.length; at += 4096) {
      const [block, dictionary] = [data.subarray(at, at + 4096), data.subarray(at - 32_768, at)];
      ours += expectRead(block, dictionary) + expectRead(block);
      zlibs += deflateRawSync(block, { dictionary }).length + deflateRawSync(block).length;
    }
    expect(ours).toBeLessThan(1.02 * zlibs);
  });

  const symbol = fc.constantFrom(0, 0, 0, 0, 1, 1, 2, 3, 200, 255);
  const block = fc.oneof(
    fc.uint8Array({ maxLength: 3000 }),
    fc.array(symbol, { maxLength: 3000 }).map((all) => Uint8Array.from(all)),
  );
  property.prop([block, block], { seed: 0x1951, numRuns: 300 })(
    "gives a stream that zlib and we read, with a dictionary and without",
    (bytes, dictionary) => {
      expectRead(bytes);
      expectRead(bytes, dictionary);
    },
  );
});

describe("lengths of a code", () => {
  /** Fibonacci numbers make the deepest tree. */
  const steep = Array.from({ length: 25 }, (_, i) => Math.round(1.618034 ** i));
  const counts = fc.array(fc.oneof(fc.nat(2), fc.nat(100_000)), { minLength: 2, maxLength: 286 });

  it("are bounded where the tree is deeper, and use all codes", () => {
    for (const bitsMax of [5, 7, 15]) {
      const lengths = codeLengths(steep, bitsMax);
      expect(Math.max(...lengths)).toBe(bitsMax);
      expect(lengths.reduce((sum, length) => sum + 2 ** -length, 0)).toBe(1);
    }
  });

  property.prop([counts, fc.constantFrom(9, 15)], { seed: 0x1951 })(
    "are there for each symbol that occurs, within their bound, and use all codes",
    (all, bitsMax) => {
      const lengths = codeLengths(all, bitsMax);
      expect(Math.max(...lengths)).toBeLessThanOrEqual(bitsMax);
      for (const [symbol, count] of all.entries()) if (count > 0) expect(lengths[symbol]).toBeGreaterThan(0);
      expect(lengths.reduce((sum, length) => sum + (length === 0 ? 0 : 2 ** -length), 0)).toBe(1);
    },
  );
});
