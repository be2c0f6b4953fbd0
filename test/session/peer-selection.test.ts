import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/base/prng.ts";
import { Link } from "../../src/link/link.ts";
import { ExcusedTime } from "../../src/session/excused-time.ts";
import { PeerSelection } from "../../src/session/peer-selection.ts";
import { ProgressFloor } from "../../src/session/progress-floor.ts";
import { ServingBudget } from "../../src/session/rescuer/serving-budget.ts";

const id = (n: number): Uint8Array => Uint8Array.of(n >>> 8, n, 0, 0, 0, 0, 0, 0);
const turns = (seed = 1): PeerSelection<string> => new PeerSelection(new SeededRandom(seed));

describe("the peer that a node chooses", () => {
  it("is the first one that is heard, even after one lost session", () => {
    const all = turns();
    expect(all.consider(0, id(1), "one")).toBe("one");
    all.strike(0, id(1));
    expect(all.consider(1, id(1), "one")).toBe("one");
  });

  it("is not one that lost two sessions or more: it has to wait 1 s, then twice as long each time, up to 8 s", () => {
    const all = turns();
    const barred: number[] = [];
    let now = 0;
    for (let strikes = 0; strikes < 7; strikes++) {
      all.strike(now, id(1));
      const from = now;
      while (all.isBarred(now, id(1))) now += 100;
      barred.push(now - from);
    }
    expect(barred).toEqual([0, 1000, 2000, 4000, 8000, 8000, 8000]);
  });

  it("is drawn at random among all that are heard within 600 ms, once two sessions in a row were lost", () => {
    const drawn = new Set<string>();
    for (let seed = 0; seed < 60; seed++) {
      const all = turns(seed);
      all.strike(0, id(9), true);
      for (let n = 0; n < 20; n++) expect(all.consider(10 + n, id(n), `${n}`)).toBeUndefined();
      expect(all.chooseAt).toBe(610);
      expect(all.take(609)).toBeUndefined();
      const taken = all.take(610);
      expect(taken).not.toBe("9");
      drawn.add(taken ?? "none");
      expect([all.chooseAt, all.take(5_000)]).toEqual([undefined, undefined]);
    }
    expect(drawn.size).toBeGreaterThan(12);
  });

  it("is again the first one that is heard, after a session that made progress", () => {
    const all = turns();
    all.strike(0, id(1), true);
    all.forgive(id(1));
    expect(all.consider(0, id(1), "one")).toBe("one");
  });

  it("depends on the lost sessions of the last sixteen peers only", () => {
    const all = turns();
    for (let n = 0; n < 17; n++) all.strike(0, id(n), true);
    expect(Array.from({ length: 17 }, (_, n) => all.isBarred(1, id(n))).indexOf(true)).toBe(1);
  });
});

describe("the least progress of a session", () => {
  const link = (baud: number | undefined): Link => new Link({ baud, rtoFloorMs: 10 });

  it.each([
    [115_200, 1024, 21_600],
    [921_600, 4096, 172_800],
    [undefined, 4096, 21_600],
  ])("at %s baud is 1/64 of the line in each two minutes", (baud, blockSize, least) => {
    const pace = new ProgressFloor(0, link(baud), blockSize);
    pace.add(least);
    const time = new ExcusedTime(0, 0);
    expect([pace.checkWindow(119_999, time), pace.checkWindow(120_000, time)]).toEqual(["ok", "ok"]);
    pace.add(least - 100);
    expect([pace.endsAt, pace.checkWindow(240_000, time)]).toEqual([240_000, "tooSlow"]);
  });

  it("leaves a slow line time for large blocks", () => {
    const { endsAt } = new ProgressFloor(0, link(9600), 65_536);
    expect(endsAt).toBeGreaterThan(2_000_000);
  });
});

describe("the bytes that a rescuer may spend on boards that do not get healed", () => {
  it("are 1 MiB an hour or eight images, and become available again with time", () => {
    const budget = new ServingBudget();
    budget.charge(0, 1_048_575, 1000);
    expect(budget.isLeft(0)).toBe(true);
    budget.charge(0, 500_000, 1000);
    expect([budget.isLeft(0), budget.isLeft(1_700_000), budget.isLeft(1_720_000)]).toEqual([
      false,
      false,
      true,
    ]);
    budget.charge(1_720_000, 7_900_000, 1_000_000);
    expect(budget.isLeft(1_720_000)).toBe(false);
  });

  const MIB = 1_048_576;

  it("are given back for a session that a board says healed it, once an hour, and never for an earlier session", () => {
    const budget = new ServingBudget();
    budget.charge(0, MIB - 20_000, 1000);
    expect(budget.settle(0, id(1), 5_000, 4_000)).toBe(true);
    expect(budget.isLeft(0)).toBe(true);
    expect(budget.settle(1, id(1), 20_100, 4_000)).toBe(false);
    expect(budget.isLeft(1)).toBe(false);
    expect(budget.settle(3_600_001, id(1), 5_000, 4_000)).toBe(true);
  });

  it("are given back up to the need of a heal: the image, a quarter more, and 4 KiB", () => {
    const budget = new ServingBudget();
    expect(budget.settle(0, id(1), 65_536 + 16_384 + 4_096 + MIB - 1, 65_536)).toBe(true);
    expect(budget.isLeft(0)).toBe(true);
    expect(budget.settle(0, id(2), 65_536 + 16_384 + 4_096 + 1, 65_536)).toBe(true);
    expect(budget.isLeft(0)).toBe(false);
  });

  it("are given back to 256 boards an hour, whatever ids they make up", () => {
    const budget = new ServingBudget();
    const counted = Array.from({ length: 400 }, (_, n) => budget.settle(n, id(n), 1000, 1000));
    expect(counted.indexOf(false)).toBe(256);
    expect(counted.lastIndexOf(true)).toBe(255);
    expect(budget.settle(3_600_000, id(500), 1000, 1000)).toBe(true);
    expect(budget.settle(3_600_000, id(501), 1000, 1000)).toBe(false);
  });

  it("are said to be spent for as long as they are", () => {
    const budget = new ServingBudget();
    expect(budget.leftAfter(0)).toBe(0);
    budget.charge(0, 1.5 * MIB, 1000);
    const after = budget.leftAfter(0);
    expect(after).toBeGreaterThan(1_790_000);
    expect([budget.isLeft(after - 10), budget.isLeft(after)]).toEqual([false, true]);
  });
});
