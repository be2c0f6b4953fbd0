import { fc, test as property } from "@fast-check/vitest";
import { beforeEach, describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import { Claim } from "../../src/mesh/claim.ts";
import type { Neighbour } from "../../src/mesh/neighbours.ts";
import { Neighbourhood } from "./neighbourhood.ts";
import { id, neighbour } from "./support.ts";

const SEED = 1024;
const MINUTE: Millis = 60_000;
const ASKED = id(9);

let claim: Claim;

beforeEach(() => {
  claim = new Claim(new SeededRandom(1), id(5));
});

function step(now: Millis, ...others: readonly Neighbour[]): boolean {
  return claim.step(now, [neighbour(9, 4, { heardAt: now }), ...others], ASKED);
}

/** A neighbour that is heard now and asks, or claims. */
function wants(board: number, now: Millis, more: Partial<Neighbour> = {}): Neighbour {
  return neighbour(board, 1, { wantsUpdate: true, heardAt: now, ...more });
}

describe("a board that claims its turn to overwrite its only image", () => {
  it("goes ahead 4 s after it claimed if nobody is in the way", () => {
    expect(step(0)).toBe(false);
    expect([claim.isOn, claim.nextAt(0)]).toEqual([true, 4_000]);
    expect([step(3_999), step(4_000), step(MINUTE)]).toEqual([false, true, true]);
    claim.clear();
    expect([claim.isOn, step(MINUTE)]).toEqual([false, false]);
  });

  it("says so every 500 ms meanwhile, and every 10 s for as long as its claim stands", () => {
    step(0);
    const said: Millis[] = [];
    for (let now = 0; now <= 40_000; now += 100) if (claim.takeSaying(now)) said.push(now);
    expect(said).toEqual([500, 1000, 1500, 2000, 2500, 3000, 3500, 4000, 14_000, 24_000, 34_000]);
    claim.clear();
    expect([claim.sayAt, claim.takeSaying(MINUTE)]).toEqual([undefined, false]);
  });

  it.each<[string, Neighbour]>([
    ["does not boot", neighbour(7, 1, { isBootable: false, failure: "hash" })],
    ["is being served", neighbour(7, 1, { isBootable: false, failure: "receiving" })],
    ["claims already, under whatever id", wants(7, 0)],
  ])("lets a neighbour go first that %s", (_, other) => {
    expect(step(0, other)).toBe(false);
    expect(claim.isOn).toBe(false);
    const again = claim.nextAt(0) ?? 0;
    expect(again).toBeGreaterThanOrEqual(5_000);
    expect(again).toBeLessThan(10_000);
    // Until then nothing changes that.
    expect([step(again - 1), claim.isOn]).toEqual([false, false]);
    expect([step(again), claim.isOn, step(again + 4_000)]).toEqual([false, true, true]);
  });

  it("lets of those that claim at the same time the lower id go first, also when it waits for an answer already", () => {
    step(0);
    expect([step(1_000, wants(7, 1_000)), claim.isOn]).toEqual([false, true]);
    expect(step(4_000, wants(7, 1_000))).toBe(true);
    expect([step(4_500, wants(3, 4_500)), claim.isOn]).toEqual([false, false]);
  });

  it("lets the neighbour that it wants to ask go first if that claims, whatever its id", () => {
    step(0);
    expect(claim.step(1_000, [wants(9, 1_000)], ASKED)).toBe(false);
    expect(claim.isOn).toBe(false);
  });

  it("waits longer each time that it gave a claim up, and as at first when it went ahead", () => {
    const waits: Millis[] = [];
    let now = 0;
    for (let i = 0; i < 6; i++) {
      step(now);
      step(now, wants(3, now));
      const again = claim.nextAt(now) ?? 0;
      waits.push(again - now);
      now = again;
    }
    for (const [i, wait] of waits.entries()) {
      const least = 5_000 * 2 ** Math.min(i, 3);
      expect(wait).toBeGreaterThanOrEqual(least);
      expect(wait).toBeLessThan(2 * least);
    }
    step(now);
    expect(step(now + 4_000)).toBe(true);
    step(now + 4_000, wants(3, now + 4_000));
    expect((claim.nextAt(now + 4_000) ?? 0) - now - 4_000).toBeLessThan(10_000);
  });

  it("does not wait for one that was not heard for 130 s, nor for a provider", () => {
    const gone = neighbour(7, 1, { isBootable: false, failure: "hash", heardAt: 0 });
    const provider = neighbour(8, 1, { isProvider: true, wantsUpdate: true, heardAt: MINUTE });
    step(130_000, gone);
    expect(claim.isOn).toBe(false);
    const again = claim.nextAt(130_000) ?? 0;
    step(again, gone, provider);
    expect(claim.isOn).toBe(true);
  });
});

/** Boards with one slot that stand in a line below one that has something newer. */
const LINE = { A: { runs: 2 }, B: single(1), C: single(1), D: single(1) };

function single(runs: number, number?: number): { runs: number; layout: "single"; id?: number } {
  return { runs, layout: "single", ...(number === undefined ? {} : { id: number }) };
}

/** Runs until nobody is left behind; whether two neighbours ever overwrote their only images at the same time. */
function collides(neighbourhood: Neighbourhood, lines: readonly string[]): boolean {
  for (let i = 0; i < 30 * 60 && Object.values(neighbourhood.runs).some((runs) => runs !== 2); i++) {
    neighbourhood.run(1_000);
    const both = neighbourhood.overwriting;
    if (lines.some(([a = "", b = ""]) => both.has(a) && both.has(b))) return true;
  }
  return false;
}

/** Loses beacons at random, but never more than three in a row in one direction. */
function losesUpToThree(seed: number, percent: number): (from: string, to: string) => boolean {
  const random = new SeededRandom(seed);
  const inARow = new Map<string, number>();
  return (from, to) => {
    const lost = inARow.get(from + to) ?? 0;
    const isLost = lost < 3 && random.u32() % 100 < percent;
    inARow.set(from + to, isLost ? lost + 1 : 0);
    return isLost;
  };
}

const SHAPES = [
  // Two that both have someone to ask, and are neighbours.
  { boards: { A: { runs: 2 }, B: single(1), C: single(1), D: { runs: 2 } }, lines: ["AB", "BC", "CD"] },
  // Three in a row, each of which has someone to ask.
  {
    boards: { A: { runs: 2 }, B: single(1), C: single(1), D: single(1), E: { runs: 2 }, F: { runs: 2 } },
    lines: ["AB", "BC", "CD", "DE", "CF"],
  },
  // One asks the next, which asks itself; ids in either order.
  { boards: { A: { runs: 2 }, B: single(1, 8), C: single(0, 3) }, lines: ["AB", "BC"] },
  { boards: { A: { runs: 3 }, B: single(2, 8), C: single(1, 3) }, lines: ["AB", "BC"] },
  { boards: { A: { runs: 3 }, B: single(2, 3), C: single(1, 8) }, lines: ["AB", "BC"] },
] as const;

describe("neighbours with a single slot", () => {
  it("update one after another down a line, and all of them in the end", () => {
    const lines = ["AB", "BC", "CD"];
    const neighbourhood = new Neighbourhood(LINE, lines);
    expect(collides(neighbourhood, lines)).toBe(false);
    expect(neighbourhood.runs).toEqual({ A: 2, B: 2, C: 2, D: 2 });
    expect(neighbourhood.told("serves")).toEqual(["AB 2", "BC 2", "CD 2"]);
  });

  it("of which one fails leave one beside it that heals it", () => {
    let failures = 1;
    const fails = (): boolean => failures-- > 0;
    const shape = SHAPES[0];
    const neighbourhood = new Neighbourhood(shape.boards, shape.lines, { fails });
    expect(collides(neighbourhood, shape.lines)).toBe(false);
    expect(neighbourhood.runs).toEqual({ A: 2, B: 2, C: 2, D: 2 });
    expect(neighbourhood.told("heals").length).toBe(1);
  });

  property.prop([fc.nat(), fc.constantFrom(...SHAPES)], { seed: SEED, numRuns: 60 })(
    "never overwrite their images at the same time on lines that lose nothing",
    (seed, { boards, lines }) => {
      const neighbourhood = new Neighbourhood(boards, lines, { seed, sessionMs: 20_000 });
      expect(collides(neighbourhood, lines)).toBe(false);
      const newest = Math.max(...Object.values(boards).map(({ runs }) => runs));
      neighbourhood.run(30 * MINUTE);
      expect(Object.values(neighbourhood.runs).every((runs) => runs === newest)).toBe(true);
    },
  );

  property.prop([fc.nat(), fc.constantFrom(...SHAPES), fc.constantFrom(5, 30, 90)], {
    seed: SEED,
    numRuns: 60,
  })(
    "never overwrite their images at the same time on lines that lose up to three beacons in a row",
    (seed, { boards, lines }, percent) => {
      const isLost = losesUpToThree(seed, percent);
      const neighbourhood = new Neighbourhood(boards, lines, { seed, sessionMs: 150_000, isLost });
      expect(collides(neighbourhood, lines)).toBe(false);
    },
  );
});
