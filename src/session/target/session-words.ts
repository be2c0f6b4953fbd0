import type { Millis } from "../../base/units.ts";

/** What a session says that is not of it. */
export interface SessionWords {
  /** The beacon of the firmware that the board has now. */
  sayBeacon(): void;
  /** Asks a rescuer that fell silent, if the line allows it, so that a shell in its place takes no harm (PROTOCOL.md 2.4). */
  askSilent(now: Millis): void;
}
