import { describe, expect, it } from "vitest";
import { wasCut } from "../../src/link/line-cut.ts";

describe("a silence without any ack", () => {
  it("was a cut if it lasted longer than 200 ms, the timeout and two of the longest frames", () => {
    expect([wasCut(213, 13, 0), wasCut(214, 13, 0)]).toEqual([false, true]);
    expect([wasCut(393, 13, 90), wasCut(394, 13, 90)]).toEqual([false, true]);
  });
});
