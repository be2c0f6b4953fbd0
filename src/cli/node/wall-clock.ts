import { existsSync } from "node:fs";
import type { WallTime } from "../../fleet/word-judge.ts";

/** Where systemd-timesyncd says, since the last start of the machine, that it has set the clock. */
const TIMESYNC = "/run/systemd/timesync";
/** 2026-01-01: no clock of a machine that runs this is right before. */
const EARLIEST = 1_767_225_600_000;

/**
 * The wall time, and whether it can be relied on: not before this program was made, and, where systemd sets the clock, after it has
 * done so. A machine without a battery for its clock begins at 1970, or when it was switched off.
 */
export function wallTime(at: number = Date.now(), folder: string = TIMESYNC): WallTime {
  const isSet = !existsSync(folder) || existsSync(`${folder}/synchronized`);
  return { at, sure: at >= EARLIEST && isSet };
}
