import { describe, expect, it } from "vitest";
import { toHex } from "../../../src/base/bytes.ts";
import type { Millis } from "../../../src/base/units.ts";
import { ringOf } from "../../../src/image/ring.ts";
import type { NodeEvent } from "../../../src/node/node-event.ts";
import { KINDS, runSeed } from "../../../src/sim/many/campaign.ts";
import { runBadUpdate } from "../../../src/sim/many/long-runs.ts";
import { type Scenario, worldOf } from "../../../src/sim/many/scenario.ts";
import type { SimGates } from "../../../src/sim/many/sim-gates.ts";
import type { World } from "../../../src/sim/many/world.ts";
import { encodeDelimited } from "../../../src/wire/cobs.ts";
import { encodeMessage } from "../../../src/wire/frame.ts";

/** Seeds in the suite; `npm run evidence:sim -- --staged` runs more. */
const FROM = Number(process.env["SIM_FROM"] ?? 0);
const SEEDS = Number(process.env["SIM_SEEDS"] ?? KINDS / 2);

const MINUTE: Millis = 60_000;
const HOUR: Millis = 3_600_000;
const SOAK: Millis = 10 * MINUTE;
const RING_TIME: Millis = 30 * MINUTE;
/** A session, and the asks that have to be repeated before it. */
const UPDATE_MS: Millis = 20 * MINUTE;

function scenario(more: Partial<Scenario>, gates: Partial<SimGates> = {}): Scenario {
  return {
    ...{ topology: "line", nodes: 4, seed: 1, update: true, size: 8_192, baud: 921_600, loss: 0 },
    ...{ faults: false, layout: "ab" },
    gates: { rings: 4, soakMs: SOAK, ringTimeMs: RING_TIME, areOff: false, ...gates },
    ...more,
  } as const;
}

interface Told {
  readonly at: Millis;
  readonly board: number;
  readonly event: NodeEvent;
}

async function run(
  wanted: Scenario,
  limitMs: Millis,
): Promise<{ world: World; told: Told[]; isWell: boolean }> {
  const told: Told[] = [];
  const world: World = worldOf(wanted, {
    onEvent: (board, event) => told.push({ at: world.clock.now(), board, event }),
  });
  const isWell = await world.run(limitMs);
  expect(world.checkers.violations).toEqual([]);
  return { world, told, isWell };
}

/** The ring of each board. */
function ringsOf({ boards, newest }: World): number[] {
  return boards.map(({ identity }) => ringOf(identity.nodeId, newest.manifest.rollout));
}

/** When each board started the newest image. */
function startsOf({ newest }: World, told: readonly Told[]): Map<number, Millis> {
  const starts = new Map<number, Millis>();
  for (const { at, board, event } of told)
    if (event.event === "booted" && event.digest === toHex(newest.digest) && !starts.has(board))
      starts.set(board, at);
  return starts;
}

describe("a staged update", () => {
  it("with one ring and no soak time spreads as fast as one that is not staged", async () => {
    const plain = await run({ ...scenario({ nodes: 8 }), gates: undefined }, HOUR);
    const staged = await run(scenario({ nodes: 8 }, { rings: 1, soakMs: 0, ringTimeMs: HOUR }), HOUR);
    expect(plain.isWell && staged.isWell).toBe(true);
    expect(staged.world.clock.now()).toBe(plain.world.clock.now());
    expect(staged.told.map(({ event }) => event)).toEqual(plain.told.map(({ event }) => event));
  });

  it.each([
    ["line", 6, 3],
    ["tree", 15, 2],
    ["grid", 16, 5],
  ] as const)(
    "reaches all boards of a %s of %d within its bound: none waits for the rings of two",
    async (topology, nodes, seed) => {
      const wanted = scenario({ topology, nodes, seed });
      const { world, told, isWell } = await run(wanted, 12 * HOUR);
      expect(isWell).toBe(true);
      const starts = startsOf(world, told);
      expect(starts.size).toBe(nodes);
      const rings = ringsOf(world);
      const worst = Math.max(...rings) * RING_TIME;
      expect(rings.filter((ring) => ring > 1).length).toBeGreaterThan(1);
      // By links from board 0, of which each costs a soak time, and in a fan-out of one another for each neighbour before.
      for (const [board, at] of starts) {
        expect(at, `board ${board}`).toBeLessThanOrEqual(worst + nodes * (SOAK + UPDATE_MS));
        const ownDue = board === 0 ? 0 : (rings[board] ?? 0) * RING_TIME;
        expect(at).toBeGreaterThanOrEqual(ownDue);
      }
    },
  );

  it("is told of through boards whose ring is not due: those behind one wait for that one, and then for nothing more", async () => {
    // A line in which board 1 goes last, and board 2 is in a ring that is due by then.
    for (let seed = 1; ; seed++) {
      const { world, told } = await run(scenario({ nodes: 3, seed }), 1);
      const rings = ringsOf(world);
      if (rings[1] !== 3 || rings[2] === 0 || rings[2] === 3) continue;
      expect(told.length).toBeGreaterThan(0);
      const whole = await run(scenario({ nodes: 3, seed }), 12 * HOUR);
      const starts = startsOf(whole.world, whole.told);
      const [first = 0, second = 0] = [starts.get(1), starts.get(2)];
      expect(first).toBeGreaterThanOrEqual(3 * RING_TIME);
      expect(second - first).toBeGreaterThanOrEqual(SOAK);
      expect(second - first).toBeLessThan(SOAK + 5 * MINUTE);
      return;
    }
  });

  it("goes to at most twice as many boards in a soak time with a fan-out of one", async () => {
    const { world, told, isWell } = await run(
      scenario({ topology: "random", nodes: 24, seed: 4 }, { rings: 1, ringTimeMs: 0 }),
      24 * HOUR,
    );
    expect(isWell).toBe(true);
    const starts = [...startsOf(world, told).values()].sort((a, b) => a - b);
    expect(starts).toHaveLength(24);
    for (const [i, at] of starts.entries()) expect(i + 1).toBeLessThanOrEqual(2 ** (at / SOAK));
  });

  it("heals boards that do not boot at once, with the image that others wait for", async () => {
    const wanted = scenario({ topology: "tree", nodes: 15, seed: 2, broken: 0.3 });
    const { world, told } = await run(wanted, HOUR);
    const healed = told.filter(
      ({ board, event }) => event.event === "booted" && world.options.broken.includes(board),
    );
    expect(new Set(healed.map(({ board }) => board)).size).toBe(world.options.broken.length);
    for (const { at } of healed.slice(0, world.options.broken.length)) expect(at).toBeLessThan(MINUTE);
  });

  it("waits no longer after restarts: the time that a board has known of an image is kept", async () => {
    const wanted = scenario({ nodes: 2, seed: 1 });
    const dueAt = async (offEvery: Millis | undefined): Promise<Millis> => {
      const told: Told[] = [];
      const world: World = worldOf(wanted, {
        onEvent: (board, event) => told.push({ at: world.clock.now(), board, event }),
      });
      const cycle = (): void => {
        world.powerOff(1);
        world.boards[1]?.powerOn();
        if (offEvery !== undefined) world.clock.after(offEvery, cycle);
      };
      if (offEvery !== undefined) world.clock.after(offEvery, cycle);
      await world.run(6 * HOUR);
      return startsOf(world, told).get(1) ?? Number.POSITIVE_INFINITY;
    };
    const alone = await dueAt(undefined);
    expect(alone).toBeGreaterThan(RING_TIME);
    // Each restart takes back a minute at most, and costs the time until the neighbours know each other again.
    expect(await dueAt(20 * MINUTE)).toBeLessThanOrEqual(alone + (alone / (20 * MINUTE) + 1) * 5 * MINUTE);
  });
});

