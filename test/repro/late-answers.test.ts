import { describe, expect, it } from "vitest";
import { bytesOf, countOf, linesAbout, MINUTE_MS, SlowTarget, secondsOf, watched } from "./support.ts";

describe("answers of effects that outlive their session", () => {
  it("a late answer of an old session is dropped (F12)", async ({ annotate }) => {
    let slow: SlowTarget | undefined;
    let checks = 0;
    const run = watched((clock) => {
      // The rescuer leaves after 120 s: the answer of the first check comes 10 s into the next one.
      const checkMs = (): number => (checks === 1 ? 130_000 : 60_000);
      slow = new SlowTarget(clock, (tag) => (tag === "checkManifest" ? checkMs() : 0), true);
      return {
        seed: 1,
        data: bytesOf(1, 65_536),
        onTargetEvent: (event, proceed) => {
          if (event.tag === "checkManifest") checks++;
          slow?.handle(event, proceed);
        },
      };
    });
    run.clock.after(120_000, () => {
      run.rescue.rescuerEnd.stop();
      run.rescue.pump();
      run.rescue.restartRescuer();
    });
    run.rescue.run(10 * MINUTE_MS);
    const healedS = secondsOf(run.rescuer, "healed");
    const lost = linesAbout(run.target, "sessionLost");
    await annotate(`${checks} checks; healed at ${healedS} s; lost ${lost}`);
    expect([checks, countOf(run.target, "sessionLost")]).toEqual([2, 1]);
    // The second check began after 120 s and took 60 s: only its own answer may let the session begin.
    expect(healedS).toBeGreaterThan(180);
  });
});
