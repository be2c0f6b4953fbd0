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

  /** Starts a rescuer; it has opened its port when this resolves. */
  rescuer(path: string): Promise<LineNode> {
    return this.#start("rescue", path, ["--repo", this.#repo]);
  }

  /** Starts a target with an empty board; it has opened its port when this resolves. */
  async target(path: string): Promise<LineTarget> {
    const dir = await this.bench.board(`board-${this.#made++}`);
    const node = await this.#start("distress", path, ["--board", dir]);
    return { ...node, healed: (limitMs) => this.#healed(node, dir, limitMs) };
  }

  /** A target on a port of its own, plugged into `line`. */
  async plugTarget(line: SwitchedLine): Promise<LineTarget> {
    const port = await openSocatSocket();
    this.#ports.push(port);
    line.plug(port.socket);
    return this.target(port.path);
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

  async #start(command: string, path: string, args: readonly string[]): Promise<LineNode> {
    const log = this.bench.path(`log-${this.#made++}`);
    const link = `serial:${path}?baud=${BAUD}`;
    const words = [command, "--link", link, ...args, "--log", log, "--json"];
    const run = startCli(words, { limitMs: this.#limitMs });
    this.#nodes.push(run);
    await run.saw(/"event":"ready"/);
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
