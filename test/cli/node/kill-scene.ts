import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { equalBytes } from "../../../src/base/bytes.ts";
import { randomBelow, SeededRandom } from "../../../src/base/prng.ts";
import { runCli } from "../../support/cli.ts";
import { bootedBytes, bootOf, freePort } from "../workbench.ts";
import { openScene, portAt, type Scene, type SceneNode, until } from "./scene.ts";

/** Six boards: a chain of three, and the third one's fan-out to three. */
const BOARDS = 6;
/** Kills come within this time from the start of the installation: what the spread takes without them, and more. */
const KILLS_WITHIN_MS = 9_000;
/** A killed node starts again within this time. */
const DOWN_MAX_MS = 1_000;
/** A lost session is noticed, asked for again, and an ask that failed is repeated after a minute. */
const LIMIT_MS = 100_000;
const START_LIMIT_MS = 40_000;

/** One planned kill. */
export interface Kill {
  readonly atMs: number;
  readonly board: number;
  readonly downMs: number;
}

/** What a node did when it was killed, as its events told it. */
export type Doing = "starting" | "idle" | "installing" | "target" | "rescuer";

export interface KillRun {
  readonly seed: number;
  readonly kills: readonly (Kill & { readonly doing: Doing })[];
  /** From the installation until all six boards ran it. */
  readonly seconds: number;
  /** What should not be; empty if nothing is. */
  readonly faults: readonly string[];
}

/** The kills of a run, by time: the same seed, the same kills. */
export function killsOf(seed: number, count: number): readonly Kill[] {
  const random = new SeededRandom(seed);
  const kills = Array.from({ length: count }, () => ({
    atMs: randomBelow(random, KILLS_WITHIN_MS),
    board: randomBelow(random, BOARDS),
    downMs: randomBelow(random, DOWN_MAX_MS + 1),
  }));
  return kills.sort((a, b) => a.atMs - b.atMs);
}

/** The endpoints of each board: 1 and 2, and 2 and 4, are joined by TCP, the others by serial cables. */
async function endpointsIn(scene: Scene): Promise<readonly (readonly string[])[]> {
  const near = await freePort();
  const far = await freePort();
  const [first, third, fifth] = await Promise.all(["w01", "w23", "w25"].map((name) => scene.cable(name)));
  if (first === undefined || third === undefined || fifth === undefined) throw new Error("no cable");
  return [
    [portAt(first.a)],
    [portAt(first.b), `tcp-listen:127.0.0.1:${near}`],
    [`tcp:127.0.0.1:${near}`, portAt(third.a), `tcp-listen:127.0.0.1:${far}`, portAt(fifth.a)],
    [portAt(third.b)],
    [`tcp:127.0.0.1:${far}`],
    [portAt(fifth.b)],
  ];
}

/** A board and the process that runs it now. */
class KilledBoard {
  readonly dir: string;
  readonly number: number;
  readonly faults: string[] = [];
  readonly #start: () => SceneNode;
  #node: SceneNode;
  #isDown = false;
  #client: Promise<unknown> = Promise.resolve();

  constructor(scene: Scene, number: number, dir: string, endpoints: readonly string[]) {
    this.dir = dir;
    this.number = number;
    this.#start = () => scene.node(dir, endpoints, 'control = "write"');
    this.#node = this.#begin();
  }

  #begin(): SceneNode {
    const node = this.#start();
    void node.ended.then(({ code, stderr }) => {
      if (this.#node === node && !this.#isDown)
        this.faults.push(`${this.#name} ended with ${code}: ${stderr}`);
    });
    this.#isDown = false;
    this.#node = node;
    return node;
  }

