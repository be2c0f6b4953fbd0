import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { openDirectoryRepository } from "../../src/image-files/directory-repository.ts";
import { type RunningCli, startCli } from "../support/cli.ts";
import { openSocatProgram, openSocatSocket, type SocatProgram } from "../support/socat-pair.ts";
import type { SwitchedLine } from "../support/switched-line.ts";
import { bootedBytes, openWorkbench, type Workbench } from "./workbench.ts";

const BAUD = 115_200;

/** A `mayday` process on a line. */
export interface LineNode {
  readonly run: RunningCli;
  /** Milliseconds since 1970 of its first event of this kind, by its own clock; undefined: it has told of none. */
  timeOf(event: string): number | undefined;
  /** SIGKILL; resolves when it has ended. */
  kill(): Promise<void>;
}

/** A target in distress, and its board. */
export interface LineTarget extends LineNode {
  /**
   * Seconds from now until it has ended as healed, with the image byte for byte; throws when it ends otherwise, or is not
   * healed within `limitMs`.
   */
  healed(limitMs: number): Promise<number>;
}

interface StartOptions {
  readonly baud?: number | undefined;
  readonly hasLog?: boolean;
}

/** Rescuers and targets as processes, at 115200 baud, and a repository with one image for all boards. */
export class NodesOnLines {
  readonly bench: Workbench;
  readonly #firmware: Uint8Array;
  readonly #repo: string;
  readonly #limitMs: number;
  readonly #nodes: RunningCli[] = [];
  readonly #ports: SocatProgram[] = [];
  #made = 0;

  private constructor(bench: Workbench, firmware: Uint8Array, repo: string, limitMs: number) {
    this.bench = bench;
    this.#firmware = firmware;
    this.#repo = repo;
    this.#limitMs = limitMs;
  }

  /**
   * Processes are killed after `limitMs`, and by {@link NodesOnLines.close}. The image has `imageBytes`, 65,536 at most,
   * in blocks of 4 KiB.
   */
  static async open(limitMs: number, imageBytes: number): Promise<NodesOnLines> {
    const bench = await openWorkbench();
    const firmware = randomBytes(new SeededRandom(1), imageBytes);
    await writeFile(bench.path("firmware.bin"), firmware);
    const repo = bench.path("images");
    await (await openDirectoryRepository(repo, { create: true })).add(await bench.image("line", "owner"));
    return new NodesOnLines(bench, firmware, repo, limitMs);
  }

  /** The repository, for other commands. */
  get repo(): string {
    return this.#repo;
  }

  /** Starts a rescuer; it has opened its port when this resolves. */
  async rescuer(path: string, baud?: number): Promise<LineNode> {
    const node = this.start("rescue", path, ["--repo", this.#repo], { baud });
    await node.run.saw(/"event":"ready"/);
    return node;
  }

  /** Starts a target with an empty board; it has opened its port when this resolves. */
  async target(path: string, baud?: number): Promise<LineTarget> {
    const dir = await this.board();
    const node = this.start("distress", path, ["--board", dir], { baud });
    await node.run.saw(/"event":"ready"/);
    return { ...node, healed: (limitMs) => this.#healed(node, dir, limitMs) };
  }

  /** The folder of a new board, empty or with the image. */
  board(image?: string): Promise<string> {
    return this.bench.board(`board-${this.#made++}`, image);
  }

  /** A target on a port of its own, plugged into `line`. */
  async plugTarget(line: SwitchedLine): Promise<LineTarget> {
    return this.target(await this.#plugPort(line), line.baud);
  }

  /** A rescuer on a port of its own, plugged into `line`. */
  async plugRescuer(line: SwitchedLine): Promise<LineNode> {
    return this.rescuer(await this.#plugPort(line), line.baud);
  }

  async #plugPort(line: SwitchedLine): Promise<string> {
    const port = await openSocatSocket();
    this.#ports.push(port);
    line.plug(port.socket);
    return port.path;
  }

  /** A program with a terminal, plugged into `line`; see {@link openSocatProgram}. */
  async plugProgram(line: SwitchedLine, command: string): Promise<SocatProgram> {
    const program = await openSocatProgram(command);
    this.#ports.push(program);
    line.plug(program.socket);
    return program;
  }

  async close(): Promise<void> {
    for (const node of this.#nodes) await kill(node);
    for (const port of this.#ports) await port.close();
    await this.bench.close();
  }

  /** Starts a command that opens a line. `hasLog`: it takes `--log`; it does unless given. */
  start(command: string, path: string, args: readonly string[], options: StartOptions = {}): LineNode {
    const log = this.bench.path(`log-${this.#made++}`);
    const link = `serial:${path}?baud=${options.baud ?? BAUD}`;
    const logArgs = options.hasLog === false ? [] : ["--log", log];
    const words = [command, "--link", link, ...args, ...logArgs, "--json"];
    const run = startCli(words, { limitMs: this.#limitMs });
    this.#nodes.push(run);
    return { run, timeOf: (event) => timeIn(log, event), kill: () => kill(run) };
  }

  async #healed({ run }: LineNode, dir: string, limitMs: number): Promise<number> {
    const start = performance.now();
    const limit = setTimeout(() => run.child.kill("SIGKILL"), limitMs);
    const { code, stdout, stderr } = await run.ended;
    clearTimeout(limit);
    const seconds = (performance.now() - start) / 1000;
    if (code !== 0) throw new Error(`exit code ${code} after ${seconds.toFixed(1)} s:\n${stdout}\n${stderr}`);
    if (Buffer.compare(bootedBytes(dir), this.#firmware) !== 0) throw new Error("healed with other bytes");
    return seconds;
  }
}

async function kill({ child, ended }: RunningCli): Promise<void> {
  child.kill("SIGKILL");
  await ended;
}

function timeIn(log: string, event: string): number | undefined {
  const lines = readFileSync(log, "utf8")
    .split("\n")
    .filter((line) => line.includes(`"event":"${event}"`));
  const [first] = lines;
  if (first === undefined) return undefined;
  return Date.parse((JSON.parse(first) as { readonly time: string }).time);
}
