import { describe, expect, it } from "vitest";
import type { Millis } from "../../src/base/units.ts";
import { Gossip } from "../../src/mesh/gossip.ts";
import type { ImageWord } from "../../src/wire/messages.ts";
import { id } from "./support.ts";

function suspect(origin: number, hops = 5): ImageWord {
  return { tag: "suspect", originId: id(origin), digest: id(9), failures: 1, ageMinutes: 3, hops };
}

/** When something is said on each link, and how old it says the failure is. */
function heard(gossip: Gossip, links: readonly number[], until: Millis): string[] {
  const told: string[] = [];
  for (let now = 0; now <= until; now += 500)
    for (const { link, advice } of gossip.take(now, links))
      told.push(`${now} ${link} ${advice.tag === "suspect" ? advice.ageMinutes : ""}`);
  return told;
}

describe("words about images", () => {
  it("are said three times on each link but the one they came from, with the age that they have by then", () => {
    const gossip = new Gossip();
    gossip.say(0, suspect(1), 1);
    expect(heard(gossip, [0, 1, 2], 600_000)).toEqual([
      "0 0 3",
      "0 2 3",
      "5000 0 3",
      "5000 2 3",
      "60000 0 4",
      "60000 2 4",
    ]);
    expect(gossip.nextAt([0, 1, 2])).toBeUndefined();
  });

  it("wait for a link that is busy, for an hour", () => {
    const gossip = new Gossip();
    gossip.say(0, suspect(1));
    expect(gossip.take(0, [])).toEqual([]);
    expect(gossip.take(3_599_999, [0])).toHaveLength(1);
    expect(gossip.take(3_600_000, [0])).toEqual([]);
  });

  it("follow one another a second apart on one link", () => {
    const gossip = new Gossip();
    gossip.say(0, suspect(1));
    gossip.say(0, suspect(2));
    const told: number[] = [];
    for (let now = 0; now < 2_000; now += 250) if (gossip.take(now, [0]).length > 0) told.push(now);
    expect(told).toEqual([0, 1_000]);
    expect(gossip.nextAt([0])).toBe(5_000);
  });

  it("are passed on once, and not any more when they have come far enough", () => {
    const gossip = new Gossip();
    expect(gossip.takeNew(suspect(1))).toBe(true);
    expect(gossip.takeNew(suspect(1, 3))).toBe(false);
    expect(gossip.takeNew(suspect(2))).toBe(true);
    gossip.say(0, suspect(1, 0));
    expect(gossip.take(0, [0])).toEqual([]);
  });

  it("are no more than eight at a time, the last ones", () => {
    const gossip = new Gossip();
    for (let origin = 0; origin < 20; origin++) gossip.say(0, suspect(origin));
    const origins = new Set<number>();
    for (let now = 0; now < 600_000; now += 500)
      for (const { advice } of gossip.take(now, [0])) origins.add(advice.originId[3] ?? -1);
    expect([...origins]).toEqual([12, 13, 14, 15, 16, 17, 18, 19]);
  });
});
