import { fc, test as property } from "@fast-check/vitest";
import { beforeEach, describe, expect, it } from "vitest";
import type { Millis } from "../../src/base/units.ts";
import { type Ask, Asking, compareWith } from "../../src/mesh/asking.ts";
import type { OwnBoard } from "../../src/mesh/own-board.ts";
import { id, image, neighbour, ownBoard } from "./support.ts";

const SEED = 1024;
const HOUR: Millis = 3_600_000;
const AUTO = { update: "auto", allowSingle: false } as const;

let asking: Asking;

beforeEach(() => {
  asking = new Asking(AUTO);
});

/** The ask for the image of a neighbour. */
function askOf(board: number, sequence: number, link = 0): Ask {
  return { link, nodeId: id(board), digest: image(sequence).digest };
}

/** Starts an ask and lets it fail; when it failed. */
function failAt(now: Millis, ask: Ask): Millis {
  asking.start(now, ask);
  asking.endLate(now + 12_000);
  return now + 12_000;
}

describe("how a neighbour's image compares with the own one (C14)", () => {
  const board = ownBoard(3);

  it.each([
    ["newer", "a higher sequence number", neighbour(2, 4)],
    ["older", "a lower sequence number", neighbour(2, 2)],
    ["same", "the same image", neighbour(2, 3)],
    ["newer", "the same sequence number and a higher version", { ...neighbour(2, 9), sequence: 3 }],
    [
      "conflict",
      "the same order and another image",
      neighbour(2, 3, { installedDigest: image(3, 1).digest }),
    ],
    ["other", "other hardware", neighbour(2, 4, { hardwareId: id(1) })],
    ["other", "no firmware of its own", neighbour(2, 4, { isProvider: true })],
    ["other", "an image that does not boot", neighbour(2, 4, { isBootable: false, failure: "hash" })],
    ["other", "no image that it names", neighbour(2, 4, { installedDigest: undefined })],
  ] as const)("is %s with %s", (comparison, _, other) => {
    expect(compareWith(board, other)).toBe(comparison);
  });

  it("is nothing that can be compared when the own board has no image", () => {
    expect(compareWith(ownBoard(3, { installed: undefined }), neighbour(2, 4))).toBe("other");
  });
});

describe("a board that asks for something newer", () => {
  it("asks the neighbour that runs it (C10)", () => {
    expect(asking.choose(0, ownBoard(1), [neighbour(2, 2)])).toEqual(askOf(2, 2));
  });

  it("asks none that runs the same, something older, another image of the same order, or is of other hardware (F2.8)", () => {
    const same = neighbour(2, 3);
    const older = neighbour(3, 2);
    const conflict = neighbour(4, 3, { installedDigest: image(3, 1).digest });
    const foreign = neighbour(5, 4, { hardwareId: id(1) });
    const provider = neighbour(6, 4, { isProvider: true });
    const others = [same, older, conflict, foreign, provider];
    expect(asking.choose(0, ownBoard(3), others)).toBeUndefined();
    expect(asking.choose(0, ownBoard(3), [...others, neighbour(7, 4)])).toEqual(askOf(7, 4));
  });

  it("asks the newest of several, wherever it stands", () => {
    const several = [neighbour(2, 2), neighbour(3, 4, { link: 1 }), neighbour(4, 3)];
    expect(asking.choose(0, ownBoard(1), several)).toEqual(askOf(3, 4, 1));
    expect(asking.choose(0, ownBoard(1), several.toReversed())).toEqual(askOf(3, 4, 1));
  });

  it("asks of equal ones the one known for longest", () => {
    const equal = [neighbour(2, 2), neighbour(3, 2, { firstHeardAt: -90_000 }), neighbour(4, 2)];
    expect(asking.choose(0, ownBoard(1), equal)).toEqual(askOf(3, 2));
  });

  it.each<[string, boolean, OwnBoard, Asking]>([
    ["has two slots and may ask", true, ownBoard(1), new Asking(AUTO)],
    ["has one slot", false, ownBoard(1, {}, "single"), new Asking(AUTO)],
    [
      "has one slot, and its owner allows it",
      true,
      ownBoard(1, {}, "single"),
      new Asking({ ...AUTO, allowSingle: true }),
    ],
    ["may never ask", false, ownBoard(1), new Asking({ update: "never", allowSingle: true })],
    ["is on trial itself", false, ownBoard(1, { isTrial: true }), new Asking(AUTO)],
    ["does not boot", false, ownBoard(1, { failure: "hash" }), new Asking(AUTO)],
  ])("one that %s asks: %s", (_, asks, board, candidate) => {
    expect(candidate.mayAsk(board)).toBe(asks);
    expect(candidate.choose(0, board, [neighbour(2, 2)]) !== undefined).toBe(asks);
  });

  it("asks no neighbour whose image is on trial", () => {
    expect(asking.choose(0, ownBoard(1), [neighbour(2, 2, { isTrial: true })])).toBeUndefined();
  });

  it("asks no neighbour before that was heard over a second, and none that was silent for too long", () => {
    const newcomer = neighbour(2, 2, { firstHeardAt: -999, heardAt: 0 });
    expect(asking.choose(0, ownBoard(1), [newcomer])).toBeUndefined();
    expect(asking.choose(1, ownBoard(1), [{ ...newcomer, heardAt: 1 }])).toEqual(askOf(2, 2));
    expect(asking.choose(2_048_000, ownBoard(1), [neighbour(2, 2)])).toEqual(askOf(2, 2));
    expect(asking.choose(2_048_001, ownBoard(1), [neighbour(2, 2)])).toBeUndefined();
  });
});

