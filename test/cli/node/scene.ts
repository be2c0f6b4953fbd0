import { cpSync, writeFileSync } from "node:fs";
import { randomBytes, SeededRandom } from "../../../src/base/prng.ts";
import type { CliEvent } from "../../support/cli.ts";
import { type RunningCli, runCli, startCli } from "../../support/cli.ts";
import { openWorkbench, type Workbench } from "../workbench.ts";

/** Bytes of the firmware of a scene: 16 blocks. */
export const SCENE_FIRMWARE_SIZE = 65_536;
const BAUD = 921_600;

/** A node of a scene, as a process. */
export interface SceneNode extends RunningCli {
  /** Its events so far. */
  events(): readonly CliEvent[];
  /** Stops it as a service manager does; resolves with its exit status. */
  stop(): Promise<number>;
}

/** Boards on disk, cables between them, and nodes that run on them. */
export interface Scene {
  readonly bench: Workbench;
  /** A cable between two boards, with its two ports; runs until the scene ends. */
  cable(name: string): Promise<{ readonly a: string; readonly b: string }>;
  /** Starts the node of a board on these endpoints, with more lines of configuration, and more environment. */
  node(
    board: string,
    endpoints: readonly string[],
    settings?: string,
    env?: Readonly<Record<string, string>>,
  ): SceneNode;
  /** A fresh copy of a board. */
  copy(board: string, to: string): string;
  close(): Promise<void>;
}

/** The endpoint of a port at the rate of a scene's cables. */
export function portAt(path: string): string {
  return `serial:${path}?baud=${BAUD}`;
}

/** Opens a workbench with images `v10` (1.0.0) and `v11` (1.1.0) of 64 KiB for its hardware, signed by its owner. */
export async function openScene(): Promise<Scene> {
  const bench = await openWorkbench();
  for (const [name, minor] of [
    ["v10", 0],
    ["v11", 1],
  ] as const) {
    writeFileSync(bench.path(`${name}.bin`), randomBytes(new SeededRandom(100 + minor), SCENE_FIRMWARE_SIZE));
    await bench.image(name, "owner", { version: { major: 1, minor, patch: 0 } }, bench.path(`${name}.bin`));
  }
  const running: RunningCli[] = [];
  const cable: Scene["cable"] = async (name) => {
    const ports = { a: bench.path(`${name}.a`), b: bench.path(`${name}.b`) };
    const limits = { limitMs: 400_000 };
    const started = startCli(
      ["cable", "--a", ports.a, "--b", ports.b, "--baud", String(BAUD), "--json"],
      limits,
    );
    running.push(started);
    await started.saw(/"ready"/);
    return ports;
  };
  const node: Scene["node"] = (board, endpoints, settings = "", env = {}) => {
    const links = endpoints.map((endpoint) => `[[link]]\nendpoint = ${JSON.stringify(endpoint)}\n`);
    const config = `${board}.toml`;
    writeFileSync(
      config,
      `board = ${JSON.stringify(board)}\nsocket = "${board}.sock"\n${settings}\n${links.join("")}`,
    );
    const started = startCli(["node", "--config", config, "--json"], { limitMs: 120_000, env });
    running.push(started);
    return sceneNode(started);
  };
  const close = async (): Promise<void> => {
    for (const { child } of running) child.kill("SIGKILL");
    await Promise.all(running.map(({ ended }) => ended));
    await bench.close();
  };
  const copy: Scene["copy"] = (board, to) => {
    cpSync(board, bench.path(to), { recursive: true });
    return bench.path(to);
  };
  return { bench, cable, node, copy, close };
}

function sceneNode(started: RunningCli): SceneNode {
  let text = "";
  started.child.stdout?.on("data", (piece: string) => {
    text += piece;
  });
  const events = (): CliEvent[] =>
    text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as CliEvent);
  const stop = async (): Promise<number> => {
    started.child.kill("SIGTERM");
    return (await started.ended).code;
  };
  return { ...started, events, stop };
}

/** The status of a node, through its control socket. */
export async function statusOf(board: string): Promise<CliEvent> {
  const { events, stderr } = await runCli(["status", "--node", `${board}.sock`, "--json"]);
  const status = events.find(({ event }) => event === "status");
  if (status === undefined) throw new Error(stderr);
  return status;
}

/** Resolves when the condition holds; rejects after the time with what `describe` says. */
export async function until(
  condition: () => boolean,
  limitMs: number,
  describe: () => string,
): Promise<void> {
  const end = Date.now() + limitMs;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`not within ${limitMs / 1000} s: ${describe()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
