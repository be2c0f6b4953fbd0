import { AnnounceType, RescuerControlType, TargetControlType } from "../../src/wire/constants.ts";

/** First bytes of control frames that the C side has no name for: *rate-ok*, *rate* and *have* (PROTOCOL.md 5.17, 5.18, 5.21), ... */
const UNNAMED: readonly number[] = [
  (TargetControlType.rateOk << 4) | 1,
  (RescuerControlType.rate << 4) | 2,
  (RescuerControlType.have << 4) | 2,
];
/** ... and types of such announcements: words about images (5.19, 5.20). */
const UNNAMED_ANNOUNCEMENTS: readonly number[] = [AnnounceType.suspect, AnnounceType.confirmed];
const ANNOUNCEMENT = 0x10;

/** Whether this is a frame of a kind that the C side has no name for. */
export function isUnnamed([first = 0, second = 0]: Uint8Array): boolean {
  return first === ANNOUNCEMENT ? UNNAMED_ANNOUNCEMENTS.includes(second) : UNNAMED.includes(first);
}
