import { assert } from "../../base/assert.ts";
import { type Random, randomBelow } from "../../base/prng.ts";
import type { Millis } from "../../base/units.ts";
import type { VirtualClock } from "../../base/virtual-clock.ts";
import type { AckCursor } from "../../fleet/fleet-messages.ts";
import { PerSecond } from "./per-second.ts";

/** What a broker manages: mosquitto 2.0.11 with its clients, all on two cores. */
export interface BrokerPace {
  /** Messages a second, each with its deliveries (6,000 reports in 1.8 s). */
  readonly messagesPerSecond: number;
  /** Connections a second (300 gateways in 1.1 s). */
  readonly connectsPerSecond: number;
  /** One way over the network. */
  readonly latencyMs: Millis;
}

export const MEASURED_PACE: BrokerPace = {
  messagesPerSecond: 3_300,
  connectsPerSecond: 273,
  latencyMs: 50,
};

/** A site as the broker sees it, for one connection. */
export interface BrokerClient {
  /** The broker took the connection. */
  onUp(): void;
  /** The connection was refused or lost. */
  onDown(): void;
  onCursor(cursor: AckCursor): void;
}

/** A collector as the broker sees it. */
export interface CollectorClient {
  onDown(): void;
  onReport(site: number, bytes: Uint8Array): void;
  /** A cursor that another collector published. */
  onCursor(site: number, cursor: AckCursor): void;
}

/** What was counted, second by second. */
export class BrokerCounts {
  /** Attempts of sites to connect, and those that were taken. */
  readonly attempts: PerSecond = new PerSecond();
  readonly connects: PerSecond = new PerSecond();
  /** Messages that sites and collectors sent. */
  readonly offered: PerSecond = new PerSecond();
  /** Those that the broker took, of sites and collectors, subscriptions among them. */
  readonly messages: PerSecond = new PerSecond();
  /** Messages that it handed on. */
  readonly deliveries: PerSecond = new PerSecond();
  readonly batches: PerSecond = new PerSecond();
  readonly states: PerSecond = new PerSecond();
  readonly pings: PerSecond = new PerSecond();
  /** Bytes of messages that it took. */
  bytes = 0;
  /** Attempts that were given up before their turn. */
  timeouts = 0;
  /** Answered messages that were lost with its memory. */
  lostAfterAnswer = 0;
}

type Kind = "report" | "state" | "presence" | "subscribe";

interface Work {
  readonly costMs: Millis;
  done(): void;
}

interface Report {
  readonly site: number;
  readonly bytes: Uint8Array;
}

/**
 * A broker of which only the speed and the memory matter: one queue, worked off at its pace. It answers when it has a message in
 * memory. When it is killed everything is gone that it had there: queued reports, retained cursors, sessions; that is mosquitto with
 * its defaults (ADR 0044). A connection whose client has given up meanwhile costs as much as a message.
 */
export class SimBroker {
  readonly counts: BrokerCounts = new BrokerCounts();
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #pace: BrokerPace;
  #work: Work[] = [];
  #workAt = 0;
  #isWorking = false;
  /** Counts its lives: what was begun in one does not end in the next. */
  #life = 0;
  #isUp = true;
  /** Connections of sites, subscribed ones as true. */
  readonly #clients: Map<number, { readonly client: BrokerClient; isSubscribed: boolean }> = new Map();
  readonly #retained: Map<number, AckCursor> = new Map();
  readonly #collectors: Set<CollectorClient> = new Set();
  /** Whether there is a session for the shared subscription, connected or not. */
  #hasSession = false;
  #undelivered: Report[] = [];

  constructor(clock: VirtualClock, random: Random, pace: BrokerPace) {
    this.#clock = clock;
    this.#random = random;
    this.#pace = pace;
  }

  /** Dies with everything in its memory, and comes back after `downMs`. */
  kill(downMs: Millis): void {
    this.#life++;
    this.#isUp = false;
    this.counts.lostAfterAnswer += this.#undelivered.length;
    this.#undelivered = [];
    this.#work = [];
    this.#workAt = 0;
    this.#isWorking = false;
    this.#retained.clear();
    this.#hasSession = false;
    const lost = [...this.#clients.values()].map(({ client }) => client);
    this.#clients.clear();
    const collectors = [...this.#collectors];
    this.#collectors.clear();
    for (const one of [...lost, ...collectors]) one.onDown();
    this.#clock.after(downMs, () => {
      this.#isUp = true;
    });
  }

  /** `isWanted`: the client still waits. */
  connect(site: number, client: BrokerClient, isWanted: () => boolean): void {
    this.counts.attempts.add(this.#clock.now());
    if (!this.#isUp) {
      client.onDown();
      return;
    }
    const { connectsPerSecond, messagesPerSecond } = this.#pace;
    const isLate = (): boolean => !isWanted();
    this.#queue({
      // Looked at when its turn comes.
      get costMs() {
        return 1000 / (isLate() ? messagesPerSecond : connectsPerSecond);
      },
      done: () => {
        if (isLate()) {
          this.counts.timeouts++;
          return;
        }
        this.counts.connects.add(this.#clock.now());
        this.#clients.set(site, { client, isSubscribed: false });
        client.onUp();
      },
    });
  }

