import { describe, expect, it } from "vitest";
import {
  HEALTH_WAITS_MAX,
  HealthWatch,
  type SaidStatus,
  type WatchedHeal,
} from "../../src/node/health-watch.ts";

const LIMIT_MS = 20_000;
const BOARD = new Uint8Array(8).fill(7);
const IMAGE = new Uint8Array(8).fill(1);
const OTHER_IMAGE = new Uint8Array(8).fill(2);

const CONFIRMED: SaidStatus = { failure: undefined, installedDigest: IMAGE };
const ON_TRIAL: SaidStatus = { ...CONFIRMED, isTrial: true };
const REVERTED: SaidStatus = { failure: "reverted", installedDigest: IMAGE };
const DAMAGED: SaidStatus = { failure: "hash", installedDigest: IMAGE };

const heal = (more: Partial<WatchedHeal> = {}): WatchedHeal => ({
  link: "a",
  nodeId: BOARD,
  digest: IMAGE,
  confirm: "by-app",
  isKeyed: false,
  ...more,
});

/** A watch with one board that was healed at 1 s. */
function watchOf(more: Partial<WatchedHeal> = {}, endsAtCall = true): HealthWatch {
  const watch = new HealthWatch(LIMIT_MS, endsAtCall);
  watch.handleHealed(1_000, heal(more));
  return watch;
}

/** The verdicts so far: link, milliseconds since the heal, what was seen. */
function verdictsOf(watch: HealthWatch): unknown[] {
  const told: unknown[] = [];
  for (let one = watch.pollVerdict(); one !== undefined; one = watch.pollVerdict())
    told.push([one.heal.link, one.afterMs, one.seen ?? "healthy"]);
  return told;
}

describe("the wait for a healed board", () => {
  it("ends at once as healthy when its verification confirms the image", () => {
    const watch = watchOf({ confirm: "on-verify" });
    expect(verdictsOf(watch)).toEqual([["a", 0, "healthy"]]);
    expect(watch.isWaiting).toBe(false);
    expect(watch.pollTimeout()).toBeUndefined();
  });

  it("ends as healthy with the beacon in which the trial is over", () => {
    const watch = watchOf();
    watch.handleHeard(2_000, "a", BOARD, ON_TRIAL);
    expect(verdictsOf(watch)).toEqual([]);
    expect(watch.isWaiting).toBe(true);
    watch.handleHeard(4_000, "a", BOARD, CONFIRMED);
    watch.handleHeard(5_000, "a", BOARD, CONFIRMED);
    expect(verdictsOf(watch)).toEqual([["a", 3_000, "healthy"]]);
  });

  it.each([
    ["nothing", undefined],
    ["trial", ON_TRIAL],
    ["other-image", { failure: undefined, installedDigest: OTHER_IMAGE }],
    ["other-image", { failure: undefined, installedDigest: undefined }],
  ] as const)("ends at its time, not before, and says what was seen: %s", (seen, said) => {
    const watch = watchOf();
    if (said !== undefined) watch.handleHeard(2_000, "a", BOARD, said);
    const at = watch.pollTimeout() ?? 0;
    expect(at).toBe(1_000 + LIMIT_MS);
    watch.handleTimeout(at - 1);
    expect(verdictsOf(watch)).toEqual([]);
    watch.handleTimeout(at);
    expect(verdictsOf(watch)).toEqual([["a", LIMIT_MS, seen]]);
    watch.handleTimeout(at + 1);
    expect(verdictsOf(watch)).toEqual([]);
  });

  it("follows the last beacon: one that boots after a call was repaired", () => {
    const watch = watchOf({}, false);
    watch.handleHeard(2_000, "a", BOARD, DAMAGED);
    expect(verdictsOf(watch)).toEqual([]);
    watch.handleHeard(3_000, "a", BOARD, CONFIRMED);
    expect(verdictsOf(watch)).toEqual([["a", 2_000, "healthy"]]);
  });

  it("ends at once when the board gave the image up", () => {
    for (const endsAtCall of [true, false]) {
      const watch = watchOf({}, endsAtCall);
      watch.handleHeard(2_000, "a", BOARD, REVERTED);
      expect(verdictsOf(watch)).toEqual([["a", 1_000, "reverted"]]);
    }
  });

  it("ends with any other call for help only if nobody answers that one", () => {
    const [ends, stays] = [watchOf({}, true), watchOf({}, false)];
    for (const watch of [ends, stays]) watch.handleHeard(2_000, "a", BOARD, DAMAGED);
    expect(verdictsOf(ends)).toEqual([["a", 1_000, "distress"]]);
    expect(verdictsOf(stays)).toEqual([]);
    stays.handleTimeout(1_000 + LIMIT_MS);
    expect(stays.pollVerdict()).toMatchObject({ seen: "distress", failure: "hash" });
  });

  it("is not ended as failed by a call on a link with a key: nothing proves a beacon", () => {
    const watch = watchOf({ isKeyed: true });
    watch.handleHeard(2_000, "a", BOARD, REVERTED);
    expect(verdictsOf(watch)).toEqual([]);
    watch.handleTimeout(1_000 + LIMIT_MS);
    expect(verdictsOf(watch)).toEqual([["a", LIMIT_MS, "reverted"]]);
  });

  it("takes no word of another board, nor of the same one on another link", () => {
    const watch = watchOf();
    watch.handleHeard(2_000, "a", new Uint8Array(8).fill(8), CONFIRMED);
    watch.handleHeard(2_000, "b", BOARD, CONFIRMED);
    watch.handleHeard(2_000, "a", new Uint8Array(8).fill(8), REVERTED);
    watch.handleTimeout(1_000 + LIMIT_MS);
    expect(verdictsOf(watch)).toEqual([["a", LIMIT_MS, "nothing"]]);
  });

  it("is one of its own for each of two boards on two links", () => {
    const watch = watchOf({}, false);
    watch.handleHealed(3_000, heal({ link: "b", nodeId: new Uint8Array(8).fill(8), digest: OTHER_IMAGE }));
    watch.handleHeard(4_000, "b", new Uint8Array(8).fill(8), { ...CONFIRMED, installedDigest: OTHER_IMAGE });
    expect(verdictsOf(watch)).toEqual([["b", 1_000, "healthy"]]);
    expect(watch.pollTimeout()).toBe(1_000 + LIMIT_MS);
    watch.handleTimeout(1_000 + LIMIT_MS);
    expect(verdictsOf(watch)).toEqual([["a", LIMIT_MS, "nothing"]]);
  });

  it("ends when the board is healed once more, and begins again", () => {
    const watch = watchOf({}, false);
    watch.handleHealed(5_000, heal());
    expect(verdictsOf(watch)).toEqual([["a", 4_000, "again"]]);
    expect(watch.pollTimeout()).toBe(5_000 + LIMIT_MS);
    watch.handleHeard(6_000, "a", BOARD, CONFIRMED);
    expect(verdictsOf(watch)).toEqual([["a", 1_000, "healthy"]]);
  });

  it("ends for the oldest board when there are too many", () => {
    const watch = new HealthWatch(LIMIT_MS, false);
    for (let i = 0; i <= HEALTH_WAITS_MAX; i++) watch.handleHealed(i, heal({ link: String(i) }));
    expect(verdictsOf(watch)).toEqual([["0", HEALTH_WAITS_MAX, "crowded"]]);
    expect(watch.pollTimeout()).toBe(1 + LIMIT_MS);
  });
});
