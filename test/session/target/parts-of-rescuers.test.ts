import { describe, expect, it } from "vitest";
import type { BlockRange, TreeNode } from "../../../src/base/tree-shape.ts";
import { HadBlocks } from "../../../src/session/target/had-blocks.ts";
import type { TreeDescent } from "../../../src/session/target/tree-descent.ts";
import { granted, type Pace, range, sessions } from "./ledger-sessions.ts";

const STUCK_MS = 600;
const pace = (...ranges: readonly BlockRange[]): Pace & { had: HadBlocks } => {
  const had = new HadBlocks();
  for (const part of ranges) had.add(part);
  return { blockMs: 10, silentMs: 0, had };
};
const whole = (): Pace => ({ blockMs: 10, silentMs: 0 });
const nodesOf = (descent: TreeDescent): unknown => descent.takeRequest(0, true)?.wanted;
const node = (index: number): TreeNode => ({ level: 4, index });

function advanced(
  paces: readonly Pace[],
  blocks: readonly number[],
  nodes?: readonly TreeNode[],
): TreeDescent[] {
  const made = sessions(paces, blocks, nodes);
  for (const descent of made) descent.advance(0);
  return made;
}

describe("a session whose rescuer has a part of the image", () => {
  it("asks for what that rescuer has first, and then for what nobody else has", () => {
    const [a] = advanced([pace({ first: 6, count: 2 })], range(0, 8)) as [TreeDescent];
    expect(granted(a)).toEqual([6, 7, 0, 1]);
  });

  it("leaves to others what they have, and it has not", () => {
    const [a, b, c] = advanced(
      [pace({ first: 4, count: 2 }), pace({ first: 0, count: 3 }), pace()],
      range(0, 8),
    ) as [TreeDescent, TreeDescent, TreeDescent];
    expect(granted(a).toSorted()).toEqual([3, 4, 5, 6]);
    expect(granted(b).toSorted()).toEqual([0, 1, 2, 7]);
    expect(granted(c)).toEqual([]);
  });

  it("asks for that, too, when there is nothing else", () => {
    const [a] = advanced([pace({ first: 9, count: 1 }), whole()], range(0, 2)) as [TreeDescent];
    expect(granted(a)).toEqual([0, 1]);
  });

  it("asks as without it while nothing was said: for the lowest blocks, whether others have them or not", () => {
    const [a] = advanced([pace(), whole()], range(0, 8)) as [TreeDescent];
    expect(granted(a)).toEqual(range(0, 4));
  });

  it("asks for the runs of what it has, also while many blocks wait that others have", () => {
    const nodes = [0, 1, 2, 3].map(node);
    const part = { first: 40, count: 4 };
    const [a] = advanced([pace(part), whole()], [], nodes) as [TreeDescent];
    expect(nodesOf(a)).toEqual([node(2)]);
    const [b] = advanced([pace(part), whole()], range(100, 200), nodes) as [TreeDescent];
    expect(nodesOf(b)).toEqual([node(2)]);
    b.advance(0);
    expect(nodesOf(b)).toEqual([node(2)]);
  });
});

describe("a session whose rescuer waits itself", () => {
  const crossed = () => {
    const paces = [pace(), pace()] as const;
    const [a, b] = sessions(paces, range(0, 8)) as [TreeDescent, TreeDescent];
    a.advance(0);
    b.advance(0);
    expect([granted(a), granted(b)]).toEqual([range(0, 4), range(4, 8)]);
    return { paces, a, b };
  };

  it("takes over what its rescuer has and another one waits for and does not get, and gives back as much", () => {
    const { paces, a, b } = crossed();
    paces[0].had.add({ first: 4, count: 4 });
    paces[1].had.add({ first: 0, count: 4 });
    expect(a.isStuck(0)).toBe(false);
    for (const of of paces) of.silentMs = STUCK_MS;
    expect([a.isStuck(0), b.isStuck(0)]).toEqual([true, true]);
    a.ledger.exchange(0, a);
    a.advance(0);
    b.advance(0);
    expect([granted(a), granted(b)]).toEqual([range(4, 8), range(0, 4)]);
  });

  it("takes nothing from one that brings something", () => {
    const { paces, a, b } = crossed();
    paces[0].had.add({ first: 4, count: 4 });
    paces[0].silentMs = STUCK_MS;
    a.ledger.exchange(0, a);
    a.advance(0);
    expect([granted(a), granted(b)]).toEqual([range(0, 4), range(4, 8)]);
  });

  it("takes from one that brings nothing whatever that one says it has", () => {
    const { paces, a, b } = crossed();
    paces[0].had.add({ first: 4, count: 4 });
    paces[1].had.add({ first: 0, count: 8 });
    for (const of of paces) of.silentMs = STUCK_MS;
    a.ledger.exchange(0, a);
    a.advance(0);
    expect(granted(a)).toEqual(range(4, 8));
    b.advance(0);
    expect(granted(b)).toEqual(range(0, 4));
  });

  it("does not take a slow line for one that waits", () => {
    const { paces, a } = crossed();
    paces[0].had.add({ first: 4, count: 4 });
    Object.assign(paces[0], { silentMs: STUCK_MS, blockMs: 4_000 });
    expect(a.isStuck(0)).toBe(false);
  });

  it("takes over the runs, too", () => {
    const nodes = [0, 1].map(node);
    const paces = [pace(), pace({ first: 0, count: 1 })];
    const [a, b] = sessions(paces, [60], nodes) as [TreeDescent, TreeDescent];
    a.advance(0);
    expect([nodesOf(a), granted(a)]).toEqual([nodes, [60]]);
    b.ledger.add({ nodes: [], blocks: [61] });
    b.advance(0);
    for (const of of paces) of.silentMs = STUCK_MS;
    expect(granted(b)).toEqual([61]);
    b.ledger.exchange(0, b);
    b.advance(0);
    expect([nodesOf(a), nodesOf(b)]).toEqual([[node(1)], [node(0)]]);
  });
});
