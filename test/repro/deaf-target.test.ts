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

/** Bytes of the image. */
const SIZE = 262_144;

interface DeafLine {
  readonly baud: number;
  readonly writeMs: number;
  readonly blockSize?: number;
  /** It does not say so, and holds nothing back. */
  readonly isSilent?: boolean;
}

/** A rescue of a target that hears nothing while it writes a block. */
function deafRescue({ baud, writeMs, blockSize = 1024, isSilent = false }: DeafLine) {
  let slow: SlowTarget | undefined;
  const run = watched((clock) => {
    slow = new SlowTarget(clock, (tag) => (tag === "writeBlock" ? writeMs : 0), true);
    return {
      seed: 1,
      data: bytesOf(5, SIZE),
      baud,
      pieceBytes: Math.max(1, Math.min(32, Math.floor(baud / 1000))),
      blockSize,
      isDeafWhileWriting: !isSilent,
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

describe("a target that hears nothing while it writes, and says so", () => {
  const open = [64, 2];
  const lines = [
    { baud: 3_000_000, writeMs: 100 },
    { baud: 3_000_000, writeMs: 25 },
    { baud: 921_600, writeMs: 100 },
    { baud: 921_600, writeMs: 25 },
    { baud: 115_200, writeMs: 100 },
    { baud: 115_200, writeMs: 25 },
  ];

  it.for(open.flatMap((openBlocks) => lines.map((line) => ({ openBlocks, ...line }))))(
    "is healed with $openBlocks open blocks at $baud baud and $writeMs ms a block, in its time, with one image (fault F9, repaired)",
    async ({ openBlocks, ...line }, { annotate }) => {
      limit.openBlocks = openBlocks;
      const run = deafRescue(line);
      await annotate(run.text);
      expect(run.isHealed).toBe(true);
      expect(run.ends).toEqual([]);
      expect(run.images).toBeLessThan(1.25);
      expect(run.healedS).toBeLessThan(1.1 * run.boundS);
    },
  );

  it("gets frames as large as one that hears (fault F9, repaired)", async ({ annotate }) => {
    const deaf = deafRescue({ baud: 115_200, writeMs: 100 });
    const hearing = deafRescue({ baud: 115_200, writeMs: 0 });
    await annotate(`${deaf.framesSent} frames against ${hearing.framesSent}`);
    expect(deaf.framesSent).toBeLessThan(1.3 * hearing.framesSent);
  });

  it("writes part of its blocks before all have come, on a line that is slower than a lease", async ({
    annotate,
  }) => {
    const run = deafRescue({ baud: 2_400, writeMs: 25 });
    await annotate(run.text);
    expect(run.ends).toEqual([]);
    expect(run.images).toBeLessThan(1.25);
    expect(run.healedS).toBeLessThan(1.2 * run.boundS);
  });
});

describe("a target that hears nothing while it writes, and does not know it", () => {
  it("says busy once a write took long, and is healed with less than three images", async ({ annotate }) => {
    const run = deafRescue({ baud: 921_600, writeMs: 1_500, blockSize: 4096, isSilent: true });
    await annotate(run.text);
    expect(run.isHealed).toBe(true);
    expect(run.ends).toEqual([]);
    expect(run.images).toBeLessThan(3);
    expect(run.healedS).toBeLessThan(1.1 * run.boundS);
  });
});
