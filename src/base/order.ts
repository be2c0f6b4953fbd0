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

/** The version as one number, 16 bits a part: the default sequence number of an image. */
export function packVersion(version: Version): number {
  return version.major * 2 ** 32 + version.minor * 2 ** 16 + version.patch;
}

/** Below zero when `a` is older than `b`, above when newer, zero when neither. */
export function compareOrder(a: ImageOrder, b: ImageOrder): number {
  return a.sequence - b.sequence || packVersion(a.version) - packVersion(b.version);
}
