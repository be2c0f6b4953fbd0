import { type Random, randomBelow, randomChance, SeededRandom } from "../../src/base/prng.ts";
import { type CollectedLine, CollectorBook } from "../../src/fleet/collector-book.ts";
import { type AckCursor, encodeFleet, parseBatch, parseCursor } from "../../src/fleet/fleet-messages.ts";
import type { Report } from "../../src/fleet/fleet-report.ts";
import { emptyOutbox, type OutboxContent, OutboxQueue } from "../../src/fleet/outbox-queue.ts";
import { UplinkMachine } from "../../src/fleet/uplink-machine.ts";
import { hex16, RUN } from "./support.ts";

const SITE = "hut-7";

/** A message on its way to a collector. */
interface Sent {
  readonly bytes: Uint8Array;
  readonly token: number;
  /** The connection that waits for its answer. */
  readonly connection: number;
}

/**
 * A site, a broker and collectors in virtual time, each of which can die at any point. Disks keep what was fsynced. The broker
 * answers when it has a message in memory, and may lose it after that: that is what the cursor is for.
 */
export class OutboxWorld {
  readonly random: Random;
  now = 0;
  /** What the site has on its disk. */
  disk: OutboxContent;
  isDiskFull = false;
  /** What collectors have on their disks: lines and cursor. */
  readonly stores: { lines: CollectedLine[]; cursor: AckCursor | undefined }[];
  queue!: OutboxQueue;
  machine!: UplinkMachine;
  #books: CollectorBook[];
  /** In the broker's memory. */
  #queued: Sent[] = [];
  #retained: Uint8Array | undefined;
  #connection = 0;
  #epochs = 1;
  batches = 0;

  constructor(seed: number, collectors: number = 1) {
    this.random = new SeededRandom(seed);
    this.disk = emptyOutbox(hex16(0xe0c));
    this.stores = Array.from({ length: collectors }, () => ({ lines: [], cursor: undefined }));
    this.#books = this.stores.map(() => new CollectorBook());
    this.killSite();
  }

  /** The site's process dies, and starts from its disk. */
  killSite(): void {
    this.queue = new OutboxQueue(this.disk);
    this.machine = new UplinkMachine(this.now, this.queue, this.random, RUN);
    this.#connection++;
  }

  report(report: Report): void {
    this.queue.add(report);
    this.store();
  }

  /** Writes what is not on the disk yet. */
  store(): void {
    if (this.isDiskFull) return;
    this.disk = this.queue.content;
    this.machine.handleStored(this.queue.last);
  }

  connect(): void {
    this.#connection++;
    this.machine.handleConnected();
    if (this.#retained !== undefined) this.#cursorAtSite(this.#retained);
  }

  disconnect(): void {
    this.#connection++;
    this.machine.handleDisconnected();
  }

  /** The broker dies and keeps what it wrote: each message with this chance. */
  killBroker(kept: number): void {
    this.#queued = this.#queued.filter(() => randomChance(this.random, kept));
    if (!randomChance(this.random, kept)) this.#retained = undefined;
    this.disconnect();
  }

  /** A collector dies, and starts from its disk; it publishes its cursor again. */
  killCollector(index: number = 0): void {
    const book = new CollectorBook();
    const { lines, cursor } = this.#storeAt(index);
    for (const line of lines) book.restoreLine(line);
    this.#books[index] = book;
    if (cursor === undefined) return;
    book.noteCursor(SITE, cursor);
    this.#publish(index, cursor);
  }

  /** The site publishes a batch; the answer comes with the next step, or is lost with the connection. */
  send(): boolean {
    if (!this.machine.isConnected) return false;
    const next = this.machine.pollBatch(this.now);
    if (next === undefined) return false;
    this.batches++;
    this.#queued.push({ bytes: encodeFleet(next.batch), token: next.token, connection: this.#connection });
    return true;
  }

  /** The broker answers a batch. */
  answer(): void {
    const sent = this.#queued.find(({ connection }) => connection === this.#connection);
    if (sent !== undefined) this.machine.handleAnswer(this.now, sent.token, true);
  }

  /** A collector gets a batch; it may die before, between or after its two writes. */
  deliver(dies: "no" | "before" | "after-lines" | "after-cursor" = "no"): boolean {
    const index = randomBelow(this.random, this.stores.length);
    const sent = this.#queued[0];
    const batch = sent && parseBatch(sent.bytes);
    if (batch === undefined || dies === "before") {
      if (dies === "before") this.killCollector(index);
      return batch !== undefined;
    }
    // Answered or not, the broker hands it over; a collector that dies before it answers gets it again.
    if (dies === "no") this.#queued.shift();
    const taken = this.#books[index]?.take(SITE, batch, 1_900_000_000_000);
    if (taken === undefined) throw new Error("the site is known");
    this.#storeAt(index).lines.push(...taken.lines);
    if (dies !== "after-lines") this.#storeAt(index).cursor = taken.cursor;
    if (dies === "no") this.#publish(index, taken.cursor);
    else this.killCollector(index);
    return true;
  }

  step(ms: number): void {
    this.now += ms;
    this.machine.handleTimeout(this.now);
    for (let news = this.machine.pollNews(); news !== undefined; news = this.machine.pollNews()) {
      if (news.tag === "restored") {
        this.queue.renew(hex16(0xe0c + this.#epochs++));
        this.machine.handleRenewed();
        this.store();
      } else this.store();
    }
  }

  /** Without further faults, until nothing moves any more. */
  settle(): void {
    this.isDiskFull = false;
    this.store();
    if (!this.machine.isConnected) this.connect();
    for (let i = 0; i < 2_000; i++) {
      let moved = false;
      while (this.send()) this.answer();
      while (this.deliver()) moved = true;
      this.step(0);
      if (!moved && this.queue.size === 0) return;
      if (!moved) this.step(Math.max(1, (this.machine.pollTimeout() ?? this.now) - this.now));
    }
  }

  /** Ids in all collectors' files, in order. */
  collected(): string[] {
    return this.stores.flatMap(({ lines }) => lines.flatMap((line) => ("id" in line ? [line.id] : [])));
  }

  #publish(from: number, cursor: AckCursor): void {
    this.#retained = encodeFleet(cursor);
    for (const [index, book] of this.#books.entries()) {
      const further = index === from ? undefined : book.noteCursor(SITE, cursor);
      if (further === undefined) continue;
      this.#storeAt(index).cursor = further;
      this.#publish(index, further);
    }
    if (this.machine.isConnected && this.#retained !== undefined) this.#cursorAtSite(this.#retained);
  }

  #cursorAtSite(bytes: Uint8Array): void {
    const cursor = parseCursor(bytes);
    if (cursor === undefined) throw new Error("a collector publishes cursors");
    this.machine.handleCursor(this.now, cursor);
  }

  #storeAt(index: number): OutboxWorld["stores"][number] {
    const store = this.stores[index];
    if (store === undefined) throw new Error(`no collector ${index}`);
    return store;
  }
}
