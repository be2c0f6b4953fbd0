import { describe, expect, it } from "vitest";
import { randomBelow, randomChance, SeededRandom } from "../../src/base/prng.ts";
import { BATCH_MAX } from "../../src/fleet/fleet-messages.ts";
import { emptyOutbox, OutboxQueue } from "../../src/fleet/outbox-queue.ts";
import {
  CURSOR_WAIT_MAX_MS,
  CURSOR_WAIT_MS,
  UplinkMachine,
  WINDOW_MAX,
} from "../../src/fleet/uplink-machine.ts";
import { OutboxWorld } from "./outbox-world.ts";
import { heal, hex16, progress, RUN } from "./support.ts";

const SEEDS = 300;
const KINDS_OF_DEATH = ["no", "before", "after-lines", "after-cursor"] as const;

/** One random thing happens. Ids of heals that may not be lost from now on are added. */
function fault(world: OutboxWorld, next: () => number, owed: Set<string>): void {
  const { random } = world;
  switch (randomBelow(random, 12)) {
    case 0:
    case 1:
    case 2: {
      const report = randomChance(random, 0.7) ? heal(next()) : progress(next());
      world.report(report);
      break;
    }
    case 3:
      world.killSite();
      break;
    case 4:
      world.connect();
      break;
    case 5:
      world.disconnect();
      break;
    case 6:
      world.killBroker([0, 0.5, 1][randomBelow(random, 3)] ?? 0);
      break;
    case 7:
    case 8:
      world.send();
      break;
    case 9:
      world.answer();
      break;
    case 10:
      world.deliver(KINDS_OF_DEATH[randomBelow(random, KINDS_OF_DEATH.length)]);
      break;
    default:
      world.isDiskFull = randomChance(random, 0.2);
      world.step(randomBelow(random, 120_000));
  }
  for (const { id, kind } of world.disk.reports) if (kind === "healed") owed.add(id);
}

describe("a report on the disk of a site", () => {
  it(`is collected exactly once, with ${SEEDS} seeds of deaths of site, broker and collector`, () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const world = new OutboxWorld(seed);
      const owed = new Set<string>();
      let n = 0;
      for (let i = 0; i < 150; i++) fault(world, () => ++n, owed);
      world.settle();
      const collected = world.collected();
      expect(new Set(collected).size, `seed ${seed}: doubles`).toBe(collected.length);
      expect(
        [...owed].filter((id) => !collected.includes(id)),
        `seed ${seed}: lost`,
      ).toEqual([]);
      expect(world.queue.size, `seed ${seed}: left in the outbox`).toBe(0);
    }
  });

  it("is collected by one or more of three collectors, and their files together have it once by its id", () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const world = new OutboxWorld(seed, 3);
      const owed = new Set<string>();
      let n = 0;
      for (let i = 0; i < 150; i++) fault(world, () => ++n, owed);
      world.settle();
      const collected = new Set(world.collected());
      expect(
        [...owed].filter((id) => !collected.has(id)),
        `seed ${seed}: lost`,
      ).toEqual([]);
      expect(world.queue.size, `seed ${seed}: left in the outbox`).toBe(0);
    }
  });

  it("comes to a collector whose disk was wiped, and to a site whose disk is a copy of an older one", () => {
    const world = new OutboxWorld(1);
    for (let n = 1; n <= 3; n++) world.report(heal(n));
    const copy = world.disk;
    world.settle();
    for (let n = 4; n <= 6; n++) world.report(heal(n));
    world.settle();
    expect(world.collected()).toHaveLength(6);
    // The numbers 4 to 6 are given again.
    world.disk = copy;
    world.killSite();
    world.settle();
    for (let n = 7; n <= 9; n++) world.report(heal(n));
    world.settle();
    expect(new Set(world.collected()).size).toBe(9);
    world.stores[0] = { lines: [], cursor: undefined };
    world.killCollector();
    world.report(heal(10));
    world.settle();
    expect(world.collected()).toEqual([heal(10).id]);
  });

  it("waits for 24 hours of partition, and for a full disk", () => {
    const world = new OutboxWorld(2);
    world.connect();
    world.disconnect();
    for (let hour = 0; hour < 24; hour++) {
      world.report(heal(hour));
      world.step(3_600_000);
    }
    world.isDiskFull = true;
    world.report(heal(100));
    expect(world.send()).toBe(false);
    world.connect();
    while (world.send()) world.answer();
    expect(world.machine.pollBatch(world.now), "what is not on the disk is not sent").toBeUndefined();
    world.settle();
    expect(world.collected()).toHaveLength(25);
  });
});

