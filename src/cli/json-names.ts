/** Names in `status --json` that are older than the code's own: programs read them, so they stay. */
const COUNTERS: Readonly<Record<string, string>> = {
  bytesSent: "octetsSent",
  bytesReceived: "octetsReceived",
  bytesDiscarded: "octetsDiscarded",
  resentBytes: "resentOctets",
};

/** Counters of a link, as `status --json` prints them. */
export function countersJson(counters: object): object {
  return Object.fromEntries(Object.entries(counters).map(([name, value]) => [COUNTERS[name] ?? name, value]));
}
