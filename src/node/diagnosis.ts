import type { LinkCounters } from "../link/counters.ts";

/** What was on the line, as far as it can be told from one side. */
export type Seen = "node" | "silence" | "noise" | "console" | "echo" | "foreign-version";

/** What else a machine noticed. */
export interface Noticed {
  readonly heardNode: boolean;
  readonly consoleText: string;
  readonly foreignVersion: boolean;
  readonly baud: number | undefined;
}

/** Names what was seen, and what to try next. */
export function diagnose(counters: LinkCounters, noticed: Noticed): { seen: Seen; detail: string } {
  if (noticed.heardNode) return { seen: "node", detail: "a mayday node answered" };
  if (noticed.foreignVersion) {
    return {
      seen: "foreign-version",
      detail: "the neighbour speaks another version of the protocol: bring both sides to the same release",
    };
  }
  if (counters.octetsReceived === 0) {
    return {
      seen: "silence",
      detail:
        "nothing was received: check that the other side runs, that TX goes to RX and RX to TX, and that grounds are joined",
    };
  }
  if (counters.echoes > 0) {
    return {
      seen: "echo",
      detail:
        "only our own frames come back: a loopback jumper, or TX and RX joined; connect the other board",
    };
  }
  if (noticed.consoleText !== "") {
    const sample = noticed.consoleText.trim().slice(0, 60);
    return {
      seen: "console",
      detail: `only text was received, beginning ${JSON.stringify(sample)}: a console runs there, not mayday`,
    };
  }
  const rate = noticed.baud === undefined ? "" : ` at ${noticed.baud} baud`;
  return {
    seen: "noise",
    detail: `${counters.octetsReceived} octets were received${rate}, none of them a frame: try another baud rate (?baud=N), then check levels and ground`,
  };
}
