import type { ImageHead } from "../image/image-head.ts";
import { BlockDigester, requireIntact } from "../image/image-source.ts";
import { blockLength } from "../image/manifest.ts";

/** Hashes an image file while it comes in, in pieces of any size. */
export class ImageIntake {
  readonly #head: ImageHead;
  readonly #digester: BlockDigester;
  #block: Uint8Array;
  #filled = 0;
  #index = 0;
  /** Bytes of the file so far. */
  #taken = 0;

  constructor(head: ImageHead) {
    const { manifest } = head.envelope;
    this.#head = head;
    this.#digester = new BlockDigester(manifest.size, manifest.blockSize);
    this.#block = new Uint8Array(blockLength(manifest, 0));
  }

  /** Takes the next bytes of the file. Those before its data are the head that is known, and count only. */
  push(bytes: Uint8Array): void {
    const skipped = Math.min(bytes.length, Math.max(0, this.#head.dataOffset - this.#taken));
    this.#taken += bytes.length;
    for (let data = bytes.subarray(skipped); data.length > 0; ) {
      const part = data.subarray(0, this.#block.length - this.#filled);
      this.#block.set(part, this.#filled);
      this.#filled += part.length;
      data = data.subarray(part.length);
      if (this.#filled === this.#block.length) this.#endBlock();
    }
  }

  /** After the last byte: FailedError `image-corrupt` unless the data is what the manifest says. `name` is for the error. */
  finish(name: string): void {
    requireIntact(this.#digester.finish().facts, this.#head.envelope.manifest, name);
  }

  #endBlock(): void {
    const { manifest } = this.#head.envelope;
    this.#digester.push(this.#block);
    this.#index++;
    this.#filled = 0;
    if (this.#index < manifest.leafCount) this.#block = new Uint8Array(blockLength(manifest, this.#index));
  }
}
