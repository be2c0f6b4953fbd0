import type { Clock, Timer } from "../../base/clock.ts";
import type { Random } from "../../base/prng.ts";
import { errorWords } from "../../base/system-error.ts";
import type { Millis } from "../../base/units.ts";
import {
  type AckCursor,
  encodeFleet,
  parseBatch,
  parseCursor,
  parsePresence,
  parseState,
  partsOfTopic,
  type ReportBatch,
  siteTopic,
} from "../fleet-messages.ts";
import { isSiteName } from "../names.ts";
import { Reconnect } from "../reconnect.ts";
import type { CollectorStore } from "../store/collector-store.ts";
import { type BrokerAccess, loadMqtt, MqttLink } from "./mqtt-link.ts";

/** Batches that wait for the disk; further ones are left to the sites, which send them again. */
const QUEUE_MAX = 4_096;
/** The disk is tried again this often. */
const RETRY_MS: Millis = 5_000;
/** A collector comes back sooner than its sites. */
const RECONNECT = { first: 2_000, most: 30_000 } as const;

export type CollectorEvent =
  | { readonly tag: "up" }
  | { readonly tag: "down"; readonly why: string }
  | { readonly tag: "refused"; readonly what: string }
  /** The disk cannot be written, or can be again (undefined). */
  | { readonly tag: "disk"; readonly fault: string | undefined }
  /** Lines were stored; `reports` of them are new. */
  | { readonly tag: "collected"; readonly sites: number; readonly reports: number }
  /** A message that is none; told once for each site. */
  | { readonly tag: "malformed"; readonly topic: string };

export interface CollectorOptions {
  readonly fleet: string;
  readonly broker: BrokerAccess;
  /** Several collectors with one group share the reports. */
  readonly group: string | undefined;
  readonly store: CollectorStore;
  readonly clock: Clock;
  readonly random: Random;
  /** Milliseconds since 1970. */
  wall(): number;
  onEvent(event: CollectorEvent): void;
}

interface Waiting {
  readonly site: string;
  readonly batch: ReportBatch;
}

/** Collects the reports of a fleet: stores them, and only then acknowledges them. */
export class Collector {
  readonly #options: CollectorOptions;
  readonly #mqtt: Awaited<ReturnType<typeof loadMqtt>>;
  readonly #reconnect: Reconnect;
  #link: MqttLink | undefined;
  #timer: Timer | undefined;
  #queue: Waiting[] = [];
  readonly #changed: Set<string> = new Set();
  #working: Promise<void> | undefined;
  #isClosed = false;
  #fault: string | undefined;
  readonly #malformed: Set<string> = new Set();

  private constructor(options: CollectorOptions, mqtt: Awaited<ReturnType<typeof loadMqtt>>) {
    this.#options = options;
    this.#mqtt = mqtt;
    this.#reconnect = new Reconnect(options.random, RECONNECT);
  }

  /** Begins to connect; the broker need not be there. UsageError `mqtt-missing`. */
  static async open(options: CollectorOptions): Promise<Collector> {
    const collector = new Collector(options, await loadMqtt());
    collector.#connect();
    return collector;
  }

