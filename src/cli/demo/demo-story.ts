import { basename, join } from "node:path";
import { FailedError } from "../../base/errors.ts";
import { formatVersion } from "../../image/version.ts";
import type { NodeEvent } from "../../node/node-event.ts";
import type { Verdict } from "../../node/verdict.ts";
import { startVirtualCable, type VirtualCable } from "../../transport/cable/virtual-cable.ts";
import { bootText, failureText } from "../board/boot-text.ts";
import { doneVerdict, interruptedVerdict } from "../command-verdict.ts";
import type { CommandContext } from "../run.ts";
import { byteText } from "../text.ts";
import { type DemoChild, startChild } from "./demo-children.ts";
import { type Figures, figuresText, sumOf } from "./demo-figures.ts";
import {
  bootOf,
  breakSectors,
  compareWithFirmware,
  DEMO_VERSION,
  makeBoard,
  makeStage,
  SECTOR_SIZE,
  type Stage,
} from "./demo-stage.ts";

/** Bits on the line for a byte, 8N1. */
const BITS_PER_BYTE = 10;
/** Timeout of a rescue: a fixed part in seconds, plus this many times the line time of the whole image. */
const TIMEOUT_SECONDS = 30;
const TIMEOUT_LINE_TIMES = 3;
/** Column at which remarks after a command begin. */
const REMARK_COLUMN = 64;

/** Which events of each process are shown. Progress is the board's, which knows the blocks that it had before. */
const SHOWN_OF_RESCUE: readonly string[] = ["distress", "offer", "refused", "healed", "lost"];
const SHOWN_OF_DISTRESS: readonly string[] = ["progress", "verified"];

/** The firmware and the line of the demonstration. */
export interface StoryOptions {
  /** Raw or HEX; random bytes unless given. */
  readonly firmware?: string;
  readonly baud: number;
}

/** A board of the demonstration, and its damage. */
interface BrokenBoard {
  readonly act: Figures["act"];
  /** Folder name of the board. */
  readonly name: string;
  readonly board: string;
  /** Bytes that are missing or wrong. */
  readonly damaged: number;
}

/** Runs the demonstration in `dir`. FailedError `demo-…` if anything goes wrong. */
export async function runStory(context: CommandContext, dir: string, flags: StoryOptions): Promise<Verdict> {
  const { output, signal } = context;
  output.note(`All files of this demonstration are in ${dir}`);
  const stage = await makeStage(dir, flags.firmware);
  const { size, sha256 } = stage.manifest;
  const facts = `version ${formatVersion(DEMO_VERSION)}, ${byteText(size)}, SHA-256 ${Buffer.from(sha256).toString("hex").slice(0, 8)}…`;
  output.note("$ mayday keygen --out owner");
  output.note(withRemark("mayday image build --key owner.key --out firmware.mdy …", facts));
  const cable = await startVirtualCable({
    a: join(dir, "port-a"),
    b: join(dir, "port-b"),
    baud: flags.baud,
  });
  output.note(`$ mayday cable --a port-a --b port-b --baud ${flags.baud}`);
  if (cable.notice !== undefined) output.warn(cable.notice);
  try {
    const story = new Story(context, stage, cable, flags.baud);
    const figures: Figures[] = [];
    for (const act of [() => story.breakBoard(), () => story.emptyBoard()]) {
      const figure = signal.aborted ? undefined : await story.heal(await act());
      if (figure === undefined) return interruptedVerdict();
      figures.push(figure);
    }
    for (const figure of figures) output.result(figuresText(figure), { event: "figures", ...figure });
    return { ...doneVerdict("healed"), ...sumOf(figures), digest: story.digest };
  } finally {
    await cable.close();
  }
}

class Story {
  readonly #context: CommandContext;
  readonly #stage: Stage;
  readonly #cable: VirtualCable;
  readonly #baud: number;
  /** Digest of the image, once it healed a board. */
  digest: string | undefined;

  constructor(context: CommandContext, stage: Stage, cable: VirtualCable, baud: number) {
    this.#context = context;
    this.#stage = stage;
    this.#cable = cable;
    this.#baud = baud;
  }

