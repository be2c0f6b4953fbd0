import type { Millis } from "../base/units.ts";
import type { Link } from "../link/link.ts";
import { AHEAD_MS_MAX } from "../link/pacer.ts";
import { FRAME_TIME_MAX_MS } from "../link/payload-sizes.ts";

/** Bytes that a rescuer's tty and its frame on the line may hold before an answer. */
const RESCUER_QUEUE_BYTES = 6_000;

/** How long an answer may take on this link before the question is sent again. */
export function answerTimeout(link: Link): Millis {
  return link.rtt.timeout + link.lineTime(RESCUER_QUEUE_BYTES);
}

/** A rescuer may try twice the size that it sent last. */
const FRAME_GROWTH = 2;

/**
 * How long a rescuer that has something to send may not be heard on this link: one frame at most is on its way. After that
 * it is asked again, as it may be mute (PROTOCOL.md 2.4).
 */
export function silenceTimeout(link: Link): Millis {
  const frameMs = link.lineTime(FRAME_GROWTH * link.longestReceived);
  return link.rtt.timeout + Math.min(FRAME_TIME_MAX_MS, frameMs) + AHEAD_MS_MAX;
}

/** A grant and a request on the line, in bytes, and the share of the line that they take in a silence at most. */
const ASKING_BYTES = 64;
const ASKING_SHARE = 0.05;

/** How often a rescuer is asked that was asked once already because it was silent, and has been since. */
export function silenceInterval(link: Link): Millis {
  const intervalMs = Math.max(link.rtt.timeout + AHEAD_MS_MAX, link.lineTime(ASKING_BYTES) / ASKING_SHARE);
  return Math.min(silenceTimeout(link), intervalMs);
}
