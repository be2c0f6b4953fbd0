import { readSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { assert } from "../base/assert.ts";
import { equalBytes } from "../base/bytes.ts";
import { FailedError } from "../base/errors.ts";
import type { TreeNode } from "../base/tree-shape.ts";
import { KeyKind } from "../content/key-kinds.ts";
import { recognise } from "../content/recognise.ts";
import { readContent } from "../files/file-content.ts";
import { openRegular, readFully } from "../files/regular-file.ts";
import type { Envelope } from "../image/envelope.ts";
import { IMAGE_HEAD_MAX, type ImageHead, parseImageHead } from "../image/image-head.ts";
import { type DigestedBlocks, type ImageSource, requireIntact } from "../image/image-source.ts";
import { blockLength, type Manifest } from "../image/manifest.ts";
import { type HashTree, leafHash } from "../image/merkle.ts";
import { digestFile } from "./file-digest.ts";

/**
 * An image whose blocks stay in a file. They are read through the handle they were hashed through, and each block is
 * compared with its hash whenever it is read. Keeps the tree and flags only, about 70 bytes a block. Close it.
 */
export class ImageFile implements ImageSource {
  readonly path: string;
  readonly envelope: Uint8Array;
  readonly manifest: Manifest;
  readonly digest: Uint8Array;
  readonly isSigned: boolean;
  /** Id of the key that the envelope claims to be signed with, 8 bytes. */
  readonly keyId: Uint8Array | undefined;
  readonly tree: HashTree;
  readonly #uniform: DigestedBlocks["uniform"];
  readonly #dataOffset: number;
  #handle: FileHandle | undefined;

  /** Takes over `handle`. The data begins at `dataOffset` and was hashed through this handle. */
  constructor(
    path: string,
    handle: FileHandle,
    dataOffset: number,
    envelope: Envelope,
    digested: DigestedBlocks,
  ) {
    this.path = path;
    this.envelope = envelope.bytes;
    this.manifest = envelope.manifest;
    this.digest = envelope.digest;
    this.isSigned = envelope.keyId !== undefined;
    this.keyId = envelope.keyId;
    this.tree = digested.tree;
    this.#uniform = digested.uniform;
    this.#dataOffset = dataOffset;
    this.#handle = handle;
  }

  uniformByteOf(node: TreeNode): number | undefined {
    return this.#uniform.byteOf(node);
  }

  readBlockSync(index: number): Uint8Array {
    const { handle, block, position } = this.#prepare(index);
    for (let filled = 0; filled < block.length; ) {
      const count = readSync(handle.fd, block, filled, block.length - filled, position + filled);
      if (count === 0) throw this.#changed(index);
      filled += count;
    }
    return this.#checked(index, block);
  }

  async readBlock(index: number): Promise<Uint8Array> {
    const { handle, block, position } = this.#prepare(index);
    if ((await readFully(handle, block, position)) < block.length) throw this.#changed(index);
    return this.#checked(index, block);
  }

  /** May be called more than once. */
  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  #prepare(index: number): { handle: FileHandle; block: Uint8Array; position: number } {
    assert(index >= 0 && index < this.manifest.leafCount, `no block ${index}`);
    assert(this.#handle !== undefined, `${this.path} was closed`);
    const block = new Uint8Array(blockLength(this.manifest, index));
    return { handle: this.#handle, block, position: this.#dataOffset + index * this.manifest.blockSize };
  }

  #checked(index: number, block: Uint8Array): Uint8Array {
    if (!equalBytes(leafHash(block), this.tree.hash({ level: 0, index }))) throw this.#changed(index);
    return block;
  }

  #changed(index: number): FailedError {
    const { path } = this;
    const message = `${path}: block ${index} changed after the file was opened; put the file in place by renaming`;
    return new FailedError("image-changed", message, { path, block: index });
  }
}

/**
 * Reads header and manifest of an open image file and compares lengths; no data is read. The errors are those of
 * `parseImageHead`; `image-foreign` names what the file is instead.
 */
export async function readImageHead(path: string, handle: FileHandle, fileSize: number): Promise<ImageHead> {
  const start = new Uint8Array(IMAGE_HEAD_MAX);
  const got = await readFully(handle, start, 0);
  try {
    return parseImageHead(start.subarray(0, got), fileSize, path);
  } catch (error) {
    const isForeign = error instanceof FailedError && error.code === "image-foreign";
    const kind = isForeign ? recognise(readContent(handle.fd, fileSize)) : undefined;
    if (kind === undefined) throw error;
    const isImage = kind.id.startsWith("mayday");
    const fix = isImage ? `; ${kind.fix}` : ", not an image file (.mdy)";
    const details = {
      path,
      format: kind.id,
      isFirmware: kind.group === "format",
      isSecret: kind.isSecret === true,
      isImage,
      fix: kind.group === "foreign" && !isImage ? kind.fix : undefined,
    };
    throw new FailedError("image-foreign", `${path} holds ${kind.name}${fix}`, details, error);
  }
}

/** Reads the head of an image file. The errors are those of `openRegular` and {@link readImageHead}. */
export async function checkImageFile(path: string): Promise<void> {
  const { handle, size } = await openRegular(path);
  try {
    await readImageHead(path, handle, size);
  } finally {
    await handle.close();
  }
}

/**
 * Opens an image file and hashes all of it once. Does not check trust (`verifyEnvelope`). The errors are those of
 * `openRegular` and `parseImageHead`, and FailedError `image-corrupt` when the data is not what the manifest says,
 * `image-holds-key` when it is a private key, which nobody may send or install.
 */
export async function openImageFile(path: string): Promise<ImageFile> {
  const { handle, size: fileSize } = await openRegular(path);
  try {
    const { envelope, dataOffset } = await readImageHead(path, handle, fileSize);
    const { manifest } = envelope;
    const digested = await digestFile(path, handle, dataOffset, manifest.size, manifest.blockSize);
    requireIntact(digested.facts, manifest, path);
    refuseKey(path, handle, dataOffset, manifest.size);
    return new ImageFile(path, handle, dataOffset, envelope, digested);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * FailedError `image-holds-key` when the firmware, `size` bytes from `offset` of an open image file, is a private key. Random bytes of
 * a key's length may be anything here; the builder asks about them.
 */
export function refuseKey(path: string, handle: FileHandle, offset: number, size: number): void {
  const kind = recognise(readContent(handle.fd, size, offset));
  if (kind?.isSecret !== true || kind === KeyKind.rawKey) return;
  const message = `${path}: its firmware is ${kind.name}: remove it, and make a new key if it was sent anywhere`;
  throw new FailedError("image-holds-key", message, { path, form: kind.id });
}
