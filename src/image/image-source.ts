import { assert } from "../base/assert.ts";
import { equalBytes, uniformByte } from "../base/bytes.ts";
import { HASH_LENGTH } from "../base/digest.ts";
import { FailedError } from "../base/errors.ts";
import type { BlockRange, RunPayload, TreeNode } from "../base/tree-shape.ts";
import { decodeEnvelope, type Envelope, encodeManifest } from "./envelope.ts";
import { startSha256 } from "./hash.ts";
import { IMAGE_HEAD_MAX, parseImageHead } from "./image-head.ts";
import type { SigningKey } from "./keys.ts";
import {
  BLOCK_SIZE_DEFAULT,
  blockLength,
  completeManifest,
  type ImageFacts,
  type ImageFields,
  leafCountOf,
  type Manifest,
} from "./manifest.ts";
import { HashTree, leafHash } from "./merkle.ts";
import { UniformMap } from "./uniform-nodes.ts";

/** What a rescuer needs of an image: its manifest, its hashes, its blocks. */
export interface ImageSource {
  /** The manifest in its envelope, as it goes over the wire. */
  readonly envelope: Uint8Array;
  readonly manifest: Manifest;
  /** Identity of the image, 32 bytes. */
  readonly digest: Uint8Array;
  /** Whether the envelope carries a signature. The target checks whose it is and whether it is valid. */
  readonly isSigned: boolean;
  readonly tree: HashTree;
  /** The value of every byte below `node`, or undefined when they differ. Reads nothing. */
  uniformByteOf(node: TreeNode): number | undefined;
  /**
   * Block `index`; the last one may be shorter. Throws FailedError `image-changed` if it changed after it was hashed.
   */
  readBlockSync(index: number): Uint8Array;
}

/**
 * An image of which parts may not be there yet: one that is still being received. What is there was verified.
 */
export interface GrowingImage extends Pick<ImageSource, "envelope" | "manifest" | "digest" | "isSigned"> {
  /** The run of a node above the leaves, or the byte that its range consists of; undefined while that is not known. */
  readRun(node: TreeNode): RunPayload | undefined;
  /** A block; undefined while it is not there. */
  readBlockSync(index: number): Uint8Array | undefined;
  /** The blocks below a node that are there, in order, with a gap between any two ranges. */
  heldBelow(node: TreeNode): readonly BlockRange[];
}

/** What a rescuer serves. */
export type ServedImage = ImageSource | GrowingImage;

/** Whether parts of an image may not be there yet. */
export function isGrowing(image: ServedImage): image is GrowingImage {
  return "readRun" in image;
}

/** What is sent for a node above the leaves, which the image has; undefined while that is not known. */
export function runOf(image: ImageSource, node: TreeNode): RunPayload;
export function runOf(image: ServedImage, node: TreeNode): RunPayload | undefined;
export function runOf(image: ServedImage, node: TreeNode): RunPayload | undefined {
  if (isGrowing(image)) return image.readRun(node);
  const byte = image.uniformByteOf(node);
  return byte === undefined ? { tag: "hashes", hashes: image.tree.run(node) } : { tag: "uniform", byte };
}

/** What one pass over an image's blocks computes. */
export interface DigestedBlocks {
  readonly facts: ImageFacts;
  readonly tree: HashTree;
  readonly uniform: UniformMap;
}

/** Hashes the blocks of an image of known size, in order. Keeps hashes and flags only, 34 bytes a block. */
export class BlockDigester {
  readonly #size: number;
  readonly #blockSize: number;
  readonly #leaves: Uint8Array;
  readonly #uniform: Int16Array;
  readonly #whole = startSha256();
  #next = 0;

  constructor(size: number, blockSize: number) {
    assert(size > 0 && blockSize > 0, `digest of ${size} bytes in blocks of ${blockSize}`);
    this.#size = size;
    this.#blockSize = blockSize;
    this.#leaves = new Uint8Array(leafCountOf(size, blockSize) * HASH_LENGTH);
    this.#uniform = new Int16Array(this.#leaves.length / HASH_LENGTH);
  }

