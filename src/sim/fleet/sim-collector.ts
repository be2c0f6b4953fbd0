import { assert } from "../../base/assert.ts";
import type { Random } from "../../base/prng.ts";
import type { Millis } from "../../base/units.ts";
import type { VirtualClock } from "../../base/virtual-clock.ts";
import { type CollectedLine, CollectorBook } from "../../fleet/collector-book.ts";
import { type AckCursor, encodeFleet, parseBatch, type ReportBatch } from "../../fleet/fleet-messages.ts";
import { Reconnect } from "../../fleet/reconnect.ts";
import type { CollectorClient, SimBroker } from "./sim-broker.ts";
import { WALL_START } from "./sim-site.ts";

/** A flush of its files takes this long; everything that came meanwhile goes into the next one. */
const FLUSH_MS: Millis = 20;
/** A collector comes back sooner than its sites. */
const RECONNECT = { first: 2_000, most: 30_000 } as const;
/** Batches that wait for the disk; further ones are left to the sites, which send them again. */
const QUEUE_MAX = 4_096;

interface Waiting {
  readonly site: number;
  readonly batch: ReportBatch;
}

/** A collector with the production book: stores, and only then acknowledges. Its disk outlives it. */
export class SimCollector implements CollectorClient {
  /** On the disk. */
  readonly lines: CollectedLine[] = [];
  readonly #cursors: Map<number, AckCursor> = new Map();
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #broker: SimBroker;
  readonly #onLines: (lines: readonly CollectedLine[]) => void;
  #book: CollectorBook = new CollectorBook();
  #reconnect: Reconnect;
  #queue: Waiting[] = [];
  #isFlushing = false;
  #isRunning = true;
  /** Counts its processes. */
  #life = 0;
  /** Batches that found the queue full. */
  refused = 0;

  constructor(
    clock: VirtualClock,
    random: Random,
    broker: SimBroker,
    onLines: (lines: readonly CollectedLine[]) => void,
  ) {
    this.#clock = clock;
    this.#random = random;
    this.#broker = broker;
    this.#onLines = onLines;
    this.#reconnect = new Reconnect(random, RECONNECT);
    this.#connect();
  }

  onDown(): void {
    const life = this.#life;
    this.#clock.after(this.#reconnect.delayAfter(this.#clock.now()), () => {
      if (this.#isRunning && life === this.#life) this.#connect();
    });
  }

  onReport(site: number, bytes: Uint8Array): void {
    const batch = parseBatch(bytes);
    assert(batch !== undefined, "sites send batches");
    if (this.#queue.length < QUEUE_MAX) this.#queue.push({ site, batch });
    else this.refused++;
    this.#flush();
  }

  onCursor(site: number, cursor: AckCursor): void {
    const further = this.#book.noteCursor(nameOf(site), cursor);
    if (further === undefined) return;
    this.#cursors.set(site, further);
    this.#acknowledge(site, further);
  }

  /** The process dies, and starts from its disk after `downMs`. What was not flushed is gone. */
  kill(downMs: Millis): void {
    this.#life++;
    this.#isRunning = false;
    this.#isFlushing = false;
    this.#queue = [];
    this.#broker.dropCollector(this);
    this.#clock.after(downMs, () => {
      this.#isRunning = true;
      this.#book = new CollectorBook();
      for (const line of this.lines) this.#book.restoreLine(line);
      for (const [site, cursor] of this.#cursors) this.#book.noteCursor(nameOf(site), cursor);
      this.#reconnect = new Reconnect(this.#random, RECONNECT);
      this.#connect();
    });
  }

  #connect(): void {
    if (!this.#broker.connectCollector(this)) {
      this.onDown();
      return;
    }
    this.#reconnect.handleUp(this.#clock.now());
    for (const { site, cursor } of this.#book.cursors())
      if (cursor.through > 0) this.#acknowledge(numberOf(site), cursor);
  }

  #flush(): void {
    if (this.#isFlushing || this.#queue.length === 0) return;
    this.#isFlushing = true;
    const waiting = this.#queue;
    this.#queue = [];
    const received = WALL_START + Math.round(this.#clock.now());
    const cursors = new Map<number, AckCursor>();
    const lines = waiting.flatMap(({ site, batch }) => {
      const taken = this.#book.take(nameOf(site), batch, received);
      assert(taken !== undefined, "a fleet has fewer sites than a book");
      cursors.set(site, taken.cursor);
      return taken.lines;
    });
    const life = this.#life;
    this.#clock.after(FLUSH_MS, () => {
      if (life !== this.#life) return;
      this.#isFlushing = false;
      this.lines.push(...lines);
      this.#onLines(lines);
      for (const [site, cursor] of cursors) {
        this.#cursors.set(site, cursor);
        this.#acknowledge(site, cursor);
      }
      this.#flush();
    });
  }

  #acknowledge(site: number, cursor: AckCursor): void {
    this.#broker.publishCursor(this, site, cursor, encodeFleet(cursor).length);
  }
}

function nameOf(site: number): string {
  return `s${site}`;
}

function numberOf(name: string): number {
  return Number(name.slice(1));
}
