import type { LinkCounters } from "../link/counters.ts";
import type { Stranger, StrangerKind } from "../link/strangers/stranger.ts";
import { type Advice, advised } from "./advice.ts";
import { isChange, strangerText } from "./stranger-names.ts";

/** What was seen on the line, from one side. */
export type Seen = "node" | "silence" | "echo" | "foreign-version" | StrangerKind;

/** What was noticed besides the counters. */
export interface Noticed {
  readonly heardNode: boolean;
  readonly consoleText: string;
  readonly foreignVersion: boolean;
  readonly baud: number | undefined;
  /** The link as the user wrote it. */
  readonly endpoint: string;
  /** What the link recognized, if it is not a mayday node. */
  readonly stranger?: Stranger | undefined;
}

/** What was seen, as a code and as a sentence. */
export interface Diagnosis {
  readonly seen: Seen;
  readonly detail: string;
}

/** Console text that is quoted, in characters. */
const QUOTE_MAX = 60;

/** Names what was seen, with `advice` also what to try next. */
export function diagnose(counters: LinkCounters, noticed: Noticed, advice?: Advice): Diagnosis {
  const { stranger, baud, endpoint } = noticed;
  const line = (seen: Seen, sentence: string): Diagnosis => {
    const topic = { about: "line", seen, hasFrames: counters.framesReceived > 0, endpoint } as const;
    return { seen, detail: advised(sentence, topic, advice) };
  };
  const changed = stranger !== undefined && isChange(stranger.kind) ? stranger : undefined;
  const changedText = changed && strangerText(changed, noticed, advice);
  if (noticed.heardNode) {
    const detail = changedText ?? withEcho("a mayday node answered", counters, endpoint, advice);
    return { seen: "node", detail };
  }
  if (changed && changedText !== undefined) return { seen: changed.kind, detail: changedText };
  if (noticed.foreignVersion)
    return line("foreign-version", "the neighbour speaks another version of the protocol");
  if (counters.bytesReceived === 0) return line("silence", "nothing was received");
  if (isOtherNode(counters))
    return { seen: "node", detail: withEcho("a mayday node was heard", counters, endpoint, advice) };
  if (counters.echoes > 0) return line("echo", "only our own frames come back");
  if (stranger !== undefined && stranger.kind !== "noise" && stranger.kind !== "console")
    return { seen: stranger.kind, detail: strangerText(stranger, noticed, advice) };
  if (noticed.consoleText !== "") {
    const sample = JSON.stringify(noticed.consoleText.trim().slice(0, QUOTE_MAX));
    return line("console", `only text was received, beginning ${sample}`);
  }
  // A tty reports a line that is held low as a single zero byte.
  if (counters.bytesDiscarded === 0 && counters.framesReceived === 0)
    return { seen: "zeros", detail: strangerText({ kind: "zeros" }, noticed, advice) };
  return line("noise", noiseText(counters, baud));
}

/** A sentence about another node; and that own frames come back, too, where they do. */
export function withEcho(
  sentence: string,
  { echoes }: LinkCounters,
  endpoint: string,
  advice: Advice | undefined,
): string {
  if (echoes === 0) return sentence;
  return `${sentence}; ${advised("our own frames come back, too", { about: "echo-beside-node", endpoint }, advice)}`;
}

/** Whether everything received was valid frames, and not only our own: another node is there, on a good line. */
function isOtherNode(counters: LinkCounters): boolean {
  const { framesReceived, unexpectedFrames, staleFrames, echoes } = counters;
  const isClean = counters.crcErrors === 0 && counters.bytesDiscarded === 0;
  return isClean && framesReceived + unexpectedFrames + staleFrames > echoes;
}

/** Bytes were received, and nothing could be recognized. */
function noiseText({ bytesReceived, framesReceived }: LinkCounters, baud: number | undefined): string {
  const rate = baud === undefined ? "" : ` at ${baud} baud`;
  const frames = framesReceived > 0 ? `and only ${framesReceived} frames came whole` : "none of them a frame";
  return `${bytesReceived} bytes were received${rate}, ${frames}`;
}
