import { describe, expect, it } from "vitest";
import { concatBytes } from "../../src/base/bytes.ts";
import { FailedError } from "../../src/base/errors.ts";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { type ImageSource, memoryImage } from "../../src/image/image-source.ts";
import { type Deflate, ImageCoders } from "../../src/node/image-coder.ts";
import { type CodedBlock, isCodedCodec, KNOWN_CODECS, PLAIN_CODECS } from "../../src/session/codecs.ts";
import { decodeCoded } from "../../src/session/coded-block.ts";
import { deflate } from "../../src/session/deflate/deflate.ts";
import { Codec, codecBit } from "../../src/wire/constants.ts";
import { tameFirmware } from "../support/tame-firmware.ts";

const SIZE = 4096;
const FIELDS = { vendor: "acme", hardwareClass: "gate", version: { major: 1, minor: 0, patch: 0 } };
const TAME: ImageSource = memoryImage(tameFirmware(24 * SIZE), { ...FIELDS, blockSize: SIZE });
const all = (): boolean => true;

/** What codes, and how often it did. */
function counting(): { readonly coders: ImageCoders; calls: number } {
  const compress: Deflate = (bytes, dictionary) => {
    seen.calls++;
    return deflate(bytes, dictionary);
  };
  const seen = { coders: new ImageCoders(compress), calls: 0 };
  return seen;
}

function namesOf({ payload }: CodedBlock): number[] {
  const count = payload[3] ?? 0;
  return Array.from({ length: count }, (_, i) => payload[4 + 3 * i] ?? 0);
}

/** Codes all blocks of an image, each when those before it are held. */
function codeAll(coders: ImageCoders, image: ImageSource): (CodedBlock | undefined)[] {
  const coder = coders.of(image);
  return Array.from({ length: image.manifest.leafCount }, (_, i) =>
    coder.code(i, image.readBlockSync(i), KNOWN_CODECS, (other) => other < i),
  );
}

describe("the coder of an image", () => {
  it("names up to eight blocks of 4 KiB that are held, and never the block itself", () => {
    for (const [i, made] of codeAll(new ImageCoders(), TAME).entries()) {
      if (made === undefined || !isCodedCodec(made.codec)) return expect.fail(`block ${i} is not coded`);
      expect(made.codec).toBe(i === 0 ? Codec.deflate : Codec.dictionary);
      if (i > 0) expect(Math.max(...namesOf(made))).toBeLessThan(i);
      if (i > 0) expect(namesOf(made).length).toBeLessThanOrEqual(8);
      const block = decodeCoded(made.codec, made.payload, SIZE, SIZE, (other) => TAME.readBlockSync(other));
      expect(block).toEqual(TAME.readBlockSync(i));
    }
  });

  it("finds the block that is most alike, and names it last", () => {
    const random = new SeededRandom(1);
    const noise = Array.from({ length: 12 }, () => randomBytes(random, SIZE));
    const like = concatBytes(
      (noise[7] ?? (noise[0] as Uint8Array)).subarray(0, 3000),
      (noise[2] as Uint8Array).subarray(0, 1096),
    );
    const tame = noise.map((bytes) => concatBytes(bytes.subarray(0, SIZE - 200), new Uint8Array(200)));
    const image = memoryImage(concatBytes(...tame, like), { ...FIELDS, blockSize: SIZE });
    const made = codeAll(new ImageCoders(), image).at(-1);
    expect(made && namesOf(made)).toEqual([2, 7]);
    expect(made?.payload.length).toBeLessThan(200);
  });

  it("uses no codec that is not allowed", () => {
    const { coders } = counting();
    codeAll(coders, TAME);
    const again = (allowed: number) => coders.of(TAME).code(5, TAME.readBlockSync(5), allowed, all)?.codec;
    expect(again(KNOWN_CODECS)).toBe(Codec.dictionary);
    expect(again(PLAIN_CODECS | codecBit(Codec.deflate))).toBe(Codec.deflate);
    expect(again(PLAIN_CODECS)).toBeUndefined();
  });

  it("gives what it made again to the next board, if that holds what is named", () => {
    const seen = counting();
    const first = codeAll(seen.coders, TAME);
    const { calls } = seen;
    expect(codeAll(seen.coders, TAME)).toEqual(first);
    expect(seen.calls).toBe(calls);
    const other = seen.coders.of(TAME).code(9, TAME.readBlockSync(9), KNOWN_CODECS, () => false);
    expect(other?.codec).toBe(Codec.deflate);
    expect(seen.calls).toBe(calls + 1);
  });

  it("names nothing when a block can no longer be read, and says so to nobody: the session asks for that block itself", () => {
    const changed: ImageSource = {
      ...TAME,
      readBlockSync: () => {
        throw new FailedError("image-changed", "changed");
      },
    };
    const coders = new ImageCoders();
    codeAll(coders, TAME);
    const made = coders.of(changed).code(9, TAME.readBlockSync(9), KNOWN_CODECS, (other) => other === 3);
    expect(made?.codec).toBe(Codec.deflate);
  });

  it("tries one block in eight of an image that does not compress, until one does", () => {
    const data = randomBytes(new SeededRandom(2), 64 * SIZE);
    data.fill(1, 56 * SIZE, 57 * SIZE);
    data.fill(1, 60 * SIZE, 60 * SIZE + 2000);
    const image = memoryImage(data, { ...FIELDS, blockSize: SIZE });
    const seen = counting();
    const made = codeAll(seen.coders, image);
    // Eight in a row, six of the next 48, and from block 56 on all eight.
    expect(seen.calls).toBe(8 + 6 + 8);
    expect(made.flatMap((one, i) => (one === undefined ? [] : [i]))).toEqual([56, 60]);
  });

  it("keeps 4 MiB of coded blocks of an image, and those of two images", () => {
    let calls = 0;
    const large: Deflate = () => {
      calls++;
      return new Uint8Array(60_000);
    };
    const coders = new ImageCoders(large);
    const imageOf = (minor: number): ImageSource =>
      memoryImage(new Uint8Array(80 * 65_536), {
        ...FIELDS,
        version: { major: 1, minor, patch: 0 },
        blockSize: 65_536,
      });
    const [a, b, c] = [imageOf(1), imageOf(2), imageOf(3)];
    const code = (image: ImageSource, i: number): number => {
      const before = calls;
      coders.of(image).code(i, image.readBlockSync(i), codecBit(Codec.deflate), all);
      return calls - before;
    };
    for (let i = 0; i < 80; i++) code(a, i);
    expect([code(a, 79), code(a, 11), code(a, 0)]).toEqual([0, 0, 1]);
    code(b, 0);
    expect([code(a, 79), code(b, 0)]).toEqual([0, 0]);
    code(c, 0);
    expect([code(b, 0), code(a, 79)]).toEqual([0, 1]);
  });
});
