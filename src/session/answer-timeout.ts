import type { Millis } from "../base/units.ts";
import type { Link } from "../link/link.ts";

/** Bytes that a rescuer's tty and its frame on the line may hold before an answer. */
const RESCUER_QUEUE_BYTES = 6_000;

/** How long an answer may take on this link before the question is sent again. */
export function answerTimeout(link: Link): Millis {
  return link.rtt.timeout + link.lineTime(RESCUER_QUEUE_BYTES);
}
