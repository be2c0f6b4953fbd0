import { describe, expect, it } from "vitest";
import { figuresOf, storyEvents, storyText, storyTitle } from "../../../src/sim/many/story.ts";
import { lineStory, spreadTo, waveStory } from "./story-fixtures.ts";

describe("the text of a story", () => {
  it("sums up the run and tells of each board in order of time", () => {
    expect(storyText(lineStory())).toBe(`4 boards, 3 of them unbootable, healed in 2.4 s by one neighbour
line, seed 7, size 64K, baud 115200, faults true
healed: 3 of 3, after 1.62 s (p50), 2.43 s (p99), 2.43 s (last)
  that is 3.24 times one transfer, 0.75 s
  each took 0.75 s (p50), 0.75 s (p99); deepest chain: 3 boards
no rule was broken
    0.81 s  board 1 healed by board 0
    1.62 s  board 2 healed by board 1
    2.43 s  board 3 healed by board 2
`);
  });

  it("shows the first 40 boards and counts the others", () => {
    const lines = storyText(waveStory("tree", 9041)).trimEnd().split("\n");
    expect(lines.filter((line) => line.includes("healed by board"))).toHaveLength(40);
    expect(lines.at(-1)).toBe("... and 9,000 more");
  });

  it("shows exactly 40 boards without a remainder", () => {
    const lines = storyText(waveStory("line", 41)).trimEnd().split("\n");
    expect(lines.at(-1)).toMatch(/board 40 healed by board 39$/);
  });

  it("names the rules that were broken", () => {
    const text = storyText(lineStory({ violations: ["board 3 holds two digests"] }));
    expect(text).toContain("rules broken: 1\n  board 3 holds two digests\n");
  });

  it("leaves out the share of a transfer whose time is not known", () => {
    expect(storyText(lineStory({ transferMs: 0 }))).not.toContain("times one transfer");
  });
});

describe("the title of a story", () => {
  it("counts what was not healed", () => {
    const title = storyTitle(lineStory({ spreads: [spreadTo(1, 0, 0.81)] }));
    expect(title).toBe("4 boards, 3 of them unbootable, 1 healed in 0.81 s by one neighbour");
    expect(storyTitle(lineStory({ spreads: [] }))).toBe("4 boards, 3 of them unbootable, none healed");
  });

  it("counts the neighbours from which images came, not those that passed them on", () => {
    const spreads = [spreadTo(1, 0, 1), spreadTo(2, 3, 1.5)];
    const title = storyTitle(lineStory({ brokenAtStart: [1, 2], spreads }));
    expect(title).toBe("4 boards, 2 of them unbootable, healed in 1.5 s by 2 neighbours");
  });

  it("tells of updates, and of both", () => {
    const updates = [spreadTo(1, 0, 1, "update"), spreadTo(2, 1, 2, "update")];
    expect(storyTitle(lineStory({ brokenAtStart: [], spreads: updates }))).toBe(
      "4 boards, 3 of them out of date, 2 updated in 2.0 s by one neighbour",
    );
    expect(storyTitle(lineStory({ brokenAtStart: [3], spreads: [...updates, spreadTo(3, 2, 3)] }))).toBe(
      "4 boards, one of them unbootable, healed in 3.0 s by one neighbour, " +
        "3 of them out of date, 2 updated in 2.0 s by one neighbour",
    );
  });

  it("says so when all was well", () => {
    expect(storyTitle(lineStory({ brokenAtStart: [], spreads: [] }))).toBe(
      "4 boards, none of them unbootable",
    );
  });

  it("counts a board that broke later, and no source where a chain closes", () => {
    const spreads = [spreadTo(1, 0, 1), spreadTo(0, 1, 2)];
    expect(storyTitle(lineStory({ brokenAtStart: [1], spreads }))).toBe(
      "4 boards, 2 of them unbootable, healed in 2.0 s",
    );
  });
});

describe("the figures of a story", () => {
  it("take the last time of a board that was healed twice", () => {
    const { last, endedAt } = figuresOf(
      lineStory({ spreads: [spreadTo(1, 0, 5), spreadTo(1, 2, 1)] }),
      "heal",
    );
    expect(last).toEqual([spreadTo(1, 0, 5)]);
    expect(endedAt).toBe(5000);
  });

  it("count the boards of the deepest chain", () => {
    expect(figuresOf(waveStory("tree", 15), "heal").deepest).toBe(3);
    expect(figuresOf(waveStory("star", 15), "heal").deepest).toBe(1);
    expect(figuresOf(lineStory({ spreads: [] }), "heal").deepest).toBe(0);
  });
});

describe("the events of a story", () => {
  it("are one line of JSON for each board, in order of time, with seconds to the millisecond", () => {
    const spreads = [spreadTo(2, 1, 1.62), spreadTo(3, 2, 1.2304, "update"), spreadTo(1, 0, 0.81)];
    expect(storyEvents(lineStory({ spreads }))).toBe(
      '{"event":"healed","board":1,"by":0,"at":0.81}\n' +
        '{"event":"updated","board":3,"by":2,"at":1.23}\n' +
        '{"event":"healed","board":2,"by":1,"at":1.62}\n',
    );
  });

  it("are one for each cause when a board is healed and later updated", () => {
    const spreads = [spreadTo(1, 0, 2, "update"), spreadTo(1, 0, 1), spreadTo(1, 0, 0.5)];
    expect(storyEvents(lineStory({ spreads }))).toBe(
      '{"event":"healed","board":1,"by":0,"at":1}\n{"event":"updated","board":1,"by":0,"at":2}\n',
    );
  });

  it("are none without spreads", () => {
    expect(storyEvents(lineStory({ spreads: [] }))).toBe("");
  });
});
