import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { LINE_LENGTH_MAX, NeighbourText } from "../../src/cli/neighbour-text.ts";

const LIMIT = { burst: 3, perSecond: 2 };

describe("text of a neighbour", () => {
  test("becomes lines without carriage returns, empty lines and colours", () => {
    const text = new NeighbourText(new VirtualClock(), LIMIT);
    const red = "\u001b[1;31m";
    expect(text.take("L", `\r\n${red}login:\u001b[0m \r\r\n\r\n  root\r`)).toEqual(["login:", "  root"]);
    expect(text.take("L", "\r\n\r\n")).toEqual([]);
  });

  test("is thinned out for each link by itself, and says how many lines are missing", () => {
    const clock = new VirtualClock();
    const text = new NeighbourText(clock, LIMIT);
    expect(text.take("L", "1\n2\n3\n4\n5\n")).toEqual(["1", "2", "3"]);
    expect(text.take("other", "a\n")).toEqual(["a"]);
    clock.advanceTo(500);
    expect(text.take("L", "6\n7\n")).toEqual(["(2 lines left out)", "6"]);
    clock.advanceTo(100_000);
    expect(text.take("L", "8\n9\n10\n11\n")).toEqual(["(1 line left out)", "8", "9", "10"]);
  });

  test("is cut where a line is longer than people read", () => {
    const [line = ""] = new NeighbourText(new VirtualClock(), LIMIT).take("L", "x".repeat(10_000));
    expect(line).toBe(`${"x".repeat(LINE_LENGTH_MAX)}...`);
  });
});
