import type { Millis } from "../base/units.ts";

/** In bit errors one probe of so much time comes through, and its ack. */
const CUT_MS = 200;
/** Frames that may be on their way, ahead of a probe. */
const CUT_FRAMES = 2;

/**
 * Whether a silence without any ack was no effect of errors on the line: it was cut, or the peer stood still (PROTOCOL.md
 * 4.7). `rtoMs`: the retransmission timeout; `frameMs`: line time of the longest frame in flight.
 */
export function wasCut(silentMs: Millis, rtoMs: Millis, frameMs: Millis): boolean {
  return silentMs > CUT_MS + rtoMs + CUT_FRAMES * frameMs;
}
