import { readSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { assert } from "../base/assert.ts";
import { equalBytes } from "../base/bytes.ts";
import { FailedError } from "../base/errors.ts";
import type { TreeNode } from "../base/tree-shape.ts";
import { openRegular, readFully } from "../files/regular-file.ts";
import { decodeEnvelope, type Envelope } from "../image/envelope.ts";
import { decodeImageHeader, fileCrc, IMAGE_HEADER_LENGTH } from "../image/image-header.ts";
import type { DigestedBlocks, ImageSource } from "../image/image-source.ts";
import { blockLength, type Manifest } from "../image/manifest.ts";
import { type HashTree, leafHash } from "../image/merkle.ts";
import { digestFile } from "./file-digest.ts";

/**
 * An image whose blocks stay in a file, read through the one handle they were hashed through; each block is compared
 * with its hash again whenever it is read. Holds the tree and flags only, about 70 bytes a block. Close it.
 */
export class ImageFile implements ImageSource {
  readonly path: string;
  readonly envelope: Uint8Array;
  readonly manifest: Manifest;
  readonly digest: Uint8Array;
  readonly isSigned: boolean;
  /** Key the envelope claims to be signed with. */
  readonly keyId: Uint8Array | undefined;
  readonly tree: HashTree;
  readonly #uniform: DigestedBlocks["uniform"];
  readonly #dataOffset: number;
  #handle: FileHandle | undefined;

  /** Takes over `handle`. The data begins at `dataOffset` and was digested through this very handle. */
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

/** The head of an image file, without its data: what listings need. */
export interface ImageFileHead {
  readonly envelope: Envelope;
  /** Where the data begins, in bytes. */
  readonly dataOffset: number;
}

/**
 * Reads header and manifest and compares lengths; no data is read. FailedError (exit 1, the file is damaged or something
 * else): `image-foreign`, `image-header`, `image-format`, `image-truncated`, `image-trailing`, `image-manifest`.
 */
export async function readImageHead(
  path: string,
  handle: FileHandle,
  fileSize: number,
): Promise<ImageFileHead> {
  const fail = (code: string, seen: string): FailedError =>
    new FailedError(code, `${path}: ${seen}`, { path });
  const headerBytes = new Uint8Array(IMAGE_HEADER_LENGTH);
  const got = await readFully(handle, headerBytes, 0);
  const header = decodeImageHeader(headerBytes.subarray(0, got));
  if ("tag" in header) {
    const code = {
      magic: "image-foreign",
      crc: "image-header",
      format: "image-format",
      length: "image-header",
    };
    throw fail(code[header.fault], header.detail);
  }
  const expected = IMAGE_HEADER_LENGTH + header.envelopeLength + header.dataLength;
  if (fileSize < expected) {
    throw fail("image-truncated", `has ${fileSize} bytes of ${expected}: it was cut off; copy it again`);
  }
  if (fileSize > expected) {
    throw fail("image-trailing", `${fileSize - expected} bytes too many behind the image; copy it again`);
  }
  const envelopeBytes = new Uint8Array(header.envelopeLength);
  await readFully(handle, envelopeBytes, IMAGE_HEADER_LENGTH);
  if (fileCrc(envelopeBytes) !== header.envelopeCrc)
    throw fail("image-manifest", "its manifest is damaged (CRC-32)");
  const envelope = decodeEnvelope(envelopeBytes);
  if (envelope.tag === "fault") throw fail("image-manifest", `its manifest is not valid: ${envelope.detail}`);
  if (envelope.manifest.size !== header.dataLength) {
    const { size } = envelope.manifest;
    throw fail("image-manifest", `holds ${header.dataLength} bytes, its manifest says ${size}`);
  }
  return { envelope, dataOffset: IMAGE_HEADER_LENGTH + header.envelopeLength };
}

/**
 * Opens an image file and hashes all of it once; trust is not looked at (`verifyEnvelope`). Besides the errors of
 * {@link readImageHead} FailedError `image-corrupt` when the data is not what the manifest says.
 */
export async function openImageFile(path: string): Promise<ImageFile> {
  const { handle, size: fileSize } = await openRegular(path);
  try {
    const { envelope, dataOffset } = await readImageHead(path, handle, fileSize);
    const { manifest } = envelope;
    const digested = await digestFile(path, handle, dataOffset, manifest.size, manifest.blockSize);
    const { root, sha256 } = digested.facts;
    if (!equalBytes(root, manifest.root) || !equalBytes(sha256, manifest.sha256)) {
      const message = `${path}: its data is not what its manifest says (hash differs); copy or build it again`;
      throw new FailedError("image-corrupt", message, { path });
    }
    return new ImageFile(path, handle, dataOffset, envelope, digested);
  } catch (error) {
    await handle.close();
    throw error;
  }
}
