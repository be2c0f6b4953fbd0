import { test } from "@fast-check/vitest";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/base/prng.ts";
import { encodeUtf8 } from "../../src/image/utf8.ts";
import { BackOff } from "../../src/network/back-off.ts";
import { ByteBudget, passedSince, SPENDINGS_MAX } from "../../src/network/byte-budget.ts";
import { type IndexEntry, imagePath } from "../../src/network/index-format.ts";
import { type HeldImage, indexRefusal, planPull } from "../../src/network/pull-plan.ts";
import { decodeState, encodeState, type PullState } from "../../src/network/pull-state.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

function entry(name: number, minor: number, changes: Partial<IndexEntry> = {}): IndexEntry {
  const digest = name.toString(16).padStart(64, "0");
  return {
    vendor: "acme",
    hardwareClass: "widget",
    revisionMin: 0,
    revisionMax: 9,
    sequence: minor,
    version: { major: 1, minor, patch: 0 },
    counter: 0,
    role: "app",
    digest,
    size: 1000,
    url: imagePath(digest),
    ...changes,
  };
}

describe("a budget of bytes", () => {
  it("is whole again a day after the hour in which it was spent", () => {
    const budget = new ByteBudget(100, []);
    budget.spend(HOUR / 2, 60);
    budget.spend(2 * HOUR, 40);
    expect(budget.left(2 * HOUR)).toBe(0);
    expect(budget.untilMore(2 * HOUR)).toBe(DAY + HOUR - 2 * HOUR);
    expect(budget.left(DAY + HOUR - 1)).toBe(0);
    expect(budget.left(DAY + HOUR)).toBe(60);
    expect(budget.left(DAY + 3 * HOUR)).toBe(100);
    expect(budget.untilMore(DAY + 3 * HOUR)).toBe(0);
  });

  it("gets back what was counted and did not come", () => {
    const budget = new ByteBudget(100, [[0, 10]]);
    budget.spend(HOUR, 50);
    budget.giveBack(45);
    expect(budget.left(HOUR)).toBe(85);
    budget.giveBack(1000);
    expect(budget.left(HOUR)).toBe(100);
  });

  const steps = fc.array(
    fc.record({
      wait: fc.nat({ max: 3 * HOUR }),
      wish: fc.nat({ max: 400 }),
      came: fc.nat({ max: 400 }),
      restart: fc.boolean(),
    }),
    { maxLength: 120 },
  );
  test.prop([steps])(
    "never gives more than its limit in any 24 hours, across restarts, and stays small",
    (all) => {
      const received: [at: number, bytes: number][] = [];
      let budget = new ByteBudget(1000, []);
      let now = 0;
      for (const { wait, wish, came, restart } of all) {
        now += wait;
        if (restart) {
          expect(budget.spendings(now).length).toBeLessThanOrEqual(SPENDINGS_MAX);
          budget = new ByteBudget(1000, budget.spendings(now));
        }
        const asked = Math.min(wish, budget.left(now));
        budget.spend(now, asked);
        const got = Math.min(came, asked);
        budget.giveBack(asked - got);
        received.push([now, got]);
        const day = received.filter(([at]) => at > now - DAY).reduce((total, [, bytes]) => total + bytes, 0);
        expect(day).toBeLessThanOrEqual(1000);
      }
    },
  );

  test.prop([
    fc.array(fc.tuple(fc.nat({ max: 100 * HOUR }), fc.nat({ max: DAY }), fc.boolean()), { maxLength: 30 }),
  ])(
    "counts no time that did not pass, whatever was switched off in between, and knows of no clock",
    (parts) => {
      let real = 0;
      let bootedAt = 0;
      let elapsed = 0;
      let stored = 0;
      for (const [off, on, isBoot] of parts) {
        real += off;
        if (isBoot) bootedAt = real;
        real += on;
        elapsed += passedSince(stored, real - bootedAt);
        stored = real - bootedAt;
        expect(elapsed).toBeLessThanOrEqual(real);
      }
    },
  );
});

describe("the wait after failures", () => {
  it("doubles from about 30 s to an hour, is never the same for all, and starts over after a success", () => {
    const off = new BackOff(new SeededRandom(1));
    const waits = Array.from({ length: 12 }, () => off.take());
    for (const [i, wait] of waits.entries()) {
      const most = Math.min(30_000 * 2 ** i, HOUR);
      expect(wait).toBeGreaterThanOrEqual(most / 2);
      expect(wait).toBeLessThanOrEqual(most);
    }
    off.reset();
    expect(off.take()).toBeLessThanOrEqual(30_000);
    const firsts = Array.from({ length: 50 }, (_, seed) => new BackOff(new SeededRandom(seed)).take());
    expect(new Set(firsts).size).toBeGreaterThan(45);
  });

  it("is as long as the server asks for", () => {
    expect(new BackOff(new SeededRandom(1)).take(7 * HOUR)).toBe(7 * HOUR);
  });
});

