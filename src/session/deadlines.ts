import type { Millis } from "../base/units.ts";

/** All deadlines of a role, by name: when each is due, or undefined while nothing is waited for. */
export type Deadlines<Name extends string> = Readonly<Record<Name, Millis | undefined>>;

/** The earliest deadline; undefined when there is none. */
export function soonest<Name extends string>(deadlines: Deadlines<Name>): Millis | undefined {
  let earliest: Millis | undefined;
  for (const name in deadlines) {
    const at = deadlines[name];
    if (at !== undefined && (earliest === undefined || at < earliest)) earliest = at;
  }
  return earliest;
}

/** Whether a deadline has come. */
export function isDue(at: Millis | undefined, now: Millis): boolean {
  return at !== undefined && at <= now;
}
