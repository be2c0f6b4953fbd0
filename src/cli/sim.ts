import { setImmediate } from "node:timers/promises";
import { type Command, Option } from "commander";
import { systemClock } from "../base/clock.ts";
import { ExitCode, UsageError } from "../base/errors.ts";
import { PRNG_SEED_MAX } from "../base/prng.ts";
import type { Millis } from "../base/units.ts";
import type { FlashLayout } from "../flash/geometry.ts";
import type { Verdict } from "../node/verdict.ts";
import type { Scenario, ScenarioOutcome } from "../sim/many/scenario.ts";
import type { TopologyKind } from "../sim/many/topologies.ts";
import type { World } from "../sim/many/world.ts";
import { doneVerdict, failedVerdict, interruptedVerdict } from "./command-verdict.ts";
import { addCommand } from "./help.ts";
import { countParser, parseBaud, parseProbability, parseSize } from "./parse.ts";
import { type CommandContext, onRun } from "./run.ts";

const NODES_MAX = 20_000;
/** Largest image: each board has it in memory. */
const SIZE_MAX = 16 * 1024 * 1024;
const BAUD_DEFAULT = 115_200;
const SIZE_DEFAULT = 65_536;
/** A run says how far it is this often. */
const PROGRESS_EVERY_MS: Millis = 2_000;

interface SimFlags {
  readonly topology: TopologyKind;
  readonly nodes: number;
  readonly seed: number;
  readonly broken?: number;
  readonly update?: boolean;
  readonly size: number;
  readonly baud: number;
  readonly loss: number;
  readonly layout: FlashLayout;
  readonly faults?: boolean;
  readonly storeAndForward?: boolean;
  readonly svg?: string;
}

/** Registers `mayday sim`. */
export function addSimCommand(program: Command): void {
  const command = addCommand(program, "sim", {
    does:
      "Lets many boards heal one another in virtual time: the nodes are those of mayday node, on boards and wires in " +
      "memory. Board 0 has a firmware, and all others are broken, unless --broken or --update says otherwise. Checks at " +
      "each change that no rule is broken: only signed bytes in flash, one rescuer at a time, no version that goes back. " +
      "One seed gives the same output each time. When a board is not well in the end, or a rule was broken, the error names " +
      "the command that shows it again. docs/sim.md says what is simulated, and what is not.",
    examples: [
      "mayday sim --topology tree --nodes 31 --seed 1",
      "mayday sim --topology grid --nodes 64 --seed 2 --faults --svg story.svg",
      "mayday sim --topology line --nodes 8 --seed 3 --update --loss 0.05 --json",
    ],
  });
  command
    .addOption(
      new Option("--topology <kind>", "how the boards are linked")
        .choices(["line", "ring", "star", "grid", "tree", "random"])
        .makeOptionMandatory(),
    )
    .requiredOption("--nodes <n>", "number of boards", countParser("a number of boards", 1, NODES_MAX))
    .requiredOption("--seed <n>", "same seed, same story", countParser("a seed", 0, PRNG_SEED_MAX))
    .option("--broken <share>", "share of the boards but board 0 that are broken, 0 to 1", parseProbability)
    .option("--update", "board 0 has a newer firmware; no board is broken unless --broken is given")
    .option("--size <bytes>", "firmware size", parseImageSize, SIZE_DEFAULT)
    .option("--baud <n>", "line rate of all wires", parseBaud, BAUD_DEFAULT)
    .option("--loss <p>", "share of frames that are lost", parseProbability, 0)
    .addOption(new Option("--layout <kind>", "slots of each board").choices(["ab", "single"]).default("ab"))
    .option("--faults", "boards lose their power, wires are cut, bits flip, and a liar is on a wire")
    .option("--store-and-forward", "boards hand on an image only once they have all of it")
    .option("--svg <file>", "draw the story");
  onRun<SimFlags>(command, runSim);
}

function parseImageSize(text: string): number {
  const size = parseSize(text);
  if (size <= SIZE_MAX) return size;
  throw new UsageError("bad-size", `"${text}" is too large for a simulation: give at most 16M`);
}

async function runSim(
  context: CommandContext,
  _args: readonly string[],
  { svg, update = false, faults = false, ...flags }: SimFlags,
): Promise<Verdict> {
  const { runScenario } = await import("../sim/many/scenario.ts");
  const { storyEvents, storyText } = await import("../sim/many/story.ts");
  const { output, signal } = context;
  const scenario: Scenario = { ...flags, update, faults };
  let outcome: ScenarioOutcome;
  try {
    outcome = await runScenario(scenario, { pause: progressOn(context, scenario) });
  } catch (error) {
    if (signal.aborted) return interruptedVerdict();
    throw error;
  }
  const { story } = outcome;
  if (svg !== undefined) await writePicture(svg, outcome);
  if (output.isJson)
    for (const line of storyEvents(story).split("\n").slice(0, -1)) output.event(JSON.parse(line));
  else output.result(storyText(story).trimEnd(), { event: "story" });
  return await verdictOf(scenario, outcome);
}

/** Says now and then how far a run is, lets signals in, and ends it when one came. */
function progressOn(
  { output, signal }: CommandContext,
  { nodes }: Scenario,
): (world: World) => Promise<void> {
  let saidAt = systemClock.now();
  return async ({ clock, behind }) => {
    await setImmediate();
    signal.throwIfAborted();
    const now = systemClock.now();
    if (now - saidAt < PROGRESS_EVERY_MS) return;
    saidAt = now;
    output.note(`${(clock.now() / 1000).toFixed(1)} s: ${nodes - behind.length} of ${nodes} boards are well`);
  };
}

async function writePicture(path: string, { story }: ScenarioOutcome): Promise<void> {
  const { writeAtomically } = await import("../files/atomic-file.ts");
  const { storySvg } = await import("../sim/many/story-svg.ts");
  const { writeFully } = await import("../files/regular-file.ts");
  const { encodeUtf8 } = await import("../image/utf8.ts");
  await writeAtomically(path, (handle) => writeFully(handle, encodeUtf8(storySvg(story))));
}

async function verdictOf(scenario: Scenario, outcome: ScenarioOutcome): Promise<Verdict> {
  const { figuresOf, lastSpreads } = await import("../sim/many/story.ts");
  const { replayLine } = await import("../sim/many/scenario.ts");
  const { story, isWell, behind, bytesSent } = outcome;
  const { violations, transferMs, endedAt } = story;
  const lastAt = lastSpreads(story).at(-1)?.at ?? 0;
  const figures = {
    bytesTx: bytesSent,
    seconds: rounded((isWell ? lastAt : endedAt) / 1000),
    boards: scenario.nodes,
    healed: figuresOf(story, "heal").last.length,
    updated: figuresOf(story, "update").last.length,
    violations: violations.length,
    transferTimes: transferMs === 0 ? 0 : rounded(lastAt / transferMs),
  };
  if (isWell) return { ...doneVerdict(scenario.update ? "updated" : "healed"), ...figures };
  const reason = violations.length > 0 ? "rule-broken" : "not-well";
  const what =
    violations.length > 0
      ? `${violations.length === 1 ? "a rule was" : `${violations.length} rules were`} broken, first: ${violations[0]}`
      : `not well in the end: board ${behind.slice(0, 10).join(", ")}${behind.length > 10 ? ", …" : ""}`;
  const detail = `${what}; again: ${replayLine(scenario)}`;
  return { ...failedVerdict(ExitCode.failed, reason, detail), ...figures };
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
