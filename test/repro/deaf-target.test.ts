import { beforeEach, describe, expect, it, vi } from "vitest";
import { wrappedTransport } from "../support/wrapped-transport.ts";
import { bytesOf, HOUR_MS, linesAbout, SlowTarget, secondsOf, watched } from "./support.ts";

/** Most blocks that a target has open at once, in place of the reference's own number. */
const limit = vi.hoisted(() => ({ openBlocks: Number.POSITIVE_INFINITY }));

vi.mock(import("../../src/session/target/tree-descent.ts"), async (original) => {
  const module = await original();
  return {
    ...module,
    TreeDescent: class extends module.TreeDescent {
      constructor(...[plan, start, openMax]: ConstructorParameters<typeof module.TreeDescent>) {
        super(plan, start, Math.min(openMax, limit.openBlocks));
      }
    },
  };
});

const SIZE = 131_072;

/** A rescue of a target that hears nothing while it writes a block. */
function deafRescue(baud: number, blockSize: number, writeMs: number) {
  let slow: SlowTarget | undefined;
  const run = watched((clock) => {
    slow = new SlowTarget(clock, (tag) => (tag === "writeBlock" ? writeMs : 0), true);
    return {
      seed: 1,
      data: bytesOf(5, SIZE),
      baud,
      blockSize,
      onTargetEvent: slow.handle,
      wrap: (wire, end) =>
        wrappedTransport(wire, {
          onBytes: (bytes, handlers) => {
            if (end === 1 || slow?.isWorking !== true) handlers.onBytes(bytes);
          },
        }),
    };
  });
  const isHealed = run.rescue.run(HOUR_MS);
  const { bytesSent, framesSent } = run.rescue.rescuerEnd.counters;
  const boundS = (SIZE / (baud / 10_000) + (SIZE / blockSize) * writeMs) / 1000;
  const healedS = secondsOf(run.rescuer, "healed") ?? Number.POSITIVE_INFINITY;
  const ends = [...linesAbout(run.rescuer, "sessionLost"), ...linesAbout(run.target, "sessionLost")];
  const images = bytesSent / SIZE;
  const text = `${images.toFixed(2)} images sent in ${framesSent} frames; healed at ${healedS} s, bound ${boundS.toFixed(1)} s; lost ${ends}`;
  return { isHealed, images, framesSent, boundS, healedS, ends, text };
}

beforeEach(() => {
  limit.openBlocks = Number.POSITIVE_INFINITY;
});

describe("a target that hears nothing while it writes", () => {
  it("shows fault F9: with 64 open blocks at 3 Mbaud the rescuer sends over 8 images, then is silent for minutes", async ({
    annotate,
  }) => {
    const run = deafRescue(3_000_000, 1024, 100);
    await annotate(run.text);
    expect(run.isHealed).toBe(true);
    expect(run.images).toBeGreaterThan(8);
    expect(run.ends.join()).toContain("slow");
    expect(run.healedS).toBeGreaterThan(20 * run.boundS);
  });

  it.for([
    [3_000_000, 25],
    [921_600, 100],
  ])(
    "shows fault F9: at %i baud and %i ms a block the rescuer sends 7 images for one",
    async ([baud = 0, writeMs = 0], { annotate }) => {
      const run = deafRescue(baud, 1024, writeMs);
      await annotate(run.text);
      expect(run.isHealed).toBe(true);
      expect(run.images).toBeGreaterThan(7);
      expect(run.images).toBeLessThan(8);
    },
  );

  it.for([
    [3_000_000, 100],
    [115_200, 100],
  ])(
    "shows fault F9: with two open blocks at %i baud and %i ms a block it sends about two images",
    async ([baud = 0, writeMs = 0], { annotate }) => {
      limit.openBlocks = 2;
      const run = deafRescue(baud, 1024, writeMs);
      await annotate(run.text);
      expect(run.isHealed).toBe(true);
      expect(run.images).toBeGreaterThan(1.5);
      expect(run.images).toBeLessThan(3);
    },
  );

  it("shows fault F9: what a deaf target loses makes frames small, 4000 instead of 200 for 128 KiB", async ({
    annotate,
  }) => {
    const deaf = deafRescue(115_200, 1024, 100);
    const hearing = deafRescue(115_200, 1024, 0);
    await annotate(`${deaf.framesSent} frames against ${hearing.framesSent}`);
    expect(deaf.framesSent).toBeGreaterThan(10 * hearing.framesSent);
  });
});
