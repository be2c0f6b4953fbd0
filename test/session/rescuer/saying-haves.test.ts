import { describe, expect, it } from "vitest";
import { Link } from "../../../src/link/link.ts";
import { SayingHaves } from "../../../src/session/rescuer/saying-haves.ts";

const nothing = (): boolean => false;
const at = (baud?: number): SayingHaves => {
  const link = new Link({ rtoFloorMs: 10, baud });
  return new SayingHaves(link, 64);
};
const ranges = (...pairs: [number, number][]): { first: number; count: number }[] =>
  pairs.map(([first, count]) => ({ first, count }));

describe("what a rescuer that is still receiving says it has", () => {
  it("is nothing while it has nothing, and at first all that it has", () => {
    const haves = at();
    expect(haves.nextAt).toBeUndefined();
    haves.note(ranges([0, 4], [10, 2]), nothing);
    expect(haves.nextAt).toBeLessThanOrEqual(0);
    expect(haves.take(0)).toEqual({ tag: "have", ranges: ranges([0, 4], [10, 2]) });
    expect(haves.nextAt).toBeUndefined();
  });

  it("is said in eight ranges at a time, a quarter of a second apart", () => {
    const haves = at();
    const every = Array.from({ length: 10 }, (_, i): [number, number] => [3 * i, 1]);
    haves.note(ranges(...every), nothing);
    expect(haves.take(1000).ranges).toEqual(ranges(...every.slice(0, 8)));
    expect(haves.nextAt).toBe(1250);
    expect(haves.take(1250).ranges).toEqual(ranges(...every.slice(8)));
    expect(haves.nextAt).toBeUndefined();
  });

  it("takes at most 1 % of the line", () => {
    const haves = at(9_600);
    haves.note(ranges([0, 1]), nothing);
    haves.take(0);
    haves.note(ranges([1, 1]), nothing);
    // 15 bytes.
    expect(haves.nextAt).toBeCloseTo(100 * (150 / 9.6));
  });

  it("is said of blocks that come later in whole ranges, those that were said before among them", () => {
    const haves = at();
    haves.note(ranges([0, 4], [8, 1]), nothing);
    haves.take(0);
    haves.note(ranges([4, 2]), nothing);
    expect(haves.take(300).ranges).toEqual(ranges([0, 6]));
  });

  it("is not said of blocks that a grant names, as they are sent at once", () => {
    const haves = at();
    haves.note(ranges([0, 4]), (block) => block < 4);
    expect(haves.nextAt).toBeUndefined();
    haves.note(ranges([4, 1]), (block) => block < 4);
    expect(haves.take(0).ranges).toEqual(ranges([0, 5]));
  });

  it("is said again while the target waits, until the image is whole", () => {
    const haves = at();
    haves.note(ranges([0, 4]), nothing);
    haves.take(0);
    haves.sayAgain();
    expect(haves.take(300).ranges).toEqual(ranges([0, 4]));
    haves.note(ranges([4, 60]), nothing);
    expect(haves.take(600).ranges).toEqual(ranges([0, 64]));
    haves.sayAgain();
    expect(haves.nextAt).toBeUndefined();
  });
});
