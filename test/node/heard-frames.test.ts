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

const key = linkKeyOf(new Uint8Array(32).fill(5));

interface Noted {
  readonly rescue: VirtualRescue;
  /** What an end's link said so far, repetitions left out. */
  said(end: 0 | 1): readonly string[];
}

function noted(options: Partial<VirtualRescueOptions> = {}): Noted {
  const ends: Noting[] = [];
  const wrap = (wire: Transport, end: 0 | 1): Transport => {
    const noting = new Noting(wire);
    ends[end] = noting;
    return noting;
  };
  const rescue = new VirtualRescue({ seed: 1, size: 65_536, wrap, ...options });
  const said = (end: 0 | 1): string[] => {
    const all = ends[end]?.noted ?? [];
    return all.filter((one, i) => one !== all[i - 1]);
  };
  return { rescue, said };
}

describe.each([
  ["without a link key", {}],
  ["with a link key", { linkKeys: [key, key] as const }],
])(
  "a link %s tells its transport of announcements, then of frames of its session, then of the end",
  (_name, options) => {
    it("when the board is healed; the rescuer's session lasts until the next board calls", () => {
      const { rescue, said } = noted(options);
      expect(rescue.run()).toBe(true);
      expect(said(0)).toEqual(["announcement", "session", "end"]);
      // A done that is said again has a beacon with it.
      expect(said(1).slice(0, 2)).toEqual(["announcement", "session"]);
      expect(said(1)).not.toContain("end");
    });

    it("when the rescuer is stopped in the middle", () => {
      const { rescue, said } = noted(options);
      expect(rescue.run(60_000, () => said(1).includes("session"))).toBe(true);
      rescue.rescuerEnd.stop();
      rescue.pump();
      rescue.run(1_000, () => false);
      expect([said(0).slice(0, 4), said(1).slice(0, 3)]).toEqual([
        ["announcement", "session", "announcement", "end"],
        ["announcement", "session", "end"],
      ]);
    });
  },
);

it("a link says nothing of noise and of damaged frames", () => {
  const { rescue, said } = noted();
  const runs = [[1, 2, 3, 0], [...encodeDelimited(new Uint8Array(40).fill(0x81))], [0]];
  for (const run of runs) {
    rescue.targetEnd.handleRun(rescue.clock.now(), Uint8Array.from(run));
    expect(rescue.targetEnd.heard).toBeUndefined();
  }
  expect(said(0)).toEqual([]);
});
