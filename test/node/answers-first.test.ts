import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Clock } from "../../src/base/clock.ts";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { memoryImage } from "../../src/image/image-source.ts";
import { fixedRepository, type Repository } from "../../src/image/repository.ts";
import { runDistress } from "../../src/node/distress-node.ts";
import type { NodeEvent } from "../../src/node/node-event.ts";
import { runRescue } from "../../src/node/rescue-node.ts";
import { createMemoryPair } from "../../src/sim/wires/memory-pair.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { decodeCobs } from "../../src/wire/cobs.ts";
import { decodeFrame } from "../../src/wire/frame.ts";
import { OPEN_HARDWARE, openBoardInMemory } from "../support/open-board.ts";
import { inVirtualTime } from "../support/virtual-time.ts";

const SIZE = 40_960;
const LINE = { baud: 115_200, latencyMs: 1 };
/** Time that the callback takes for each event. */
const EVENT_COST_MS = 20;

/**
 * The process of a node whose callback is slow: the time of the callback is added to its clock, and measured for each
 * write since the bytes or the timer that the write answers.
 */
class SlowProcess {
  readonly clock: Clock;
  readonly events: NodeEvent[] = [];
  /** In the order in which they happened: "write offer", "event ready". */
  readonly log: string[] = [];
  /** For each write: time spent in the callback since the input that it answers. */
  readonly delays: number[] = [];
  #spent = 0;
  #spentAtInput = 0;

  constructor(clock: Clock) {
    const answering = this.#answering.bind(this);
    this.clock = {
      now: () => clock.now() + this.#spent,
      after: (delay, fire) => clock.after(delay, () => answering(fire)),
    };
  }

  #answering(handle: () => void): void {
    this.#spentAtInput = this.#spent;
    handle();
  }

  onEvent(event: NodeEvent): void {
    this.events.push(event);
    this.log.push(`event ${event.event}`);
    this.#spent += EVENT_COST_MS;
  }

  /** The wire of this process. */
  over(wire: Transport): Transport {
    return {
      get facts() {
        return wire.facts;
      },
      open: (handlers) =>
        wire.open({
          onUp: () => this.#answering(() => handlers.onUp()),
          onDown: (error) => this.#answering(() => handlers.onDown(error)),
          onWritable: () => this.#answering(() => handlers.onWritable()),
          onBytes: (bytes) => this.#answering(() => handlers.onBytes(bytes)),
        }),
      write: (bytes) => {
        this.delays.push(this.#spent - this.#spentAtInput);
        this.log.push(`write ${kindOf(bytes)}`);
        return wire.write(bytes);
      },
      close: () => wire.close(),
    };
  }
}

/** The kind of a delimited frame; "fault" for frames of a session, which cannot be read without its tag. */
function kindOf(written: Uint8Array): string {
  const body = decodeCobs(written.filter((byte, i) => byte !== 0 || (i > 0 && i < written.length - 1)));
  return body === undefined ? "nothing" : decodeFrame(body, undefined).tag;
}

/** A repository that takes time, like one on a disk. */
function slowRepository(clock: Clock, repository: Repository, ms: number): Repository {
  const later = (): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve));
  return {
    ...repository,
    pick: async (criteria) => {
      await later();
      return await repository.pick(criteria);
    },
  };
}

async function rescueWithSlowEvents(pickMs: number): Promise<{ target: SlowProcess; rescuer: SlowProcess }> {
  const clock = new VirtualClock();
  const [near, far] = createMemoryPair(clock, { aToB: LINE, bToA: LINE });
  const [target, rescuer] = [new SlowProcess(clock), new SlowProcess(clock)];
  const data = randomBytes(new SeededRandom(1), SIZE);
  const version = { major: 1, minor: 0, patch: 0 };
  const repository = fixedRepository([memoryImage(data, { ...OPEN_HARDWARE, version }, undefined)]);
  const board = openBoardInMemory({ slotSize: SIZE });
  const common = { signal: new AbortController().signal, timeoutMs: 60_000 };
  const ends = await inVirtualTime(
    clock,
    Promise.all([
      runDistress({
        ...common,
        links: [target.over(near)],
        store: board.store(),
        clock: target.clock,
        onEvent: (event) => target.onEvent(event),
      }),
      runRescue({
        ...common,
        links: [rescuer.over(far)],
        repository: slowRepository(clock, repository, pickMs),
        allowUnsigned: true,
        once: true,
        clock: rescuer.clock,
        onEvent: (event) => rescuer.onEvent(event),
      }),
    ]),
  );
  expect(ends.map(({ reason }) => reason)).toEqual(["healed", "healed"]);
  return { target, rescuer };
}

describe("an onEvent callback that takes 20 ms", () => {
  it.each([0, 30])("delays no answer of either side, with a repository that takes %d ms", async (pickMs) => {
    const { target, rescuer } = await rescueWithSlowEvents(pickMs);
    for (const { events, delays } of [target, rescuer]) {
      expect(events.length).toBeGreaterThan(5);
      expect(delays.length).toBeGreaterThan(10);
      expect(Math.max(...delays)).toBe(0);
    }
  });

  it("is called for a distress only after the offer was sent, however long the repository takes", async () => {
    for (const pickMs of [0, 30]) {
      const { log } = (await rescueWithSlowEvents(pickMs)).rescuer;
      expect(log.indexOf("event distress")).toBeGreaterThan(log.indexOf("write offer"));
      expect(log.indexOf("write offer")).toBeGreaterThan(0);
    }
  });

  it("is called for every event, in order, before the run ends", async () => {
    const { target, rescuer } = await rescueWithSlowEvents(0);
    const kinds = (process: SlowProcess): string[] => [...new Set(process.events.map(({ event }) => event))];
    expect(kinds(target)).toEqual(["ready", "distress", "offer", "progress", "verified", "healed"]);
    expect(kinds(rescuer)).toEqual(["ready", "distress", "offer", "progress", "healed"]);
  });
});

describe("the sources of src/", () => {
  // The first call loads tables for 15 to 20 ms, which would delay a handshake.
  it("use no Intl, but for the list of ports and the reports of laboratories, which have no handshake", () => {
    const names = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((name) =>
      name.endsWith(".ts"),
    );
    const using = names.filter((name) =>
      /\.toLocale|\.localeCompare|\bIntl\./.test(readFileSync(`src/${name}`, "utf8")),
    );
    expect(names.length).toBeGreaterThan(200);
    expect(using).toEqual(["sim/many/story.ts", "sim/power-cuts/report.ts", "transport/serial/port-list.ts"]);
  });
});
