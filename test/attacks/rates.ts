import { expect } from "vitest";
import type { Millis } from "../../src/base/units.ts";
import type { LinkKey } from "../../src/link/link-key.ts";
import { linkKeyOf } from "../../src/node/derived-link-key.ts";
import { forgedRate, forging } from "../support/forged-rates.ts";
import { RatedRescue } from "../support/rated-rescue.ts";
import { type Attack, seconds } from "./attack.ts";

/** Attacks on the rate of the line. */

const LIMIT_MS: Millis = 300_000;

/** Heals a board of 256 KiB while somebody asks for another rate behind each frame of its rescuer. */
function underForgery(key: LinkKey | undefined): { readonly rescue: RatedRescue; readonly ms: Millis } {
  const attacker = forging(forgedRate, 1, 20, 100_000);
  const rescue = new RatedRescue({ wrap: attacker.wrap, linkKeys: [key, key] });
  if (!rescue.run(LIMIT_MS, () => rescue.hasEvent("finished"))) throw new Error("not healed");
  expect(rescue.isHealed).toBe(true);
  expect(attacker.injected).toBeGreaterThan(20);
  return { rescue, ms: rescue.clock.now() };
}

export const RATES: readonly Attack[] = [
  {
    attack: "Forged rate: the target is asked for another rate of the line behind each frame of its rescuer",
    ids: "denial of service",
    happens:
      "it obeys twelve times in a session at most, and comes back each time when nothing proves the rate; the rescuer takes another rate for a bad one",
    play: () => {
      const { ms, rescue } = underForgery(undefined);
      const moved = rescue.setBy(0).filter((baud) => baud === 921_600).length;
      expect(moved).toBeLessThanOrEqual(12);
      const alone = new RatedRescue({ max: [undefined, undefined] });
      alone.run(LIMIT_MS, () => alone.hasEvent("finished"));
      return `${moved} times away; 256 KiB healed after ${seconds(ms)}, at the meeting rate alone after ${seconds(alone.clock.now())}`;
    },
  },
  {
    attack: "The same on a link with a key",
    ids: "denial of service",
    happens: "a message about the rate is sealed like all of a session; others are dropped",
    play: () => {
      const { ms, rescue } = underForgery(linkKeyOf(new Uint8Array(32).fill(7)));
      expect(rescue.setBy(0)).toEqual([3_000_000]);
      return `not moved; 256 KiB healed after ${seconds(ms)}`;
    },
  },
];
