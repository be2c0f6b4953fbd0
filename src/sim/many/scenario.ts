import { randomBelow } from "../../base/prng.ts";
import { lineTime, type Millis } from "../../base/units.ts";
import type { FlashLayout } from "../../flash/geometry.ts";
import { RandomFaults } from "./faults.ts";
import { NO_GATES, type SimGates } from "./sim-gates.ts";
import { simKey } from "./sim-key.ts";
import type { SpreadStory } from "./story.ts";
import { type TopologyKind, topology } from "./topologies.ts";
import { partRandom, World, type WorldOptions } from "./world.ts";

/** What `mayday sim` is asked for. */
export interface Scenario {
  readonly topology: TopologyKind;
  readonly nodes: number;
  readonly seed: number;
  /** Share of the boards but board 0 that are broken; unless given all of them, and none with `update`. */
  readonly broken?: number | undefined;
  /** Board 0 has a newer image than the others. */
  readonly update: boolean;
  /** Bytes of the image. */
  readonly size: number;
  readonly baud: number;
  /** Share of frames that are lost. */
  readonly loss: number;
  readonly faults: boolean;
  readonly layout: FlashLayout;
  /** Boards hand on an image only once they have all of it. */
  readonly storeAndForward?: boolean | undefined;
  /** How the update spreads; as by default unless given. */
  readonly gates?: SimGates | undefined;
  /** The update fails after this time on average. */
  readonly failsAfterMs?: Millis | undefined;
  /** All wires have a link key. */
  readonly linkKeys?: boolean | undefined;
}

/** What came of a scenario. */
export interface ScenarioOutcome {
  readonly story: SpreadStory;
  /** All boards run the newest image, and no rule was broken. */
  readonly isWell: boolean;
  /** Boards that do not run the newest image. */
  readonly behind: readonly number[];
  /** Bytes that all boards handed to their wires. */
  readonly bytesSent: number;
}

export interface ScenarioHooks {
  /** Called every 4,000 timers; a run continues when it resolves, and ends when it rejects. */
  pause?(world: World): Promise<void>;
  /** Instead of {@link RandomFaults}, when the scenario has faults. */
  readonly faults?: WorldOptions["faults"];
  readonly callsAtOnce?: WorldOptions["callsAtOnce"];
  readonly onEvent?: WorldOptions["onEvent"];
  readonly onFrame?: WorldOptions["onFrame"];
}

/** Virtual time after which a run has failed, ... */
const LIMIT_MIN_MS: Millis = 3_600_000;
/** ... and more for each board, in transfers: a star updates its boards one after another. */
const LIMIT_TRANSFERS = 4;

/** The world of a scenario. `brokenToo`: boards that are broken beside those of the scenario. */
export function worldOf(
  scenario: Scenario,
  hooks: ScenarioHooks = {},
  brokenToo: readonly number[] = [],
): World {
  const { topology: kind, nodes, seed, update, size, baud, loss, layout, storeAndForward } = scenario;
  return new World({
    ...{ seed, update, size, baud, loss, layout, cutThrough: storeAndForward !== true },
    ...{ gates: scenario.gates, failsAfterMs: scenario.failsAfterMs, linkKeys: scenario.linkKeys },
    topology: topology(kind, nodes, partRandom(seed, 3)),
    key: simKey(seed),
    broken: [...brokenToo, ...brokenOf(scenario)],
    faults: scenario.faults ? (hooks.faults ?? ((world) => new RandomFaults(world))) : undefined,
    callsAtOnce: hooks.callsAtOnce,
    onEvent: hooks.onEvent,
    onFrame: hooks.onFrame,
  });
}

/** Virtual time within which all boards of a scenario have to be well. */
export function limitOf({ nodes, size, baud, gates = NO_GATES }: Scenario): Millis {
  const { rings, soakMs, ringTimeMs } = gates;
  // One after another, each after a soak time, and every one in the last ring.
  const stagedMs = nodes * soakMs + rings * ringTimeMs;
  return LIMIT_MIN_MS + LIMIT_TRANSFERS * nodes * lineTime(size, baud) + stagedMs;
}

