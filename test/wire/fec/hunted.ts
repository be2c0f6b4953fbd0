import { concatBytes, toHex } from "../../../src/base/bytes.ts";
import { FrameHunter } from "../../../src/wire/fec/frame-hunter.ts";
import { crcMatches, isSessionFrame } from "../../../src/wire/frame.ts";

/** What a hunter gave, in order: a frame, or all the other bytes up to the next one. */
export type Hunted = { readonly frameHex: string; readonly wrong: number } | { readonly otherHex: string };

/** A hunter that notes what it gives, and takes frames whose CRC is right. */
export class NotedHunter {
  readonly items: Hunted[] = [];
  readonly hunter: FrameHunter;
  #others: Uint8Array[] = [];
  /** All bytes that were given, as other bytes or within frames. */
  bytes = 0;
  /** The most bytes that were held after a push. */
  heldMax = 0;
  tried = 0;

  constructor(tag: number) {
    this.hunter = new FrameHunter({
      onOther: (bytes) => {
        this.bytes += bytes.length;
        this.#others.push(bytes.slice());
      },
      onFrame: ({ bytes, wireBytes, mendedBytes }) => {
        this.tried++;
        if (!crcMatches(bytes, isSessionFrame(bytes) ? tag : undefined)) return false;
        this.#noteOthers();
        this.bytes += wireBytes;
        this.items.push({ frameHex: toHex(bytes), wrong: mendedBytes });
        return true;
      },
    });
  }

  push(bytes: Uint8Array): void {
    this.hunter.push(0, bytes);
    this.heldMax = Math.max(this.heldMax, this.hunter.heldBytes);
  }

  /** All that was given, after the line has fallen silent. */
  close(): readonly Hunted[] {
    this.hunter.close();
    this.#noteOthers();
    return this.items;
  }

  #noteOthers(): void {
    const other = concatBytes(...this.#others);
    this.#others = [];
    if (other.length > 0) this.items.push({ otherHex: toHex(other) });
  }
}

/** What comes of a stream that is cut into pieces of these lengths, over and over. */
export function hunt(tag: number, stream: Uint8Array, lengths: readonly number[]): readonly Hunted[] {
  const noted = new NotedHunter(tag);
  for (let at = 0, i = 0; at < stream.length; i++) {
    const length = lengths[i % lengths.length] ?? 1;
    noted.push(stream.subarray(at, at + length));
    at += length;
  }
  return noted.close();
}
