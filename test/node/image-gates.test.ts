import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import type { InstallPlan } from "../../src/board/target-store.ts";
import { memoryImage } from "../../src/image/image-source.ts";
import { shortDigest } from "../../src/image/manifest.ts";
import { ringOf } from "../../src/image/ring.ts";
import type { KeptImage } from "../../src/mesh/rollout.ts";
import { ImageGates } from "../../src/node/image-gates.ts";
import { plainFields } from "../image/support.ts";

const HOUR = 3_600_000;
const NODE_ID = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

function planOf(rings: number, seed = 0): InstallPlan {
  const { manifest, digest } = memoryImage(new Uint8Array(9_000).fill(rings), {
    ...plainFields,
    rollout: { rings, seed },
  });
  const { size, blockSize, leafCount } = manifest;
  return { manifest, digest8: shortDigest(digest), size, blockSize, leafCount };
}

/** A seed that deals the board into this ring. */
function seedFor(rings: number, ring: number): number {
  for (let seed = 0; ; seed++) if (ringOf(NODE_ID, { rings, seed }) === ring) return seed;
}

describe("the gates of a board's images", () => {
  function create(clock: VirtualClock, saved: (readonly KeptImage[])[] = []): ImageGates {
    const memory = {
      load: () => saved.at(-1) ?? [],
      save: (images: readonly KeptImage[]) => saved.push(images),
    };
    return new ImageGates({ clock, nodeId: NODE_ID, links: 1, fanOut: 1, ringTimeMs: HOUR, memory });
  }

  it("let an image with one ring through at once, and keep nothing", () => {
    const saved: (readonly KeptImage[])[] = [];
    const gates = create(new VirtualClock(), saved);
    expect(gates.judge(0, planOf(1))).toBeUndefined();
    gates.noteStarted(planOf(1).digest8);
    expect(saved).toEqual([]);
    gates.close();
  });

  it("let one with rings wait for its ring, by the formula, and keep how long it has waited each minute", () => {
    const clock = new VirtualClock();
    const saved: (readonly KeptImage[])[] = [];
    const gates = create(clock, saved);
    const plan = planOf(8, seedFor(8, 3));
    expect(gates.judge(0, plan)).toEqual({ reason: "ring", forMs: 3 * HOUR });
    expect(gates.judge(0, planOf(8, seedFor(8, 0)))).toBeUndefined();
    clock.advanceTo(10 * 60_000 + 1);
    expect(saved.at(-1)?.[0]?.knownMs).toBe(10 * 60_000);
    gates.close();
    const writes = saved.length;
    clock.advanceTo(HOUR);
    expect(saved).toHaveLength(writes);
    // After a restart of two hours without power it has waited for ten minutes.
    const later = new VirtualClock();
    later.advanceTo(5_000);
    expect(create(later, saved).judge(0, plan)).toEqual({ reason: "ring", forMs: 3 * HOUR - 10 * 60_000 });
  });

  it("write nothing any more once nothing waits", () => {
    const clock = new VirtualClock();
    const saved: (readonly KeptImage[])[] = [];
    create(clock, saved).judge(0, planOf(2, seedFor(2, 1)));
    clock.advanceTo(HOUR + 60_000);
    const writes = saved.length;
    clock.advanceTo(10 * HOUR);
    expect(saved).toHaveLength(writes);
  });
});
