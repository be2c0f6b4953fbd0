import { beforeEach, describe, expect, it } from "vitest";
import { NewsLimit } from "../../src/mesh/news-limit.ts";

let limit: NewsLimit;

beforeEach(() => {
  limit = new NewsLimit();
});

describe("a limit of news", () => {
  it("an unproven beacon resets at most once a minute", () => {
    expect(limit.take(1_000, 0)).toBe(true);
    expect([1_000, 1_001, 30_000, 60_999].map((now) => limit.take(now, 0))).toEqual([
      false,
      false,
      false,
      false,
    ]);
    expect(limit.take(61_000, 0)).toBe(true);
    let taken = 0;
    for (let now = 61_000; now < 61_000 + 3_600_000; now += 100) if (limit.take(now, 0)) taken++;
    expect(taken).toBe(59);
  });

  it("does not hold back one link for another", () => {
    expect([0, 1, 2].map((link) => limit.take(0, link))).toEqual([true, true, true]);
    expect([0, 1, 2].map((link) => limit.take(59_999, link))).toEqual([false, false, false]);
    expect(limit.take(60_000, 1)).toBe(true);
    expect(limit.take(60_000, 0)).toBe(true);
  });

  it("counts the minute from the news that counted, not from what was refused", () => {
    limit.take(0, 0);
    for (let now = 1_000; now < 60_000; now += 1_000) limit.take(now, 0);
    expect(limit.take(60_000, 0)).toBe(true);
  });

  it("takes news from 64 links in a minute and no more, however many there are", () => {
    let taken = 0;
    for (let link = 0; link < 10_000; link++) if (limit.take(link, link)) taken++;
    expect(taken).toBe(64);
    expect(limit.take(59_999, 20_000)).toBe(false);
    // A minute after the first of them there is room for one again, not for two.
    expect(limit.take(60_000, 20_000)).toBe(true);
    expect(limit.take(60_000, 20_001)).toBe(false);
    // One that was remembered stays held back, though there is no room for others.
    expect(limit.take(60_000, 1)).toBe(false);
  });
});
