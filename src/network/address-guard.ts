import { BlockList, isIP, isIPv4 } from "node:net";
import { UsageError } from "../base/errors.ts";

/** An IP network: "192.168.7.0/24", or one address. */
export interface NetworkRange {
  readonly address: string;
  readonly prefix: number;
  readonly family: "ipv4" | "ipv6";
}

/** Reads "192.168.7.0/24", "fd00::/8" or a single address. UsageError `bad-address-range`. */
export function parseNetworkRange(text: string): NetworkRange {
  const [, address = "", digits] = /^([0-9A-Fa-f.:]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const family = isIPv4(address) ? "ipv4" : "ipv6";
  const most = family === "ipv4" ? 32 : 128;
  const prefix = digits === undefined ? most : Number(digits);
  if (isIP(address) !== 0 && prefix <= most) return { address, prefix, family };
  const message = `"${text}" is no range of IP addresses: give such as 192.168.7.0/24, fd00:7::/64 or 127.0.0.1`;
  throw new UsageError("bad-address-range", message);
}

/**
 * What no server on the Internet has (the special-purpose registries of RFC 6890, as of 2024): this host, private networks,
 * shared space of carriers, link-local (with the metadata services of clouds), documentation, multicast, reserved.
 */
const NOT_PUBLIC: readonly string[] = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
  // Of IPv6 only 2000::/3 is public; these are the parts of that which are not, or which carry an IPv4 address.
  "2001::/23",
  "2001:db8::/32",
  "2002::/16",
  "3fff::/20",
];
const PUBLIC_V6 = listOf(["2000::/3"].map(parseNetworkRange));
const FORBIDDEN = listOf(NOT_PUBLIC.map(parseNetworkRange));

/**
 * Says which addresses may be connected to: public ones, and those that are listed. A name in a URL leads where its owner, and
 * the one who answers for the name service, want it to; without this a URL could reach services of this machine and its site.
 */
export class AddressGuard {
  readonly #listed: BlockList;

  constructor(listed: readonly NetworkRange[] = []) {
    this.#listed = listOf(listed);
  }

  isAllowed(address: string): boolean {
    const plain = unmapped(address);
    if (isIP(plain) === 0) return false;
    const family = isIPv4(plain) ? "ipv4" : "ipv6";
    if (this.#listed.check(plain, family)) return true;
    if (family === "ipv6" && !PUBLIC_V6.check(plain, family)) return false;
    return !FORBIDDEN.check(plain, family);
  }
}

function listOf(ranges: readonly NetworkRange[]): BlockList {
  const list = new BlockList();
  for (const { address, prefix, family } of ranges) list.addSubnet(address, prefix, family);
  return list;
}

/** "::ffff:127.0.0.1", also as "::ffff:7f00:1", is 127.0.0.1; a zone ("fe80::1%eth0") is no part of an address. */
function unmapped(address: string): string {
  const [plain = ""] = address.split("%");
  if (isIP(plain) !== 6) return plain;
  // The WHATWG parser writes the shortest form, always with hexadecimal groups.
  const shortest = new URL(`http://[${plain}]/`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(shortest) ?? [];
  if (high === undefined || low === undefined) return shortest;
  const bits = [high, low].map((group) => Number.parseInt(group, 16));
  return bits.flatMap((group) => [group >> 8, group & 0xff]).join(".");
}
