import { assert } from "../base/assert.ts";
import { equalBytes, uniformByte } from "../base/bytes.ts";
import { HASH_LENGTH } from "../base/digest.ts";
import { FailedError } from "../base/errors.ts";
import type { TreeNode } from "../base/tree-shape.ts";
import type { Region } from "../flash/geometry.ts";
import type { Flash } from "../flash/nor-flash.ts";
import { slotRecord } from "../flash/record/record-state.ts";
import { decodeEnvelope, type Envelope } from "../image/envelope.ts";
import type { ImageSource } from "../image/image-source.ts";
import { blockLength, type Manifest } from "../image/manifest.ts";
import { HashTree, leafHash } from "../image/merkle.ts";
import { UniformMap, uniformNodeHash } from "../image/uniform-nodes.ts";
import type { BoardParts } from "./board-parts.ts";
import type { BootOutcome, VerifiedImage } from "./boot.ts";
import { readManifest } from "./manifest-area.ts";

/** What {@link UniformMap} takes for a block of several values. */
const MIXED = -1;

/**
 * The image in a slot, as a source for neighbours. Reads its manifest now, and its blocks when they are asked for, each
 * checked with the hash that was verified: of flash that was damaged or written since, nothing is sent. FailedError
 * `slot-manifest` when its manifest cannot be read, or the slot has another one meanwhile.
 */
export function slotSource(parts: BoardParts, image: VerifiedImage): ImageSource {
  const region = parts.flash.map.slots[image.slot];
  assert(region !== undefined, "a verified image lies in a slot");
  return new SlotSource(parts.flash, region, image, storedEnvelope(parts, image));
}

/**
 * The board's own image as a source, if it may be handed on: the one that boots, once it is confirmed. Undefined when the
 * board does not boot, or tries an image. The errors are those of {@link slotSource}.
 */
export function ownSource(parts: BoardParts, boot: BootOutcome): ImageSource | undefined {
  if (boot.tag === "recovery") return undefined;
  const installed = slotRecord(parts.record.state, boot.slot);
  const mayBeHandedOn = installed?.isConfirmed === true && !installed.isReverted;
  return mayBeHandedOn ? slotSource(parts, boot.image) : undefined;
}

function storedEnvelope(parts: BoardParts, { slot, digest }: VerifiedImage): Envelope {
  const installed = slotRecord(parts.record.state, slot);
  const bytes = installed && readManifest(parts, installed.area);
  const envelope = bytes && decodeEnvelope(bytes);
  if (envelope?.tag === "envelope" && equalBytes(envelope.digest, digest)) return envelope;
  const message = `The image in slot ${slot} cannot be handed on: its manifest in flash was damaged, or replaced by another one, since it was verified. Start the board again, so that it is healed.`;
  throw new FailedError("slot-manifest", message, { slot });
}

class SlotSource implements ImageSource {
  readonly envelope: Uint8Array;
  readonly manifest: Manifest;
  readonly digest: Uint8Array;
  readonly isSigned: boolean;
  readonly #flash: Flash;
  readonly #region: Region;
  readonly #slot: number;
  readonly #leaves: Uint8Array;
  #tree: HashTree | undefined;
  #uniform: UniformMap | undefined;

  constructor(flash: Flash, region: Region, { slot, leaves }: VerifiedImage, envelope: Envelope) {
    this.#flash = flash;
    this.#region = region;
    this.#slot = slot;
    this.#leaves = leaves;
    this.envelope = envelope.bytes;
    this.manifest = envelope.manifest;
    this.digest = envelope.digest;
    this.isSigned = envelope.keyId !== undefined;
  }

  get tree(): HashTree {
    this.#tree ??= HashTree.fromLeaves(this.#leaves);
    return this.#tree;
  }

  /** Reads the slot once, at the first call. */
  uniformByteOf(node: TreeNode): number | undefined {
    this.#uniform ??= this.#uniformMap();
    return this.#uniform.byteOf(node);
  }

  readBlockSync(index: number): Uint8Array {
    assert(index >= 0 && index < this.manifest.leafCount, `no block ${index}`);
    const block = this.#read(index);
    if (!equalBytes(leafHash(block), this.#leaf(index))) throw this.#changed(index);
    return block;
  }

  #uniformMap(): UniformMap {
    const values = new Int16Array(this.manifest.leafCount);
    for (let i = 0; i < values.length; i++) values[i] = this.#valueOf(i) ?? MIXED;
    return new UniformMap(values);
  }

  /** The value of every byte of a block, if its hash says so, too: of a block that was damaged since nothing is said. */
  #valueOf(index: number): number | undefined {
    const byte = uniformByte(this.#read(index));
    if (byte === undefined) return undefined;
    const { leafCount, size, blockSize } = this.manifest;
    const hash = uniformNodeHash(byte, leafCount, size, blockSize, { level: 0, index });
    return equalBytes(hash, this.#leaf(index)) ? byte : undefined;
  }

  #read(index: number): Uint8Array {
    const { manifest } = this;
    return this.#flash.read(this.#region.offset + index * manifest.blockSize, blockLength(manifest, index));
  }

  #leaf(index: number): Uint8Array {
    return this.#leaves.subarray(index * HASH_LENGTH, (index + 1) * HASH_LENGTH);
  }

  #changed(index: number): FailedError {
    const message = `Block ${index} of slot ${this.#slot} is not what was verified: the flash was damaged or written since. Start the board again, so that it is healed.`;
    return new FailedError("image-changed", message, { slot: this.#slot, block: index });
  }
}
