/** Names in JSON lines that are older than the code's own: programs read them, so they stay. */
const COUNTERS: Readonly<Record<string, string>> = {
  bytesSent: "octetsSent",
  bytesReceived: "octetsReceived",
  bytesDiscarded: "octetsDiscarded",
  resentBytes: "resentOctets",
};
const FIGURES: Readonly<Record<string, string>> = {
  imageBytes: "imageOctets",
  damagedBytes: "damagedOctets",
  bytesToBoard: "octetsToBoard",
  bytesFromBoard: "octetsFromBoard",
};

/** Counters of a link, as `status --json` prints them. */
export function countersJson(counters: object): object {
  return renamed(counters, COUNTERS);
}

/** Figures of a transfer, as `demo --json` prints them. */
export function figuresJson(figures: object): object {
  return renamed(figures, FIGURES);
}

function renamed(fields: object, names: Readonly<Record<string, string>>): object {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [names[name] ?? name, value]));
}
