import { expect } from "vitest";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import type { MemoryBoard } from "../../src/board/memory-board.ts";
import { fixedRepository } from "../../src/image/repository.ts";
import { linkKeyOf } from "../../src/node/derived-link-key.ts";
import { runDistress } from "../../src/node/distress-node.ts";
import { type NodeOptions, type RunningNode, runNode } from "../../src/node/full-node.ts";
import type { NodeEvent } from "../../src/node/node-event.ts";
import { type RescueOptions, runRescue } from "../../src/node/rescue-node.ts";
import type { Verdict } from "../../src/node/verdict.ts";
import { createMemoryPair } from "../../src/sim/wires/memory-pair.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { imageOf } from "../attacks/duel.ts";
import { numberedBoard } from "../support/two-links.ts";
import { inVirtualTime, passUntil } from "../support/virtual-time.ts";

const LINE = { baud: 115_200, latencyMs: 1 };
/** How long a board may take. */
export const WAIT_MS: Millis = 20_000;
const DATA = randomBytes(new SeededRandom(5), 8192);
export const BY_APP = imageOf(DATA, { confirm: "by-app" });
export const ON_VERIFY = imageOf(DATA);
export const IMAGES = fixedRepository([BY_APP]);
export const LINK_KEY = linkKeyOf(new Uint8Array(32).fill(5));

type Told = NodeEvent & { readonly at: Millis };

/** A rescuer and boards on wires, in virtual time. */
export class WaitBench {
  readonly clock: VirtualClock = new VirtualClock();
  readonly told: Told[] = [];
  readonly #stop: AbortController = new AbortController();
  readonly #runs: Promise<Verdict>[] = [];

  wire(name: string): readonly [board: Transport, rescuer: Transport] {
    return createMemoryPair(this.clock, { aToB: LINE, bToA: LINE, names: [`${name} board`, name] });
  }

  rescue(links: readonly Transport[], more: Partial<RescueOptions> = {}): Promise<Verdict> {
    return runRescue({
      clock: this.clock,
      random: new SeededRandom(1),
      links,
      repository: IMAGES,
      allowUnsigned: false,
      once: true,
      waitHealthyMs: WAIT_MS,
      onEvent: (event) => this.told.push({ ...event, at: this.clock.now() }),
      ...more,
    });
  }

  /** A node with an empty board. */
  node(
    link: Transport,
    more: Partial<NodeOptions> = {},
    board: MemoryBoard = numberedBoard(1, "gate"),
  ): RunningNode {
    let running: RunningNode | undefined;
    const run = runNode({
      clock: this.clock,
      random: new SeededRandom(2 + this.#runs.length),
      signal: this.#stop.signal,
      links: [{ source: link, linkKey: more.links?.[0]?.linkKey }],
      board: board.store({ allowUpdate: true }),
      policy: { update: "auto", allowSingle: false },
      fanOut: 1,
      onRunning: (handle) => {
        running = handle;
      },
      onEvent: () => {},
      ...more,
    });
    this.#runs.push(run);
    if (running === undefined) throw new Error("the node does not run");
    return running;
  }

  distress(link: Transport, board: MemoryBoard = numberedBoard(1, "gate")): Promise<Verdict> {
    return runDistress({
      clock: this.clock,
      random: new SeededRandom(9),
      links: [link],
      store: board.store(),
      onEvent: () => {},
    });
  }

  of<Name extends NodeEvent["event"]>(name: Name): (Told & { readonly event: Name })[] {
    return this.told.filter((event): event is Told & { readonly event: Name } => event.event === name);
  }

  async until(name: NodeEvent["event"], limitMs: Millis = 60_000): Promise<Millis> {
    if (await passUntil(this.clock, () => this.of(name).length > 0, limitMs)) return this.clock.now();
    throw new Error(`no ${name}: ${JSON.stringify(this.told.map(({ event }) => event))}`);
  }

  /** How the rescuer ended, in seconds since the heal. */
  async ended(run: Promise<Verdict>): Promise<Verdict & { readonly afterS: number }> {
    const verdict = await inVirtualTime(this.clock, run, 600_000);
    return { ...verdict, afterS: (this.clock.now() - (this.of("healed")[0]?.at ?? 0)) / 1000 };
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await inVirtualTime(this.clock, Promise.all(this.#runs));
    expect(this.clock.runningTimers).toBe(0);
  }
}
