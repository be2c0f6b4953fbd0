import { ExitCode } from "../base/errors.ts";
import type { LinkCounters } from "../link/counters.ts";

/** Why a run ended: the part of the verdict that depends on it. */
export interface Ending {
  readonly code: ExitCode;
  readonly reason: string;
  readonly detail?: string;
}

/** The ending of a run whose last word was a refusal. */
export function refusedEnding({
  reason,
  detail,
}: {
  readonly reason: string;
  readonly detail: string;
}): Ending {
  return { code: ExitCode.refused, reason, detail };
}

/** How a run ended: the last line of `--json`. Sizes in bytes. */
export interface Verdict {
  readonly ok: boolean;
  readonly code: ExitCode;
  /** Kebab-case; "healed", "healthy", "timeout", "done-not-heard", a refusal reason, … */
  readonly reason: string;
  /** Sum over all links, like the next two. */
  readonly bytesTx: number;
  readonly bytesRx: number;
  /** Payload bytes sent more than once; counted by the rescuer. */
  readonly resentBytes: number;
  /** Blocks sent as coded blocks, and the bytes by which these were shorter; counted by the rescuer. */
  readonly codedBlocks: number;
  readonly savedBytes: number;
  /** Frames in the second form, and received bytes that it mended (PROTOCOL.md 2.5); left out where there were none. */
  readonly codedFramesTx?: number;
  readonly codedFramesRx?: number;
  readonly mendedBytes?: number;
  /** Blocks that went over the wire. */
  readonly blocks: number;
  /**
   * For a rescuer, from the first byte of the manifest to DONE; for a target, from the first offer accepted on that link
   * until the image was verified.
   */
  readonly seconds: number;
  /** Id of the other side, in hexadecimal, in the session that decided how the run ended. */
  readonly peer: string | undefined;
  /** Digest of that session's image, in hexadecimal. */
  readonly digest: string | undefined;
  /** Boards that this run healed; counted by a rescuer. */
  readonly healed?: number;
  /** Rate of the line at that session's end, in bit/s, if it healed a board; absent where the link has none of its own. */
  readonly baud?: number | undefined;
  /** What was seen on the line, for people: silence, noise, a foreign protocol, and what to try next. */
  readonly detail?: string;
}

/** The part of a verdict that describes a session. */
export type SessionFigures = Pick<Verdict, "blocks" | "seconds" | "peer" | "digest" | "healed" | "baud">;

/** Builds the verdict of a run; `counters` are those of its links. */
export function verdictOf(
  ending: Ending,
  counters: readonly LinkCounters[],
  figures: SessionFigures,
): Verdict {
  const sum = (read: (one: LinkCounters) => number): number =>
    counters.reduce((all, one) => all + read(one), 0);
  return {
    ok: ending.code === ExitCode.done,
    ...ending,
    bytesTx: sum((one) => one.bytesSent),
    bytesRx: sum((one) => one.bytesReceived),
    resentBytes: sum((one) => one.resentBytes),
    codedBlocks: sum((one) => one.codedBlocks),
    savedBytes: sum((one) => one.savedBytes),
    ...codedFigures(
      sum((one) => one.codedFramesSent),
      sum((one) => one.codedFramesReceived),
      sum((one) => one.mendedBytes),
    ),
    ...figures,
  };
}

function codedFigures(
  codedFramesTx: number,
  codedFramesRx: number,
  mendedBytes: number,
): Pick<Verdict, "codedFramesTx" | "codedFramesRx" | "mendedBytes"> {
  return codedFramesTx + codedFramesRx === 0 ? {} : { codedFramesTx, codedFramesRx, mendedBytes };
}
