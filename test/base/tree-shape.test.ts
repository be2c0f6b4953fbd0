import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import {
  hasNode,
  leavesBelow,
  nodesOnLevel,
  RUN_LEVELS,
  rootLevel,
  runChildren,
  runLevel,
} from "../../src/base/tree-shape.ts";

/** The levels of a tree, each node as its leaves: pairs neighbours, and moves an odd last one up. */
function pairedLevels(leafCount: number): number[][][] {
  const levels = [Array.from({ length: leafCount }, (_, leaf) => [leaf])];
  for (let below = levels[0] ?? []; below.length > 1; below = levels.at(-1) ?? []) {
    const level: number[][] = [];
    for (let i = 0; i < below.length; i += 2) level.push([...(below[i] ?? []), ...(below[i + 1] ?? [])]);
    levels.push(level);
  }
  return levels;
}

describe("a tree of one leaf", () => {
  it("is its root", () => {
    expect([rootLevel(1), nodesOnLevel(1, 0)]).toEqual([0, 1]);
    expect(leavesBelow(1, { level: 0, index: 0 })).toEqual({ first: 0, count: 1 });
  });
});

describe("a tree", () => {
  it("has at least one leaf", () => {
    expect(() => rootLevel(0)).toThrow("a tree has at least one leaf");
  });

  property.prop([fc.integer({ min: 1, max: 300 })])(
    "has the nodes that pairing neighbours gives",
    (leafCount) => {
      const levels = pairedLevels(leafCount);
      expect(rootLevel(leafCount)).toBe(levels.length - 1);
      for (const [level, nodes] of levels.entries()) {
        expect(nodesOnLevel(leafCount, level)).toBe(nodes.length);
        for (const [index, leaves] of nodes.entries()) {
          expect(hasNode(leafCount, { level, index })).toBe(true);
          expect(leavesBelow(leafCount, { level, index })).toEqual({
            first: leaves[0],
            count: leaves.length,
          });
        }
        expect(hasNode(leafCount, { level, index: nodes.length })).toBe(false);
      }
      expect(hasNode(leafCount, { level: levels.length, index: 0 })).toBe(false);
      expect(hasNode(leafCount, { level: -1, index: 0 })).toBe(false);
      expect(hasNode(leafCount, { level: 0, index: -1 })).toBe(false);
    },
  );
});

describe("a run of child hashes", () => {
  it("lists the next level below that is a multiple of four, so that the lowest runs list leaves", () => {
    expect([1, 2, 3, 4, 5, 8, 9, 12].map(runLevel)).toEqual([0, 0, 0, 0, 4, 4, 8, 8]);
    expect(() => runLevel(0)).toThrow("a leaf has no run");
  });

  property.prop([fc.integer({ min: 2, max: 5000 }), fc.nat(), fc.nat()])(
    "covers the leaves of its node, each once, in one to sixteen nodes",
    (leafCount, levelSeed, indexSeed) => {
      const level = 1 + (levelSeed % rootLevel(leafCount));
      const node = { level, index: indexSeed % nodesOnLevel(leafCount, level) };
      const children = runChildren(leafCount, node);
      expect(children.length).toBeGreaterThanOrEqual(1);
      expect(children.length).toBeLessThanOrEqual(2 ** RUN_LEVELS);
      let next = leavesBelow(leafCount, node).first;
      for (const child of children) {
        expect(hasNode(leafCount, child)).toBe(true);
        const { first, count } = leavesBelow(leafCount, child);
        expect(first).toBe(next);
        next += count;
      }
      const { first, count } = leavesBelow(leafCount, node);
      expect(next).toBe(first + count);
    },
  );
});
