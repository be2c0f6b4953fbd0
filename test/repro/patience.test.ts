import { describe, expect, it } from "vitest";
import {
  bytesOf,
  countOf,
  HOUR_MS,
  linesAbout,
  SlowTarget,
  sayBusyEvery,
  secondsOf,
  watched,
} from "./support.ts";

/** A rescue by a target that says "busy for 10 s" again and again while it works. */
function slowRescue(
  size: number,
  more: { readonly baud: number; readonly blockSize: number },
  tag: string,
  ms: number,
  sayMs: number,
) {
  let slow: SlowTarget | undefined;
  const run = watched((clock) => {
    slow = new SlowTarget(clock, (effect) => (effect === tag ? ms : 0));
    return { seed: 1, data: bytesOf(1, size), ...more, onTargetEvent: slow.handle };
  });
  sayBusyEvery(run, sayMs, () => slow?.isWorking === true);
  return run;
}

describe("patience with peers that are slow and say so", () => {
  it("shows fault F5: a target whose check takes 125 s is never healed, though it says busy all the time", async ({
    annotate,
  }) => {
    const line = { baud: 115_200, blockSize: 4096 };
    const healed = slowRescue(65_536, line, "checkManifest", 100_000, 5_000);
    expect(healed.rescue.run(HOUR_MS)).toBe(true);
    const never = slowRescue(65_536, line, "checkManifest", 125_000, 5_000);
    expect(never.rescue.run(HOUR_MS)).toBe(false);
    const ends = linesAbout(never.rescuer, "sessionLost");
    await annotate(
      `check of 100 s: healed at ${secondsOf(healed.rescuer, "healed")} s; of 125 s: ${ends.length} sessions in an hour, ${ends.slice(0, 3)}`,
    );
    expect(ends.length).toBeGreaterThan(20);
    expect(countOf(never.rescuer, "sessionLost/slow")).toBe(ends.length);
  });

  it("shows fault F10: a target that needs 5.5 s to write a block is never healed, with 4.5 s it is", async ({
    annotate,
  }) => {
    const line = { baud: 921_600, blockSize: 65_536 };
    const healed = slowRescue(262_144, line, "writeBlock", 4_500, 1_000);
    expect(healed.rescue.run(600_000)).toBe(true);
    const never = slowRescue(262_144, line, "writeBlock", 5_500, 1_000);
    expect(never.rescue.run(600_000)).toBe(false);
    const ends = linesAbout(never.target, "sessionLost");
    await annotate(
      `4.5 s: healed at ${secondsOf(healed.rescuer, "healed")} s; 5.5 s: ${ends.length} sessions lost in 600 s, ${ends.slice(0, 3)}`,
    );
    expect(ends.length).toBeGreaterThan(5);
    expect(countOf(never.target, "sessionLost/lease")).toBe(ends.length);
  });

  /** The rescuer gets its blocks over another line, `upstream` baud, as it hands them on. */
  function cutThrough(upstream: number, baud: number, blockSize: number) {
    const blockMs = (blockSize / (upstream / 10_000)) * 1.05;
    const run = watched((clock) => ({
      seed: 1,
      data: bytesOf(2, 1_048_576),
      baud,
      blockSize,
      onRescuerEvent: (event, proceed) => {
        if (event.tag !== "readBlock") proceed();
        else clock.after(Math.max(0, 100 + (event.wish.block + 1) * blockMs - clock.now()), proceed);
      },
    }));
    const boundS = ((1_048_576 / blockSize) * blockMs) / 1000;
    const isHealed = run.rescue.run(boundS * 5_000);
    return { ...run, isHealed, boundS };
  }

  it.for([
    { upstream: 9_600, baud: 115_200, blockSize: 4096, isLost: false },
    { upstream: 19_200, baud: 921_600, blockSize: 4096, isLost: false },
    { upstream: 9_600, baud: 921_600, blockSize: 4096, isLost: true },
    { upstream: 38_400, baud: 3_000_000, blockSize: 4096, isLost: true },
    { upstream: 115_200, baud: 921_600, blockSize: 65_536, isLost: true },
  ])(
    "shows fault F8: blocks of $blockSize that come at $upstream baud and leave at $baud lose sessions: $isLost",
    async ({ upstream, baud, blockSize, isLost }, { annotate }) => {
      const { target, rescuer, boundS, isHealed } = cutThrough(upstream, baud, blockSize);
      const ends = [...linesAbout(rescuer, "sessionLost"), ...linesAbout(target, "sessionLost")];
      const lost = ends.length === 0 ? "" : `; lost ${ends.slice(0, 16).join(" ")}`;
      await annotate(`bound ${boundS.toFixed(0)} s, healed at ${secondsOf(rescuer, "healed")} s${lost}`);
      expect(isHealed).toBe(true);
      expect(secondsOf(rescuer, "healed")).toBeLessThan(boundS * 1.02);
      expect(ends.length > 0).toBe(isLost);
    },
  );
});
