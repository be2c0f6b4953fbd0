import type { ExitCode } from "../base/errors.ts";
import type { LinkCounters } from "../link/counters.ts";

/** The part of a verdict that each way of ending decides. */
export interface Ending {
  readonly code: ExitCode;
  readonly reason: string;
  readonly detail?: string;
}

/** How a run ended: the last line of `--json`. Sizes in bytes. */
export interface Verdict {
  readonly ok: boolean;
  readonly code: ExitCode;
  /** Kebab-case; "healed", "healthy", "timeout", "done-not-heard", a refusal reason, … */
  readonly reason: string;
  /** Over all links, as the next two. */
  readonly bytesTx: number;
  readonly bytesRx: number;
  /** Payload bytes sent more than once; counted by the rescuer. */
  readonly resentBytes: number;
  /** Blocks that went over the wire. */
  readonly blocks: number;
  /** From the first byte of the manifest to DONE. */
  readonly seconds: number;
  /** Id of the other side in hexadecimal: of the session that decided how the run ended, as the digest. */
  readonly peer: string | undefined;
  /** Digest of the image in hexadecimal. */
  readonly digest: string | undefined;
  /** What was seen on the line, for people: silence, noise, a foreign protocol, and what to try next. */
  readonly detail?: string;
}

/** What a verdict says of sessions. */
export type SessionFigures = Pick<Verdict, "blocks" | "seconds" | "peer" | "digest">;

/** The verdict of a run that ended so, over links with these counters. */
export function verdictOf(
  ending: Ending,
  counters: readonly LinkCounters[],
  figures: SessionFigures,
): Verdict {
  const sum = (read: (one: LinkCounters) => number): number =>
    counters.reduce((all, one) => all + read(one), 0);
  return {
    ok: ending.code === 0,
    ...ending,
    bytesTx: sum((one) => one.bytesSent),
    bytesRx: sum((one) => one.bytesReceived),
    resentBytes: sum((one) => one.resentBytes),
    ...figures,
  };
}
