import { describe, expect, it } from "vitest";
import { linkKeyOf } from "../../src/node/derived-link-key.ts";
import type { Heard, Transport } from "../../src/transport/transport.ts";
import { TransportWrapper } from "../../src/transport/transport-wrapper.ts";
import { encodeDelimited } from "../../src/wire/cobs.ts";
import { VirtualRescue, type VirtualRescueOptions } from "../support/virtual-rescue.ts";

/** Keeps what a link says of the bytes that this transport hands over. */
class Noting extends TransportWrapper {
  readonly noted: (Heard | "end")[] = [];

  override noteHeard(heard: Heard): void {
    this.noted.push(heard);
  }

  override noteSessionEnd(): void {
    this.noted.push("end");
  }
}

/** What each side said to its transport in a whole rescue, repetitions left out. */
function notedBy(options: Partial<VirtualRescueOptions> = {}): string[][] {
  const ends: Noting[] = [];
  const wrap = (wire: Transport, end: 0 | 1): Transport => {
    const noting = new Noting(wire);
    ends[end] ??= noting;
    return noting;
  };
  const rescue = new VirtualRescue({ seed: 1, size: 16_384, wrap, ...options });
  expect(rescue.run()).toBe(true);
  // A rescuer acknowledges a repeated DONE until the next board calls.
  rescue.restartTarget();
  rescue.run(60_000, () => false);
  return ends.map(({ noted }) => noted.filter((one, i) => one !== noted[i - 1]));
}

describe("a link tells its transport what it makes of the bytes", () => {
  const key = linkKeyOf(new Uint8Array(32).fill(5));

  it.each([
    ["without a link key", {}],
    ["with one", { linkKeys: [key, key] as const }],
  ])("at both sides, %s: first announcements, then frames of the session, then its end", (_name, options) => {
    const [atTarget, atRescuer] = notedBy(options);
    expect(atTarget?.slice(-2)).toEqual(["session", "end"]);
    expect(atTarget?.slice(0, 2)).toEqual(["announcement", "session"]);
    expect(atRescuer?.slice(0, 2)).toEqual(["announcement", "session"]);
    expect(atRescuer).toContain("end");
  });

  it("and says nothing of noise, of frames that are damaged, and of sessions that it does not hold", () => {
    const ends: Noting[] = [];
    const wrap = (wire: Transport, end: 0 | 1): Transport => {
      const noting = new Noting(wire);
      ends[end] = noting;
      return noting;
    };
    const rescue = new VirtualRescue({ seed: 1, wrap });
    const frames = [
      Uint8Array.of(1, 2, 3, 0),
      encodeDelimited(new Uint8Array(40).fill(0x81)),
      Uint8Array.of(0, 0),
    ];
    for (const frame of frames) rescue.targetEnd.handleRun(rescue.clock.now(), frame);
    expect(rescue.targetEnd.heard).toBeUndefined();
    expect(ends[0]?.noted).toEqual([]);
  });
});
