import type { LinkCounters } from "../link/counters.ts";
import type { Stranger, StrangerKind } from "../link/strangers/stranger.ts";
import { adviceOn } from "./stranger-advice.ts";

/** What was on the line, as far as it can be told from one side. */
export type Seen = "node" | "silence" | "echo" | "foreign-version" | StrangerKind;

/** What else a machine noticed. */
export interface Noticed {
  readonly heardNode: boolean;
  readonly consoleText: string;
  readonly foreignVersion: boolean;
  readonly baud: number | undefined;
  /** Whom the link recognised; undefined when nobody, or when a node is heard. */
  readonly stranger?: Stranger | undefined;
}

/** Names what was seen, and what to try next. */
export function diagnose(counters: LinkCounters, noticed: Noticed): { seen: Seen; detail: string } {
  const { stranger, baud } = noticed;
  if (noticed.heardNode) return { seen: "node", detail: "a mayday node answered" };
  if (noticed.foreignVersion) {
    return {
      seen: "foreign-version",
      detail: "the neighbour speaks another version of the protocol: bring both sides to the same release",
    };
  }
  if (counters.bytesReceived === 0) {
    return {
      seen: "silence",
      detail:
        "nothing was received: check that the other side runs, that TX goes to RX and RX to TX, and that grounds are joined",
    };
  }
  if (isOtherNode(counters)) return { seen: "node", detail: "a mayday node was heard" };
  if (counters.echoes > 0) {
    return {
      seen: "echo",
      detail:
        "only our own frames come back: a loopback jumper, or TX and RX joined; connect the other board",
    };
  }
  if (stranger !== undefined && stranger.kind !== "noise" && stranger.kind !== "console") {
    return { seen: stranger.kind, detail: adviceOn(stranger, baud) };
  }
  if (noticed.consoleText !== "") {
    const sample = noticed.consoleText.trim().slice(0, 60);
    return {
      seen: "console",
      detail: `only text was received, beginning ${JSON.stringify(sample)}: a console runs there, not mayday`,
    };
  }
  return unnamed(counters, baud);
}

/** Whether all that came were whole frames, and not all of them our own: another node is there on a good line. */
function isOtherNode(counters: LinkCounters): boolean {
  const { framesReceived, unexpectedFrames, staleFrames, echoes } = counters;
  const isClean = counters.crcErrors === 0 && counters.bytesDiscarded === 0;
  return isClean && framesReceived + unexpectedFrames + staleFrames > echoes;
}

/** Bytes came that nobody could be recognised by. */
function unnamed(counters: LinkCounters, baud: number | undefined): { seen: Seen; detail: string } {
  const { bytesReceived, bytesDiscarded, framesReceived } = counters;
  // A tty reports a line held low as one zero, not as many.
  if (bytesDiscarded === 0 && framesReceived === 0) {
    return { seen: "zeros", detail: adviceOn({ kind: "zeros" }, baud) };
  }
  const rate = baud === undefined ? "" : ` at ${baud} baud`;
  if (framesReceived > 0) {
    return {
      seen: "noise",
      detail: `${bytesReceived} bytes were received${rate}, and only ${framesReceived} frames came whole: check levels, ground and flow control, or try a lower baud rate (?baud=N)`,
    };
  }
  return {
    seen: "noise",
    detail: `${bytesReceived} bytes were received${rate}, none of them a frame: try another baud rate (?baud=N), then check levels and ground`,
  };
}
