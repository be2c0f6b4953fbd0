/** What a verified manifest says about the blocks of an image. */
export interface DescentPlan {
  /** Short digest of the image. */
  readonly digest: Uint8Array;
  /** Bytes. */
  readonly size: number;
  /** Bytes, a power of two. */
  readonly blockSize: number;
  readonly leafCount: number;
}

/** Bytes of a block: the last may be short. */
export function lengthOfBlock({ size, blockSize }: DescentPlan, block: number): number {
  return Math.min(blockSize, size - block * blockSize);
}