describe("an ask", () => {
  it("ends after 12 s in which nobody answered", () => {
    asking.start(100, askOf(2, 2));
    expect([asking.present, asking.since, asking.endsAt]).toEqual([askOf(2, 2), 100, 12_100]);
    asking.endLate(12_099);
    expect(asking.present).toEqual(askOf(2, 2));
    asking.endLate(12_100);
    expect([asking.present, asking.endsAt]).toEqual([undefined, undefined]);
  });

  it("has no end while its session runs, and 12 s again after it was lost", () => {
    asking.start(0, askOf(2, 2));
    asking.handleServed();
    asking.endLate(HOUR);
    expect([asking.present, asking.endsAt]).toEqual([askOf(2, 2), undefined]);
    asking.handleLost(HOUR);
    expect(asking.endsAt).toBe(HOUR + 12_000);
  });

  it("outlives five lost sessions, and ends with the next", () => {
    asking.start(0, askOf(2, 2));
    for (let i = 0; i < 5; i++) {
      asking.handleServed();
      asking.handleLost(i);
    }
    expect(asking.present).toEqual(askOf(2, 2));
    asking.handleLost(6);
    expect(asking.present).toBeUndefined();
    expect(asking.isBarred(6, askOf(2, 2))).toBe(true);
  });

  it("that failed is repeated after 60 s, and each time after twice as long, up to 1,024 s", () => {
    const waits: Millis[] = [];
    let now = 0;
    for (let i = 0; i < 8; i++) {
      now = failAt(now, askOf(2, 2));
      const again = asking.againAt(now) ?? 0;
      waits.push(again - now);
      expect(asking.isBarred(again - 1, askOf(2, 2))).toBe(true);
      expect(
        asking.choose(again - 1, ownBoard(1), [neighbour(2, 2, { heardAt: again - 1 })]),
      ).toBeUndefined();
      now = again;
      expect(asking.choose(now, ownBoard(1), [neighbour(2, 2, { heardAt: now })])).toEqual(askOf(2, 2));
    }
    expect(waits).toEqual([60_000, 120_000, 240_000, 480_000, 960_000, 1_024_000, 1_024_000, 1_024_000]);
    expect(asking.againAt(now)).toBeUndefined();
  });

  it("that succeeded clears what failed before", () => {
    const now = failAt(failAt(0, askOf(2, 2)) + 60_000, askOf(2, 2));
    asking.start(now + 120_000, askOf(2, 2));
    asking.succeed();
    expect(asking.present).toBeUndefined();
    const again = failAt(now + 120_000, askOf(2, 2));
    expect(asking.againAt(again)).toBe(again + 60_000);
  });

  it("that nobody answered is repeated a minute later if its neighbour is heard meanwhile", () => {
    const now = failAt(failAt(0, askOf(2, 2)) + 60_000, askOf(2, 2));
    // Not if it was heard on another link, or before.
    asking.handleHeard(now, 0, id(2));
    asking.handleHeard(now + 1, 1, id(2));
    asking.handleHeard(now + 1, 0, id(3));
    expect(asking.againAt(now)).toBe(now + 120_000);
    asking.handleHeard(now + 1, 0, id(2));
    expect(asking.isBarred(now + 59_999, askOf(2, 2))).toBe(true);
    expect(asking.isBarred(now + 60_000, askOf(2, 2))).toBe(false);
    // Its failures are not forgotten.
    const again = failAt(now + 60_000, askOf(2, 2));
    expect(asking.againAt(again)).toBe(again + 240_000);
    asking.handleHeard(again + 100_000, 0, id(2));
    expect(asking.isBarred(again + 100_000, askOf(2, 2))).toBe(false);
  });

  it("that was refused is repeated when its time has come, also when others are heard", () => {
    asking.start(0, askOf(2, 2));
    asking.fail(0);
    asking.start(60_000, askOf(2, 2));
    asking.fail(60_000);
    asking.handleHeard(120_000, 0, id(2));
    expect(asking.isBarred(120_000, askOf(2, 2))).toBe(true);
  });

  it("that was ended for something else is held against nobody", () => {
    asking.start(0, askOf(2, 2));
    asking.cancel();
    expect([asking.present, asking.endsAt, asking.againAt(0)]).toEqual([undefined, undefined, undefined]);
    expect(asking.choose(0, ownBoard(1), [neighbour(2, 2)])).toEqual(askOf(2, 2));
  });

  it("that failed counts for its neighbour, whatever image that claims to have next", () => {
    const now = failAt(0, askOf(2, 2));
    expect(asking.isBarred(now, askOf(2, 3))).toBe(true);
    expect(asking.choose(now, ownBoard(1), [neighbour(2, 9, { heardAt: now })])).toBeUndefined();
  });

  it("is not begun with one that failed before one that did not, however new its image is", () => {
    const again = failAt(0, askOf(2, 9)) + 60_000;
    const both = [neighbour(2, 99, { heardAt: again }), neighbour(3, 2, { heardAt: again })];
    expect(asking.choose(again, ownBoard(1), both)).toEqual(askOf(3, 2));
  });

  it("ends without harm when there is none", () => {
    asking.handleServed();
    asking.handleLost(0);
    asking.fail(0);
    asking.succeed();
    asking.cancel();
    asking.endLate(HOUR);
    expect([asking.present, asking.againAt(0)]).toEqual([undefined, undefined]);
  });
});

