import { describe, expect, it } from "vitest";
import { HandedOn, WATCH_MS } from "../../src/mesh/handed-on.ts";
import { id, image, neighbour } from "./support.ts";

const SOAK = 60_000;

describe("what was handed on", () => {
  it("is no more than the fan-out in any soak time, those that run counted", () => {
    const handedOn = new HandedOn(2, SOAK);
    expect(handedOn.isSpent(0, 1)).toBe(false);
    handedOn.note(0, id(5), image(2));
    expect(handedOn.isSpent(0, 1)).toBe(true);
    expect(handedOn.freeAt(0)).toBeUndefined();
    handedOn.note(10_000, id(6), image(2));
    expect(handedOn.isSpent(SOAK - 1, 0)).toBe(true);
    expect(handedOn.freeAt(SOAK - 1)).toBe(SOAK);
    expect(handedOn.isSpent(SOAK, 0)).toBe(false);
    expect(handedOn.freeAt(SOAK)).toBeUndefined();
  });

  it("is not counted, and nobody is watched, without a soak time", () => {
    const handedOn = new HandedOn(1, 0);
    handedOn.note(0, id(5), image(2));
    expect(handedOn.isSpent(0, 0)).toBe(false);
    expect(handedOn.freeAt(0)).toBeUndefined();
    expect(handedOn.failedWith(1_000, neighbour(5, 1))).toBeUndefined();
  });

  it.each([
    ["does not boot", { isBootable: false, failure: "reverted" }, 2, true],
    ["receives something else", { isBootable: false, failure: "receiving" }, 2, false],
    ["went back to an older image", {}, 1, true],
    ["runs it", {}, 2, false],
    ["runs a newer one", {}, 3, false],
    ["says nothing of its image", { installedDigest: undefined }, 1, false],
  ] as const)("failed on a neighbour that %s: by what it says", (_, more, sequence, hasFailed) => {
    const handedOn = new HandedOn(1, SOAK);
    handedOn.note(0, id(5), image(2));
    const said = neighbour(5, sequence, more);
    expect(handedOn.failedWith(1_000, said)).toEqual(hasFailed ? image(2).digest : undefined);
    // Once, and of no other board.
    if (hasFailed) expect(handedOn.failedWith(1_000, said)).toBeUndefined();
    expect(handedOn.failedWith(1_000, neighbour(6, 1))).toBeUndefined();
  });

  it("is watched for an hour", () => {
    const handedOn = new HandedOn(1, SOAK);
    handedOn.note(0, id(5), image(2));
    expect(handedOn.failedWith(WATCH_MS + 1, neighbour(5, 1))).toBeUndefined();
    expect(handedOn.failedWith(WATCH_MS, neighbour(5, 1))).toBeUndefined();
  });
});
