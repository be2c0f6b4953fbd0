/** What a verdict says of bytes and blocks when no link was used. */
export const NOTHING_MOVED = {
  bytesTx: 0,
  bytesRx: 0,
  resentBytes: 0,
  codedBlocks: 0,
  savedBytes: 0,
  blocks: 0,
  seconds: 0,
} as const;
