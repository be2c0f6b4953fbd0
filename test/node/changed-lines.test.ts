import { describe, expect, it } from "vitest";
import { randomBytes, randomChance, SeededRandom } from "../../src/base/prng.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { adviceOn } from "../../src/cli/advice/run-advice.ts";
import { memoryImage } from "../../src/image/image-source.ts";
import { fixedRepository } from "../../src/image/repository.ts";
import type { StrangerKind } from "../../src/link/strangers/stranger.ts";
import { runDistress } from "../../src/node/distress-node.ts";
import type { NodeEvent } from "../../src/node/node-event.ts";
import { runRescue } from "../../src/node/rescue-node.ts";
import { strangerText } from "../../src/node/stranger-names.ts";
import type { Verdict } from "../../src/node/verdict.ts";
import { createMemoryPair } from "../../src/sim/wires/memory-pair.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { both, CHANGED_LINES, changedEnd, type MakeChange } from "../support/changed-line.ts";
import { OPEN_HARDWARE, openBoardInMemory } from "../support/open-board.ts";
import { inVirtualTime } from "../support/virtual-time.ts";

const LINE = { baud: 115_200, latencyMs: 1 };

interface Outcome {
  readonly verdict: Verdict;
  /** What was said of the line while it ran. */
  readonly told: string;
}

/** A board and a rescuer on one wire whose bytes are changed in both directions, in one, or not at all. */
async function meet(
  seed: number,
  toRescuer: MakeChange | undefined,
  toTarget: MakeChange | undefined,
): Promise<readonly [Outcome, Outcome]> {
  const clock = new VirtualClock();
  const [a, b] = createMemoryPair(clock, { aToB: LINE, bToA: LINE });
  const end = (wire: Transport, change: MakeChange | undefined): Transport =>
    change === undefined ? wire : changedEnd(wire, change);
  const random = new SeededRandom(seed);
  const image = memoryImage(
    randomBytes(new SeededRandom(seed + 1), 7000),
    { ...OPEN_HARDWARE, version: { major: 1, minor: 0, patch: 0 } },
    undefined,
  );
  const told: [string, string] = ["", ""];
  const common = (i: 0 | 1) => ({
    signal: new AbortController().signal,
    timeoutMs: 30_000,
    clock,
    random,
    advice: adviceOn,
    onEvent: (event: NodeEvent) => {
      if (event.event === "link") told[i] += `${event.state} ${event.detail ?? ""}\n`;
    },
  });
  const store = openBoardInMemory({ id: 80 + seed }).store();
  const running = Promise.all([
    runDistress({ ...common(0), links: [end(a, toTarget)], store }),
    runRescue({
      ...{ ...common(1), links: [end(b, toRescuer)], repository: fixedRepository([image]) },
      ...{ allowUnsigned: true, once: true },
    }),
  ]);
  const [target, rescuer] = await inVirtualTime(clock, running, 120_000);
  return [
    { verdict: target, told: told[0] },
    { verdict: rescuer, told: told[1] },
  ];
}

const nameOf = (kind: StrangerKind): string =>
  strangerText({ kind }, { endpoint: "memory:a", baud: undefined }, undefined);
const NAMES = [...new Set(CHANGED_LINES.map(([kind]) => nameOf(kind)))];
const SEEDS = [1, 2, 3, 4, 5];

/**
 * Each side is done, or names what the line does, while it runs and in its verdict, and nothing else. Of several kinds at
 * least one, as it may let nothing through that shows the others.
 */
function expectNamed(outcomes: readonly Outcome[], ...kinds: readonly StrangerKind[]): void {
  const names = kinds.map(nameOf);
  for (const { verdict, told } of outcomes) {
    if (verdict.code === 0) continue;
    expect(verdict.code).toBe(3);
    if (verdict.reason === "timeout")
      expect(names.filter((name) => verdict.detail?.includes(name))).not.toEqual([]);
    expect(names.filter((name) => told.includes(`stranger ${name}`))).not.toEqual([]);
    for (const name of NAMES.filter((one) => !names.includes(one))) expect(told).not.toContain(name);
  }
}

describe("a line that changes bytes", () => {
  it.each(CHANGED_LINES)("is named %s by both sides where it %s", async (kind, _what, change) => {
    for (const seed of SEEDS) expectNamed(await meet(seed, change, change), kind);
  });

  it.each(CHANGED_LINES)(
    "is named %s by both sides where it %s, towards the rescuer only",
    async (kind, _what, change) => {
      for (const seed of SEEDS) expectNamed(await meet(seed, change, undefined), kind);
    },
  );

  it.each(CHANGED_LINES)(
    "is named %s by both sides where it %s, towards the board only",
    async (kind, _what, change) => {
      for (const seed of SEEDS) expectNamed(await meet(seed, undefined, change), kind);
    },
  );

  it("is named with all that it does", async () => {
    const [xon, crToLf] = [changeThat("takes XON and XOFF out"), changeThat("turns CR to LF")];
    for (const seed of SEEDS)
      expectNamed(await meet(seed, both(xon, crToLf), both(xon, crToLf)), "flow-control", "line-ends");
  });

  it("is named by its way, where another thing happens in each direction", async () => {
    const [doubled, crToLf] = [changeThat("doubles FF"), changeThat("turns CR to LF")];
    for (const seed of SEEDS) expectNamed(await meet(seed, doubled, crToLf), "telnet", "line-ends");
  });
});

function changeThat(what: string): MakeChange {
  const [, , change] = CHANGED_LINES.find(([, name]) => name === what) ?? expect.fail(what);
  return change;
}

describe("a line that passes bytes as they are", () => {
  it("heals, and nothing is said of it", async () => {
    for (const seed of SEEDS)
      for (const { verdict, told } of await meet(seed, undefined, undefined)) {
        expect(verdict.code).toBe(0);
        expect(told).not.toContain("stranger");
      }
  });

  it.each([0.001, 0.01, 0.05])("is not named when single bytes are lost, at a rate of %d", async (rate) => {
    const losing =
      (seed: number): MakeChange =>
      () => {
        const random = new SeededRandom(seed);
        return (bytes) => bytes.filter(() => !randomChance(random, rate));
      };
    for (const seed of SEEDS)
      for (const { verdict, told } of await meet(seed, losing(seed), losing(seed + 100)))
        for (const name of NAMES) expect(`${verdict.detail} ${told}`).not.toContain(name);
  });

  it.each([0.001, 0.01, 0.05])("is not named when bytes come wrong, at a rate of %d", async (rate) => {
    const wrong =
      (seed: number): MakeChange =>
      () => {
        const random = new SeededRandom(seed);
        return (bytes) => bytes.map((byte) => (randomChance(random, rate) ? random.u32() & 0xff : byte));
      };
    for (const seed of SEEDS)
      for (const { verdict, told } of await meet(seed, wrong(seed), wrong(seed + 100)))
        for (const name of NAMES) expect(`${verdict.detail} ${told}`).not.toContain(name);
  });
});
