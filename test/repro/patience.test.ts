import { describe, expect, it } from "vitest";
import { bytesOf, countOf, HOUR_MS, linesAbout, SlowTarget, secondsOf, watched } from "./support.ts";

/** A rescue of a target whose effects of one kind take `ms`. */
function slowRescue(
  size: number,
  more: { readonly baud: number; readonly blockSize: number },
  tag: string,
  ms: number,
) {
  const run = watched((clock) => {
    const slow = new SlowTarget(clock, (effect) => (effect === tag ? ms : 0));
    return { seed: 1, data: bytesOf(1, size), ...more, onTargetEvent: slow.handle };
  });
  const isHealed = run.rescue.run(HOUR_MS);
  const ends = [...linesAbout(run.rescuer, "sessionLost"), ...linesAbout(run.target, "sessionLost")];
  return { isHealed, ends, healedS: secondsOf(run.rescuer, "healed") ?? Number.POSITIVE_INFINITY };
}

describe("patience with peers that are slow and say so", () => {
  it.for(["checkManifest", "commit"].flatMap((tag) => [125, 600].map((seconds) => ({ tag, seconds }))))(
    "heals in one session a target whose $tag takes $seconds s (fault F5, repaired)",
    async ({ tag, seconds }, { annotate }) => {
      const line = { baud: 115_200, blockSize: 4096 };
      const run = slowRescue(65_536, line, tag, seconds * 1000);
      await annotate(`healed at ${run.healedS} s`);
      expect([run.isHealed, run.ends]).toEqual([true, []]);
      expect(run.healedS).toBeLessThan(seconds + 8);
    },
  );

  it("heals in one session a target whose hash runs take 5 minutes each (fault F5, repaired)", async ({
    annotate,
  }) => {
    const run = slowRescue(65_536, { baud: 115_200, blockSize: 4096 }, "checkRun", 300_000);
    await annotate(`healed at ${run.healedS} s`);
    expect([run.isHealed, run.ends]).toEqual([true, []]);
    expect(run.healedS).toBeLessThan(308);
  });

  it.for([
    { ms: 5_500, size: 262_144, blockSize: 65_536 },
    { ms: 10_000, size: 262_144, blockSize: 65_536 },
    { ms: 60_000, size: 262_144, blockSize: 65_536 },
    { ms: 10_000, size: 262_144, blockSize: 4_096 },
    { ms: 10_000, size: 262_144, blockSize: 1_024 },
  ])(
    "heals in one session a target that needs $ms ms to write a block of $blockSize (fault F10, repaired)",
    async ({ ms, size, blockSize }, { annotate }) => {
      const run = slowRescue(size, { baud: 921_600, blockSize }, "writeBlock", ms);
      const boundS = ((size / blockSize) * ms) / 1000;
      await annotate(`healed at ${run.healedS} s, all writes take ${boundS} s`);
      expect([run.isHealed, run.ends]).toEqual([true, []]);
      expect(run.healedS).toBeLessThan(boundS * 1.05 + 4);
    },
  );

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
    { upstream: 9_600, baud: 115_200, blockSize: 4096 },
    { upstream: 19_200, baud: 921_600, blockSize: 4096 },
    { upstream: 9_600, baud: 921_600, blockSize: 4096 },
    { upstream: 38_400, baud: 3_000_000, blockSize: 4096 },
    { upstream: 115_200, baud: 921_600, blockSize: 65_536 },
    { upstream: 1_200, baud: 115_200, blockSize: 4096 },
  ])(
    "keeps the one session in which blocks of $blockSize come at $upstream baud and leave at $baud (fault F8, repaired)",
    async ({ upstream, baud, blockSize }, { annotate }) => {
      const { target, rescuer, boundS, isHealed } = cutThrough(upstream, baud, blockSize);
      const ends = [...linesAbout(rescuer, "sessionLost"), ...linesAbout(target, "sessionLost")];
      const lost = ends.length === 0 ? "" : `; lost ${ends.slice(0, 16).join(" ")}`;
      await annotate(`bound ${boundS.toFixed(0)} s, healed at ${secondsOf(rescuer, "healed")} s${lost}`);
      expect([isHealed, ends]).toEqual([true, []]);
      expect(secondsOf(rescuer, "healed")).toBeLessThan(boundS * 1.01 + 1);
      expect(countOf(target, "offered")).toBe(1);
    },
  );
});
