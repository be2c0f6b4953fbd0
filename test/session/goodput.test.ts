import { describe, expect, it } from "vitest";
import { GOODPUT_LINES, type Goodput, type GoodputLine, goodputOf, goodputTable } from "../../lab/goodput.ts";

const SEEDS = [1, 2, 3, 4, 5];

describe("the goodput in virtual time", () => {
  it("is that of the table, line by line (vitest -u after a change of the protocol's timing)", async () => {
    const resultsOn = (line: GoodputLine, isHunting: boolean): Goodput[] =>
      SEEDS.map((seed) => goodputOf(line, seed, isHunting));
    const rows = GOODPUT_LINES.map((line) => ({
      line,
      both: resultsOn(line, true),
      cobsAlone: resultsOn(line, false),
    }));
    expect(rows.length).toBeGreaterThan(10);
    await expect(goodputTable(rows)).toMatchFileSnapshot("goodput-table.md");
  }, 120_000);

  it("is the same for the same seed, and another one for another seed", () => {
    const line = GOODPUT_LINES.find(({ name }) => name === "bit errors 1e-4") ?? expect.fail("no such line");
    const [first, again, other] = [1, 1, 2].map((seed) => goodputOf(line, seed, true));
    expect(again).toEqual(first);
    expect(other?.share).not.toBe(first?.share);
  });
});
