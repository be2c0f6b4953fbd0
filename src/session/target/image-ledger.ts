import { type BlockRange, type Differences, leavesBelow, type TreeNode } from "../../base/tree-shape.ts";
import type { Millis } from "../../base/units.ts";
import type { DescentPlan } from "./descent-plan.ts";
import { WAITING_LOOKED_AT_MAX, WaitingBlocks } from "./waiting-blocks.ts";

/** What one session has taken of a ledger. */
export interface LedgerShare {
  /** Nodes that it asked for and that were not checked yet, but for guesses. */
  readonly askedNodes: readonly TreeNode[];
  /** Blocks that it asked for and that are not written yet. */
  readonly openCount: number;
  /** When it will be done with what it has taken, by what it brought so far; later the longer it brings nothing. */
  doneAt(now: Millis): Millis;
  /** How long it takes for so many blocks. */
  timeFor(now: Millis, blocks: number): Millis;
  /** Gives up to so many of its open blocks to another session, the last ones first; those that it begins to receive only if all. */
  release(count: number, areBegunToo: boolean): readonly number[];
  /** What its rescuer is known to have: all unless it is still receiving. */
  hasAnyOf(range: BlockRange): boolean;
  /** It has brought nothing for a while of what was asked for. */
  isQuiet(now: Millis): boolean;
  /** Gives the nodes of these blocks that were not answered, and up to `most` of the blocks, which may be begun. */
  releaseThose(suits: (range: BlockRange) => boolean, most?: number): Differences;
  /** Gives what it was asked for last: nodes that were not answered. */
  releaseNodes(): readonly TreeNode[];
}

/**
 * What flash lacks of one image: nodes of its tree whose runs have to be asked for, and blocks. The sessions of a board, one on
 * each of several links, take from it, each another part (PROTOCOL.md 6.3, 6.9). Pure bookkeeping.
 */
export class ImageLedger {
  readonly plan: DescentPlan;
  readonly waiting: WaitingBlocks = new WaitingBlocks();
  #frontier: TreeNode[] = [];
  readonly #shares: Set<LedgerShare> = new Set();
  #committer: LedgerShare | undefined;
  #state: "open" | "committed" | "failed" = "open";

  constructor(plan: DescentPlan) {
    this.plan = plan;
  }

  /** A session takes part. */
  join(share: LedgerShare): void {
    this.#shares.add(share);
  }

  /** A session is over: what it has not brought is to be asked for again. `blocks` and `nodes`: what it had taken. */
  leave(share: LedgerShare, blocks: readonly number[], nodes: readonly TreeNode[]): void {
    if (!this.#shares.delete(share)) return;
    this.add({ nodes, blocks });
    if (this.#committer === share) this.#committer = undefined;
  }

  /** No session takes part. */
  get isLeft(): boolean {
    return this.#shares.size === 0;
  }

  /** Adds where flash differs. What comes first is asked for first. */
  add({ nodes, blocks }: Differences): void {
    if (nodes.length > 0) this.#frontier = nodes.concat(this.#frontier);
    this.waiting.add(blocks);
  }

  /** The next node to ask for; the first one that `suits`, where that is given. */
  takeNode(suits: (range: BlockRange) => boolean = () => true): TreeNode | undefined {
    const { leafCount } = this.plan;
    const at = this.#frontier.findIndex((node) => suits(leavesBelow(leafCount, node)));
    return at < 0 ? undefined : this.#frontier.splice(at, 1)[0];
  }

  /** Whether the rescuer of another session is known to have one of these blocks. */
  isElsewhere(share: LedgerShare, range: BlockRange): boolean {
    for (const other of this.#shares) if (other !== share && other.hasAnyOf(range)) return true;
    return false;
  }

  /** Takes this node, if it is to be asked for. */
  takeThis({ level, index }: TreeNode): boolean {
    const at = this.#frontier.findIndex((node) => node.level === level && node.index === index);
    if (at >= 0) this.#frontier.splice(at, 1);
    return at >= 0;
  }

  /** Blocks that are known to be right in flash, out of the plan's `leafCount`. */
  get blocksRight(): number {
    const { leafCount } = this.plan;
    let left = this.waiting.count;
    for (const node of this.#frontier) left += leavesBelow(leafCount, node).count;
    for (const share of this.#shares) {
      left += share.openCount;
      for (const node of share.askedNodes) left += leavesBelow(leafCount, node).count;
    }
    // Blocks of a unit that is rewritten are wanted again although a run found them equal.
    return Math.max(0, leafCount - left);
  }

  /** Nothing is left to ask for, to wait for, or to write, in any session. */
  get isFinished(): boolean {
    if (this.#frontier.length > 0 || this.waiting.count > 0) return false;
    for (const { askedNodes, openCount } of this.#shares)
      if (openCount > 0 || askedNodes.length > 0) return false;
    return true;
  }

  /** Whether this session has the board commit: one of those that take part does. */
  takeCommit(share: LedgerShare): boolean {
    if (this.#state !== "open") return false;
    this.#committer ??= share;
    return this.#committer === share;
  }

  /** The image was committed: `failed` if it does not boot. No session brings more of it. */
  noteCommitted(state: "committed" | "failed"): void {
    this.#state = state;
  }

  get state(): "open" | "committed" | "failed" {
    return this.#state;
  }

  /**
   * For a session whose rescuer brings nothing, or has nothing to bring: gives it what that rescuer has and others do not get,
   * and takes from it as much of what its rescuer does not have.
   */
  exchange(now: Millis, share: LedgerShare): void {
    const isHad = (range: BlockRange): boolean => share.hasAnyOf(range);
    for (const other of this.#shares)
      if (other !== share && other.isQuiet(now)) this.add(other.releaseThose(isHad));
    const count = this.#countFor(isHad);
    if (count > 0) this.add(share.releaseThose((range) => !isHad(range), count));
  }

  /** Nodes and blocks to ask for, of these blocks, as far as they are looked at. */
  #countFor(suits: (range: BlockRange) => boolean): number {
    const { leafCount } = this.plan;
    let count = this.#frontier.filter((node) => suits(leavesBelow(leafCount, node))).length;
    this.waiting.offer((first) => {
      if (suits({ first, count: 1 })) count++;
      return "left";
    }, WAITING_LOOKED_AT_MAX);
    return count;
  }

  /**
   * Gives a session that has nothing to do part of what another one has taken and would bring later than it: so who is slow, or
   * gone, holds up nothing else.
   */
  relieve(now: Millis, idle: LedgerShare): void {
    const [slowest] = [...this.#shares]
      .filter((share) => share !== idle && (share.openCount > 0 || share.askedNodes.length > 0))
      .toSorted((a, b) => b.doneAt(now) - a.doneAt(now));
    if (slowest === undefined) return;
    const leftMs = slowest.doneAt(now) - now;
    const oneMs = idle.timeFor(now, 1);
    if (leftMs <= oneMs) return;
    if (slowest.openCount === 0) {
      // Runs are small: who has them open for longer than two blocks take does not bring them.
      if (leftMs > 2 * oneMs) this.add({ nodes: slowest.releaseNodes(), blocks: [] });
      return;
    }
    // Both are done at the same time then.
    const share = leftMs / (leftMs + idle.timeFor(now, slowest.openCount));
    const count = Math.max(1, Math.floor(slowest.openCount * share));
    this.waiting.add(slowest.release(count, leftMs > 2 * oneMs));
  }
}
