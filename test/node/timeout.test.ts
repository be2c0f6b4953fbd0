import { describe, expect, it } from "vitest";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { memoryImage } from "../../src/image/image-source.ts";
import { fixedRepository } from "../../src/image/repository.ts";
import { runDistress } from "../../src/node/distress-node.ts";
import { runRescue } from "../../src/node/rescue-node.ts";
import type { Verdict } from "../../src/node/verdict.ts";
import { createMemoryPair } from "../../src/sim/wires/memory-pair.ts";
import { withFaults } from "../../src/sim/wires/transport-faults.ts";
import { openBoardInMemory } from "../support/open-board.ts";
import { inVirtualTime } from "../support/virtual-time.ts";

const HARDWARE = { vendor: "acme", hardwareClass: "widget" };
const SIZE = 65_536;
const VERSION = { major: 1, minor: 0, patch: 0 };
const IMAGE = memoryImage(
  randomBytes(new SeededRandom(1), SIZE),
  { ...HARDWARE, version: VERSION },
  undefined,
);
const TIMEOUT_MS = 4000;
/** In virtual time. */
const LIMIT_MS = 600_000;

interface Ended {
  readonly verdict: Verdict;
  /** In virtual time. */
  readonly atMs: number;
}

/** A board and a rescuer, both with the same timeout, on a wire of this rate that is lost from `cutMs` on. */
async function heal(baud: number, cutMs?: number): Promise<readonly [board: Ended, rescuer: Ended]> {
  const clock = new VirtualClock();
  const line = { baud, latencyMs: 1 };
  const ends = createMemoryPair(clock, { aToB: line, bToA: line });
  const cuts = cutMs === undefined ? [] : [{ atMs: cutMs, durationMs: 1e9 }];
  const [a, b] = ends.map((wire, i) => withFaults(wire, { seed: i, clock, cuts }));
  if (a === undefined || b === undefined) throw new Error("a pair has two ends");
  const board = openBoardInMemory({ id: 7, hardware: HARDWARE, slotSize: SIZE });
  const common = { signal: new AbortController().signal, timeoutMs: TIMEOUT_MS, clock, onEvent: () => {} };
  const timed = async (run: Promise<Verdict>): Promise<Ended> => ({ verdict: await run, atMs: clock.now() });
  const both = Promise.all([
    timed(runDistress({ ...common, links: [a], store: board.store() })),
    timed(
      runRescue({
        ...common,
        links: [b],
        repository: fixedRepository([IMAGE]),
        allowUnsigned: true,
        once: true,
      }),
    ),
  ]);
  return await inVirtualTime(clock, both, LIMIT_MS);
}

describe("the timeout of a run counts time without progress", () => {
  it("so a transfer that takes several times as long ends well on both sides", async () => {
    const [board, rescuer] = await heal(19_200);
    expect(board.verdict).toMatchObject({ ok: true, reason: "healed" });
    expect(rescuer.verdict).toMatchObject({ ok: true, reason: "healed" });
    expect(board.atMs).toBeGreaterThan(8 * TIMEOUT_MS);
  });

  it("also on a line on which one block takes longer than the timeout", async () => {
    const [board] = await heal(4800);
    expect(board.verdict).toMatchObject({ ok: true, reason: "healed" });
  });

  it("and a transfer that stops ends with it", async () => {
    const [board, rescuer] = await heal(19_200, 10_000);
    expect(board.verdict).toMatchObject({ ok: false, code: 3 });
    expect(rescuer.verdict).toMatchObject({ ok: false, code: 3 });
    for (const { atMs } of [board, rescuer]) {
      expect(atMs).toBeGreaterThan(10_000 + TIMEOUT_MS / 2);
      expect(atMs).toBeLessThan(10_000 + 5 * TIMEOUT_MS);
    }
  });
});
