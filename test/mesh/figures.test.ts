import { describe, expect, it } from "vitest";
import type { Millis } from "../../src/base/units.ts";
import { Neighbourhood } from "./neighbourhood.ts";
import { id } from "./support.ts";

const MINUTE: Millis = 60_000;
const HOUR: Millis = 3_600_000;

describe("boards beside one another, as in figure 1 of the concept", () => {
  it("the same board takes both sides: it is updated by one neighbour, and updates the other (C1, C10)", () => {
    const both = new Neighbourhood({ A: { runs: 3 }, B: { runs: 2 }, C: { runs: 1 } }, ["AB", "BC"]);
    both.run(MINUTE);
    expect(both.runs).toEqual({ A: 3, B: 3, C: 3 });
    expect(both.told("serves").filter((one) => one.startsWith("AB")).length).toBe(1);
    expect(both.told("serves").filter((one) => one.startsWith("BC")).length).toBeGreaterThanOrEqual(1);
  });

  it("a board that does not boot says so to its neighbour, which heals it (C2)", () => {
    const two = new Neighbourhood({ A: { runs: 1 }, B: { runs: 0 } }, ["AB"]);
    two.run(100);
    expect(two.machineOf("A").neighbours.all()).toMatchObject([
      { nodeId: id(2), isBootable: false, failure: "empty" },
    ]);
    two.run(MINUTE);
    expect(two.told("heals")).toEqual(["AB 1"]);
    expect(two.runs).toEqual({ A: 1, B: 1 });
  });
});

describe("boards of which one is updated, as in figure 2 of the concept", () => {
  const CHAIN = ["AB", "BC", "CD", "BE"];
  const OLD = { A: { runs: 1 }, B: { runs: 1 }, C: { runs: 1 }, D: { runs: 1 }, E: { runs: 1 } };

  it("pass the new image on to all, each to its neighbours, without a person (F2.1 to F2.7)", () => {
    const chain = new Neighbourhood(OLD, CHAIN);
    chain.run(MINUTE);
    expect(chain.told("serves", "heals")).toEqual([]);
    chain.install("A", 2);
    chain.run(3 * MINUTE);
    expect(chain.runs).toEqual({ A: 2, B: 2, C: 2, D: 2, E: 2 });
    expect(chain.told("serves").toSorted()).toEqual(["AB 2", "BC 2", "BE 2", "CD 2"]);
  });

  it("send nothing but beacons once all have it, and few of them (F2.4)", () => {
    const chain = new Neighbourhood(OLD, CHAIN);
    chain.install("A", 2);
    chain.run(HOUR);
    const before = chain.happenings.length;
    chain.run(10 * HOUR);
    const after = chain.happenings.slice(before);
    expect(new Set(after.map(({ what }) => what))).toEqual(new Set(["said"]));
    // Eight link ends, 3 or 4 times an hour each.
    expect(after.length).toBeGreaterThan(10 * 8 * 3 * 0.9);
    expect(after.length).toBeLessThanOrEqual(10 * 8 * 4);
  });

  it("send no image to who has an equal or a newer one, other hardware, or another image of equal order (F2.8)", () => {
    const around = {
      A: { runs: 2 },
      B: { runs: 2 },
      C: { runs: 3, policy: { update: "never", allowSingle: false } },
      D: { runs: 1, hardwareId: id(4) },
      E: { runs: 2, variant: 1 },
    } as const;
    const star = new Neighbourhood({ ...around, A: { runs: 2, policy: around.C.policy } }, [
      "AB",
      "AC",
      "AD",
      "AE",
    ]);
    star.run(HOUR);
    expect(star.told("serves", "heals", "called")).toEqual([]);
    expect(star.told("conflict").toSorted()).toEqual(["AE 2", "EA 2"]);
  });

  it("get it from a board with many neighbours one after another with a fan-out of 1, and without long gaps", () => {
    const leaves = Object.fromEntries([..."BCDEFGH"].map((name) => [name, { runs: 1 }]));
    const lines = [..."BCDEFGH"].map((name) => `A${name}`);
    const star = new Neighbourhood({ A: { runs: 1 }, ...leaves }, lines, { sessionMs: 70_000 });
    star.install("A", 2);
    star.run(7 * 70_000 + 2 * MINUTE);
    expect(Object.values(star.runs)).toEqual(Array.from({ length: 8 }, () => 2));
    const starts = star.happenings.filter(({ what }) => what === "serves").map(({ at }) => at);
    expect(starts.length).toBe(7);
    for (const [i, at] of starts.slice(1).entries())
      expect(at - (starts[i] ?? 0)).toBeGreaterThanOrEqual(70_000);
  });

  it("are healed before others are updated", () => {
    const star = new Neighbourhood({ A: { runs: 1 }, B: { runs: 0 }, C: { runs: 1 } }, ["AB", "AC"], {
      sessionMs: 20_000,
    });
    star.run(1_000);
    star.install("A", 2);
    star.run(3 * MINUTE);
    expect(star.told("heals")).toEqual(["AB 1"]);
    const updates = star.happenings.filter(({ what }) => what === "serves");
    expect(updates.map(({ to }) => to).toSorted()).toEqual(["B", "C"]);
    for (const { at } of updates) expect(at).toBeGreaterThanOrEqual(20_000);
    expect(star.runs).toEqual({ A: 2, B: 2, C: 2 });
  });
});

describe("boards of which some do not boot, as in figure 3 of the concept", () => {
  it("heal one another along the line, the healed ones the next, until all run (F3.1 to F3.10)", () => {
    const line = new Neighbourhood({ A: { runs: 1 }, B: { runs: 0 }, D: { runs: 0 }, F: { runs: 0 } }, [
      "AB",
      "BD",
      "DF",
    ]);
    line.run(MINUTE);
    expect(line.told("heals")).toEqual(["AB 1", "BD 1", "DF 1"]);
    expect(line.runs).toEqual({ A: 1, B: 1, D: 1, F: 1 });
  });

  it("are served by one at a time, though two neighbours hear them (F3.3)", () => {
    const two = new Neighbourhood({ A: { runs: 1 }, B: { runs: 0 }, C: { runs: 1 } }, ["AB", "BC"]);
    two.run(MINUTE);
    expect(two.told("heals").length).toBe(1);
    expect(two.runs).toEqual({ A: 1, B: 1, C: 1 });
  });

  it("D is heard by B, which is being healed itself, and by C: C heals it and does not wait for B (F3.12)", () => {
    const boards = { A: { runs: 1 }, B: { runs: 0 }, D: { runs: 0 }, C: { runs: 1 } };
    const square = new Neighbourhood(boards, ["AB", "BD", "DC"], { sessionMs: 30_000 });
    square.run(2_000);
    expect(square.told("heals").toSorted()).toEqual(["AB 1", "CD 1"]);
    expect(square.machineOf("B").neighbours.of(1)).toMatchObject([{ nodeId: id(3), isBootable: false }]);
    square.run(MINUTE);
    expect(square.runs).toEqual({ A: 1, B: 1, D: 1, C: 1 });
    // Nobody began a second image on either of them.
    expect(square.told("heals", "serves").length).toBe(2);
  });

  it("are healed by another neighbour when a session fails (F3.11)", () => {
    let failures = 2;
    const fails = (): boolean => failures-- > 0;
    const two = new Neighbourhood({ A: { runs: 1 }, B: { runs: 0 }, C: { runs: 1 } }, ["AB", "BC"], {
      fails,
    });
    two.run(MINUTE);
    expect(two.told("heals").length).toBe(3);
    expect(two.runs).toEqual({ A: 1, B: 1, C: 1 });
  });
});
