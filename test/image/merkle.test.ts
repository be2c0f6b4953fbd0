import { createHash } from "node:crypto";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { AssertionError } from "../../src/base/assert.ts";
import { concatBytes, equalBytes } from "../../src/base/bytes.ts";
import {
  leavesBelow,
  nodesOnLevel,
  rootLevel,
  runChildren,
  type TreeNode,
} from "../../src/base/tree-shape.ts";
import { memoryImage } from "../../src/image/image-source.ts";
import { foldRun, HashTree, leafHash, leavesOf, nodeHash } from "../../src/image/merkle.ts";
import { uniformNodeHash } from "../../src/image/uniform-nodes.ts";
import { plainFields, readVectors, unhex, vectorData } from "./support.ts";

interface TreeVectors {
  readonly blockSize: number;
  readonly trees: readonly {
    leafCount: number;
    size: number;
    lastLeaf: string;
    root: string;
    sha256: string;
  }[];
}
const vectors = readVectors<TreeVectors>("image-tree");

function allNodes(leafCount: number): TreeNode[] {
  const nodes: TreeNode[] = [];
  for (let level = 0; level <= rootLevel(leafCount); level++) {
    for (let index = 0; index < nodesOnLevel(leafCount, level); index++) nodes.push({ level, index });
  }
  return nodes;
}

/** The definition in RFC 6962 section 2.1, by splitting from the top; the code under test pairs from the bottom. */
function recursiveRoot(leaves: readonly Uint8Array[]): Uint8Array {
  const [only] = leaves;
  if (only === undefined) throw new Error("no leaves");
  if (leaves.length === 1) return only;
  let half = 1;
  while (half * 2 < leaves.length) half *= 2;
  return nodeHash(recursiveRoot(leaves.slice(0, half)), recursiveRoot(leaves.slice(half)));
}

describe("hash tree", () => {
  it.each(vectors.trees)(
    "has the frozen root for $leafCount leaves",
    ({ leafCount, size, root, lastLeaf }) => {
      const leaves = leavesOf(vectorData(size), vectors.blockSize);
      const tree = HashTree.fromLeaves(leaves);
      expect(tree.leafCount).toBe(leafCount);
      expect(tree.root).toEqual(unhex(root));
      expect(tree.hash({ level: 0, index: leafCount - 1 })).toEqual(unhex(lastLeaf));
    },
  );

  it("prefixes leaves and nodes differently", () => {
    const [a, b] = [leafHash(Uint8Array.of(1)), leafHash(Uint8Array.of(2))];
    expect(a).toEqual(Uint8Array.from(createHash("sha256").update("0001", "hex").digest()));
    expect(nodeHash(a, b)).not.toEqual(leafHash(Uint8Array.from([...a, ...b])));
  });

  it("has the leaf as the root of a single block", () => {
    const leaf = leafHash(Uint8Array.of(9));
    expect(HashTree.fromLeaves(leaf).root).toEqual(leaf);
  });

  it("folds only complete hashes, one or more", () => {
    for (const length of [0, 31, 33]) expect(() => foldRun(new Uint8Array(length))).toThrow(AssertionError);
    for (const length of [31, 33]) {
      expect(() => HashTree.fromLeaves(new Uint8Array(length))).toThrow(AssertionError);
    }
    const leaf = leafHash(Uint8Array.of(1));
    expect(foldRun(leaf)).toEqual(leaf);
  });

  it("refuses an empty tree, a node that does not exist and the run of a leaf", () => {
    expect(() => HashTree.fromLeaves(new Uint8Array(0))).toThrow(AssertionError);
    const tree = HashTree.fromLeaves(leavesOf(vectorData(3000), 1024));
    expect(() => tree.hash({ level: 0, index: 3 })).toThrow(AssertionError);
    expect(() => tree.hash({ level: 3, index: 0 })).toThrow(AssertionError);
    expect(() => tree.hash({ level: 0, index: -1 })).toThrow(AssertionError);
    expect(() => tree.run({ level: 1, index: 2 })).toThrow(AssertionError);
    expect(() => tree.run({ level: 0, index: 0 })).toThrow(AssertionError);
  });

  test.prop([fc.integer({ min: 1, max: 80 })], { numRuns: 25 })(
    "equals the recursive definition, and every run folds to its node",
    (leafCount) => {
      const leaves = Array.from({ length: leafCount }, (_, i) => leafHash(Uint8Array.of(i)));
      const tree = HashTree.fromLeaves(concatBytes(...leaves));
      const wrong = allNodes(leafCount).filter((node) => {
        const { first, count } = leavesBelow(leafCount, node);
        const hash = tree.hash(node);
        if (!equalBytes(hash, recursiveRoot(leaves.slice(first, first + count)))) return true;
        if (node.level === 0) return false;
        const children = runChildren(leafCount, node).map((child) => tree.hash(child));
        const run = tree.run(node);
        return !equalBytes(foldRun(run), hash) || !equalBytes(run, concatBytes(...children));
      });
      expect(wrong).toEqual([]);
    },
  );

  it("folds every run of a tree of several thousand leaves", () => {
    const leafCount = 4099;
    const leaves = new Uint8Array(leafCount * 32).map((_, i) => i * 31);
    const tree = HashTree.fromLeaves(leaves);
    const wrong = allNodes(leafCount).filter(
      (node) => node.level > 0 && !equalBytes(foldRun(tree.run(node)), tree.hash(node)),
    );
    expect(wrong).toEqual([]);
  });
});

