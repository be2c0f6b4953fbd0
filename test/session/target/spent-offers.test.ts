import { describe, expect, it } from "vitest";
import { toHex } from "../../../src/base/bytes.ts";
import { SeededRandom } from "../../../src/base/prng.ts";
import { linkKeyOf } from "../../../src/node/derived-link-key.ts";
import { randomNonces } from "../../../src/session/nonces.ts";
import { TargetStart } from "../../../src/session/target/target-start.ts";
import { LoneTarget, type MadeOffer } from "../../support/lone-target.ts";

/** Offers are taken once in a start, however many come between (PROTOCOL.md 14.3). */

const key = linkKeyOf(new Uint8Array(16).fill(1));
const otherKey = linkKeyOf(new Uint8Array(16).fill(2));
const SPENT_OFFERS_MAX = 64;

const newStart = (): TargetStart => new TargetStart(randomNonces(new SeededRandom(1)));

function expectTaken(target: LoneTarget, offer: MadeOffer): void {
  target.hear(offer.frame);
  expect(target.role.isServed).toBe(true);
  expect(target.answers("accept", offer)).toHaveLength(1);
}

/** Has the target take this many offers, each of a session that ends at once. */
function takeMany(target: LoneTarget, count: number): MadeOffer[] {
  return Array.from({ length: count }, (_, i) => {
    const offer = target.offer(i);
    expectTaken(target, offer);
    target.bye(offer);
    expect(target.role.isServed).toBe(false);
    target.pass(1_000);
    return offer;
  });
}

describe("an offer that was taken", () => {
  it("is not taken again in the same start after 64 others, nor is any of those", () => {
    const start = newStart();
    const target = new LoneTarget(key, start);
    const taken = takeMany(target, SPENT_OFFERS_MAX);
    const one = target.offer(1_000);
    target.hear(one.frame);
    target.pass(1_000);
    for (const offer of [...taken, one]) {
      target.hear(offer.frame);
      expect(target.role.isServed).toBe(false);
    }
    expect(target.events.filter(({ tag }) => tag === "offered")).toHaveLength(SPENT_OFFERS_MAX);
  });

  it("beyond the 64th has the target call under another boot nonce at once; offers to that call are taken", () => {
    const start = newStart();
    const target = new LoneTarget(key, start);
    takeMany(target, SPENT_OFFERS_MAX);
    const before = toHex(start.bootNonce);
    expect(toHex(target.call.beacon.bootNonce)).toBe(before);
    const [late, same] = [target.offer(1_000), target.call];
    target.hear(late.frame);
    expect(target.role.isServed).toBe(false);
    target.pass(200);
    expect(toHex(target.call.beacon.bootNonce)).toBe(toHex(start.bootNonce));
    expect(toHex(start.bootNonce)).not.toBe(before);
    // An offer that is fresh, but to a call of before.
    target.hear(target.offer(1_001, same).frame);
    expect(target.role.isServed).toBe(false);
    expectTaken(target, target.offer(1_002));
  });

  it("on one link is not taken on another link of the same board", () => {
    const start = newStart();
    const [one, other] = [new LoneTarget(key, start), new LoneTarget(key, start)];
    expect(toHex(one.call.digest)).toBe(toHex(other.call.digest));
    const offer = one.offer(1);
    expectTaken(one, offer);
    one.bye(offer);
    other.hear(offer.frame);
    expect(other.role.isServed).toBe(false);
    expectTaken(other, other.offer(2));
  });

  it("under a boot nonce of before is not taken on another link, which calls under the new one", () => {
    const start = newStart();
    const [one, other] = [new LoneTarget(key, start), new LoneTarget(key, start)];
    const recorded = other.offer(5_000);
    takeMany(one, SPENT_OFFERS_MAX);
    one.hear(one.offer(1_000).frame);
    other.hear(recorded.frame);
    expect(other.role.isServed).toBe(false);
    other.pass(60_000);
    expect(toHex(other.call.beacon.bootNonce)).toBe(toHex(start.bootNonce));
    expectTaken(other, other.offer(5_001));
  });
});

describe("offers that were stood down", () => {
  it("by the hundred do not disturb the session, and none of them is taken after it", () => {
    const start = newStart();
    const target = new LoneTarget(key, start);
    const calls = [target.call];
    const served = target.offer(1);
    expectTaken(target, served);
    const others = Array.from({ length: 200 }, (_, i) => target.offer(100 + i, calls[0], 10));
    for (const other of others) target.hear(other.frame);
    expect(target.answers("standDown", others[0] as MadeOffer).length).toBeGreaterThan(0);
    expect(target.role.isServed).toBe(true);
    expect(target.events.map(({ tag }) => tag)).not.toContain("sessionLost");
    // The accept may have been lost: the rescuer that is served repeats its offer.
    const from = target.sent.length;
    target.hear(served.frame);
    expect(target.answers("accept", served, from)).toHaveLength(1);
    target.bye(served);
    target.pass(1_000);
    for (const other of [served, ...others]) target.hear(other.frame);
    expect(target.role.isServed).toBe(false);
    expectTaken(target, target.offer(2_000));
  });
});

describe("somebody without the link key", () => {
  it("does not bring about a new boot nonce, whatever is said or played again", () => {
    const start = newStart();
    const target = new LoneTarget(key, start);
    const stranger = new LoneTarget(otherKey, newStart());
    const taken = takeMany(target, SPENT_OFFERS_MAX);
    const before = toHex(start.bootNonce);
    for (let i = 0; i < 500; i++) {
      const forged = stranger.offer(10_000 + i, target.call).frame;
      const known = taken[i % taken.length]?.frame ?? forged;
      const altered = target.offer(20_000 + i, { ...target.call, digest: new Uint8Array(32).fill(i) }).frame;
      for (const frame of [forged, known, altered]) target.hear(frame);
      target.pass(10);
    }
    expect(toHex(start.bootNonce)).toBe(before);
    expect(target.role.isServed).toBe(false);
  });
});
