/** Longest name of a fleet or a site, in characters. */
export const FLEET_NAME_MAX = 48;
/** Letters, digits, and inside also ". _ -": nothing that means something in a topic, a path or a page. */
const NAME = new RegExp(`^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,${FLEET_NAME_MAX - 2}}[A-Za-z0-9])?$`);
const HEX_16 = /^[0-9a-f]{16}$/;

/** Whether this may be the name of a fleet or a site, and so a level of a topic. */
export function isFleetName(name: string): boolean {
  return NAME.test(name);
}

/** Levels of topics where sites are that belong to the owner. */
const OWNER_NAMES: readonly string[] = ["offers", "stop"];

/** Whether this may be the name of a site. */
export function isSiteName(name: string): boolean {
  return isFleetName(name) && !OWNER_NAMES.includes(name);
}

/** Whether this is an id of a board, a boot nonce, a short digest or a hardware id: 16 hexadecimal digits in lower case. */
export function isHex16(text: string): boolean {
  return HEX_16.test(text);
}

/** First 16 hexadecimal digits of a digest: all that a beacon carries. */
export function digest16(digest: string): string {
  return digest.slice(0, 16);
}
