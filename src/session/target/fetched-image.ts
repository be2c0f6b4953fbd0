import type { RunPayload, TreeNode } from "../../base/tree-shape.ts";
import { CHUNK_UNIT, Codec, ObjectKind } from "../../wire/constants.ts";
import type { DataChunk, ObjectChunk } from "../../wire/messages.ts";

/** An image that is here as a whole, though not in the board's flash. Undefined where it cannot be read. */
export interface FetchedImage {
  run(node: TreeNode): RunPayload | undefined;
  block(index: number): Uint8Array | undefined;
}

/**
 * Gives what a session lacks from an image that was fetched, in the form in which a rescuer sends it, so that it is checked like that
 * (PROTOCOL.md 6.11). Each run and each block once: what was wrong comes over the wire.
 */
export class FetchedChunks {
  readonly #image: FetchedImage;
  readonly #given: Set<string> = new Set();

  constructor(image: FetchedImage) {
    this.#image = image;
  }

  run(node: TreeNode): ObjectChunk | undefined {
    const payload = this.#isFirst(`${node.level}/${node.index}`) ? this.#image.run(node) : undefined;
    if (payload === undefined) return undefined;
    const [kind, bytes] =
      payload.tag === "hashes"
        ? [ObjectKind.run, payload.hashes]
        : [ObjectKind.uniform, Uint8Array.of(payload.byte)];
    return {
      tag: "object",
      packetNumber: 0,
      name: { kind, node },
      offset: 0,
      total: bytes.length,
      payload: bytes,
    };
  }

  /** `blockSize`: of the image's blocks, in bytes. */
  block(index: number, attempt: number, blockSize: number): DataChunk | undefined {
    const payload = this.#isFirst(`${index}`) ? this.#image.block(index) : undefined;
    if (payload === undefined) return undefined;
    const position = ((index * blockSize) / CHUNK_UNIT) & 0xffff;
    return { tag: "data", packetNumber: 0, codec: Codec.raw, attempt: attempt & 1, position, payload };
  }

  /** Whether it gave this block. */
  hasGiven(index: number): boolean {
    return this.#given.has(`${index}`);
  }

  #isFirst(name: string): boolean {
    if (this.#given.has(name)) return false;
    this.#given.add(name);
    return true;
  }
}
