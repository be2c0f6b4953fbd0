import type { BootFailure } from "../../base/refusal.ts";
import type { RunOutcome, TreeNode } from "../../base/tree-shape.ts";
import type { Millis } from "../../base/units.ts";
import type { NodeStatus } from "../beacon.ts";
import type { ImageHold } from "./image-hold.ts";
import type { PresentSession } from "./present-session.ts";
import type { BlockOutcome, ManifestOutcome } from "./target-events.ts";
import type { SessionEnd, TargetSession } from "./target-session.ts";

/** What the answers to a target's effects share with its role. */
export interface EffectAnswersParts {
  readonly hold: ImageHold;
  /** The board's status now. */
  readonly status: () => NodeStatus;
  readonly present: PresentSession;
}

/**
 * Completes the effects of a target: each answer goes to its session, and tells the hold what became of the image
 * (PROTOCOL.md 6.5). An answer that comes after its session ended is dropped, but for a commit.
 */
export class EffectAnswers {
  readonly #parts: EffectAnswersParts;

  constructor(parts: EffectAnswersParts) {
    this.#parts = parts;
  }

  manifestChecked(now: Millis, number: number, outcome: ManifestOutcome): void {
    this.#complete(now, number, (session) => {
      if (outcome.tag === "refused" && outcome.digest !== undefined) this.#parts.hold.release(outcome.digest);
      return session.handleManifestChecked(now, outcome);
    });
  }

  runChecked(now: Millis, number: number, node: TreeNode, outcome: RunOutcome): void {
    this.#complete(now, number, (session) => session.handleRunChecked(now, node, outcome));
  }

  blockWritten(now: Millis, number: number, block: number, outcome: BlockOutcome): void {
    this.#complete(now, number, (session) => {
      if (outcome === "written") this.#parts.hold.noteBlock(now, session.peer, block);
      return session.handleBlockWritten(now, block, outcome);
    });
  }

  /** A commit that made the board boot counts although its session is over. */
  committed(now: Millis, number: number, failure: BootFailure | undefined): void {
    const { hold, present } = this.#parts;
    this.#noteStatus(now);
    if (failure === undefined) hold.noteHealed();
    const session = present.of(number);
    if (session !== undefined) present.end(now, session.handleCommitted(now, failure));
    else if (failure === undefined) present.handleLateCommit();
  }

  /** The board worked: what its record says is being received is held to. */
  #noteStatus(now: Millis): void {
    this.#parts.hold.noteReceiving(now, this.#parts.status().receivingDigest);
  }

  #complete(now: Millis, number: number, take: (session: TargetSession) => SessionEnd | undefined): void {
    const { hold, present } = this.#parts;
    const session = present.of(number);
    if (session === undefined) return;
    this.#noteStatus(now);
    const end = take(session);
    if (session.lackMs !== undefined) hold.noteLack(session.peer, session.lackMs);
    present.end(now, end);
  }
}
