import { describe, expect, it } from "vitest";
import { ringOf } from "../../src/image/ring.ts";
import { vectorBytes, vectorFile } from "../support/vector-file.ts";

interface RingVectors {
  readonly boards: readonly {
    readonly nodeId: string;
    readonly rings: number;
    readonly seed: number;
    readonly ring: number;
  }[];
  readonly sites: readonly {
    readonly boards: number;
    readonly rings: number;
    readonly seed: number;
    readonly boardsOfRing: readonly number[];
  }[];
}

const { boards, sites } = vectorFile<RingVectors>("ring-v1.json");

describe("the ring of a board", () => {
  it("is that of the vectors", () => {
    expect(boards).toHaveLength(48);
    for (const { nodeId, ring, ...rollout } of boards)
      expect({ nodeId, ring: ringOf(vectorBytes(nodeId), rollout) }).toEqual({ nodeId, ring });
  });

  it.each(sites)(
    "deals $boards boards evenly into $rings rings",
    ({ boards: count, rings, seed, boardsOfRing }) => {
      const dealt = Array.from({ length: rings }, () => 0);
      for (let number = 0; number < count; number++) {
        const nodeId = new Uint8Array(8);
        new DataView(nodeId.buffer).setUint32(4, number);
        const ring = ringOf(nodeId, { rings, seed });
        dealt[ring] = (dealt[ring] ?? 0) + 1;
      }
      expect(dealt).toEqual(boardsOfRing);
      const even = count / rings;
      expect(Math.max(...dealt.map((boardsOf) => Math.abs(boardsOf - even)))).toBeLessThan(
        4 * Math.sqrt(even),
      );
    },
  );
});
