import { describe, expect, it } from "vitest";
import { runConsole } from "../../lab/console-lines.ts";

describe("a kernel log written into the line of a transfer", () => {
  it.each([0, 1, 2])("costs a frame for each line inside one, and comes out whole: seed %i", (seed) => {
    const { failure, lines, splices, heard, framesLost } = runConsole(seed, 262_144, 2_000);
    expect(failure).toBeUndefined();
    expect(lines).toBeGreaterThan(500);
    expect(splices).toBeGreaterThan(20);
    expect(heard).toBe(lines);
    expect(framesLost).toBeLessThanOrEqual(splices);
  });
});
