import { sha256 } from "./hash.ts";
import { encodeUtf8 } from "./utf8.ts";

/** What an image is made for. Compared exactly, never by prefix or pattern. */
export interface Hardware {
  readonly vendor: string;
  readonly hardwareClass: string;
}

/** Hardware revisions that an image fits, both ends included, 0 to 65535. */
export interface RevisionRange {
  readonly revisionMin: number;
  readonly revisionMax: number;
}

/** Most UTF-8 bytes of a vendor or class name. */
export const NAME_MAX = 32;
/** Bytes of a hardware id on the wire. */
export const HARDWARE_ID_LENGTH = 8;
/** Largest hardware revision. */
export const REVISION_MAX = 0xffff;
/** Vendor of a hardware id that is written without one. */
export const DEFAULT_VENDOR = "generic";

/**
 * Why a vendor or class name is not allowed; undefined when it is. Control characters, line separators and direction
 * overrides could make a terminal show another name; a "/" would make "vendor/class" ambiguous.
 */
export function nameFault(name: string): string | undefined {
  const bytes = encodeUtf8(name).length;
  if (bytes === 0) return "is empty";
  if (bytes > NAME_MAX) return `has ${bytes} bytes, at most ${NAME_MAX} are allowed`;
  // \p{Cs}: half a surrogate pair, which UTF-8 cannot encode.
  if (/[\p{Cc}\p{Cs}\u2028-\u202e\u2066-\u2069\ufeff]/u.test(name)) return "holds a control character";
  if (name.includes("/")) return 'holds a "/"';
  if (name.startsWith(" ") || name.endsWith(" ")) return "begins or ends with a space";
  return undefined;
}

/** First 8 bytes of SHA-256("vendor/class"): what beacons carry, as advice. */
export function hardwareId(vendor: string, hardwareClass: string): Uint8Array {
  return sha256(encodeUtf8(`${vendor}/${hardwareClass}`)).subarray(0, HARDWARE_ID_LENGTH);
}

/** Reads `[vendor/]class`; without a vendor it is "generic". Undefined when a name is not allowed. */
export function parseHardware(text: string): Hardware | undefined {
  const slash = text.indexOf("/");
  const vendor = slash < 0 ? DEFAULT_VENDOR : text.slice(0, slash);
  const hardwareClass = text.slice(slash + 1);
  if (nameFault(vendor) !== undefined || nameFault(hardwareClass) !== undefined) return undefined;
  // Nobody means these. The format allows them: a board need not know all of Unicode's white space.
  if (vendor.trim() !== vendor || hardwareClass.trim() !== hardwareClass) return undefined;
  return { vendor, hardwareClass };
}

/** Whether two are the same. Ids, which are hashes of 8 bytes, are advice: see {@link hardwareId}. */
export function isSameHardware(a: Hardware, b: Hardware): boolean {
  return a.vendor === b.vendor && a.hardwareClass === b.hardwareClass;
}

/** "vendor/class", always with the vendor. */
export function formatHardware(hardware: Hardware): string {
  return `${hardware.vendor}/${hardware.hardwareClass}`;
}

/** Reads "A-B" or "A" (only that revision); undefined when it is not a range within 0 to 65535. */
export function parseRevisionRange(text: string): RevisionRange | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (match === null) return undefined;
  const revisionMin = Number(match[1]);
  const revisionMax = Number(match[2] ?? match[1]);
  if (revisionMin > revisionMax || revisionMax > REVISION_MAX) return undefined;
  return { revisionMin, revisionMax };
}