describe("an index beside the one before", () => {
  const images = [entry(1, 1), entry(2, 2)];
  const seen = { counter: 5, digest: "aa", images: images.map(({ digest }) => digest) };
  const codeOf = (counter: number, listed: IndexEntry[], digest = "bb", pruned = 0): string | undefined =>
    indexRefusal({ counter, pruned, images: listed }, digest, seen)?.code;

  it("is used when it is the same, or newer and lists as much", () => {
    expect(codeOf(5, images, "aa")).toBeUndefined();
    expect(codeOf(6, [...images, entry(3, 3)])).toBeUndefined();
  });

  it("is not used when its counter is lower, whatever it lists", () => {
    expect(codeOf(4, [...images, entry(3, 3)])).toBe("index-older");
  });

  it("is not used when it is another one of the same counter", () => {
    expect(codeOf(5, images)).toBe("index-forked");
  });

  it("is not used when it lists less, unless its owner says that images were left out since", () => {
    expect(codeOf(6, images.slice(1))).toBe("index-shrunk");
    expect(codeOf(6, [])).toBe("index-shrunk");
    expect(codeOf(9, images.slice(1), "bb", 5)).toBe("index-shrunk");
    expect(codeOf(9, images.slice(1), "bb", 6)).toBeUndefined();
  });

  it("of which only the counter is known still has to be no older", () => {
    const counter = { counter: 5, digest: undefined, images: undefined };
    expect(indexRefusal({ counter: 5, pruned: 0, images: [] }, "bb", counter)).toBeUndefined();
    expect(indexRefusal({ counter: 4, pruned: 0, images: [] }, "bb", counter)?.code).toBe("index-older");
  });
});

describe("the plan of a pull", () => {
  const none = { held: [], hardware: [], finals: new Map<string, string>() };
  const plan = (images: IndexEntry[], criteria: Partial<Parameters<typeof planPull>[1]> = {}): string[] => {
    const { wanted, left } = planPull({ counter: 1, pruned: 0, images }, { ...none, ...criteria });
    return [
      ...wanted.map((one) => `${one.hardwareClass} ${one.version.minor}`),
      ...left.map(({ entry: one, why }) => `${one.hardwareClass} ${one.version.minor}: ${why}`),
    ];
  };
  const lamp = { hardwareClass: "lamp" };

  it("has the newest of each hardware first", () => {
    const images = [entry(1, 1), entry(2, 2), entry(3, 1, lamp), entry(4, 3), entry(5, 2, lamp)];
    expect(plan(images)).toEqual(["widget 3", "lamp 2", "widget 2", "lamp 1", "widget 1"]);
  });

  it("leaves out what the folder holds, other hardware, and what failed for good", () => {
    const images = [entry(1, 1), entry(2, 2), entry(3, 3, lamp)];
    const finals = new Map([[entry(2, 2).digest, "net-status"]]);
    const hardware = [{ vendor: "acme", hardwareClass: "widget" }];
    expect(plan(images, { held: [entry(1, 1)], hardware, finals })).toEqual([
      "lamp 3: hardware",
      "widget 2: final",
      "widget 1: held",
    ]);
  });

  it("leaves out what is below the counter of an image in the folder for all the same boards", () => {
    const images = [
      entry(1, 1, { counter: 4 }),
      entry(2, 2, { counter: 5 }),
      entry(3, 3, { counter: 4, ...lamp }),
    ];
    const held = (changes: Partial<HeldImage>): HeldImage[] => [entry(9, 9, { counter: 5, ...changes })];
    expect(plan(images, { held: held({}) })).toEqual(["lamp 3", "widget 2", "widget 1: counter"]);
    for (const changes of [{ revisionMax: 8 }, { role: "recovery" }, { vendor: "other" }] as const)
      expect(plan(images, { held: held(changes) })).toEqual(["lamp 3", "widget 2", "widget 1"]);
  });

  it("is made in no time for as many images as an index may list", () => {
    const images = Array.from({ length: 4096 }, (_, i) => entry(i, i % 100, { hardwareClass: `c${i % 7}` }));
    expect(
      planPull({ counter: 1, pruned: 0, images }, { ...none, held: images.slice(100) }).wanted,
    ).toHaveLength(100);
  });
});

describe("the state of a pull", () => {
  const state: PullState = {
    url: "https://images.example.org/acme/",
    counter: 7,
    digest: "ab".repeat(32),
    etag: '"v1"',
    judge: "cd".repeat(16),
    finals: { ["ef".repeat(32)]: "net-status" },
    elapsedMs: 12_345,
    uptimeMs: 99_000,
    spent: [[3, 4711]],
    open: { digest: "ef".repeat(32), from: 100, bytes: 5000 },
  };

  it("is read as it was written, also one without an index", () => {
    expect(decodeState(encodeUtf8(encodeState(state)))).toEqual(state);
    const fresh = { ...state, counter: undefined, digest: undefined, etag: undefined, open: undefined };
    expect(decodeState(encodeUtf8(encodeState(fresh)))).toEqual(fresh);
  });

  test.prop([fc.nat(), fc.integer({ min: 0, max: 255 })])(
    "is never another one after a change",
    (at, value) => {
      const bytes = encodeUtf8(encodeState(state));
      bytes[at % bytes.length] = value;
      const found = decodeState(bytes);
      if (found !== undefined) expect(found).toEqual(state);
    },
  );
});
