import { type Random, randomBelow, randomFraction, SeededRandom } from "../../base/prng.ts";
import type { Millis } from "../../base/units.ts";
import { VirtualClock } from "../../base/virtual-clock.ts";
import type { CollectedLine } from "../../fleet/collector-book.ts";
import { encodeFleet } from "../../fleet/fleet-messages.ts";
import { partRandom } from "../many/world.ts";
import { PerSecond } from "./per-second.ts";
import { type PingedConnection, PingWheel } from "./ping-wheel.ts";
import { type BrokerPace, MEASURED_PACE, SimBroker } from "./sim-broker.ts";
import { SimCollector } from "./sim-collector.ts";
import { type Heal, SimSite, WALL_START } from "./sim-site.ts";

/** Seconds without a packet before a site tests its connection. */
const KEEP_ALIVE_MS: Millis = 240_000;

export interface FleetOptions {
  readonly sites: number;
  readonly seed: number;
  readonly collectors: number;
  /** What {@link measureHealTimes} gave: a site draws one of its lists. */
  readonly healTimes: readonly (readonly Millis[])[];
  readonly pace?: BrokerPace | undefined;
  /** Sites send pings. */
  readonly pings?: boolean | undefined;
  /** Sites connect again after half of their window, all alike. What it would be without jitter. */
  readonly withoutJitter?: boolean | undefined;
}

/** Whether all that had to be collected was. */
export interface Collected {
  /** Heals whose reports were on a disk. */
  readonly owed: number;
  /** Of these in no collector's file. */
  readonly lost: number;
  /** Ids that one collector's file has twice. */
  readonly doubled: number;
  /** Ids that are in more than one file: they count once, by the id. */
  readonly inSeveral: number;
}

/** Sites, a broker and collectors in virtual time. Everything in it comes from the seed. */
export class FleetWorld {
  readonly clock: VirtualClock = new VirtualClock();
  readonly random: Random;
  readonly broker: SimBroker;
  readonly collectors: readonly SimCollector[];
  readonly sites: readonly SimSite[];
  /** New reports in the files of collectors. */
  readonly reports: PerSecond = new PerSecond();
  /** For each heal in the order of its collection, how long after it was on the site's disk. */
  readonly lags: Millis[] = [];
  /** When the last heal was collected. */
  lastHealAt: Millis = 0;
  readonly #owed: Map<string, Millis> = new Map();
  readonly #collected: Set<string> = new Set();
  readonly #options: FleetOptions;

  constructor(options: FleetOptions) {
    this.#options = options;
    const { seed, sites, collectors, pace = MEASURED_PACE, withoutJitter = false } = options;
    this.random = partRandom(seed, 11);
    const { clock } = this;
    this.broker = new SimBroker(clock, partRandom(seed, 12), pace);
    this.collectors = Array.from(
      { length: collectors },
      (_, i) => new SimCollector(clock, partRandom(seed, 13 + i), this.broker, (lines) => this.#note(lines)),
    );
    const wheel = options.pings ? new PingWheel(clock, KEEP_ALIVE_MS, () => this.broker.ping()) : undefined;
    const host = {
      clock,
      broker: this.broker,
      state: stateBytes(),
      withoutJitter,
      onConnected: (connection: PingedConnection) => wheel?.watch(connection),
      onOwed: (id: string) => this.#owed.set(id, clock.now()),
    };
    this.sites = Array.from(
      { length: sites },
      (_, i) => new SimSite(i, host, new SeededRandom(this.random.u32() ^ i)),
    );
  }

  /** Starts all sites at drawn times within `withinMs`. */
  startAll(withinMs: Millis): void {
    for (const site of this.sites)
      this.clock.after(randomFraction(this.random) * withinMs, () => site.start());
  }

  /** All boards of a site break; when each is healed after the power is back. */
  drawHeals(): readonly Heal[] {
    const { healTimes } = this.#options;
    const times = healTimes[randomBelow(this.random, healTimes.length)] ?? [];
    return times.map((afterMs, board) => ({ board, afterMs }));
  }

  /** Sites that are connected now. */
  get connected(): number {
    return this.sites.filter(({ isConnected }) => isConnected).length;
  }

  /** Reports that are in no collector's file yet. */
  get waiting(): number {
    return this.sites.reduce((sum, { waiting }) => sum + waiting, 0);
  }

  /** Boards that are not healed yet. */
  get broken(): number {
    return this.sites.reduce((sum, { broken }) => sum + broken.length, 0);
  }

  collected(): Collected {
    const files = this.collectors.map(({ lines }) =>
      lines.flatMap((line) => ("id" in line ? [line.id] : [])),
    );
    const sets = files.map((ids) => new Set(ids));
    const doubled = files.reduce((sum, ids, i) => sum + ids.length - (sets[i]?.size ?? 0), 0);
    const union = new Set(files.flat());
    return {
      owed: this.#owed.size,
      lost: [...this.#owed.keys()].filter((id) => !union.has(id)).length,
      doubled,
      inSeveral: sets.reduce((sum, { size }) => sum + size, 0) - union.size,
    };
  }

  #note(lines: readonly CollectedLine[]): void {
    const now = this.clock.now();
    for (const line of lines) {
      if (!("id" in line) || this.#collected.has(line.id)) continue;
      this.#collected.add(line.id);
      this.reports.add(now);
      const storedAt = this.#owed.get(line.id);
      if (storedAt === undefined) continue;
      this.lags.push(now - storedAt);
      this.lastHealAt = now;
    }
  }
}

/** A state of a site with eight boards, of which only the length matters. */
function stateBytes(): Uint8Array {
  const boards = Array.from({ length: 8 }, (_, i) => ({
    id: `${i}`.padStart(16, "0"),
    state: "healthy" as const,
    version: "1.2.3",
    digest: "ab".repeat(32),
    hardware: "acme/widget",
    forMs: 86_400_000,
  }));
  return encodeFleet({
    ...{ v: 1, version: "0.1.0", boards, suspects: [], conflicts: [], waiting: 0, dropped: 0 },
    ...{ at: WALL_START, clockSure: true, run: "0badcafe", upMs: 86_400_000 },
  });
}
