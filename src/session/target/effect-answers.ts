import type { BootFailure } from "../../base/refusal.ts";
import type { RunOutcome, TreeNode } from "../../base/tree-shape.ts";
import type { Millis } from "../../base/units.ts";
import type { ImageHold } from "./image-hold.ts";
import type { BlockOutcome, ManifestOutcome } from "./target-events.ts";
import type { SessionEnd, TargetSession } from "./target-session.ts";

/** What the answers to a target's effects share with its role. */
export interface EffectAnswersParts {
  readonly hold: ImageHold;
  /** The board has worked: its status may be another one. */
  readonly noteStatus: (now: Millis) => void;
  /** The session with this number, if it still runs. */
  readonly sessionOf: (number: number) => TargetSession | undefined;
  /** An answer ended its session. */
  readonly onEnd: (now: Millis, end: SessionEnd) => void;
}

/**
 * Completes the effects of a target: each answer goes to its session, and tells the hold what became of the image
 * (PROTOCOL.md 6.5). An answer that comes after its session ended is dropped.
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

  /** False if the session is over: a commit counts all the same. */
  committed(now: Millis, number: number, failure: BootFailure | undefined): boolean {
    const { hold, noteStatus, onEnd, sessionOf } = this.#parts;
    noteStatus(now);
    if (failure === undefined) hold.noteHealed();
    const session = sessionOf(number);
    if (session === undefined) return false;
    const end = session.handleCommitted(now, failure);
    if (end !== undefined) onEnd(now, end);
    return true;
  }

  #complete(now: Millis, number: number, take: (session: TargetSession) => SessionEnd | undefined): void {
    const { hold, noteStatus, onEnd, sessionOf } = this.#parts;
    const session = sessionOf(number);
    if (session === undefined) return;
    noteStatus(now);
    const end = take(session);
    if (session.lackMs !== undefined) hold.noteLack(session.peer, session.lackMs);
    if (end !== undefined) onEnd(now, end);
  }
}
