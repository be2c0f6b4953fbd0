import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import type { MemoryBoard } from "../../src/board/memory-board.ts";
import { HealedHook } from "../../src/cli/hooks/healed-hook.ts";
import { HookRunner } from "../../src/cli/hooks/hook-runner.ts";
import { type ImageSource, memoryImage } from "../../src/image/image-source.ts";
import { fixedRepository } from "../../src/image/repository.ts";
import { runDistress } from "../../src/node/distress-node.ts";
import type { NodeEvent } from "../../src/node/node-event.ts";
import { runRescue } from "../../src/node/rescue-node.ts";
import type { Verdict } from "../../src/node/verdict.ts";
import { providerBeacon } from "../../src/session/beacon.ts";
import { createMemoryPair } from "../../src/sim/wires/memory-pair.ts";
import type { Transport, TransportFacts } from "../../src/transport/transport.ts";
import { TransportWrapper } from "../../src/transport/transport-wrapper.ts";
import { encodeDelimited } from "../../src/wire/cobs.ts";
import { encodeMessage } from "../../src/wire/frame.ts";
import { openBoardInMemory } from "../support/open-board.ts";
import { inVirtualTime } from "../support/virtual-time.ts";

const SIZE = 16_384;
const LINE = { baud: 115_200, latencyMs: 1 };
/** The second board calls in the middle of the first one's transfer. */
const SECOND_AFTER_MS = 700;
/** A beacon of a third node, as it is on the wire. */
const PASSER_BY = encodeDelimited(
  encodeMessage(providerBeacon(new Uint8Array(8).fill(0xee), new Uint8Array(8)), 1),
);

/** A board with hardware of its own, for which only one of the images is suitable. */
function boardOf(number: number): { readonly board: MemoryBoard; readonly image: ImageSource; id: string } {
  const hardware = { vendor: "acme", hardwareClass: `gate-${number}` };
  const data = randomBytes(new SeededRandom(number), SIZE);
  const version = { major: number, minor: 0, patch: 0 };
  const board = openBoardInMemory({ id: number, hardware, slotSize: SIZE });
  return {
    board,
    image: memoryImage(data, { ...hardware, version }, undefined),
    id: toHex(new Uint8Array(8).fill(number)),
  };
}

/** A transport whose endpoint has another name. */
class NamedTransport extends TransportWrapper {
  readonly #name: string;

  constructor(inner: Transport, name: string) {
    super(inner);
    this.#name = name;
  }

  override get facts(): TransportFacts {
    return { ...super.facts, endpoint: this.#name };
  }
}

/** A wire whose rescuer end has a name. A beacon of a third node is heard on it every 300 ms. */
function wireOf(clock: VirtualClock, name: string): { readonly near: Transport; readonly far: Transport } {
  const [near, end] = createMemoryPair(clock, { aToB: LINE, bToA: LINE });
  for (let at = 100; at < 5000; at += 300) clock.after(at, () => near.write(PASSER_BY));
  return { near, far: new NamedTransport(end, name) };
}

interface Story {
  readonly events: readonly NodeEvent[];
  readonly verdict: Verdict;
  /** What the hook wrote: a line per run. */
  readonly hooks: readonly string[];
}

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "mayday-two-boards-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** Heals two boards at the same time, on two links of one rescuer. */
async function healBoth(boards: readonly ReturnType<typeof boardOf>[]): Promise<Story> {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const note = join(dir, "hooks");
  const hook = `sh -c 'echo "$MAYDAY_LINK $MAYDAY_PEER $MAYDAY_DIGEST $MAYDAY_VERSION" >> "$0"' '${note}'`;
  const warn = (text: string): void => expect.fail(text);
  const command = HealedHook.ofFlag(hook, { warn, runner: new HookRunner({ warn }) });
  const events: NodeEvent[] = [];
  const wires = boards.map((_, i) => wireOf(clock, `wire-${i}`));
  const common = { clock, signal: stop.signal, timeoutMs: 30_000 };
  const rescue = runRescue({
    ...common,
    links: wires.map(({ far }) => far),
    repository: fixedRepository(boards.map(({ image }) => image)),
    allowUnsigned: true,
    once: false,
    onEvent: (event) => {
      events.push(event);
      command.handle(event);
    },
  });
  const targets = boards.map(async ({ board }, i) => {
    await new Promise<void>((resolve) => void clock.after(i * SECOND_AFTER_MS, resolve));
    const links = wires.slice(i, i + 1).map(({ near }) => near);
    return await runDistress({ ...common, links, store: board.store(), onEvent: () => {} });
  });
  const ends = await inVirtualTime(clock, Promise.all(targets));
  expect(ends.map(({ reason }) => reason)).toEqual(["healed", "healed"]);
  stop.abort();
  const verdict = await inVirtualTime(clock, rescue);
  await command.finished();
  const hooks = (await readFile(note, "utf8")).trim().split("\n");
  return { events, verdict, hooks };
}

const linkOf = (event: NodeEvent): string => ("link" in event ? event.link : "");

describe("two boards that one rescuer heals at once", () => {
  it("have their own id, image and link in each event, in the hook and in the verdict", async () => {
    const boards = [boardOf(1), boardOf(2)];
    const { events, verdict, hooks } = await healBoth(boards);
    const order = events.flatMap((event) => (event.event === "healed" ? [event.link] : []));
    expect(order).toHaveLength(2);
    // The second board called before the first one was healed.
    const kinds = events.map((event) => `${event.event} ${linkOf(event)}`);
    expect(kinds.indexOf("distress wire-1")).toBeLessThan(kinds.indexOf("healed wire-0"));
    for (const [i, { id, image }] of boards.entries()) {
      const link = `wire-${i}`;
      const digest = toHex(image.digest);
      const own = events.filter((event) => linkOf(event) === link && "peer" in event);
      const named = own.map((event) => `${event.event} ${"peer" in event ? event.peer : ""}`);
      expect(new Set(named)).toEqual(
        new Set(["distress", "offer", "progress", "healed"].map((kind) => `${kind} ${id}`)),
      );
      expect(own).toContainEqual(
        expect.objectContaining({ event: "healed", digest, version: `${i + 1}.0.0`, blocks: 4 }),
      );
      expect(hooks).toContainEqual(`${link} ${id} ${digest} ${i + 1}.0.0`);
    }
    expect(hooks).toHaveLength(2);
    const last = boards[order[1] === "wire-0" ? 0 : 1];
    expect(verdict).toMatchObject({ peer: last?.id, digest: toHex(last?.image.digest ?? new Uint8Array()) });
    expect(verdict.blocks).toBe(8);
  });

  it("have the bytes and the time of their own session in their healed event", async () => {
    const { events, verdict } = await healBoth([boardOf(1), boardOf(2)]);
    const healed = events.flatMap((event) => (event.event === "healed" ? [event] : []));
    for (const { bytesTx, seconds } of healed) {
      expect(bytesTx).toBeGreaterThan(SIZE);
      expect(bytesTx).toBeLessThan(1.1 * SIZE);
      // Line time of the image at 115200 baud is 1.42 s.
      expect(seconds).toBeGreaterThan(1.4);
      expect(seconds).toBeLessThan(1.8);
    }
    expect(verdict.bytesTx).toBeGreaterThan(healed.reduce((sum, { bytesTx }) => sum + bytesTx, 0));
    expect(verdict.seconds).toBe(healed.at(-1)?.seconds);
  });
});
