import { describe, expect, it } from "vitest";
import type { TreeNode } from "../../../src/base/tree-shape.ts";
import type { TreeDescent } from "../../../src/session/target/tree-descent.ts";
import { WaitingBlocks } from "../../../src/session/target/waiting-blocks.ts";
import { granted, type Pace, range, sessions } from "./ledger-sessions.ts";

const even = (count: number): Pace[] => Array.from({ length: count }, () => ({ blockMs: 10, silentMs: 0 }));

function write(descent: TreeDescent, block: number): void {
  descent.blocks.settle(block, true);
}

describe("blocks that wait", () => {
  it("are offered lowest first, and stay when they are left", () => {
    const waiting = new WaitingBlocks();
    waiting.add([5, 1, 9]);
    waiting.add([3]);
    const seen: number[] = [];
    waiting.offer((block) => {
      seen.push(block);
      if (block === 3) return "left";
      return block === 9 ? "enough" : "taken";
    });
    expect([seen, waiting.count]).toEqual([[1, 3, 5, 9], 2]);
  });
});

describe("a ledger that several sessions share", () => {
  it("gives each of them other blocks, and is finished when all are written by whomever", () => {
    const [a, b] = sessions(even(2), range(0, 8)) as [TreeDescent, TreeDescent];
    a.advance(0);
    b.advance(0);
    expect([granted(a), granted(b)]).toEqual([range(0, 4), range(4, 8)]);
    expect([a.blocksRight, b.blocksRight]).toEqual([56, 56]);
    for (const block of range(0, 4)) write(a, block);
    expect([a.isIdle, a.isFinished, b.isFinished, a.blocksRight]).toEqual([true, false, false, 60]);
    for (const block of range(4, 8)) write(b, block);
    expect([a.isFinished, b.isFinished, b.blocksRight]).toEqual([true, true, 64]);
    expect([a.blocks.written, b.blocks.written]).toEqual([4, 4]);
  });

  it("asks for each node once, and what is found below it may be brought by all", () => {
    const nodes = [0, 1, 2, 3].map((index) => ({ level: 4, index }));
    const [a, b] = sessions(even(2), [], nodes) as [TreeDescent, TreeDescent];
    a.advance(0);
    expect(a.takeRequest(0)?.wanted).toEqual(nodes);
    b.advance(0);
    expect(b.takeRequest(0)).toBeUndefined();
    a.runChecked(5, nodes[0] as TreeNode, { nodes: [], blocks: range(0, 16) });
    b.advance(5);
    expect(granted(b)).toEqual(range(0, 4));
  });

  it("gets back what a session that is over has not brought: for the others, or the next one", () => {
    const nodes = [{ level: 4, index: 3 }];
    const [a, b] = sessions(even(2), range(0, 6), nodes) as [TreeDescent, TreeDescent];
    a.advance(0);
    b.advance(0);
    write(a, 1);
    a.leave();
    for (const block of [4, 5]) write(b, block);
    b.advance(1);
    expect(granted(b)).toEqual([0, 2, 3]);
    expect(b.takeRequest(1)?.wanted).toEqual(nodes);
    b.leave();
    expect(b.ledger.isLeft).toBe(true);
  });

  it("lets one session commit, and another one when that is gone", () => {
    const [a, b] = sessions(even(2), []) as [TreeDescent, TreeDescent];
    expect([a.ledger.takeCommit(a), a.ledger.takeCommit(b), a.ledger.takeCommit(a)]).toEqual([
      true,
      false,
      true,
    ]);
    a.leave();
    expect(b.ledger.takeCommit(b)).toBe(true);
    b.ledger.noteCommitted("committed");
    expect(b.ledger.takeCommit(b)).toBe(false);
  });
});

describe("a session with nothing left to do", () => {
  it("takes over half of the open blocks of one that is as fast, those that come last", () => {
    const [a, b] = sessions(even(2), range(0, 4)) as [TreeDescent, TreeDescent];
    a.advance(0);
    b.ledger.relieve(0, b);
    b.advance(0);
    expect([granted(a), granted(b)]).toEqual([
      [0, 1],
      [2, 3],
    ]);
  });

  it("takes over more of one that is slow, and all of one that brings nothing for longer than that takes", () => {
    const paces = [
      { blockMs: 90, silentMs: 0 },
      { blockMs: 10, silentMs: 0 },
    ];
    const [slow, fast] = sessions(paces, range(0, 4)) as [TreeDescent, TreeDescent];
    slow.advance(0);
    fast.ledger.relieve(0, fast);
    fast.advance(0);
    expect(granted(fast)).toEqual([1, 2, 3]);
    for (const block of [1, 2, 3]) write(fast, block);
    fast.ledger.relieve(0, fast);
    fast.advance(0);
    expect([granted(slow), granted(fast)]).toEqual([[], [0]]);
  });

  it("leaves what will be there sooner than it could bring it", () => {
    const paces = [
      { blockMs: 10, silentMs: 0 },
      { blockMs: 90, silentMs: 0 },
    ];
    const [fast, slow] = sessions(paces, range(0, 4)) as [TreeDescent, TreeDescent];
    fast.advance(0);
    slow.ledger.relieve(0, slow);
    slow.advance(0);
    expect([granted(fast), granted(slow)]).toEqual([range(0, 4), []]);
  });

  it("takes over runs that one was asked for and that stay away", () => {
    const nodes = [0, 1].map((index) => ({ level: 4, index }));
    const paces = [
      { blockMs: 10, silentMs: 0 },
      { blockMs: 10, silentMs: 0 },
    ];
    const [silent, b] = sessions(paces, [], nodes) as [TreeDescent, TreeDescent];
    silent.advance(0);
    b.ledger.relieve(0, b);
    b.advance(0);
    expect(b.takeRequest(0)).toBeUndefined();
    (paces[0] as Pace).silentMs = 100;
    b.ledger.relieve(100, b);
    b.advance(100);
    expect(b.takeRequest(100)?.wanted).toEqual(nodes);
    expect(silent.isIdle).toBe(true);
  });

  it("gets no late chunks of blocks that were given to it: they count in another attempt", () => {
    const [a, b] = sessions(even(2), range(0, 4)) as [TreeDescent, TreeDescent];
    a.advance(0);
    b.ledger.relieve(0, b);
    b.advance(0);
    b.leave();
    a.advance(0);
    const attempts = a.blocks
      .takeGrant(true)
      ?.entries.map(({ first, count, attempt }) => [first, count, attempt]);
    expect(attempts).toEqual([
      [0, 2, 0],
      [2, 2, 1],
    ]);
  });
});
