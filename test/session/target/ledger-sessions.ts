import type { TreeNode } from "../../../src/base/tree-shape.ts";
import type { DescentPlan } from "../../../src/session/target/descent-plan.ts";
import type { HadBlocks } from "../../../src/session/target/had-blocks.ts";
import { ImageLedger } from "../../../src/session/target/image-ledger.ts";
import { TreeDescent } from "../../../src/session/target/tree-descent.ts";

const PLAN: DescentPlan = {
  digest: new Uint8Array(8).fill(3),
  size: 64 * 4096,
  blockSize: 4096,
  leafCount: 64,
};
const NOTHING = { nodes: [], blocks: [] };
export const range = (first: number, end: number): number[] =>
  Array.from({ length: end - first }, (_, i) => first + i);

/** How long a session takes: so many milliseconds a block, and since when it has brought nothing. */
export interface Pace {
  blockMs: number;
  silentMs: number;
  /** What its rescuer says it has, of one that is still receiving; all of it unless given. */
  had?: HadBlocks;
}

/** Sessions that share a ledger of these blocks, each with four open at once. */
export function sessions(
  paces: readonly Pace[],
  blocks: readonly number[],
  nodes: readonly TreeNode[] = [],
): TreeDescent[] {
  const ledger = new ImageLedger(PLAN);
  ledger.add({ nodes, blocks });
  return paces.map((pace) => {
    const of = {
      timeFor: (_now: number, count: number) => count * pace.blockMs,
      doneAt: (now: number, count: number) => now + Math.max(count * pace.blockMs, pace.silentMs),
      silentFor: () => pace.silentMs,
    };
    return new TreeDescent(PLAN, NOTHING, 4, undefined, undefined, ledger, of as never, pace.had);
  });
}

export const granted = (descent: TreeDescent): number[] =>
  (descent.blocks.takeGrant(true)?.entries ?? []).flatMap(({ first, count }) => range(first, first + count));
