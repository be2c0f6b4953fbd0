/** Counters of a link, from its first byte on. Readable at any time, also after the link has closed. */
export interface LinkCounters {
  /** Bytes handed to the transport, delimiters included. */
  bytesSent: number;
  /** Bytes taken from the transport. */
  bytesReceived: number;
  framesSent: number;
  framesReceived: number;
  /** Runs that are not console text and fail COBS, length or CRC. */
  crcErrors: number;
  /** Bytes of such runs and of console text. */
  bytesDiscarded: number;
  /** Frames with a valid CRC of a session that is over. */
  staleFrames: number;
  /** Frames with a valid CRC that mean nothing here: malformed, unknown, or of the wrong side. */
  unexpectedFrames: number;
  /** Frames and answers that the link key did not prove: sent without it, or heard before (PROTOCOL.md 14). */
  unauthenticFrames: number;
  /** Own frames heard back. */
  echoes: number;
  /** Packets that arrived more than once. */
  duplicates: number;
  /** Packets that the peer did not receive. */
  packetsLost: number;
  /** Payload bytes sent again. */
  resentBytes: number;
  probesSent: number;
  /** Blocks sent as coded blocks. */
  codedBlocks: number;
  /** Bytes by which these are shorter than the blocks. */
  savedBytes: number;
  /** Frames in the second form, those that are also among the others (PROTOCOL.md 2.5). */
  codedFramesSent: number;
  codedFramesReceived: number;
  /** Wrong bytes in received frames that the second form mended. */
  mendedBytes: number;
}

export function newCounters(): LinkCounters {
  return {
    bytesSent: 0,
    bytesReceived: 0,
    framesSent: 0,
    framesReceived: 0,
    crcErrors: 0,
    bytesDiscarded: 0,
    staleFrames: 0,
    unexpectedFrames: 0,
    unauthenticFrames: 0,
    echoes: 0,
    duplicates: 0,
    packetsLost: 0,
    resentBytes: 0,
    probesSent: 0,
    codedBlocks: 0,
    savedBytes: 0,
    codedFramesSent: 0,
    codedFramesReceived: 0,
    mendedBytes: 0,
  };
}