describe("an invitation", () => {
  const invited = { ...askOf(5, 3), isInvited: true } as const;

  it("is followed for 12 s by a board that has nobody else to ask", () => {
    asking.invite(0, invited);
    expect(asking.choose(11_999, ownBoard(1), [])).toEqual(invited);
    expect(asking.choose(12_000, ownBoard(1), [])).toBeUndefined();
  });

  it("is followed once, and after a known neighbour", () => {
    asking.invite(0, invited);
    expect(asking.choose(0, ownBoard(1), [neighbour(2, 2)])).toEqual(askOf(2, 2));
    asking.start(0, invited);
    asking.cancel();
    expect(asking.choose(0, ownBoard(1), [])).toBeUndefined();
  });

  it("is not followed by a board that may not ask", () => {
    asking.invite(0, invited);
    expect(asking.choose(0, ownBoard(1, { isTrial: true }), [])).toBeUndefined();
    expect(asking.choose(0, ownBoard(1, {}, "single"), [])).toBeUndefined();
  });

  it("that brought nothing bars the link for others, under whatever id, and no link beside it", () => {
    const now = failAt(0, invited);
    for (let other = 6; other < 100; other++) {
      const next = { ...askOf(other, other), isInvited: true } as const;
      expect(asking.isBarred(now + 59_999, next)).toBe(true);
      asking.invite(now, next);
      expect(asking.choose(now, ownBoard(1), [])).toBeUndefined();
    }
    expect(asking.isBarred(now, { ...invited, link: 1 })).toBe(false);
    // A known neighbour on that link is asked all the same.
    expect(asking.choose(now, ownBoard(1), [neighbour(5, 3, { heardAt: now })])).toEqual(askOf(5, 3));
  });

  it("under another link key bars the link for 5 s only, however often it comes", () => {
    for (let now = 0; now < 600_000; now += 60_000) {
      asking.start(now, invited);
      asking.failByKey(now);
      expect(asking.present).toBeUndefined();
      expect(asking.isBarred(now + 4_999, invited)).toBe(true);
      expect(asking.isBarred(now + 5_000, invited)).toBe(false);
    }
  });
});

describe("what a board asks", () => {
  property.prop([fc.array(fc.tuple(fc.nat(20), fc.nat(20), fc.nat(2)), { minLength: 1, maxLength: 60 })], {
    seed: SEED,
  })("is at most once a minute of one neighbour, at most for 12 s, and never nothing newer", (heard) => {
    asking = new Asking(AUTO);
    const known = heard.map(([board, sequence, link]) => neighbour(board, sequence, { link }));
    const askedAt = new Map<string, Millis>();
    for (let now = 0; now < HOUR / 2; now += 4_000) {
      asking.endLate(now);
      if (asking.present !== undefined) continue;
      const ask = asking.choose(now, ownBoard(10), known);
      if (ask === undefined) continue;
      const name = `${ask.link} ${ask.nodeId}`;
      expect(now - (askedAt.get(name) ?? -HOUR)).toBeGreaterThanOrEqual(72_000);
      askedAt.set(name, now);
      expect(known.some(({ nodeId, sequence }) => nodeId === ask.nodeId && sequence > 10)).toBe(true);
      asking.start(now, ask);
    }
    const newer = known.filter(({ sequence }) => sequence > 10);
    expect(askedAt.size).toBe(new Set(newer.map(({ link, nodeId }) => `${link} ${nodeId}`)).size);
  });
});
