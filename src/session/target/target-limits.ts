import type { AcceptAsks } from "../../wire/messages.ts";
import { KNOWN_CODECS, RAW_CODECS } from "../codecs.ts";
import { openBlocksOf } from "../handshake.ts";

/** What a target can keep in memory. What is not given is as in the reference (PROTOCOL.md 5.4, 6.3). */
export interface TargetLimits {
  /** Largest payload of a data or object frame that it takes, in bytes: a multiple of 32, 32 at least. */
  readonly payloadMax?: number;
  /** Blocks that are unfinished at once, 1 at least. */
  readonly openBlocks?: number;
  /**
   * Runs of hashes that it keeps at once, 1 to 12. With 1, no run is asked for before it is known to be needed, nor before
   * the blocks of the last one are written.
   */
  readonly runs?: number;
  /** Codecs that it takes, as a set (PROTOCOL.md 4.5): raw always. Coded blocks need 32 KiB for a dictionary, and inflating. */
  readonly codecs?: number;
  /**
   * Bytes of an image that it takes right behind an offer, which its calls then say (PROTOCOL.md 6.10); none unless given, and
   * none with a link key.
   */
  readonly inlineBytes?: number;
  /** The most that its accepts ask for beside the manifest: "run" at most if it keeps one block or one run. */
  readonly asks?: "nothing" | AcceptAsks;
}

const ASKS = ["nothing", "run", "path", "blank"] as const;

/** What an accept asks for, of what it could ask for; undefined: the manifest alone. */
export function asksWithin({ asks: most = "blank" }: TargetLimits, asks: AcceptAsks): AcceptAsks | undefined {
  const within = ASKS[Math.min(ASKS.indexOf(asks), ASKS.indexOf(most))];
  return within === "nothing" ? undefined : within;
}

/** Blocks of this size that are unfinished at once. */
export function openBlocksWithin(limits: TargetLimits, blockSize: number): number {
  return Math.min(limits.openBlocks ?? Number.POSITIVE_INFINITY, openBlocksOf(blockSize));
}

/** Codecs that a target states in its accept, and allows in its grants. */
export function codecsWithin({ codecs = KNOWN_CODECS }: TargetLimits): number {
  return RAW_CODECS | (codecs & KNOWN_CODECS);
}