describe("uniform nodes", () => {
  it("are found at every level, also with a short last block", () => {
    const data = new Uint8Array(40 * 1024 - 7).fill(0xff);
    data.fill(0, 0, 16 * 1024);
    data[20 * 1024 + 5] = 1;
    const image = memoryImage(data, { ...plainFields, blockSize: 1024 });
    expect(image.uniformByteOf({ level: 4, index: 0 })).toBe(0);
    expect(image.uniformByteOf({ level: 5, index: 0 })).toBeUndefined();
    expect(image.uniformByteOf({ level: 0, index: 20 })).toBeUndefined();
    expect(image.uniformByteOf({ level: 5, index: 1 })).toBe(0xff);
    expect(image.uniformByteOf({ level: 0, index: 39 })).toBe(0xff);
    expect(image.uniformByteOf({ level: 7, index: 0 })).toBeUndefined();
  });

  test.prop([fc.integer({ min: 1, max: 70_000 }), fc.constantFrom(1024, 2048, 4096), fc.nat(255)], {
    numRuns: 30,
  })("hash like an image of that byte", (size, blockSize, byte) => {
    const data = new Uint8Array(size).fill(byte);
    const tree = HashTree.fromLeaves(leavesOf(data, blockSize));
    const image = memoryImage(data, { ...plainFields, blockSize });
    for (const node of allNodes(tree.leafCount)) {
      expect(uniformNodeHash(byte, tree.leafCount, size, blockSize, node)).toEqual(tree.hash(node));
      expect(image.uniformByteOf(node)).toBe(byte);
    }
  });

  test.prop([fc.array(fc.constantFrom(0, 0, 0, 255, -1), { minLength: 1, maxLength: 80 })], { numRuns: 50 })(
    "are exactly those below which all bytes are equal",
    (kinds) => {
      const data = new Uint8Array(kinds.length * 1024);
      kinds.forEach((kind, i) => {
        if (kind >= 0) data.fill(kind, i * 1024, (i + 1) * 1024);
        else data[i * 1024 + 500] = 7;
      });
      const image = memoryImage(data, { ...plainFields, blockSize: 1024 });
      for (const node of allNodes(kinds.length)) {
        const { first, count } = leavesBelow(kinds.length, node);
        const below = new Set(kinds.slice(first, first + count));
        const [only = -1] = below;
        expect(image.uniformByteOf(node)).toBe(below.size === 1 && only >= 0 ? only : undefined);
      }
    },
  );

  it.each([1, 2, 3, 5, 6, 7, 12, 13])("of %i whole blocks have the hashes of such an image", (leafCount) => {
    const size = leafCount * 1024;
    const tree = HashTree.fromLeaves(leavesOf(new Uint8Array(size).fill(9), 1024));
    for (const node of allNodes(leafCount)) {
      expect(uniformNodeHash(9, leafCount, size, 1024, node)).toEqual(tree.hash(node));
    }
    expect(() => uniformNodeHash(9, leafCount, size, 1024, { level: 0, index: leafCount })).toThrow(
      AssertionError,
    );
  });

  it("have their own hash for each byte and block size, also after many others", () => {
    for (let round = 0; round < 2; round++) {
      for (let byte = 0; byte < 12; byte++) {
        for (const blockSize of [1024, 2048]) {
          const hash = uniformNodeHash(byte, 1, blockSize, blockSize, { level: 0, index: 0 });
          expect(hash).toEqual(leafHash(new Uint8Array(blockSize).fill(byte)));
        }
      }
    }
  });

  it("of 64 MiB are hashed without hashing every block", () => {
    // 16384 leaf hashes a call would be a billion bytes hashed here; the test would then run into its time limit.
    const size = 64 * 2 ** 20 - 5;
    for (let i = 0; i < 200; i++) uniformNodeHash(i, 16384, size, 4096, { level: 14, index: 0 });
    expect(uniformNodeHash(1, 16384, size, 4096, { level: 14, index: 0 })).toHaveLength(32);
  });
});