  /** The connection is gone, without a word of the client. */
  drop(site: number, client: BrokerClient): void {
    if (this.#clients.get(site)?.client === client) this.#clients.delete(site);
  }

  /** A message of a site. `onAnswer`: whether the broker has it, or a subscriber for it. */
  publish(
    kind: Kind,
    site: number,
    client: BrokerClient,
    bytes: Uint8Array,
    onAnswer: (isTaken: boolean) => void,
  ): void {
    this.counts.offered.add(this.#clock.now());
    this.#queue({
      costMs: 1000 / this.#pace.messagesPerSecond,
      done: () => {
        if (this.#clients.get(site)?.client !== client) return;
        const isTaken = this.#take(kind, site, bytes);
        this.#later(() => onAnswer(isTaken));
      },
    });
  }

  #take(kind: Kind, site: number, bytes: Uint8Array): boolean {
    const now = this.#clock.now();
    this.counts.messages.add(now);
    this.counts.bytes += bytes.length;
    switch (kind) {
      case "subscribe": {
        const entry = this.#clients.get(site);
        if (entry !== undefined) entry.isSubscribed = true;
        const cursor = this.#retained.get(site);
        if (cursor !== undefined) this.#tellSite(site, cursor);
        return true;
      }
      case "report":
        this.counts.batches.add(now);
        if (!this.#hasSession) return false;
        this.#undelivered.push({ site, bytes });
        this.#later(() => this.#deliver());
        return true;
      case "state":
        this.counts.states.add(now);
        return true;
      case "presence":
        return true;
    }
  }

  ping(): void {
    this.counts.pings.add(this.#clock.now());
  }

  /** A collector comes; what waits for its session is delivered. */
  connectCollector(collector: CollectorClient): boolean {
    if (!this.#isUp) return false;
    this.#collectors.add(collector);
    this.#hasSession = true;
    this.#later(() => this.#deliver());
    return true;
  }

  dropCollector(collector: CollectorClient): void {
    this.#collectors.delete(collector);
  }

  /** A cursor, retained, from a collector that is connected. */
  publishCursor(from: CollectorClient, site: number, cursor: AckCursor, length: number): void {
    if (!this.#collectors.has(from)) return;
    this.counts.offered.add(this.#clock.now());
    this.#queue({
      costMs: 1000 / this.#pace.messagesPerSecond,
      done: () => {
        this.counts.messages.add(this.#clock.now());
        this.counts.bytes += length;
        this.#retained.set(site, cursor);
        this.#tellSite(site, cursor);
        for (const one of this.#collectors) {
          if (one === from) continue;
          this.counts.deliveries.add(this.#clock.now());
          this.#later(() => {
            if (this.#collectors.has(one)) one.onCursor(site, cursor);
          });
        }
      },
    });
  }

  #tellSite(site: number, cursor: AckCursor): void {
    const entry = this.#clients.get(site);
    if (entry?.isSubscribed !== true) return;
    this.counts.deliveries.add(this.#clock.now());
    this.#later(() => {
      if (this.#clients.get(site) === entry) entry.client.onCursor(cursor);
    });
  }

  /** Hands all that waits to collectors, each to one of them. */
  #deliver(): void {
    const collectors = [...this.#collectors];
    if (collectors.length === 0) return;
    const waiting = this.#undelivered;
    this.#undelivered = [];
    for (const { site, bytes } of waiting) {
      this.counts.deliveries.add(this.#clock.now());
      collectors[randomBelow(this.#random, collectors.length)]?.onReport(site, bytes);
    }
  }

  /** After the time of the network, unless the broker dies before. */
  #later(then: () => void): void {
    const life = this.#life;
    this.#clock.after(this.#pace.latencyMs, () => {
      if (life === this.#life) then();
    });
  }

  #queue(work: Work): void {
    if (!this.#isUp) return;
    this.#work.push(work);
    if (!this.#isWorking) this.#next();
  }

  #next(): void {
    const work = this.#work[this.#workAt];
    this.#isWorking = work !== undefined;
    if (work === undefined) {
      assert(this.#workAt === this.#work.length, "all work is done");
      this.#work = [];
      this.#workAt = 0;
      return;
    }
    const life = this.#life;
    this.#clock.after(work.costMs, () => {
      if (life !== this.#life) return;
      this.#workAt++;
      if (this.#workAt > 65_536) {
        this.#work = this.#work.slice(this.#workAt);
        this.#workAt = 0;
      }
      work.done();
      this.#next();
    });
  }
}