  get #name(): string {
    return `board ${this.number}`;
  }

  #has(test: (event: Readonly<Record<string, unknown>>) => boolean): boolean {
    return this.#node.events().some(test);
  }

  get isUp(): boolean {
    return (
      !this.#isDown &&
      this.#has(({ event }) => event === "socket") &&
      this.#has(({ event }) => event === "booted")
    );
  }

  get hasNeighbour(): boolean {
    return this.#has(({ event }) => event === "neighbour");
  }

  runs(version: string): boolean {
    const booted = this.#node.events().findLast(({ event }) => event === "booted");
    return !this.#isDown && booted?.["version"] === version;
  }

  get doing(): Doing {
    if (!this.isUp) return "starting";
    const roles = new Map<unknown, unknown>();
    for (const { event, link, role } of this.#node.events()) if (event === "role") roles.set(link, role);
    const now = [...roles.values()];
    return now.includes("target") ? "target" : now.includes("rescuer") ? "rescuer" : "idle";
  }

  /** SIGKILL, and another start after `downMs`. */
  async kill(downMs: number): Promise<void> {
    this.#isDown = true;
    this.#node.child.kill("SIGKILL");
    await this.#node.ended;
    await sleep(downMs);
    // One that found no node any more writes to the board itself, which it holds meanwhile.
    await this.#client;
    this.#begin();
  }

  /** Installs an image through the node; again when that was killed meanwhile. */
  async install(image: string): Promise<void> {
    for (const end = Date.now() + LIMIT_MS; Date.now() < end; await sleep(200)) {
      // A killed node may have installed it and not said so.
      if (this.runs("1.1.0")) return;
      if (!this.isUp) continue;
      this.#client = runCli(["board", "install", this.dir, image, "--json"]);
      await this.#client;
    }
  }

  /** Its last events, for a failure. */
  tail(): string {
    const events = this.#node.events().slice(-12);
    return `${this.#name}\n${events.map((event) => JSON.stringify(event)).join("\n")}`;
  }

  /** Stops it as a service manager does, and looks at what is left. */
  async finish(image: Uint8Array): Promise<void> {
    this.#isDown = true;
    const code = await this.#node.stop();
    const check = (isRight: boolean, fault: string): void => {
      if (!isRight) this.faults.push(`${this.#name}: ${fault}`);
    };
    check(code === 0, `stopped with ${code}`);
    check(!existsSync(join(this.dir, "lock")), "left its lock");
    check(!existsSync(`${this.dir}.sock`), "left its socket");
    check(bootOf(this.dir) === "1.1.0", `boots ${bootOf(this.dir)}`);
    if (bootOf(this.dir) === "1.1.0")
      check(equalBytes(bootedBytes(this.dir), image), "its flash is not the image");
  }
}

/** Carries out the kills of one seed while 1.1 spreads from board 0. */
export async function killRun(seed: number, count: number): Promise<KillRun> {
  const scene = await openScene();
  const done: (Kill & { readonly doing: Doing })[] = [];
  const boards: KilledBoard[] = [];
  let seconds = 0;
  try {
    for (const [i, endpoints] of (await endpointsIn(scene)).entries()) {
      const dir = await scene.bench.board(`kill-${i}`, scene.bench.path("v10.mdy"), { layout: "ab" });
      boards.push(new KilledBoard(scene, i, dir, endpoints));
    }
    const tails = (): string => boards.map((board) => board.tail()).join("\n");
    await until(() => boards.every((board) => board.isUp && board.hasNeighbour), START_LIMIT_MS, tails);
    const since = Date.now();
    let isInstalling = true;
    const installed = boards[0]?.install(scene.bench.path("v11.mdy")).then(() => {
      isInstalling = false;
    });
    const restarts: Promise<void>[] = [];
    for (const kill of killsOf(seed, count)) {
      await sleep(Math.max(0, since + kill.atMs - Date.now()));
      const board = boards[kill.board];
      if (board === undefined) continue;
      await restarts[kill.board];
      const doing = kill.board === 0 && isInstalling && board.isUp ? "installing" : board.doing;
      done.push({ ...kill, doing });
      restarts[kill.board] = board.kill(kill.downMs);
    }
    await Promise.all(restarts);
    await installed;
    const isOver = (): boolean =>
      boards.every((board) => board.isUp && board.runs("1.1.0")) ||
      boards.some(({ faults }) => faults.length > 0);
    await until(isOver, LIMIT_MS, tails);
    seconds = (Date.now() - since) / 1000;
    const image = new Uint8Array(readFileSync(scene.bench.path("v11.bin")));
    await Promise.all(boards.map((board) => board.finish(image)));
    return { seed, kills: done, seconds, faults: boards.flatMap(({ faults }) => faults) };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return { seed, kills: done, seconds, faults: [...boards.flatMap(({ faults }) => faults), text] };
  } finally {
    await scene.close();
  }
}