  #connect(): void {
    if (this.#isClosed) return;
    const link = new MqttLink(this.#mqtt, this.#options.broker, undefined, {
      onUp: () => void this.#handleUp(link),
      onDown: (why) => this.#handleDown(link, why),
      onMessage: (topic, payload) => this.#handleMessage(topic, payload),
    });
    this.#link = link;
  }

  async #handleUp(link: MqttLink): Promise<void> {
    const { clock, fleet, group, onEvent, store } = this.#options;
    this.#reconnect.handleUp(clock.now());
    const of = (leaf: Parameters<typeof siteTopic>[2]): string => siteTopic(fleet, "+", leaf);
    const reports = group === undefined ? of("report") : `$share/${group}/${of("report")}`;
    const topics = [reports, of("state"), of("presence"), of("ack")];
    if (!(await link.subscribe(topics)))
      onEvent({ tag: "refused", what: `the broker does not let us subscribe to ${topics.join(", ")}` });
    if (this.#link !== link) return;
    onEvent({ tag: "up" });
    // What was stored but not acknowledged when we ended.
    for (const { site, cursor } of store.book.cursors())
      if (cursor.through > 0) this.#acknowledge(site, cursor);
  }

  #handleDown(link: MqttLink, why: string): void {
    if (this.#link !== link || this.#isClosed) return;
    this.#link = undefined;
    this.#options.onEvent({ tag: "down", why });
    const { clock } = this.#options;
    this.#timer = clock.after(this.#reconnect.delayAfter(clock.now()), () => this.#connect());
  }

  #handleMessage(topic: string, payload: Uint8Array): void {
    const [site = "", leaf] = partsOfTopic(this.#options.fleet, topic) ?? [];
    if (!isSiteName(site) || payload.length === 0) return;
    const isTaken = this.#take(site, leaf, payload);
    if (isTaken || this.#malformed.has(site) || this.#malformed.size > 1000) return;
    this.#malformed.add(site);
    this.#options.onEvent({ tag: "malformed", topic });
  }

  /** Whether the message is one. */
  #take(site: string, leaf: string | undefined, payload: Uint8Array): boolean {
    const { store, wall } = this.#options;
    switch (leaf) {
      case "report": {
        const batch = parseBatch(payload);
        if (batch !== undefined && this.#queue.length < QUEUE_MAX) this.#queue.push({ site, batch });
        this.#work();
        return batch !== undefined;
      }
      case "state": {
        const state = parseState(payload);
        if (state !== undefined) this.#noteSite(site, { state, stateAt: wall() });
        return state !== undefined;
      }
      case "presence": {
        const presence = parsePresence(payload);
        const isNews = presence !== store.states.get(site)?.presence;
        if (presence !== undefined && isNews) this.#noteSite(site, { presence, presenceAt: wall() });
        return presence !== undefined;
      }
      case "ack": {
        const cursor = parseCursor(payload);
        const further = cursor && store.book.noteCursor(site, cursor);
        if (further !== undefined) this.#acknowledge(site, further);
        return cursor !== undefined;
      }
      default:
        return true;
    }
  }

  #noteSite(site: string, changes: object): void {
    const { states } = this.#options.store;
    states.set(site, { ...states.get(site), site, ...changes });
    this.#changed.add(site);
    this.#work();
  }

  #work(): void {
    this.#working ??= this.#storeAll().finally(() => {
      this.#working = undefined;
      if (!this.#isClosed && (this.#queue.length > 0 || this.#changed.size > 0)) this.#work();
    });
  }

  /** Stores everything that waits with one flush for each file, and acknowledges it then. */
  async #storeAll(): Promise<void> {
    const { onEvent, store, wall } = this.#options;
    const waiting = this.#queue;
    const sites = [...this.#changed];
    this.#queue = [];
    this.#changed.clear();
    const cursors = new Map<string, AckCursor>();
    const lines = waiting.flatMap(({ site, batch }) => {
      const taken = store.book.take(site, batch, wall());
      if (taken !== undefined) cursors.set(site, taken.cursor);
      return taken?.lines ?? [];
    });
    const moved = [...cursors].map(([site, cursor]) => ({ site, cursor }));
    await this.#insist(() => store.addReports(lines));
    if (moved.length > 0) await this.#insist(() => store.addCursors(moved));
    await this.#insist(() => store.addStates(sites));
    if (this.#isClosed) return;
    if (lines.length > 0) onEvent({ tag: "collected", sites: moved.length, reports: lines.length });
    for (const { site, cursor } of moved) this.#acknowledge(site, cursor);
  }

  /** Writes until it succeeds: the book knows these lines already. Meanwhile nothing is acknowledged. */
  async #insist(write: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        await write();
        this.#tellFault(undefined);
        return;
      } catch (error) {
        if (this.#isClosed) return;
        this.#tellFault(errorWords(error));
        await new Promise<void>((resolve) => this.#options.clock.after(RETRY_MS, resolve));
      }
    }
  }

  #tellFault(fault: string | undefined): void {
    if (fault === this.#fault) return;
    this.#fault = fault;
    this.#options.onEvent({ tag: "disk", fault });
  }

  #acknowledge(site: string, cursor: AckCursor): void {
    const topic = siteTopic(this.#options.fleet, site, "ack");
    const link = this.#link;
    if (link === undefined) return;
    // One that is lost with the connection comes again: the site sends its reports again.
    void link.publish({ topic, payload: encodeFleet(cursor), retain: true }).then((answer) => {
      const isRefused = answer !== "taken" && answer !== "nobody" && this.#link === link && !this.#isClosed;
      if (isRefused) this.#options.onEvent({ tag: "refused", what: `${topic}: ${answer}` });
    });
  }

  /** Stores what has come, acknowledges it, and leaves. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    while (this.#working !== undefined && this.#fault === undefined) await this.#working;
    this.#isClosed = true;
    const link = this.#link;
    if (link !== undefined) {
      const tooLate = new Promise<void>((resolve) => this.#options.clock.after(1000, resolve));
      await Promise.race([link.close(), tooLate]);
      link.drop();
    }
    await this.#options.store.close();
  }
}
