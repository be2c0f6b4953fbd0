import { describe, expect, it } from "vitest";
import { newCounters } from "../../src/link/counters.ts";
import type { ProgressEvent } from "../../src/node/node-event.ts";
import { TransferProgress } from "../../src/node/transfer-progress.ts";

const BLOCK = 4096;

/** A target's progress: of 15 blocks this many are right, of which it wrote some. */
function report(progress: TransferProgress, now: number, right: number, written: number): ProgressEvent {
  const counts = { blocks: right, blocksTotal: 15, written, missing: 15 - right + written, isAllKnown: true };
  const event = progress.measure(now, counts, BLOCK, 0, newCounters());
  if (event === undefined) throw new Error(`no report at ${now}`);
  return event;
}

describe("the time to go", () => {
  it("counts blocks that were written, and not those that were found to be right", () => {
    const progress = new TransferProgress(0, { link: "L", peer: "00" }, 0);
    report(progress, 0, 0, 0);
    expect(report(progress, 200, 9, 0).eta).toBeUndefined();
    const { rate, eta } = report(progress, 1000, 11, 2);
    expect(rate).toBeCloseTo((2 * BLOCK) / 0.8);
    expect(eta).toBeCloseTo((4 * 0.8) / 2);
  });

  it("is not taken from the last block, which may come right behind a report", () => {
    const progress = new TransferProgress(0, { link: "L", peer: "00" }, 0);
    report(progress, 0, 0, 0);
    const before = report(progress, 4000, 14, 14);
    const last = report(progress, 4001, 15, 15);
    expect(last.rate).toBe(before.rate);
  });
});
