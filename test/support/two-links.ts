import { SeededRandom } from "../../src/base/prng.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { type MemoryBoard, memoryBoard } from "../../src/board/memory-board.ts";
import { trustedKeyOf } from "../../src/image/keys.ts";
import type { Repository } from "../../src/image/repository.ts";
import { runDistress } from "../../src/node/distress-node.ts";
import type { NodeEvent } from "../../src/node/node-event.ts";
import { runRescue } from "../../src/node/rescue-node.ts";
import type { Verdict } from "../../src/node/verdict.ts";
import { createMemoryPair } from "../../src/sim/wires/memory-pair.ts";
import { testKey } from "./virtual-rescue.ts";
import { inVirtualTime, pass } from "./virtual-time.ts";

const LINE = { baud: 115_200, latencyMs: 1 };
const LIMIT_MS = 600_000;
/** What is still on the lines when both boards are healed. */
const REST_MS = 500;

/** The endpoint of the rescuer's link to board `index`. */
export function linkTo(index: number): string {
  return `link-${index}`;
}

/** A board that trusts the test key, with an id that ends in its number. */
export function numberedBoard(index: number, hardwareClass: string): MemoryBoard {
  return memoryBoard({
    geometry: { sectorSize: 4096, slotSize: 16_384, layout: "single" },
    identity: {
      nodeId: Uint8Array.of(7, 7, 7, 7, 7, 7, 7, index),
      hardware: { vendor: "acme", hardwareClass },
      revision: 3,
    },
    policy: { keys: [trustedKeyOf(testKey, ["app"])], allowUnsigned: false },
  });
}

/** What is told of a run. */
export interface TwoLinksRun {
  readonly repository: Repository;
  readonly boards: readonly MemoryBoard[];
  /** When each board begins to call, in milliseconds; 0 unless given. */
  readonly startsAt?: readonly number[];
  /** Of ids, nonces and jitter; 1 unless given. */
  readonly seed?: number;
  onEvent?(event: NodeEvent): void;
}

/** One rescuer with a link to each board, in virtual time, until all boards are healed or the time is over; then it is stopped. */
export async function healOverLinks({
  repository,
  boards,
  startsAt,
  seed = 1,
  onEvent,
}: TwoLinksRun): Promise<{
  readonly boardVerdicts: readonly Verdict[];
  readonly boardEvents: readonly NodeEvent[];
  readonly verdict: Verdict;
  readonly events: readonly NodeEvent[];
}> {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const options = { aToB: LINE, bToA: LINE };
  const pairs = boards.map((_, i) =>
    createMemoryPair(clock, { ...options, names: [`board-${i}`, linkTo(i)] }),
  );
  const events: NodeEvent[] = [];
  const boardEvents: NodeEvent[] = [];
  const common = { signal: stop.signal, clock };
  const rescue = runRescue({
    ...common,
    random: new SeededRandom(3 * seed),
    links: pairs.map(([, far]) => far),
    repository,
    allowUnsigned: false,
    once: false,
    onEvent: (event) => {
      events.push(event);
      onEvent?.(event);
    },
  });
  const call = async (index: number): Promise<Verdict> => {
    const [board, pair] = [boards[index], pairs[index]];
    if (board === undefined || pair === undefined) throw new Error(`no board ${index}`);
    await new Promise<void>((resolve) => clock.after(startsAt?.[index] ?? 0, resolve));
    const store = board.store();
    return await runDistress({
      ...common,
      random: new SeededRandom(3 * seed + 1 + index),
      links: [pair[0]],
      store,
      timeoutMs: LIMIT_MS,
      onEvent: (event) => boardEvents.push(event),
    });
  };
  const calls = Promise.all(boards.map((_, index) => call(index)));
  const boardVerdicts = await inVirtualTime(clock, calls, LIMIT_MS);
  await pass(clock, REST_MS);
  stop.abort("SIGTERM");
  const verdict = await inVirtualTime(clock, rescue);
  return { boardVerdicts, boardEvents, verdict, events };
}
