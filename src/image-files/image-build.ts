import type { FileHandle } from "node:fs/promises";
import { stat } from "node:fs/promises";
import { FailedError, UsageError } from "../base/errors.ts";
import { writeAtomically } from "../files/atomic-file.ts";
import { openRegular, readFully, writeFully } from "../files/regular-file.ts";
import { HEX_SPAN_MAX, HEX_TEXT_MAX, looksLikeHex, parseHex } from "../image/hex.ts";
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

/** Bytes read to tell Intel HEX from raw. */
const SNIFF_LENGTH = 1024;
/** Bytes written at once, about: whole blocks. */
const WRITE_CHUNK = 262_144;

/** Whether an input is raw bytes or Intel HEX; `auto` looks at its content. */
export type InputFormat = "auto" | "raw" | "hex";

export interface BuildOptions extends ImageFields {
  readonly input: string;
  readonly out: string;
  readonly signer?: SigningKey | undefined;
  readonly format?: InputFormat | undefined;
}

/** What was written. */
export type BuiltImage = Pick<ImageSource, "manifest" | "digest" | "envelope" | "isSigned">;

/** An image made from a raw or HEX file; close it. */
export type InputImage = ImageSource & { close(): Promise<void> };

/**
 * Makes an image of a raw or Intel HEX file without writing an image file: what `rescue --image RAW` sends. Raw input
 * is hashed through one handle and stays in the file; HEX is decoded into memory. UsageError `input-empty`,
 * `input-too-large`, `manifest-invalid` and those of `openRegular`; FailedError `hex-…` with the line number.
 */
export async function openInputImage(
  path: string,
  fields: ImageFields,
  options: { readonly signer?: SigningKey | undefined; readonly format?: InputFormat | undefined } = {},
): Promise<InputImage> {
  const blockSize = fields.blockSize ?? BLOCK_SIZE_DEFAULT;
  if (!isBlockSize(blockSize)) {
    const message = `block size ${blockSize} is not allowed: a power of two from 1024 to 65536 is needed`;
    throw new UsageError("manifest-invalid", message, { blockSize });
  }
  const { handle, size } = await openRegular(path);
  try {
    if (await isHex(handle, options.format ?? "auto")) {
      const data = await readHexFile(path, handle, size);
      await handle.close();
      return Object.assign(memoryImage(data, fields, options.signer), { close: async () => {} });
    }
    checkSize(path, size, blockSize);
    const digested = await digestFile(path, handle, 0, size, blockSize);
    return new ImageFile(path, handle, 0, sealImage(digested, fields, options.signer), digested);
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
  const { input, out, signer, format, ...fields } = options;
  if (await isSameFile(input, out)) {
    throw new UsageError("out-is-input", `${out} is the input itself; give the image file another name`, {
      out,
    });
  }
  const image = await openInputImage(input, fields, { signer, format });
  try {
    await writeImageFile(image, out);
    const { manifest, digest, envelope, isSigned } = image;
    return { manifest, digest, envelope, isSigned };
  } finally {
    await image.close();
  }
}

/** Writes an image to an image file at `out`, in one step or not at all. */
export async function writeImageFile(image: ImageSource, out: string): Promise<void> {
  const { envelope, manifest } = image;
  await writeAtomically(out, async (handle) => {
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
  if (size === 0) throw new UsageError("input-empty", `${path} is empty; an image has at least one byte`);
  const limit = Math.min(IMAGE_SIZE_MAX, LEAF_COUNT_MAX * blockSize);
  if (leafCountOf(size, blockSize) <= LEAF_COUNT_MAX && size <= limit) return;
  const advice = limit < IMAGE_SIZE_MAX ? "; a larger block size allows more" : "";
  const message = `${path} has ${size} bytes, at most ${limit} fit with blocks of ${blockSize}${advice}`;
  throw new UsageError("input-too-large", message, { size, limit });
}

async function isHex(handle: FileHandle, format: InputFormat): Promise<boolean> {
  if (format !== "auto") return format === "hex";
  const head = new Uint8Array(SNIFF_LENGTH);
  return looksLikeHex(head.subarray(0, await readFully(handle, head, 0)));
}

async function readHexFile(path: string, handle: FileHandle, size: number): Promise<Uint8Array> {
  if (size > HEX_TEXT_MAX) {
    const message = `${path} has ${size} bytes of HEX text, at most ${HEX_TEXT_MAX} are read; fix: objcopy -O binary`;
    throw new UsageError("input-too-large", message, { size, limit: HEX_TEXT_MAX });
  }
  const text = new Uint8Array(size);
  const parsed = parseHex(text.subarray(0, await readFully(handle, text, 0)), HEX_SPAN_MAX);
  if (parsed.tag === "hex") return parsed.bytes;
  const where = parsed.line === 0 ? path : `${path}, line ${parsed.line}`;
  throw new FailedError(`hex-${parsed.fault}`, `${where}: ${parsed.detail}`, { path, line: parsed.line });
}
