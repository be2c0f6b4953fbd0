/** MAJOR.MINOR.PATCH, each 0 to 65535. */
export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** What images are ordered by: the sequence number, then the version (PROTOCOL.md section 8.5). */
export interface ImageOrder {
  readonly sequence: number;
  readonly version: Version;
}

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

/** The version as one number, 16 bits a part: the default sequence number of an image. */
export function packVersion(version: Version): number {
  return version.major * 2 ** 32 + version.minor * 2 ** 16 + version.patch;
}

/** Below zero when `a` is older than `b`, above when newer, zero when neither. */
export function compareOrder(a: ImageOrder, b: ImageOrder): number {
  return a.sequence - b.sequence || packVersion(a.version) - packVersion(b.version);
}
