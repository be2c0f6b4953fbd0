import { assert } from "../base/assert.ts";
import { FailedError, RefusedError } from "../base/errors.ts";
import type { TreeNode } from "../base/tree-shape.ts";
import { type ImageSource, runOf } from "../image/image-source.ts";
import type { CommitOutcome, TargetStore } from "./target-store.ts";

/** What a local installation needed. */
export interface InstallReport {
  readonly outcome: CommitOutcome;
  /** Runs and uniform claims that the store asked for. */
  readonly runs: number;
  /** Blocks whose data the store asked for. */
  readonly blocks: readonly number[];
}

/**
 * Installs a local image through a store, by the steps that a session takes over a wire. RefusedError with the reason
 * as code; FailedError `flash-failed` when the flash does not keep what is written.
 */
export function installFrom(store: TargetStore, image: ImageSource): InstallReport {
  return resultOf(installSteps(store, image));
}

/**
 * Does what {@link installFrom} does a block or a run of hashes at a time, and gives the number of blocks written so far
 * between them: a program serves its links in the meantime, but nobody else may use the store as a target. A step
 * writes the blocks, too, that need not be read: those of one byte, and those that another slot holds. The second step
 * compares the slot with the image, and the last one verifies it: both hash all of it. Who stops before the end calls
 * `return`: then the session is abandoned, and the same image resumes. After an error abandon it yourself.
 */
export function* installSteps(
  store: TargetStore,
  image: ImageSource,
): Generator<number, InstallReport, undefined> {
  requireAccepted(store, image.envelope);
  let isStopped = true;
  try {
    yield 0;
    const { runs, blocks } = yield* receiveSteps(store, image);
    isStopped = false;
    return { outcome: store.commit(), runs, blocks };
  } catch (error) {
    // Storage that failed is not written to again.
    isStopped = false;
    throw error;
  } finally {
    if (isStopped) store.abandon();
  }
}

/** Offers a manifest. RefusedError with the reason as code when the board refuses it. */
export function requireAccepted(store: TargetStore, envelope: Uint8Array): void {
  const verdict = store.checkManifest(envelope);
  if (verdict.tag === "accepted") return;
  const { reason, detail } = verdict;
  throw new RefusedError(reason, `The board refuses the image: ${detail}`, { reason });
}

/** What {@link receiveFrom} needed, and whether the store has everything. */
export interface ReceiveReport extends Omit<InstallReport, "outcome"> {
  readonly isComplete: boolean;
}

/**
 * Answers what a store asks for after it accepted the image's manifest. Ends early, before a block, when `stop`
 * returns true for the number of blocks written so far. FailedError `flash-failed`.
 */
export function receiveFrom(
  store: TargetStore,
  image: ImageSource,
  stop?: (blocksDone: number) => boolean,
): ReceiveReport {
  return resultOf(receiveSteps(store, image, stop));
}

function* receiveSteps(
  store: TargetStore,
  image: ImageSource,
  stop: (blocksDone: number) => boolean = () => false,
): Generator<number, ReceiveReport, undefined> {
  const pending: TreeNode[] = [];
  const blocks: number[] = [];
  let outcome = store.start();
  for (let runs = 0; ; runs++) {
    assert(outcome.tag !== "bad", "an image's hashes lead to its root");
    if (outcome.tag === "failed") throw flashFailed();
    for (const node of outcome.nodes) pending.push(node);
    yield blocks.length;
    for (const index of outcome.blocks) {
      if (stop(blocks.length)) return { isComplete: false, runs, blocks };
      blocks.push(index);
      if (store.writeBlock(index, image.readBlockSync(index)) !== "written") throw flashFailed();
      yield blocks.length;
    }
    const node = pending.shift();
    if (node === undefined) return { isComplete: true, runs, blocks };
    const run = runOf(image, node);
    outcome = run.tag === "hashes" ? store.checkRun(node, run.hashes) : store.checkUniform(node, run.byte);
  }
}

/** Takes all steps. */
function resultOf<T>(steps: Generator<unknown, T, undefined>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

function flashFailed(): FailedError {
  return new FailedError(
    "flash-failed",
    "The flash does not keep what is written to it; it may be worn out.",
  );
}
