import { BoundedMap } from "../base/bounded-map.ts";
import { toHex } from "../base/bytes.ts";
import type { ServedImage } from "../image/image-source.ts";
import type { BlockCoder, CodedBlock } from "../session/codecs.ts";
import { dictionaryOf, encodeCodedBlock, NAMES_MAX } from "../session/coded-block.ts";
import { deflate } from "../session/deflate/deflate.ts";
import { Codec, codecBit, DICTIONARY_MAX } from "../wire/constants.ts";
import { BlockSketches, type Sketch, sketchOf } from "./block-sketches.ts";

/** Compresses to one stream of raw DEFLATE (RFC 1951), with the bytes of `dictionary` before the first one. */
export type Deflate = (bytes: Uint8Array, dictionary?: Uint8Array) => Uint8Array;

/** Images whose coded blocks are kept. */
const IMAGES_MAX = 2;
/** Bytes of coded blocks that are kept for one image. */
const CACHE_BYTES_MAX = 4_194_304;
/** After so many blocks in a row that did not become shorter, only one in as many is tried. */
const PATIENCE = 8;

/** A coded block that was made, and the blocks that it names. */
interface Made extends CodedBlock {
  readonly names: readonly number[];
}

/** What is kept of an image while it is served, to one board after another. */
class ImageCache {
  readonly sketches: BlockSketches = new BlockSketches();
  readonly #made: Map<number, Made> = new Map();
  #bytes = 0;
  #failures = 0;

  get(index: number): Made | undefined {
    return this.#made.get(index);
  }

  set(index: number, made: Made): void {
    this.#bytes += made.payload.length - (this.#made.get(index)?.payload.length ?? 0);
    this.#made.delete(index);
    this.#made.set(index, made);
    for (const [oldest, { payload }] of this.#made) {
      if (this.#bytes <= CACHE_BYTES_MAX) return;
      this.#made.delete(oldest);
      this.#bytes -= payload.length;
    }
  }

  /** Whether a block is worth the time to try: those before it became shorter, or it is the turn of one. */
  isWorthTrying(index: number): boolean {
    return this.#failures < PATIENCE || index % PATIENCE === 0;
  }

  noteTried(isShorter: boolean): void {
    this.#failures = isShorter ? 0 : this.#failures + 1;
  }
}

/** Makes coded blocks of images (PROTOCOL.md 4.5), and keeps them for the next board: by digest, in bounded memory. */
export class ImageCoders {
  readonly #compress: Deflate;
  readonly #caches: BoundedMap<string, ImageCache> = new BoundedMap(IMAGES_MAX);

  /** `compress`: deflate of our own unless given, which is the same everywhere; that of `node:zlib` takes less time. */
  constructor(compress: Deflate = deflate) {
    this.#compress = compress;
  }

  /** The coder of an image, which reads its blocks as long as it is used. */
  of(image: ServedImage): BlockCoder {
    const name = toHex(image.digest);
    const cache = this.#caches.get(name) ?? new ImageCache();
    this.#caches.set(name, cache);
    return {
      code: (index, block, allowed, isHeld) => {
        const kept = cache.get(index);
        if (kept !== undefined && (allowed & codecBit(kept.codec)) !== 0 && kept.names.every(isHeld))
          return kept;
        if (!cache.isWorthTrying(index)) return undefined;
        const sketch = sketchOf(block);
        const isOther = (other: number): boolean => other !== index && isHeld(other);
        const names = this.#namesFor(image, cache, sketch, allowed, isOther);
        const made = this.#make(image, block, names, allowed);
        const isShorter = made !== undefined && made.payload.length < block.length;
        cache.noteTried(isShorter);
        if (!isShorter) return undefined;
        cache.sketches.add(index, sketch);
        cache.set(index, made);
        return made;
      },
    };
  }

  /**
   * Codes the first block ahead, while an accept is awaited: compressing for the first time takes several times as long, and the
   * line would be idle meanwhile.
   */
  prepare(image: ServedImage): void {
    const block = readerOf(image)(0);
    if (block !== undefined) this.of(image).code(0, block, codecBit(Codec.deflate), () => false);
  }

  /** Blocks for a dictionary; the one that is most alike last: its bytes are nearest. */
  #namesFor(
    { manifest }: ServedImage,
    { sketches }: ImageCache,
    sketch: Sketch,
    allowed: number,
    isUsable: (index: number) => boolean,
  ): readonly number[] {
    if ((allowed & codecBit(Codec.dictionary)) === 0) return [];
    const count = Math.min(NAMES_MAX, Math.max(1, DICTIONARY_MAX / manifest.blockSize));
    return sketches.alike(sketch, count, isUsable).reverse();
  }

  #make(image: ServedImage, block: Uint8Array, names: readonly number[], allowed: number): Made | undefined {
    const { blockSize } = image.manifest;
    const dictionary = names.length === 0 ? undefined : dictionaryOf(names, blockSize, readerOf(image));
    if (dictionary !== undefined) {
      const payload = encodeCodedBlock(this.#compress(block, dictionary), names);
      return { codec: Codec.dictionary, payload, names };
    }
    if ((allowed & codecBit(Codec.deflate)) === 0) return undefined;
    return { codec: Codec.deflate, payload: encodeCodedBlock(this.#compress(block), undefined), names: [] };
  }
}

/** Reads blocks of an image; undefined for one that is not there, or can no longer be read: the session is told when it asks for that one. */
function readerOf(image: ServedImage): (index: number) => Uint8Array | undefined {
  return (index) => {
    try {
      return image.readBlockSync(index);
    } catch {
      return undefined;
    }
  };
}
