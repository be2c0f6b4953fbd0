import { describe, expect, it } from "vitest";
import { randomBelow, randomBytes, SeededRandom } from "../../../src/base/prng.ts";
import { findMissing } from "../../../src/link/strangers/missing-bytes.ts";
import { encodeDelimited } from "../../../src/wire/cobs.ts";
import { frameCrc } from "../../../src/wire/crc.ts";
import { crcStart } from "../../../src/wire/crc-steps.ts";

const PAIRS = [
  { byte: 0xff, isFirst: true },
  { byte: 0x7f, isFirst: false },
];

/** A frame with its CRC in COBS, without delimiters. */
function runOf(random: SeededRandom, length: number, tag: number | undefined): Uint8Array {
  const bytes = randomBytes(random, length + 4);
  // Some zeros, and some stretches without one.
  for (let i = 0; i < length; i++) if (bytes[i] === 0x42) bytes[i] = 0;
  new DataView(bytes.buffer).setUint32(length, frameCrc(bytes.subarray(0, length), tag), true);
  return encodeDelimited(bytes).slice(1, -1);
}

const without = (run: Uint8Array, at: number, count: number): Uint8Array =>
  Uint8Array.from([...run.subarray(0, at), ...run.subarray(at + count)]);

describe("what is missing in a run", () => {
  it.each([undefined, 1, 0x1234_5678, 0xffff_ffff])(
    "is found wherever one byte was taken out, with tag %s",
    (tag) => {
      const random = new SeededRandom(7);
      for (const length of [5, 20, 60, 300, 600]) {
        const run = runOf(random, length, tag);
        for (let at = 0; at < run.length; at += length > 100 ? 7 : 1) {
          const byte = run[at] as number;
          expect(findMissing(without(run, at, 1), crcStart(tag), [byte], []), `${length} at ${at}`).toBe(
            byte,
          );
        }
      }
    },
  );

  it("is a pair of a known and an unknown byte", () => {
    const random = new SeededRandom(8);
    let pairs = 0;
    for (let tries = 0; tries < 1000; tries++) {
      const run = runOf(random, 40 + randomBelow(random, 300), undefined);
      // The last byte of a stretch with the code byte behind it is not looked for.
      const at = 1 + randomBelow(random, Math.max(1, (run[0] as number) - 3));
      const missing = PAIRS.filter(({ byte, isFirst }) => run[isFirst ? at : at + 1] === byte);
      const found = findMissing(without(run, at, 2), crcStart(undefined), [], PAIRS);
      if (missing.length === 0) expect(found).toBeUndefined();
      else expect(missing).toContainEqual(found);
      pairs += missing.length;
    }
    expect(pairs).toBeGreaterThan(3);
  });

  it("is nothing in a whole run, in noise, and for another session", () => {
    const random = new SeededRandom(9);
    const all = Array.from({ length: 255 }, (_, i) => i + 1);
    for (let tries = 0; tries < 200; tries++) {
      const noise = randomBytes(random, 100).map((byte) => byte || 1);
      expect(findMissing(noise, crcStart(undefined), all, PAIRS)).toBeUndefined();
    }
    const run = runOf(random, 40, 5);
    expect(findMissing(without(run, 9, 1), crcStart(6), all, PAIRS)).toBeUndefined();
    expect(findMissing(new Uint8Array(0), crcStart(5), all, PAIRS)).toBeUndefined();
  });

  it("is nothing, and is found to be so at once, in a run with zeros", () => {
    const all = Array.from({ length: 255 }, (_, i) => i + 1);
    const random = new SeededRandom(10);
    for (let tries = 0; tries < 200; tries++) {
      const run = randomBytes(random, 60).map((byte, i) => (i % 7 === tries % 7 ? 0 : byte));
      expect(findMissing(run, crcStart(undefined), all, PAIRS)).toBeUndefined();
    }
  });
});
