import { stat } from "node:fs/promises";
import { UsageError } from "../base/errors.ts";
import { writeAtomically } from "../files/atomic-file.ts";
import { openRegular, writeFully } from "../files/regular-file.ts";
import { setMode } from "../files/set-mode.ts";
import type { FirmwareFacts } from "../image/firmware/firmware.ts";
import { encodeImageHeader } from "../image/image-header.ts";
import { type ImageSource, memoryImage, sealImage } from "../image/image-source.ts";
import type { SigningKey } from "../image/keys.ts";
import {
  BLOCK_SIZE_DEFAULT,
  IMAGE_SIZE_MAX,
  type ImageFields,
  isBlockSize,
  LEAF_COUNT_MAX,
  leafCountOf,
} from "../image/manifest.ts";
import { digestFile } from "./file-digest.ts";
import { ImageFile } from "./image-file.ts";
import { type InputChoice, inputFormat, readAddressed } from "./input-format.ts";

/** Bytes written at once, about: whole blocks. */
const WRITE_CHUNK = 262_144;

export interface BuildOptions extends ImageFields, InputChoice {
  readonly input: string;
  readonly out: string;
  readonly signer?: SigningKey | undefined;
}

/** What was written, and how the input was read. */
export type BuiltImage = Pick<ImageSource, "manifest" | "digest" | "envelope" | "isSigned"> & {
  readonly read: FirmwareFacts;
};

/** An image made from a firmware file; close it. */
export type InputImage = ImageSource & { readonly read: FirmwareFacts; close(): Promise<void> };

/**
 * Makes an image of a firmware file without writing an image file: what `rescue --image RAW` sends. What the file is, its
 * content says (`inputFormat`), unless `format` does. Raw input is hashed through one handle and stays in the file; formats
 * with addresses are decoded into memory. UsageError `input-too-large`, `manifest-invalid` and those of `openRegular` and
 * `inputFormat`; FailedError `hex-…`, `srec-…`, `uf2-…`, `elf-…`, with the line number where there are lines.
 */
export async function openInputImage(
  path: string,
  fields: ImageFields,
  { signer, ...choice }: InputChoice & { readonly signer?: SigningKey | undefined } = {},
): Promise<InputImage> {
  const blockSize = fields.blockSize ?? BLOCK_SIZE_DEFAULT;
  if (!isBlockSize(blockSize)) {
    const message = `block size ${blockSize} is not allowed: a power of two from 1024 to 65536 is needed`;
    throw new UsageError("manifest-invalid", message, { blockSize });
  }
  const { handle, size } = await openRegular(path);
  try {
    const { format, facts } = inputFormat(path, handle, size, choice);
    if (format !== "raw") {
      const { bytes, tag: _, ...read } = await readAddressed(path, handle, size, format, choice);
      checkSize(path, bytes.length, blockSize);
      const image = memoryImage(bytes, fields, signer);
      await handle.close();
      return Object.assign(image, { read, close: async () => {} });
    }
    checkSize(path, size, blockSize);
    const digested = await digestFile(path, handle, 0, size, blockSize);
    const image = new ImageFile(path, handle, 0, sealImage(digested, fields, signer), digested);
    return Object.assign(image, { read: facts });
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * Builds an image file. The input is hashed, then copied through the same handle, and every copied block is compared
 * with its hash. The result appears under `out` in one step or not at all. Besides the errors of {@link
 * openInputImage}: UsageError `out-is-input`, FailedError `image-changed`, and those of `writeAtomically`.
 */
export async function buildImageFile(options: BuildOptions): Promise<BuiltImage> {
  const { input, out, signer, format, only, fill, ...fields } = options;
  if (await isSameFile(input, out)) {
    throw new UsageError("out-is-input", `${out} is the input itself; give the image file another name`, {
      out,
    });
  }
  const image = await openInputImage(input, fields, { signer, format, only, fill });
  try {
    await writeImageFile(image, out);
    const { manifest, digest, envelope, isSigned, read } = image;
    return { manifest, digest, envelope, isSigned, read };
  } finally {
    await image.close();
  }
}

/** Writes an image to an image file at `out`, in one step or not at all. With `mode` it has that, whatever the umask. */
export async function writeImageFile(image: ImageSource, out: string, mode?: number): Promise<void> {
  const { envelope, manifest } = image;
  await writeAtomically(out, async (handle) => {
    if (mode !== undefined) setMode(handle.fd, mode);
    await writeFully(handle, encodeImageHeader(envelope, manifest.size));
    await writeFully(handle, envelope);
    const blocksAtOnce = Math.max(1, Math.floor(WRITE_CHUNK / manifest.blockSize));
    const buffer = new Uint8Array(blocksAtOnce * manifest.blockSize);
    for (let index = 0; index < manifest.leafCount; index += blocksAtOnce) {
      let filled = 0;
      for (let i = index; i < Math.min(index + blocksAtOnce, manifest.leafCount); i++) {
        const block = image.readBlockSync(i);
        buffer.set(block, filled);
        filled += block.length;
      }
      await writeFully(handle, buffer.subarray(0, filled));
    }
  });
}

async function isSameFile(a: string, b: string): Promise<boolean> {
  const [first, second] = await Promise.all([a, b].map((path) => stat(path).catch(() => undefined)));
  return first !== undefined && second !== undefined && first.dev === second.dev && first.ino === second.ino;
}

function checkSize(path: string, size: number, blockSize: number): void {
  const limit = Math.min(IMAGE_SIZE_MAX, LEAF_COUNT_MAX * blockSize);
  if (leafCountOf(size, blockSize) <= LEAF_COUNT_MAX && size <= limit) return;
  const advice = limit < IMAGE_SIZE_MAX ? "; a larger block size allows more" : "";
  const message = `${path} has ${size} bytes, at most ${limit} fit with blocks of ${blockSize}${advice}`;
  throw new UsageError("input-too-large", message, { size, limit });
}