/** The boards that are broken at the start, drawn from the seed. Board 0 is not among them. */
function brokenOf({ nodes, seed, update, broken = update ? 0 : 1 }: Scenario): number[] {
  const others = Array.from({ length: nodes - 1 }, (_, i) => i + 1);
  const random = partRandom(seed, 4);
  const count = Math.round(broken * others.length);
  for (let i = 0; i < count; i++) {
    const other = i + randomBelow(random, others.length - i);
    [others[i], others[other]] = [others[other] ?? 0, others[i] ?? 0];
  }
  return others.slice(0, count).sort((a, b) => a - b);
}

/** Runs a scenario to its end: until all boards are well and the faults are over, or until it has taken too long. */
export async function runScenario(scenario: Scenario, hooks: ScenarioHooks = {}): Promise<ScenarioOutcome> {
  const transferMs = scenario.nodes > 1 ? await transferTime(scenario) : 0;
  const world = worldOf(scenario, hooks);
  const pause = hooks.pause && (() => hooks.pause?.(world) ?? Promise.resolve());
  const isWell = await world.run(limitOf(scenario), pause);
  const { spreads, checkers, behind } = world;
  const unused = spreads.length === 0 ? [] : checkers.unused().filter((name) => isWell || name !== "ends");
  const violations = [
    ...checkers.violations,
    ...unused.map((name) => `the check of ${name} never looked at anything`),
  ];
  return {
    story: {
      topology: world.options.topology,
      seed: scenario.seed,
      options: flagsOf(scenario),
      brokenAtStart: world.options.broken,
      spreads,
      endedAt: world.clock.now(),
      violations,
      transferMs,
    },
    isWell: isWell && violations.length === 0,
    behind,
    bytesSent: world.boards.reduce((sum, { bytesSent }) => sum + bytesSent, 0),
  };
}

/** One transfer between two boards alone, from the first call to its end: without the time for which a board listens before it calls. */
export async function transferTime(scenario: Scenario): Promise<Millis> {
  const alone: Scenario = { ...scenario, topology: "line", nodes: 2, broken: undefined, faults: false };
  const world = worldOf(alone, { callsAtOnce: true });
  await world.run(limitOf(alone));
  return world.spreads.at(-1)?.at ?? 0;
}

/** The flags of `mayday sim` that give this scenario again, but for topology, nodes and seed. */
function flagsOf(scenario: Scenario): SpreadStory["options"] {
  const { broken, update, size, baud, loss, faults, layout } = scenario;
  const { failsAfterMs, linkKeys = false, storeAndForward = false } = scenario;
  return {
    ...(broken === undefined ? {} : { broken }),
    ...(update ? { update } : {}),
    size: size % 1024 === 0 ? `${size / 1024}K` : size,
    baud,
    ...(loss === 0 ? {} : { loss }),
    ...(layout === "ab" ? {} : { layout }),
    ...(faults ? { faults } : {}),
    ...(storeAndForward ? { "store-and-forward": true } : {}),
    ...gateFlags(scenario),
    ...(failsAfterMs === undefined ? {} : { "bad-image": `${failsAfterMs}ms` }),
    ...(linkKeys ? { "link-keys": true } : {}),
  };
}

function gateFlags({ gates = NO_GATES }: Scenario): SpreadStory["options"] {
  const { rings, soakMs, ringTimeMs, areOff } = gates;
  return {
    ...(rings === 1 ? {} : { rings }),
    ...(soakMs === 0 ? {} : { soak: `${soakMs}ms` }),
    ...(ringTimeMs === 0 ? {} : { "ring-time": `${ringTimeMs}ms` }),
    ...(areOff ? { gates: "off" } : {}),
  };
}

/** The command that gives a scenario again. */
export function replayLine(scenario: Scenario): string {
  const { topology: kind, nodes, seed } = scenario;
  const flags = Object.entries(flagsOf(scenario)).map(([name, value]) =>
    value === true ? `--${name}` : `--${name} ${value}`,
  );
  return [`mayday sim --topology ${kind} --nodes ${nodes} --seed ${seed}`, ...flags].join(" ");
}