  /** Takes the next block, at its full length. */
  push(block: Uint8Array): void {
    const expected = blockLength({ size: this.#size, blockSize: this.#blockSize }, this.#next);
    assert(block.length === expected, `block ${this.#next} of ${block.length} bytes`);
    this.#leaves.set(leafHash(block), this.#next * HASH_LENGTH);
    this.#uniform[this.#next] = uniformByte(block) ?? -1;
    this.#whole.update(block);
    this.#next++;
  }

  /** Call once, after the last block. */
  finish(): DigestedBlocks {
    assert(this.#next === this.#uniform.length, `${this.#next} of ${this.#uniform.length} blocks`);
    const tree = HashTree.fromLeaves(this.#leaves);
    const facts = { size: this.#size, leafCount: this.#next, root: tree.root, sha256: this.#whole.finish() };
    return { facts, tree, uniform: new UniformMap(this.#uniform) };
  }
}

/** An envelope for digested blocks: the manifest completed, encoded, and signed when a key is given. */
export function sealImage(digested: DigestedBlocks, fields: ImageFields, signer?: SigningKey): Envelope {
  const bytes = encodeManifest(completeManifest(fields, digested.facts), signer);
  const envelope = decodeEnvelope(bytes);
  assert(envelope.tag === "envelope", "an encoded manifest decodes");
  return envelope;
}

/**
 * Throws FailedError `image-corrupt` unless the data is what the manifest says. `name` is what errors call the file.
 */
export function requireIntact({ root, sha256 }: ImageFacts, manifest: Manifest, name: string): void {
  if (equalBytes(root, manifest.root) && equalBytes(sha256, manifest.sha256)) return;
  const message = `${name}: its data is not what its manifest says (hash differs); copy or build it again`;
  throw new FailedError("image-corrupt", message, { path: name });
}

/** An image held in memory: for tests, the simulator and small inputs. Keeps a view of `data`, 1 byte or more. */
export function memoryImage(data: Uint8Array, fields: ImageFields, signer?: SigningKey): ImageSource {
  const digested = digestBytes(data, fields.blockSize ?? BLOCK_SIZE_DEFAULT);
  return imageOver(data, sealImage(digested, fields, signer), digested);
}

/**
 * The image of an image file (.mdy) that is in memory as a whole, as a browser gets it. Hashes all of it once, and
 * keeps a view of it: do not change it afterwards. Does not check trust (`verifyEnvelope`). `name` is what errors
 * call it. The errors are those of `parseImageHead` and {@link requireIntact}.
 */
export function imageFromBytes(file: Uint8Array, name = "the image file"): ImageSource {
  const { envelope, dataOffset } = parseImageHead(file.subarray(0, IMAGE_HEAD_MAX), file.length, name);
  const data = file.subarray(dataOffset);
  const digested = digestBytes(data, envelope.manifest.blockSize);
  requireIntact(digested.facts, envelope.manifest, name);
  return imageOver(data, envelope, digested);
}

function blockOf(data: Uint8Array, blockSize: number, index: number): Uint8Array {
  return data.subarray(index * blockSize, (index + 1) * blockSize);
}

function digestBytes(data: Uint8Array, blockSize: number): DigestedBlocks {
  const digester = new BlockDigester(data.length, blockSize);
  for (let i = 0; i < leafCountOf(data.length, blockSize); i++) digester.push(blockOf(data, blockSize, i));
  return digester.finish();
}

function imageOver(data: Uint8Array, envelope: Envelope, digested: DigestedBlocks): ImageSource {
  const { bytes, manifest, digest, keyId } = envelope;
  return {
    envelope: bytes,
    manifest,
    digest,
    isSigned: keyId !== undefined,
    tree: digested.tree,
    uniformByteOf: (node) => digested.uniform.byteOf(node),
    readBlockSync: (index) => {
      assert(index >= 0 && index < manifest.leafCount, `no block ${index}`);
      return blockOf(data, manifest.blockSize, index);
    },
  };
}
