import { describe, expect, it } from "vitest";
import { concatBytes, equalBytes, toHex } from "../../src/base/bytes.ts";
import { HASH_LENGTH } from "../../src/base/digest.ts";
import { leavesBelow, nodesOnLevel, rootLevel, runChildren, runLevel } from "../../src/base/tree-shape.ts";
import { foldRun, HashTree, leavesOf } from "../../src/image/merkle.ts";
import { UniformMap, uniformNodeHash } from "../../src/image/uniform-nodes.ts";
import { vectorBytes, vectorFile } from "../support/vector-file.ts";

interface NodeVector {
  readonly level: number;
  readonly index: number;
  readonly hash: string;
}
interface TreeVectors {
  readonly trees: readonly {
    readonly leafCount: number;
    readonly size: number;
    readonly blockSize: number;
    readonly nodesByLevel: readonly number[];
    readonly lastLeaf: string;
    readonly root: string;
    readonly nodes: readonly (NodeVector & {
      readonly firstLeaf: number;
      readonly leaves: number;
      readonly runLevel: number;
      readonly runFirst: number;
      readonly run: readonly string[];
    })[];
  }[];
  readonly runs: readonly (NodeVector & {
    readonly name: string;
    readonly leafCount: number;
    readonly run: readonly string[];
    readonly isRight: boolean;
  })[];
  readonly uniformNodes: readonly {
    readonly size: number;
    readonly blockSize: number;
    readonly value: number;
    readonly nodes: readonly NodeVector[];
  }[];
  readonly uniformClaims: readonly (NodeVector & {
    readonly name: string;
    readonly size: number;
    readonly blockSize: number;
    readonly fill: number;
    readonly others: readonly (readonly [offset: number, value: number])[];
    readonly value: number;
    readonly holds: boolean;
  })[];
}

const { trees, runs, uniformNodes, uniformClaims } = vectorFile<TreeVectors>("tree-v1.json");

/** Byte i of block b is (floor(b / 256^(i mod 4)) + 5 i) modulo 256. */
function imageOf(size: number, blockSize: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, at) => {
    const i = at % blockSize;
    return (Math.floor(at / blockSize / 256 ** (i % 4)) + 5 * i) & 0xff;
  });
}

describe("frozen vectors of the tree", () => {
  it("are many of each kind", () => {
    const nodes = trees.flatMap((tree) => tree.nodes);
    const uniform = uniformNodes.flatMap((image) => image.nodes);
    expect([trees.length, nodes.length]).toEqual([15, 152]);
    expect([runs.length, uniform.length, uniformClaims.length]).toEqual([30, 149, 18]);
    expect(new Set(trees.map(({ leafCount }) => leafCount)).size).toBe(13);
  });

  it.each(trees)("give shape and runs of $leafCount leaves over $size bytes", (vector) => {
    const { leafCount, size, blockSize, nodesByLevel, nodes } = vector;
    const tree = HashTree.fromLeaves(leavesOf(imageOf(size, blockSize), blockSize));
    expect(tree.leafCount).toBe(leafCount);
    expect(toHex(tree.root)).toBe(vector.root);
    expect(toHex(tree.hash({ level: 0, index: leafCount - 1 }))).toBe(vector.lastLeaf);
    expect(rootLevel(leafCount)).toBe(nodesByLevel.length - 1);
    expect(nodesByLevel.map((_, level) => nodesOnLevel(leafCount, level))).toEqual(nodesByLevel);
    for (const { level, index, hash, firstLeaf, leaves, runFirst, run, ...node } of nodes) {
      const at = { level, index };
      expect(leavesBelow(leafCount, at)).toEqual({ first: firstLeaf, count: leaves });
      expect(runLevel(level)).toBe(node.runLevel);
      const listed = run.map((_, i) => ({ level: node.runLevel, index: runFirst + i }));
      expect(runChildren(leafCount, at)).toEqual(listed);
      expect(toHex(tree.run(at))).toBe(run.join(""));
      expect(toHex(foldRun(vectorBytes(run.join(""))))).toBe(hash);
      expect(toHex(tree.hash(at))).toBe(hash);
    }
  });

  it.each(runs)(
    "tell a right run from a wrong one: $name",
    ({ leafCount, level, index, hash, run, isRight }) => {
      const bytes = vectorBytes(run.join(""));
      const hasRightCount = bytes.length === runChildren(leafCount, { level, index }).length * HASH_LENGTH;
      expect(hasRightCount && toHex(foldRun(bytes)) === hash).toBe(isRight);
    },
  );

  it.each(uniformNodes)(
    "give nodes of one value: $size bytes of $value",
    ({ size, blockSize, value, nodes }) => {
      const leafCount = Math.ceil(size / blockSize);
      for (const { level, index, hash } of nodes) {
        expect(toHex(uniformNodeHash(value, leafCount, size, blockSize, { level, index }))).toBe(hash);
      }
    },
  );

  it.each(uniformClaims)("tell whether a node has one value: $name", (vector) => {
    const { size, blockSize, fill, others, level, index, hash, value, holds } = vector;
    const leafCount = Math.ceil(size / blockSize);
    const proof = uniformNodeHash(value, leafCount, size, blockSize, { level, index });
    expect(equalBytes(proof, vectorBytes(hash))).toBe(holds);
    if (!holds) return;
    // A rescuer with this image would make the claim.
    const image = new Uint8Array(size).fill(fill);
    for (const [offset, byte] of others) image[offset] = byte;
    const leaves = Array.from({ length: leafCount }, (_, i) => {
      const block = image.subarray(i * blockSize, (i + 1) * blockSize);
      return block.every((byte) => byte === block[0]) ? (block[0] ?? -1) : -1;
    });
    expect(new UniformMap(Int16Array.from(leaves)).byteOf({ level, index })).toBe(value);
    const tree = HashTree.fromLeaves(concatBytes(leavesOf(image, blockSize)));
    expect(toHex(tree.hash({ level, index }))).toBe(hash);
  });
});
