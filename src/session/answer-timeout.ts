import type { Millis } from "../base/units.ts";
import type { Link } from "../link/link.ts";

/** Bytes that a rescuer's tty and its frame on the line may hold before an answer. */
const RESCUER_QUEUE_BYTES = 6_000;

/** How long an answer may take on this link before the question is sent again. */
export function answerTimeout(link: Link): Millis {
  return link.rtt.timeout + link.lineTime(RESCUER_QUEUE_BYTES);
}

/** Longest line time of a frame (PROTOCOL.md 4.7). */
const FRAME_TIME_MAX_MS: Millis = 2_000;
/** A rescuer may try twice the size that it sent last. */
const FRAME_GROWTH = 2;
/** What a rescuer hands to its UART ahead of the line (PROTOCOL.md 4.8). */
const AHEAD_MS: Millis = 40;

/**
 * How long a rescuer that has something to send may not be heard on this link: one frame at most is on its way. After that
 * it is asked again, as it may be mute (PROTOCOL.md 2.4).
 */
export function silenceTimeout(link: Link): Millis {
  const frameMs = link.lineTime(FRAME_GROWTH * link.longestReceived);
  return link.rtt.timeout + Math.min(FRAME_TIME_MAX_MS, frameMs) + AHEAD_MS;
}