describe("an outbox", () => {
  it("gives up the oldest progress first, then distress, then what nothing proves, and never a proven result", () => {
    const queue = new OutboxQueue(emptyOutbox(hex16(1)), 4);
    const kinds = (): string[] =>
      queue.content.reports.map(({ kind, proven }) => `${kind}${proven ? "!" : ""}`);
    queue.add(heal(1));
    queue.add(heal(2, { proven: false }));
    queue.add(heal(3, { kind: "distress" }));
    queue.add(progress(4));
    expect(queue.add(progress(5)).gaveWay?.seq).toBe(4);
    queue.add(heal(6));
    expect(kinds()).toEqual(["healed!", "healed", "distress!", "healed!"]);
    queue.add(heal(7));
    queue.add(heal(8));
    expect(kinds()).toEqual(["healed!", "healed!", "healed!", "healed!"]);
    expect(queue.add(heal(9)).gaveWay).toBeUndefined();
    expect(queue.add(progress(10)).gaveWay?.kind).toBe("progress");
    expect([queue.size, queue.dropped]).toEqual([5, 5]);
  });

  it("forgets by a cursor of its epoch only, and never by an older one", () => {
    const queue = new OutboxQueue(emptyOutbox(hex16(1)));
    const machine = new UplinkMachine(0, queue, new SeededRandom(1), RUN);
    for (let n = 1; n <= 5; n++) queue.add(heal(n));
    machine.handleStored(5);
    machine.handleConnected();
    machine.handleCursor(0, { v: 1, epoch: hex16(2), through: 5 });
    expect(queue.size).toBe(5);
    machine.handleCursor(0, { v: 1, epoch: hex16(1), through: 3 });
    machine.handleCursor(0, { v: 1, epoch: hex16(1), through: 2 });
    expect(queue.content.reports.map(({ seq }) => seq)).toEqual([4, 5]);
  });
});

describe("an uplink", () => {
  const filled = (reports: number): { queue: OutboxQueue; machine: UplinkMachine } => {
    const queue = new OutboxQueue(emptyOutbox(hex16(1)));
    for (let n = 1; n <= reports; n++) queue.add(heal(n));
    const machine = new UplinkMachine(0, queue, new SeededRandom(1), RUN);
    return { queue, machine };
  };

  it("sends nothing before the broker is there, and nothing that is not stored", () => {
    const { queue, machine } = filled(1);
    expect(machine.pollBatch(0)).toBeUndefined();
    queue.add(heal(2));
    machine.handleConnected();
    expect(machine.pollBatch(0)?.batch.reports.map(({ seq }) => seq)).toEqual([1]);
    machine.handleStored(2);
    expect(machine.pollBatch(0)?.batch.reports.map(({ seq }) => seq)).toEqual([2]);
  });

  it("sends in batches that follow one another, no more than the window without a cursor", () => {
    const { machine } = filled(1000);
    machine.handleConnected();
    let after = 0;
    for (let next = machine.pollBatch(0); next !== undefined; next = machine.pollBatch(0)) {
      expect(next.batch.after).toBe(after);
      expect(next.batch.reports.length).toBeLessThanOrEqual(BATCH_MAX);
      after = next.batch.reports.at(-1)?.seq ?? 0;
      machine.handleAnswer(0, next.token, true);
    }
    expect(after).toBe(WINDOW_MAX);
    machine.handleCursor(0, { v: 1, epoch: hex16(1), through: WINDOW_MAX });
    expect(machine.pollBatch(0)?.batch).toMatchObject({ after: WINDOW_MAX, acked: WINDOW_MAX });
  });

  it("sends again from the cursor on when none comes, with growing pauses", () => {
    const { machine } = filled(10);
    machine.handleConnected();
    let now = 0;
    const pauses: number[] = [];
    for (let i = 0; i < 8; i++) {
      const next = machine.pollBatch(now);
      expect(next?.batch.after).toBe(0);
      machine.handleAnswer(now, next?.token ?? 0, i % 2 === 0);
      expect(machine.pollBatch(now)).toBeUndefined();
      const at = machine.pollTimeout() ?? Number.NaN;
      pauses.push(at - now);
      now = at;
      machine.handleTimeout(now);
    }
    expect(pauses[0]).toBeGreaterThanOrEqual(CURSOR_WAIT_MS);
    expect(pauses.slice(6).every((pause) => pause >= CURSOR_WAIT_MAX_MS)).toBe(true);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(1.25 * CURSOR_WAIT_MAX_MS);
  });
});