describe("a bad update", () => {
  const bad = { topology: "grid", nodes: 36, failsAfterMs: SOAK / 4, linkKeys: true } as const;

  it("is run by few boards with gates, and by all without", { timeout: 300_000 }, async () => {
    const wanted = { ...scenario({ seed: 1 }, { rings: 32 }), ...bad };
    const staged = await runBadUpdate(wanted, 4 * HOUR);
    expect(staged.violations).toEqual([]);
    expect(staged.ran / bad.nodes).toBeLessThanOrEqual(0.05);
    const off = { rings: 32, soakMs: SOAK, ringTimeMs: RING_TIME, areOff: true };
    const plain = await runBadUpdate({ ...wanted, gates: off }, HOUR);
    expect(plain.ran).toBe(bad.nodes);
  });

  it("is told to all boards when it failed to confirm, with a link key", async () => {
    const wanted = { ...scenario({ seed: 3 }), ...bad, nodes: 16, failsAfterMs: 5_000 };
    const { told } = await run(wanted, HOUR);
    const warned = told.filter(({ event }) => event.event === "suspect" && event.proven);
    expect(new Set(warned.map(({ board }) => board)).size).toBe(15);
  });
});

describe("a false suspicion", () => {
  const wanted = scenario({ nodes: 4, seed: 2 }, { rings: 1, ringTimeMs: 0, soakMs: MINUTE });

  /** When all run the newest image, and board 0 was told at once, over its wire to board 1, that it failed. */
  async function wellAt(linkKeys: boolean): Promise<Millis> {
    const world: World = worldOf({ ...wanted, linkKeys });
    world.clock.after(5_000, () => {
      const about = { originId: new Uint8Array(8).fill(7), digest: world.newest.digest.slice(0, 8) };
      const word = { tag: "suspect", ...about, failures: 3, ageMinutes: 0, hops: 32 } as const;
      for (const [board, wire] of [
        [0, 0],
        [1, 0],
      ] as const)
        world.boards[board]?.wires[wire]?.transport.write(encodeDelimited(encodeMessage(word, 1)));
    });
    expect(await world.run(12 * HOUR)).toBe(true);
    expect(world.checkers.violations).toEqual([]);
    return world.clock.now();
  }

  it("delays an update by an hour on its link, and where links have a key not at all", async () => {
    const { world } = await run(wanted, 12 * HOUR);
    const alone = world.clock.now();
    const delayed = await wellAt(false);
    expect(delayed).toBeGreaterThan(HOUR);
    expect(delayed).toBeLessThanOrEqual(alone + HOUR + UPDATE_MS);
    const keyed = (await run({ ...wanted, linkKeys: true }, 12 * HOUR)).world.clock.now();
    expect(await wellAt(true)).toBeLessThan(keyed + 5 * MINUTE);
  });
});

describe("the campaign with staged updates", () => {
  it(`breaks no rule and leaves no board behind, with faults, in ${SEEDS} seeds from ${FROM} on`, {
    timeout: 3_600_000,
  }, async () => {
    const failed: string[] = [];
    const looks = { soaked: 0, rings: 0, suspects: 0 };
    for (let seed = FROM; seed < FROM + SEEDS; seed++) {
      const { violations, replay, gates } = await runSeed(seed, true);
      if (violations.length > 0) failed.push(`${violations[0]}; again: ${replay}`);
      looks.soaked += gates.soaked;
      looks.rings += gates.rings;
      looks.suspects += gates.suspects;
    }
    expect(failed).toEqual([]);
    for (const [rule, count] of Object.entries(looks)) expect(count, rule).toBeGreaterThan(0);
  });
});
