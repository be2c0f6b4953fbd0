import { assert } from "../base/assert.ts";
import { equalBytes, uniformByte } from "../base/bytes.ts";
import { type BlockRange, leavesBelow, type RunPayload, type TreeNode } from "../base/tree-shape.ts";
import { decodeEnvelope } from "../image/envelope.ts";
import type { GrowingImage } from "../image/image-source.ts";
import type { Manifest } from "../image/manifest.ts";
import type { SlotWriter } from "./slot-writer.ts";

/**
 * The image that a board receives, as far as it has it: what hangs under the root whose signature it verified. Each block is
 * read from flash and hashed when it is asked for, so that nothing else is passed on, whatever became of the session; after
 * its commit all of it is there.
 */
export class ReceivedImage implements GrowingImage {
  readonly envelope: Uint8Array;
  readonly manifest: Manifest;
  readonly digest: Uint8Array;
  readonly isSigned: boolean;
  readonly #writer: SlotWriter;

  /** `bytes`: an envelope that was accepted. `writer`: writes its blocks. */
  constructor(bytes: Uint8Array, writer: SlotWriter) {
    const envelope = decodeEnvelope(bytes);
    assert(envelope.tag === "envelope", "an accepted envelope decodes");
    this.envelope = envelope.bytes;
    this.manifest = envelope.manifest;
    this.digest = envelope.digest;
    this.isSigned = envelope.keyId !== undefined;
    this.#writer = writer;
  }

  readRun(node: TreeNode): RunPayload | undefined {
    const hashes = this.#writer.hashes.run(node);
    if (hashes === undefined) return undefined;
    const byte = this.#uniformByteOf(node);
    return byte === undefined ? { tag: "hashes", hashes } : { tag: "uniform", byte };
  }

  readBlockSync(index: number): Uint8Array | undefined {
    return this.#writer.readHeld(index);
  }

  heldBelow(node: TreeNode): readonly BlockRange[] {
    return this.#writer.heldIn(leavesBelow(this.manifest.leafCount, node));
  }

  /** The byte that the range of a node consists of, as its hash says; undefined also while its first block is not there. */
  #uniformByteOf(node: TreeNode): number | undefined {
    const { hashes } = this.#writer;
    const block = this.readBlockSync(leavesBelow(this.manifest.leafCount, node).first);
    const byte = block && uniformByte(block);
    const hash = hashes.find(node);
    if (byte === undefined || hash === undefined) return undefined;
    return equalBytes(hashes.uniform(node, byte), hash) ? byte : undefined;
  }
}
