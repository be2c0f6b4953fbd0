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
import { parseDuration } from "./node/config-values.ts";
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
  readonly rings: number;
  readonly soak?: Millis;
  readonly ringTime?: Millis;
  readonly gates?: "on" | "off";
  readonly badImage?: Millis;
  readonly linkKeys?: boolean;
}

/** Registers `mayday sim`. */
export function addSimCommand(program: Command): void {
  const command = addCommand(program, "sim", {
    does:
      "Lets many boards heal one another in virtual time: the nodes are those of mayday node, on boards and wires in " +
      "memory. Board 0 has a firmware, and all others are broken, unless --broken or --update says otherwise. Checks at " +
      "each change that no rule is broken: only signed bytes in flash, one image at a time, no version that goes back. " +
      "One seed gives the same output each time. When a board is not well in the end, or a rule was broken, the error names " +
      "the command that shows it again. docs/sim.md says what is simulated, and what is not.",
    examples: [
      "mayday sim --topology tree --nodes 31 --seed 1",
      "mayday sim --topology grid --nodes 64 --seed 2 --faults --svg story.svg",
      "mayday sim --topology line --nodes 8 --seed 3 --update --loss 0.05 --json",
      "mayday sim --topology grid --nodes 64 --seed 4 --update --rings 8 --soak 10m --ring-time 30m --bad-image 5m",
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
    .option("--rings <n>", "rings of the newer firmware", countParser("a number of rings", 1, 255), 1)
    .option("--soak <time>", "a board runs a firmware this long before it hands it on", parseTime)
    .option("--ring-time <time>", "how much later each ring goes ahead", parseTime)
    .addOption(
      new Option("--gates <which>", '"off": the nodes ask for none of that, as a comparison').choices([
        "on",
        "off",
      ]),
    )
    .option(
      "--bad-image <time>",
      "the newer firmware fails this long after a start on average; counts who ran it",
      parseTime,
    )
    .option("--link-keys", "all wires have a link key")
    .option("--svg <file>", "draw the story");
  onRun<SimFlags>(command, runSim);
}

function parseImageSize(text: string): number {
  const size = parseSize(text);
  if (size <= SIZE_MAX) return size;
  throw new UsageError("bad-size", `"${text}" is too large for a simulation: give at most 16M`);
}

/** "10m" in milliseconds. */
function parseTime(text: string): Millis {
  const millis = parseDuration(text);
  if (millis !== undefined) return millis;
  throw new UsageError(
    "bad-time",
    `"${text}" is no time: give a whole number with its unit, such as 90s, 10m or 1h`,
  );
}

function scenarioOf({ update = false, faults = false, ...flags }: Omit<SimFlags, "svg">): Scenario {
  const {
    rings,
    soak: soakMs = 0,
    ringTime: ringTimeMs = 0,
    gates,
    badImage: failsAfterMs,
    ...others
  } = flags;
  const isStaged =
    rings > 1 || soakMs > 0 || ringTimeMs > 0 || gates !== undefined || failsAfterMs !== undefined;
  if (isStaged && !update)
    throw new UsageError(
      "sim-not-staged",
      "--rings, --soak, --ring-time, --gates and --bad-image are about an update: give --update, too",
    );
  if (failsAfterMs === 0) throw new UsageError("bad-time", "--bad-image 0s: give at least 1ms");
  return {
    ...{ ...others, update, faults },
    ...(isStaged ? { gates: { rings, soakMs, ringTimeMs, areOff: gates === "off" } } : {}),
    ...(failsAfterMs === undefined ? {} : { failsAfterMs }),
  };
}

async function runSim(
  context: CommandContext,
  _args: readonly string[],
  { svg, ...flags }: SimFlags,
): Promise<Verdict> {
  const { runScenario } = await import("../sim/many/scenario.ts");
  const { storyEvents, storyText } = await import("../sim/many/story.ts");
  const { output, signal } = context;
  const scenario = scenarioOf(flags);
  if (scenario.failsAfterMs !== undefined)
    return await runBad(context, { ...scenario, failsAfterMs: scenario.failsAfterMs });
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

/** A bad update is no story of boards that are well in the end: it is counted who ran it. */
async function runBad(
  { output }: CommandContext,
  scenario: Scenario & { readonly failsAfterMs: Millis },
): Promise<Verdict> {
  const { runBadUpdate } = await import("../sim/many/long-runs.ts");
  const { limitOf, replayLine } = await import("../sim/many/scenario.ts");
  const { ran, running, failures, endedAt, violations } = await runBadUpdate(scenario, limitOf(scenario));
  const boards = scenario.nodes;
  const figures = { boards, ran, running, failures, seconds: rounded(endedAt / 1000) };
  output.result(
    `${ran} of ${boards} boards ran the bad image, ${running} still do after ${figures.seconds} s; ${failures} failures`,
    { event: "bad-image", ...figures },
  );
  const counts = { ...figures, violations: violations.length };
  if (violations.length === 0) return { ...doneVerdict("counted"), ...counts };
  const detail = `a rule was broken, first: ${violations[0]}; again: ${replayLine(scenario)}`;
  return { ...failedVerdict(ExitCode.failed, "rule-broken", detail), ...counts };
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
