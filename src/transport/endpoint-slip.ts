/** Kinds of link as other programs name them: pyserial, socat, ser2net, and what people guess. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ["socket", "tcp"],
  ["raw", "tcp"],
  ["tcp4", "tcp"],
  ["tcp6", "tcp"],
  ["tcp-connect", "tcp"],
  ["tcp-l", "tcp-listen"],
  ["tcp4-listen", "tcp-listen"],
  ["tcp6-listen", "tcp-listen"],
  ["telnet", "rfc2217"],
  ["uart", "serial"],
  ["tty", "serial"],
  ["com", "serial"],
  ["smbus", "i2c"],
]);
/** Kinds that name a host: in others two slashes may begin a path. */
const OF_HOSTS: ReadonlySet<string> = new Set(["tcp", "tcp-listen", "rfc2217"]);

/** How an endpoint was probably meant that has the form of a URL, or a kind as other programs name it; undefined for others. */
export function meantEndpoint(scheme: string, rest: string): string | undefined {
  const low = scheme.toLowerCase();
  const kind = OTHER_NAMES.get(low) ?? low;
  const isUrl = OF_HOSTS.has(kind) && rest.startsWith("//");
  if (kind === scheme && !isUrl) return undefined;
  return `${kind}:${isUrl ? rest.slice(2).replace(/\/+(?=\?|$)/, "") : rest}`;
}
