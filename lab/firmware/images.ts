import { type Random, randomBelow, randomBytes, randomChance } from "../../src/base/prng.ts";
import { type ImageSource, memoryImage } from "../../src/image/image-source.ts";
import type { ImageFields } from "../../src/image/manifest.ts";
import { mutated, pick } from "../fuzz/mutate.ts";
import { BOARD, KEYS } from "./manifests.ts";

/** Bytes of an image: noise, with stretches of one byte in a part of them. */
function content(random: Random, size: number, blockSize: number, values: readonly number[]): Uint8Array {
  const bytes = randomBytes(random, size);
  if (!randomChance(random, 0.3)) return bytes;
  for (let left = 1 + randomBelow(random, 2); left > 0; left--) {
    const first = blockSize * randomBelow(random, Math.ceil(size / blockSize));
    const end = first + blockSize * (1 + randomBelow(random, 3));
    bytes.fill(pick(random, values), first, Math.min(size, end));
  }
  return bytes;
}

/** What an image of these boards may be like. */
export interface ImageShape {
  readonly blockSize: number;
  /** Bytes at most. */
  readonly sizeMax: number;
  /** No image has smaller blocks. */
  readonly isOneBlockSize?: boolean;
  /** Bytes that some blocks repeat. */
  readonly values?: readonly number[];
}

/** An image for a board, or one that it does not take for a reason of its manifest. */
export function randomImage(random: Random, shape: ImageShape, base?: ImageSource): ImageSource {
  const { blockSize, sizeMax, isOneBlockSize = false, values = [0x00, 0xff, 0xff, 0x5a] } = shape;
  const rarely = <T>(usual: T, other: () => T): T => (randomChance(random, 0.95) ? usual : other());
  const size = rarely(1 + randomBelow(random, sizeMax), () => sizeMax + 1 + randomBelow(random, 4000));
  const bytes =
    base !== undefined && randomChance(random, 0.5)
      ? near(random, base)
      : content(random, size, blockSize, values);
  const role = rarely("app" as const, () => "recovery" as const);
  const counter = rarely(randomBelow(random, 4), () => pick(random, [999, 1000, 1001, 1005, 0xffff_ffff]));
  const fields: ImageFields = {
    ...BOARD,
    hardwareClass: rarely(BOARD.hardwareClass, () => "door"),
    version: { major: 1, minor: randomBelow(random, 3), patch: randomBelow(random, 3) },
    ...(randomChance(random, 0.3) ? { sequence: randomBelow(random, 4) } : {}),
    counter,
    notAfterCounter: rarely(0xffff_ffff, () => counter),
    blockSize: rarely(blockSize, () =>
      pick(random, isOneBlockSize ? [32_768, 65_536] : [1024, 2048, 4096, 8192]),
    ),
    role,
    confirm: randomChance(random, 0.3) ? "by-app" : "on-verify",
    revisionMin: rarely(0, () => pick(random, [3, 4])),
  };
  const signer = rarely(KEYS[0], () => pick(random, [KEYS[1], KEYS[2], undefined]));
  return memoryImage(bytes, fields, signer);
}

/** The bytes of another image with a few of them changed. */
function near(random: Random, base: ImageSource): Uint8Array {
  const blocks = Array.from({ length: base.manifest.leafCount }, (_, i) => base.readBlockSync(i));
  const bytes = new Uint8Array(Buffer.concat(blocks));
  for (let left = 1 + randomBelow(random, 3); left > 0; left--)
    bytes[randomBelow(random, bytes.length)] = random.u32() & 0xff;
  return bytes;
}

/** The image's envelope, or one near it. */
export function bentEnvelope(random: Random, { envelope }: ImageSource): Uint8Array {
  return randomChance(random, 0.93) ? envelope : mutated(random, [envelope]).slice(0, 640);
}
