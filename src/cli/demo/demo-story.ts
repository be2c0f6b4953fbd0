import { basename, join } from "node:path";
import { FailedError } from "../../base/errors.ts";
import { formatVersion } from "../../image/version.ts";
import type { NodeEvent } from "../../node/node-event.ts";
import type { Verdict } from "../../node/verdict.ts";
import { startVirtualCable, type VirtualCable } from "../../transport/cable/virtual-cable.ts";
import { bootText, failureText } from "../board/boot-text.ts";
import { doneVerdict, interruptedVerdict } from "../command-verdict.ts";
import { figuresJson } from "../json-names.ts";
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
/** How long a rescue may take: a fixed part in seconds, and times the line time of the whole image. */
const PATIENCE_SECONDS = 30;
const PATIENCE_LINE_TIMES = 3;
/** Column at which remarks on a command begin. */
const REMARK_COLUMN = 64;

/** What each of the two processes is quoted with. The board knows best how far it is: it had most blocks before. */
const TOLD_OF_RESCUE: readonly string[] = ["distress", "offer", "refused", "healed", "lost"];
const TOLD_OF_DISTRESS: readonly string[] = ["progress", "verified"];

/** What the demonstration heals with, and over which line. */
export interface StoryOptions {
  /** Raw or HEX; random bytes unless given. */
  readonly firmware?: string;
  readonly baud: number;
}

/** A board of the demonstration, and what is wrong with it. */
interface Patient {
  readonly act: Figures["act"];
  /** Folder name of the board. */
  readonly name: string;
  readonly board: string;
  /** Bytes that are missing or wrong. */
  readonly damaged: number;
}

/** Plays the demonstration in `dir`. FailedError `demo-…` when anything is not as it must be. */
export async function tellStory(context: CommandContext, dir: string, flags: StoryOptions): Promise<Verdict> {
  const { output, signal } = context;
  output.note(`Everything of this demonstration is in ${dir}`);
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
      const told = signal.aborted ? undefined : await story.heal(await act());
      if (told === undefined) return interruptedVerdict();
      figures.push(told);
    }
    for (const figure of figures)
      output.result(figuresText(figure), { event: "figures", ...figuresJson(figure) });
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
  /** Of the image that healed, once it did. */
  digest: string | undefined;

  constructor(context: CommandContext, stage: Stage, cable: VirtualCable, baud: number) {
    this.#context = context;
    this.#stage = stage;
    this.#cable = cable;
    this.#baud = baud;
  }

  /** The first act: a board that boots, until sectors of its flash are broken. */
  async breakBoard(): Promise<Patient> {
    this.#note("\n1. A board whose flash breaks");
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

  /** The second act: a board that never had an image. */
  async emptyBoard(): Promise<Patient> {
    this.#note("\n2. A board with nothing on it");
    const name = "empty";
    const board = await makeBoard(this.#stage, name, false);
    this.#command(`mayday board init ${name} --trust owner.pub …`);
    this.#expectRecovery(board, name);
    return { act: "whole", name, board, damaged: this.#stage.manifest.size };
  }

  /** Lets two processes heal the board, and checks it. Undefined when a signal came. */
  async heal({ act, name, board, damaged }: Patient): Promise<Figures | undefined> {
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

  /** The board in distress and its rescuer, each a process of its own; the rescuer's verdict. */
  async #runBoth(name: string, board: string, lineSeconds: number): Promise<Verdict | undefined> {
    const { a, b } = this.#cable;
    const patience = String(Math.ceil(PATIENCE_SECONDS + PATIENCE_LINE_TIMES * lineSeconds));
    const link = (path: string): string => `serial:${path}?baud=${this.#baud}`;
    this.#command(`mayday distress --link port-a --board ${name} &`);
    this.#command("mayday rescue --link port-b --repo images --once");
    const distress = startChild(
      "distress",
      ["distress", "--link", link(a), "--board", board, "--timeout", patience],
      (event) => this.#tell(event, "port-a", TOLD_OF_DISTRESS),
    );
    const rescue = startChild(
      "rescue",
      ["rescue", "--link", link(b), "--repo", this.#stage.repo, "--once", "--timeout", patience],
      (event) => this.#tell(event, "port-b", TOLD_OF_RESCUE),
    );
    return this.#verdictOf(distress, rescue);
  }

  /** The rescuer's verdict, when both ended well; their logs are shown otherwise. */
  async #verdictOf(distress: DemoChild, rescue: DemoChild): Promise<Verdict | undefined> {
    const { signal, output } = this.#context;
    const children = [distress, rescue];
    const stop = (): void => {
      for (const child of children) child.stop();
    };
    signal.addEventListener("abort", stop, { once: true });
    // Without a cable there is nothing to wait for.
    void this.#cable.closed.then(stop);
    const ends = await Promise.allSettled(children.map((child) => child.ended));
    signal.removeEventListener("abort", stop);
    output.endProgress();
    if (signal.aborted) return undefined;
    const [, rescued] = ends;
    const isWell = ends.every((end) => end.status === "fulfilled" && end.value.ok);
    if (isWell && rescued?.status === "fulfilled") return rescued.value;
    for (const child of children) output.note(`--- log of ${child.name} ---\n${child.log().trimEnd()}`);
    throw new FailedError("demo-failed", "the board was not healed; what both processes said is above");
  }

  #tell(event: NodeEvent, link: string, kinds: readonly string[]): void {
    if (kinds.includes(event.event)) this.#context.output.nodeEvent({ ...event, link });
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
