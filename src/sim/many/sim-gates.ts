import type { Millis } from "../../base/units.ts";

/** How carefully the nodes of a world let an update spread; without any of it as carelessly as by default. */
export interface SimGates {
  /** Rings of the newest image. */
  readonly rings: number;
  readonly soakMs: Millis;
  readonly ringTimeMs: Millis;
  /** For a control run: the nodes ask for none of it. */
  readonly areOff: boolean;
}

export const NO_GATES: SimGates = { rings: 1, soakMs: 0, ringTimeMs: 0, areOff: false };

/** What the nodes are told. */
export function nodeGates({ soakMs, ringTimeMs, areOff }: SimGates): {
  readonly soakMs: Millis;
  readonly ringTimeMs: Millis;
  readonly heedsSuspects: boolean;
} {
  if (areOff) return { soakMs: 0, ringTimeMs: 0, heedsSuspects: false };
  return { soakMs, ringTimeMs, heedsSuspects: true };
}

/** Whether nothing holds an update back. */
export function withoutGates({ rings, soakMs, areOff }: SimGates): boolean {
  return areOff || (rings < 2 && soakMs === 0);
}