  /** The first act: a board that boots, until sectors of its flash are damaged. */
  async breakBoard(): Promise<BrokenBoard> {
    this.#note("\n1. A board whose flash is damaged");
    const name = "board";
    const board = await makeBoard(this.#stage, name, true);
    this.#command(`mayday board init ${name} --trust owner.pub --image firmware.mdy …`);
    this.#expectBoot(board, name);
    const sectors = breakSectors(board, this.#stage.manifest);
    for (const sector of sectors) this.#command(`mayday board damage ${name} --sector ${sector}`);
    this.#expectRecovery(board, name);
    const { size } = this.#stage.manifest;
    const damaged = sectors.reduce(
      (sum, sector) => sum + Math.min(SECTOR_SIZE, size - sector * SECTOR_SIZE),
      0,
    );
    return { act: "repair", name, board, damaged };
  }

  /** The second act: a board without an image. */
  async emptyBoard(): Promise<BrokenBoard> {
    this.#note("\n2. An empty board");
    const name = "empty";
    const board = await makeBoard(this.#stage, name, false);
    this.#command(`mayday board init ${name} --trust owner.pub …`);
    this.#expectRecovery(board, name);
    return { act: "whole", name, board, damaged: this.#stage.manifest.size };
  }

  /** Heals the board with two processes, and checks it. Undefined after a signal. */
  async heal({ act, name, board, damaged }: BrokenBoard): Promise<Figures | undefined> {
    const lineSeconds = (this.#stage.manifest.size * BITS_PER_BYTE) / this.#baud;
    const verdict = await this.#runBoth(name, board, lineSeconds);
    if (verdict === undefined) return undefined;
    const imageBytes = await compareWithFirmware(board, this.#stage);
    const read = `mayday board read ${name} --out copy.bin; cmp copy.bin ${basename(this.#stage.firmware)}`;
    this.#command(read, `${byteText(imageBytes)}, all equal`);
    this.#expectBoot(board, name);
    this.digest = verdict.digest;
    const { bytesTx: bytesToBoard, bytesRx: bytesFromBoard, blocks, seconds } = verdict;
    const isPaced = this.#cable.kind === "paced" && seconds > 0;
    const lineShare = isPaced ? lineSeconds / seconds : undefined;
    return {
      act,
      imageBytes,
      damagedBytes: damaged,
      bytesToBoard,
      bytesFromBoard,
      blocks,
      seconds,
      lineShare,
    };
  }

  /** Runs the board in distress and its rescuer as two processes. The rescuer's verdict. */
  async #runBoth(name: string, board: string, lineSeconds: number): Promise<Verdict | undefined> {
    const { a, b } = this.#cable;
    const timeout = String(Math.ceil(TIMEOUT_SECONDS + TIMEOUT_LINE_TIMES * lineSeconds));
    const link = (path: string): string => `serial:${path}?baud=${this.#baud}`;
    this.#command(`mayday distress --link port-a --board ${name} &`);
    this.#command("mayday rescue --link port-b --repo images --once");
    const distress = startChild(
      "distress",
      ["distress", "--link", link(a), "--board", board, "--timeout", timeout],
      (event) => this.#show(event, "port-a", SHOWN_OF_DISTRESS),
    );
    const rescue = startChild(
      "rescue",
      ["rescue", "--link", link(b), "--repo", this.#stage.repo, "--once", "--timeout", timeout],
      (event) => this.#show(event, "port-b", SHOWN_OF_RESCUE),
    );
    return this.#verdictOf(distress, rescue);
  }

  /** The rescuer's verdict if both succeeded; otherwise shows their logs and throws. */
  async #verdictOf(distress: DemoChild, rescue: DemoChild): Promise<Verdict | undefined> {
    const { signal, output } = this.#context;
    const children = [distress, rescue];
    const stop = (): void => {
      for (const child of children) child.stop();
    };
    signal.addEventListener("abort", stop, { once: true });
    // Without a cable both would wait for nothing.
    void this.#cable.closed.then(stop);
    const ends = await Promise.allSettled(children.map((child) => child.ended));
    signal.removeEventListener("abort", stop);
    output.endProgress();
    if (signal.aborted) return undefined;
    const [, rescued] = ends;
    const hasSucceeded = ends.every((end) => end.status === "fulfilled" && end.value.ok);
    if (hasSucceeded && rescued?.status === "fulfilled") return rescued.value;
    for (const child of children) output.note(`--- log of ${child.name} ---\n${child.log().trimEnd()}`);
    throw new FailedError("demo-failed", "the board was not healed; the logs of both processes are above");
  }

  #show(event: NodeEvent, link: string, kinds: readonly string[]): void {
    if (kinds.includes(event.event))
      this.#context.output.nodeEvent("link" in event ? { ...event, link } : event);
  }

  #expectBoot(board: string, name: string): void {
    const outcome = bootOf(board);
    this.#command(`mayday board boot ${name}`, bootText(outcome));
    if (outcome.tag === "boot") return;
    throw new FailedError("demo-not-booting", `${board} does not boot: ${outcome.reason}`);
  }

  #expectRecovery(board: string, name: string): void {
    const outcome = bootOf(board);
    if (outcome.tag === "boot") throw new FailedError("demo-boots", `${board} boots, and should not`);
    this.#command(`mayday board boot ${name}`, `exit 5: ${failureText(outcome.reason)}`);
  }

  #command(text: string, remark?: string): void {
    this.#note(withRemark(text, remark));
  }

  #note(text: string): void {
    this.#context.output.note(text);
  }
}

function withRemark(command: string, remark?: string): string {
  const line = `$ ${command}`;
  return remark === undefined ? line : `${line.padEnd(REMARK_COLUMN)}  # ${remark}`;
}
