import { setTimeout as sleep } from "node:timers/promises";
import { type Passed, SwitchedLine } from "../../support/switched-line.ts";
import { type LineNode, NodesOnLines } from "../nodes-on-lines.ts";
import { type ConsoleFacts, type LiveConsole, makeConsole } from "./live-console.ts";
import { callsForHelp, type Start, startOf } from "./start-plan.ts";

/** Ten blocks: 3.6 s of a line at 115200 baud. */
const IMAGE_BYTES = 40_000;
const PROCESS_LIMIT_MS = 200_000;
const SESSION_LIMIT_MS = 60_000;
/** What is typed so long after text, or longer, was typed in spite of it: a busy machine reads late. */
const LATE_MS = 500;
/** ... and while what was on its way arrives, in bits. */
const ON_ITS_WAY_BITS = 2_000;
/** After text nothing is said unasked for this long (PROTOCOL.md 2.4). */
const QUIET_MS = 10_000;
/** So much of it is text in any case. */
const TEXT_MIN = 16;

/** What came of a start. */
export interface StartResult extends ConsoleFacts {
  readonly start: Start;
  /** Bytes that reached the console, before we typed ourselves. */
  readonly typed: number;
  /** Of these, how many came in spite of text in the ten seconds before. */
  readonly typedInSpite: number;
  /** The first of them, as hexadecimal. */
  readonly bytes: string;
}

/**
 * What is wrong with a start; empty if nothing is. `mayday distress` calls at once (PROTOCOL.md 2.4): a boot loader that counts
 * down when it starts is stopped, and no other.
 */
export function faultsOf({ start, executed, aborted, unseen, typedInSpite }: StartResult): string[] {
  const faults = unseen.map((what) => `nothing was looked at: ${what}`);
  faults.push(...executed.map((what) => `executed: ${what}`));
  const isCountdown = start.console === "u-boot" && start.moment === "printing";
  if (start.starter !== "distress" || !isCountdown)
    faults.push(...aborted.map((what) => `broken off: ${what}`));
  if (typedInSpite > 0) faults.push(`${typedInSpite} bytes in spite of text`);
  return faults;
}

interface Opened {
  readonly node: LineNode;
  /** By `performance.now()`: it had opened its port by then. */
  readonly openedAtMs: number;
}

/** Plays starts, each on a line of its own. */
export class StartScene {
  readonly #nodes: NodesOnLines;
  readonly #image: string;

  private constructor(nodes: NodesOnLines, image: string) {
    this.#nodes = nodes;
    this.#image = image;
  }

  static async open(): Promise<StartScene> {
    const nodes = await NodesOnLines.open(PROCESS_LIMIT_MS, IMAGE_BYTES);
    return new StartScene(nodes, await nodes.bench.image("older", "owner"));
  }

  close(): Promise<void> {
    return this.#nodes.close();
  }

  async play(start: Start): Promise<StartResult> {
    const line = await SwitchedLine.open(start.baud);
    const console = await makeConsole(start.console, this.#nodes, line, start.seed);
    let near: Opened | undefined;
    try {
      near = await this.#both(start, line, console);
      const isThere = await console.atPrompt();
      await sleep(start.watchMs);
      const passed = [...line.passed];
      const { exitCode, signalCode } = near.node.run.child;
      const facts = await console.judge();
      const unseen = [...facts.unseen];
      if (!isThere) unseen.push("the console never came to its prompt");
      if (exitCode !== null || signalCode !== null)
        unseen.push(`the process ended: ${(await near.node.run.ended).stderr}`);
      return { start, ...facts, unseen, ...typedOf(passed, start.baud, near.openedAtMs) };
    } finally {
      await near?.node.kill();
      line.unplug();
      await console.close();
      await line.close();
    }
  }

  /** Starts both as the plan says; the process that was started. */
  async #both(start: Start, line: SwitchedLine, console: LiveConsole): Promise<Opened> {
    switch (start.moment) {
      case "before": {
        const near = await this.#ready(start, line);
        await sleep(start.delayMs);
        await console.powerOn();
        return near;
      }
      case "printing":
        await console.powerOn();
        await sleep(start.delayMs);
        return this.#ready(start, line);
      case "at-rest":
        await console.powerOn();
        await console.atPrompt();
        await sleep(start.delayMs);
        return this.#ready(start, line);
      case "in-session": {
        const near = await this.#inSession(start, line);
        await sleep(start.resetMs);
        await console.powerOn();
        return near;
      }
    }
  }

