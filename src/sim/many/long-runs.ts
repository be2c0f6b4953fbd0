import { type Random, randomBelow, randomFraction } from "../../base/prng.ts";
import type { Millis } from "../../base/units.ts";
import { damageSlot } from "../../board/damage.ts";
import type { GateLooks } from "./gate-checks.ts";
import { type Scenario, worldOf } from "./scenario.ts";
import { Traffic } from "./traffic.ts";
import { partRandom, type World } from "./world.ts";
import { SIM_SECTOR_SIZE } from "./world-images.ts";

const HOUR_MS: Millis = 3_600_000;
/** A board that is broken comes back within this time. */
const OFF_MAX_MS: Millis = 60_000;

/** A day of boards that are well, but for some that break. */
export interface RestOutcome {
  readonly heals: number;
  readonly violations: readonly string[];
  /** All boards were well in the end. */
  readonly isWell: boolean;
  /** Beacons of each board on each link, in each hour without news on any of its links, nor in the hour before. */
  readonly quietBeacons: readonly number[];
  /** The same in all hours. */
  readonly allBeacons: readonly number[];
}

/** Runs boards for `hours` of virtual time, in which `breaks` of them lose their firmware at drawn times. */
export async function runRest(scenario: Scenario, hours: number, breaks: number): Promise<RestOutcome> {
  const traffic = new Traffic(() => world.clock.now());
  const world: World = worldOf(
    { ...scenario, broken: 0 },
    { onFrame: (board, wire, frame) => traffic.note(board, wire, frame) },
  );
  const random = partRandom(scenario.seed, 6);
  const loud = new Set<string>();
  for (let i = 0; i < breaks; i++) {
    // One after another: each is healed long before the next one breaks.
    const at = ((i + 0.1 + 0.8 * randomFraction(random)) * hours * HOUR_MS) / breaks;
    world.clock.after(at, () => {
      const board = randomBelow(random, world.boards.length);
      breakBoard(world, board, random);
      const hour = Math.floor(at / HOUR_MS);
      for (const near of [board, ...neighboursOf(world, board)])
        for (const later of [hour, hour + 1]) loud.add(`${near} ${later}`);
    });
  }
  await world.run(HOUR_MS);
  await world.continue(hours * HOUR_MS);
  const isWell = world.isWell;
  if (isWell) world.checkers.checkEnd(world.newest, world);
  return {
    heals: world.spreads.length,
    violations: world.checkers.violations,
    isWell,
    quietBeacons: traffic.beaconsPerHour(hours, (board, hour) => hour === 0 || loud.has(`${board} ${hour}`)),
    allBeacons: traffic.beaconsPerHour(hours, () => false),
  };
}

function neighboursOf({ options }: World, board: number): number[] {
  return options.topology.edges.flatMap(([a, b]) => (a === board ? [b] : b === board ? [a] : []));
}

/** The board loses its power, and a part of its firmware, and comes back. */
function breakBoard(world: World, number: number, random: Random): void {
  const board = world.boards[number];
  if (board === undefined) return;
  world.powerOff(number);
  const { map } = board.open().nor;
  const isErased = randomBelow(random, 2) === 0;
  const sectors = map.slotSize / SIM_SECTOR_SIZE;
  const drawn = randomBelow(random, sectors);
  for (let slot = 0; slot < map.slots.length; slot++)
    for (let sector = 0; sector < sectors; sector++)
      if (isErased || sector === drawn)
        damageSlot(board.storage, map, { slot, sector, isErase: isErased }, random);
  world.checkers.noteBroken(number);
  world.clock.after(randomFraction(random) * OFF_MAX_MS, () => board.powerOn());
}

/** Control frames in a time in which many boards are in distress at once. */
export interface StormOutcome {
  /** Of each end of each wire, the share of the line's time. */
  readonly shares: readonly number[];
  readonly healed: number;
  readonly violations: readonly string[];
}

/** All boards call at once, for `overMs`: nobody can heal them, or with `hasRescuer` board 0 can. */
export async function runStorm(
  scenario: Scenario,
  overMs: Millis,
  hasRescuer: boolean,
): Promise<StormOutcome> {
  const traffic = new Traffic(() => world.clock.now());
  const hooks = {
    onFrame: (board: number, wire: number, frame: Uint8Array) => traffic.note(board, wire, frame),
  };
  const world: World = worldOf({ ...scenario, broken: 1 }, hooks, hasRescuer ? [] : [0]);
  await world.run(overMs);
  await world.continue(overMs);
  const { spreads, checkers } = world;
  return {
    shares: traffic.controlShares(overMs, scenario.baud),
    healed: spreads.length,
    violations: checkers.violations,
  };
}

/** What a bad update did. */
export interface BadUpdateOutcome {
  /** Boards that ever started it. */
  readonly ran: number;
  /** How often one failed. */
  readonly failures: number;
  /** Boards that still run it in the end. */
  readonly running: number;
  readonly endedAt: Millis;
  readonly violations: readonly string[];
  readonly looks: GateLooks;
}

/** Board 0 gets an update that fails some time after each start: runs until no board has it, all had it, or the time is over. */
export async function runBadUpdate(
  scenario: Scenario & { readonly failsAfterMs: Millis },
  overMs: Millis,
): Promise<BadUpdateOutcome> {
  const world = worldOf({ ...scenario, update: true });
  await world.run(0);
  const { bad, boards, checkers, clock } = world;
  const isOver = (): boolean => bad?.running.size === 0 || bad?.ran.size === boards.length;
  await world.continue(overMs, isOver);
  return {
    ran: bad?.ran.size ?? 0,
    failures: bad?.failures ?? 0,
    running: bad?.running.size ?? 0,
    endedAt: clock.now(),
    violations: checkers.violations,
    looks: checkers.gates.looks,
  };
}
