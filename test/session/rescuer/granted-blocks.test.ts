import { beforeEach, describe, expect, it } from "vitest";
import { GrantedBlocks } from "../../../src/session/rescuer/granted-blocks.ts";

let blocks: GrantedBlocks;
beforeEach(() => {
  blocks = new GrantedBlocks(40, 16);
});

function grant(first: number, count: number, attempt = 0, from: "accept" | "grant" = "grant"): void {
  blocks.take([{ first, count, attempt, codecs: 15 }], from);
}

/** The blocks that a dictionary may name. */
function held(): number[] {
  return Array.from({ length: 40 }, (_, i) => i).filter((i) => blocks.isHeld(i));
}

describe("the blocks that a target is done with", () => {
  it("are those that a grant named, and the latest one does not", () => {
    grant(3, 4);
    expect(held()).toEqual([]);
    grant(5, 4);
    expect(held()).toEqual([3, 4]);
    blocks.take([], "grant");
    expect(held()).toEqual([3, 4, 5, 6, 7, 8]);
  });

  it("are not those that only the accept asked for, which may not be looked at yet", () => {
    grant(0, 16, 0, "accept");
    grant(16, 16);
    expect(held()).toEqual([]);
    grant(2, 2);
    grant(20, 2);
    expect(held()).toEqual([
      2,
      3,
      ...Array.from({ length: 16 }, (_, i) => 16 + i).filter((i) => i !== 20 && i !== 21),
    ]);
  });

  it("are not those that are asked for once more", () => {
    grant(3, 4);
    grant(5, 4);
    grant(3, 1, 1);
    expect(held()).toEqual([4, 5, 6, 7, 8]);
  });

  it("are none beyond what the target keeps open, or beyond the image", () => {
    grant(0, 30);
    grant(35, 20);
    blocks.take([], "grant");
    expect(held()).toEqual([...Array.from({ length: 16 }, (_, i) => i), 35, 36, 37, 38, 39]);
    expect(blocks.isHeld(40)).toBe(false);
  });
});