  /** The process, in a session with a board until that is reset. */
  async #inSession(start: Start, line: SwitchedLine): Promise<Opened> {
    const isTarget = callsForHelp(start.starter);
    const near = await this.#ready(start, line);
    const far = isTarget ? await this.#nodes.plugRescuer(line) : await this.#nodes.plugTarget(line);
    const late = sleep(SESSION_LIMIT_MS).then(() => {
      throw new Error(`seed ${start.seed}: no session`);
    });
    await Promise.race([near.node.run.saw(/"event":"offer"/), late]);
    late.catch(() => {});
    await sleep(start.delayMs);
    line.unplug();
    await far.kill();
    return near;
  }

  async #ready(start: Start, line: SwitchedLine): Promise<Opened> {
    const node = await this.#start(start, line);
    await node.run.saw(/"event":"ready"/);
    return { node, openedAtMs: performance.now() };
  }

  async #start({ starter, baud }: Start, line: SwitchedLine): Promise<LineNode> {
    const nodes = this.#nodes;
    const start = (command: string, ...args: readonly string[]): LineNode =>
      nodes.start(command, line.path, args, { baud });
    const seconds = String(PROCESS_LIMIT_MS / 1000);
    switch (starter) {
      case "rescue":
        return start("rescue", "--repo", nodes.repo);
      case "dispatch":
        return start("dispatch", "--repo", nodes.repo, "--timeout", seconds);
      case "status":
        return nodes.start("status", line.path, ["--timeout", seconds], { baud, hasLog: false });
      case "distress":
        return start("distress", "--board", await nodes.board());
      case "node":
        return start("node", "--board", await nodes.board(this.#image));
      case "node-called":
        return start("node", "--board", await nodes.board());
    }
  }
}

/** What reached the console. */
function typedOf(
  passed: readonly Passed[],
  baud: number,
  openedAtMs: number,
): Pick<StartResult, "typed" | "typedInSpite" | "bytes"> {
  const onItsWayMs = LATE_MS + (1000 * ON_ITS_WAY_BITS) / baud;
  const texts = passed.filter(
    ({ from, atMs, bytes }) => from === "far" && atMs > openedAtMs && isText(bytes),
  );
  const typed = passed.filter(({ from }) => from === "near");
  const inSpite = typed.filter(({ atMs }) =>
    texts.some((text) => atMs - text.atMs > onItsWayMs && atMs - text.atMs < QUIET_MS),
  );
  const lengthOf = (list: readonly Passed[]): number =>
    list.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const bytes = Buffer.concat(typed.map((one) => one.bytes));
  return {
    typed: bytes.length,
    typedInSpite: lengthOf(inSpite),
    bytes: bytes.subarray(0, 100).toString("hex"),
  };
}

function isText(bytes: Buffer): boolean {
  return new RegExp(`[\\t\\n\\r -~]{${TEXT_MIN},}`).test(bytes.toString("latin1"));
}

/** Plays the starts of these seeds: consoles in QEMU, which take a processor each, two at a time, and `idleMax` others. */
export async function playStarts(
  starts: readonly Start[],
  idleMax: number,
  onResult: (result: StartResult) => void,
): Promise<StartResult[]> {
  const scene = await StartScene.open();
  const results: StartResult[] = [];
  const work = async (queue: Start[]): Promise<void> => {
    for (let start = queue.shift(); start !== undefined; start = queue.shift()) {
      const result = await scene.play(start).catch((error: unknown) => failed(start as Start, error));
      results.push(result);
      onResult(result);
    }
  };
  const inQemu = starts.filter((start) => start.console === "u-boot");
  const idle = starts.filter((start) => start.console !== "u-boot");
  try {
    await Promise.all([
      ...Array.from({ length: QEMU_MAX }, () => work(inQemu)),
      ...Array.from({ length: idleMax }, () => work(idle)),
    ]);
  } finally {
    await scene.close();
  }
  return results.sort((a, b) => a.start.seed - b.start.seed);
}

const QEMU_MAX = 2;

function failed(start: Start, error: unknown): StartResult {
  const unseen = [error instanceof Error ? error.message : String(error)];
  return { start, executed: [], aborted: [], unseen, typed: 0, typedInSpite: 0, bytes: "" };
}

/** The starts of seeds from `first` on. */
export function startsFrom(first: number, count: number): Start[] {
  return Array.from({ length: count }, (_, i) => startOf(first + i));
}
