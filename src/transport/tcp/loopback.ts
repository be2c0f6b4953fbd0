import { BlockList, isIP } from "node:net";

const LOOPBACK: BlockList = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/**
 * Whether a host of an endpoint is this machine alone: 127.0.0.0/8, ::1 in any notation, or a name that RFC 6761 keeps for
 * it. Other names are not looked up: they count as reachable from elsewhere.
 */
export function isLoopbackHost(host: string): boolean {
  const [address = ""] = host.split("%");
  const family = isIP(address);
  if (family !== 0) return LOOPBACK.check(address, family === 4 ? "ipv4" : "ipv6");
  // Short forms of an IPv4 address, which the system's resolver takes: 127.1.
  return /^(?:127(?:\.\d+){1,2}|(?:.+\.)?localhost\.?|ip6-localhost|ip6-loopback)$/i.test(host);
}
