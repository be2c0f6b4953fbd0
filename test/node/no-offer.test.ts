import { describe, expect, it } from "vitest";
import { FailedError } from "../../src/base/errors.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { adviceOn } from "../../src/cli/advice/run-advice.ts";
import { memoryImage } from "../../src/image/image-source.ts";
import { fixedRepository, type Repository } from "../../src/image/repository.ts";
import { runDistress } from "../../src/node/distress-node.ts";
import { runRescue } from "../../src/node/rescue-node.ts";
import type { Verdict } from "../../src/node/verdict.ts";
import { createMemoryPair } from "../../src/sim/wires/memory-pair.ts";
import { withFaults } from "../../src/sim/wires/transport-faults.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { openBoardInMemory } from "../support/open-board.ts";
import { inVirtualTime } from "../support/virtual-time.ts";

const LINE = { baud: 115_200, latencyMs: 1 };
/** Advice for a line that damages frames: wrong for a line without damaged frames. */
const LEVELS = /levels|baud/;

type Node = (clock: VirtualClock, wire: Transport) => Promise<Verdict>;

const target =
  (id = 7, timeoutMs = 6000): Node =>
  (clock, wire) => {
    const hardware = { vendor: "generic", hardwareClass: "widget" };
    const board = openBoardInMemory({ id, hardware });
    const signal = new AbortController().signal;
    const common = { signal, timeoutMs, clock, advice: adviceOn, onEvent: () => {} };
    return runDistress({ ...common, links: [wire], store: board.store() });
  };

const rescuer =
  (repository: Repository, timeoutMs = 8000): Node =>
  (clock, wire) => {
    const common = { signal: new AbortController().signal, timeoutMs, clock, onEvent: () => {} };
    return runRescue({ ...common, links: [wire], repository, allowUnsigned: true, once: false });
  };

const EMPTY = fixedRepository([]);
/** The most likely mistake: the image has a vendor, the board has none. */
const OTHER_HARDWARE = fixedRepository([
  memoryImage(
    new Uint8Array(100),
    { vendor: "acme", hardwareClass: "widget", version: { major: 1, minor: 0, patch: 0 } },
    undefined,
  ),
]);
const UNREADABLE: Repository = {
  ...EMPTY,
  pick: async () => {
    throw new FailedError("repo-unreadable", "images: no such directory");
  },
};

/** The verdicts of two nodes on one wire; the second one starts later. */
async function meet(
  first: Node,
  second: Node,
  laterMs: number,
  wrap = (wire: Transport, _clock: VirtualClock): Transport => wire,
): Promise<[Verdict, Verdict]> {
  const clock = new VirtualClock();
  const [a, b] = createMemoryPair(clock, { aToB: LINE, bToA: LINE });
  const later = async (): Promise<Verdict> => {
    await new Promise<void>((resolve) => void clock.after(laterMs, resolve));
    return await second(clock, b);
  };
  return await inVirtualTime(clock, Promise.all([first(clock, wrap(a, clock)), later()]));
}

const NO_IMAGE = "has nothing for this board: its repository holds no image";
const OTHERS = "has nothing for this board: its images are for other hardware";

describe("a board beside a rescuer without a suitable image", () => {
  const repositories: readonly (readonly [string, Repository, string])[] = [
    ["empty", EMPTY, NO_IMAGE],
    ["of other hardware", OTHER_HARDWARE, OTHERS],
    // None that it can read.
    ["unreadable", UNREADABLE, NO_IMAGE],
  ];

  it.each(repositories)(
    "says that a rescuer is there and offers nothing: repository %s",
    async (_what, repository, said) => {
      const [, verdict] = await meet(rescuer(repository), target(), 500);
      expect(verdict).toMatchObject({ code: 3, reason: "timeout" });
      expect(verdict.detail).toContain(said);
      expect(verdict.detail).not.toMatch(LEVELS);
    },
  );

  it.each(repositories)(
    "says so, too, if it started first: repository %s",
    async (_what, repository, said) => {
      const [verdict] = await meet(target(), rescuer(repository), 1000);
      expect(verdict.code).toBe(3);
      expect(verdict.detail).toContain(said);
      expect(verdict.detail).not.toMatch(LEVELS);
    },
  );
});

describe("two nodes of the same kind on one line", () => {
  it("say so at their timeout if they are boards in distress", async () => {
    for (const verdict of await meet(target(1), target(2), 300)) {
      expect(verdict).toMatchObject({ code: 3, reason: "timeout" });
      expect(verdict.detail).toContain("another board in distress is there, no rescuer");
      expect(verdict.detail).not.toMatch(LEVELS);
    }
  });

  it("hear nothing of each other if they are rescuers, which speak only to boards that call", async () => {
    const [first] = await meet(rescuer(EMPTY, 5000), rescuer(EMPTY, 5000), 300);
    expect(first).toMatchObject({ code: 3, reason: "timeout" });
    expect(first.detail).toContain("nothing was received");
    expect(first.detail).not.toMatch(LEVELS);
  });
});

describe("a line that damages frames", () => {
  it("is named as the fault when no frame of a node is received", async () => {
    const noisy = (wire: Transport, clock: VirtualClock): Transport =>
      withFaults(wire, { seed: 1, clock, ber: 0.02 });
    const [verdict] = await meet(rescuer(EMPTY), target(), 1000, noisy);
    expect(verdict.code).toBe(3);
    expect(verdict.detail).toMatch(LEVELS);
  });
});

describe("a board that nobody serves", () => {
  /** What a board alone on a wire says of its line within five minutes, with the time in virtual seconds. */
  async function alone(
    wrap = (wire: Transport, _clock: VirtualClock): Transport => wire,
  ): Promise<[number, string][]> {
    const clock = new VirtualClock();
    const [a] = createMemoryPair(clock, { aToB: LINE, bToA: LINE });
    const said: [number, string][] = [];
    const run = runDistress({
      signal: new AbortController().signal,
      timeoutMs: 300_000,
      clock,
      advice: adviceOn,
      links: [wrap(a, clock)],
      store: openBoardInMemory().store(),
      onEvent: (event) => {
        if (event.event === "link" && event.state === "calling")
          said.push([Math.round(clock.now() / 1000), event.detail ?? ""]);
      },
    });
    await inVirtualTime(clock, run, 400_000);
    return said;
  }

  it("says what was seen while it calls, more and more rarely", async () => {
    const said = await alone();
    expect(said.map(([at]) => at)).toEqual([10, 40, 130]);
    for (const [, text] of said) expect(text).toMatch(/^not healed for \d+ s: nothing was received. \S/);
  });
});
