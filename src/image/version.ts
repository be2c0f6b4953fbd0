import type { Version } from "../base/order.ts";

export type { Version } from "../base/order.ts";

/** Largest MAJOR, MINOR or PATCH. */
export const VERSION_PART_MAX = 0xffff;
/** Largest sequence number: 48 bits, which a double holds exactly. */
export const SEQUENCE_MAX = 0xffff_ffff_ffff;

/** Reads "1.2.3" or "v1.2.3": exactly three decimal parts without leading zeros; undefined for anything else. */
export function parseVersion(text: string): Version | undefined {
  const match = /^v?(0|[1-9]\d{0,4})\.(0|[1-9]\d{0,4})\.(0|[1-9]\d{0,4})$/.exec(text);
  if (match === null) return undefined;
  const [major, minor, patch] = match.slice(1).map(Number);
  if (major === undefined || minor === undefined || patch === undefined) return undefined;
  if (Math.max(major, minor, patch) > VERSION_PART_MAX) return undefined;
  return { major, minor, patch };
}

/** "1.2.3". */
export function formatVersion(version: Version): string {
  return `${version.major}.${version.minor}.${version.patch}`;
}
