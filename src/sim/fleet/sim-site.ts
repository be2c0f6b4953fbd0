import { toHex } from "../../base/bytes.ts";
import type { Timer } from "../../base/clock.ts";
import { type Random, randomBytes, randomFraction } from "../../base/prng.ts";
import type { Millis } from "../../base/units.ts";
import type { VirtualClock } from "../../base/virtual-clock.ts";
import { type AckCursor, encodeFleet } from "../../fleet/fleet-messages.ts";
import { identified, type Report } from "../../fleet/fleet-report.ts";
import { emptyOutbox, OutboxQueue } from "../../fleet/outbox-queue.ts";
import { Reconnect } from "../../fleet/reconnect.ts";
import { UplinkMachine } from "../../fleet/uplink-machine.ts";
import type { PingedConnection } from "./ping-wheel.ts";
import type { BrokerClient, SimBroker } from "./sim-broker.ts";

/** The client gives up an attempt after this. */
const CONNECT_MS: Millis = 30_000;
/** A report is on the disk this long after it was taken. */
const FSYNC_MS: Millis = 10;
/** A changed state is published this much later, and once a day anyhow. */
const STATE_DELAY_MS: Millis = 2_000;
const STATE_EVERY_MS: Millis = 86_400_000;
/** A call for help is heard within this. */
const HEARD_MS: Millis = 10_000;
/** Virtual time begins here, in milliseconds since 1970. */
export const WALL_START = 1_900_000_000_000;
const IMAGE = "ab".repeat(32);

/** What a site tells its world. */
export interface SiteHost {
  readonly clock: VirtualClock;
  readonly broker: SimBroker;
  /** Bytes of a state message; its content does not matter here. */
  readonly state: Uint8Array;
  /** A site is connected, and keeps that alive from now on. */
  onConnected(connection: PingedConnection): void;
  /** Sites connect again after half of their window, all alike. */
  readonly withoutJitter: boolean;
  /** A result is on a site's disk, and must be collected. */
  onOwed(id: string): void;
}

/** A board that is healed `afterMs` after the power came back. It calls for help from the start. */
export interface Heal {
  readonly board: number;
  readonly afterMs: Millis;
}

/**
 * A site: the production outbox, uplink and reconnect, around them what a node does with them. Its disk, and which of its boards are
 * broken, outlive a power cut.
 */
export class SimSite {
  readonly #index: number;
  readonly #host: SiteHost;
  readonly #random: Random;
  #queue: OutboxQueue;
  /** Highest number on the disk. */
  #stored = 0;
  #machine: UplinkMachine | undefined;
  #reconnect: Reconnect | undefined;
  #connection: SiteConnection | undefined;
  #startedAt: Millis = 0;
  #run = "00000000";
  /** Timers of the process, and counts of the processes. */
  #life = 0;
  #retry: Timer | undefined;
  #pumping: Timer | undefined;
  #stating: Timer | undefined;
  #broken: readonly Heal[] = [];

  constructor(index: number, host: SiteHost, random: Random) {
    this.#index = index;
    this.#host = host;
    this.#random = random;
    this.#queue = new OutboxQueue(emptyOutbox(hexOf(random, 8)));
  }

  /** Reports that no collector has acknowledged. */
  get waiting(): number {
    return this.#queue.size;
  }

  get isConnected(): boolean {
    return this.#machine?.isConnected === true;
  }

  /** The node's process starts, from its disk. */
  start(): void {
    this.#life++;
    this.#startedAt = this.#host.clock.now();
    this.#run = hexOf(this.#random, 4);
    this.#machine = new UplinkMachine(this.#startedAt, this.#queue, this.#random, this.#run);
    this.#reconnect = new Reconnect(this.#host.withoutJitter ? HALF : this.#random);
    this.#connect();
    for (const heal of this.#broken) this.#call(heal);
  }

  /** The mains fail: the process, its connection, and what was not on the disk are gone. The boards of `broken` do not boot. */
  cutPower(broken: readonly Heal[]): void {
    this.#life++;
    for (const timer of [this.#retry, this.#pumping, this.#stating]) timer?.cancel();
    if (this.#connection !== undefined) this.#host.broker.drop(this.#index, this.#connection);
    this.#connection = undefined;
    this.#machine = undefined;
    const { epoch, next, through, reports } = this.#queue.content;
    const stored = reports.filter(({ seq }) => seq <= this.#stored);
    this.#queue = new OutboxQueue({
      epoch,
      next: Math.min(next, Math.max(this.#stored, through) + 1),
      through,
      reports: stored,
    });
    this.#broken = broken;
  }

  /** Heals that are still to come. */
  get broken(): readonly Heal[] {
    return this.#broken;
  }

  /** A board calls for help, and is healed. */
  #call(heal: Heal): void {
    const { board, afterMs } = heal;
    const nonce = hexOf(this.#random, 8);
    const heardMs = randomFraction(this.#random) * Math.min(HEARD_MS, afterMs);
    this.#after(heardMs, () => this.#report("distress", board, nonce));
    this.#after(afterMs, () => {
      this.#broken = this.#broken.filter((other) => other !== heal);
      this.#report("healed", board, nonce);
    });
  }

  /** A board breaks while all else is well. */
  breakBoard(heal: Heal): void {
    if (this.#machine === undefined) return;
    this.#broken = [...this.#broken, heal];
    this.#call(heal);
  }

  #report(kind: "distress" | "healed", board: number, nonce: string): void {
    const now = this.#host.clock.now();
    const report: Report = identified({
      kind,
      target: (this.#index * 256 + board).toString(16).padStart(16, "0"),
      nonce,
      digest: kind === "healed" ? IMAGE : undefined,
      rescuer: kind === "healed" ? (this.#index * 256 + 255).toString(16).padStart(16, "0") : undefined,
      version: "1.2.3",
      reason: kind === "distress" ? "hash" : undefined,
      proven: true,
      at: WALL_START + Math.round(now),
      clockSure: true,
      run: this.#run,
      upMs: Math.round(now - this.#startedAt),
    });
    const { added } = this.#queue.add(report);
    this.#noteState();
    this.#after(FSYNC_MS, () => {
      this.#stored = Math.max(this.#stored, added.seq);
      if (kind === "healed") this.#host.onOwed(report.id);
      this.#machine?.handleStored(added.seq);
      this.#pump();
    });
  }

  #connect(): void {
    const connection = new SiteConnection(this);
    this.#connection = connection;
    this.#retry = this.#host.clock.after(CONNECT_MS, () => this.handleDown(connection));
    this.#host.broker.connect(this.#index, connection, () => this.#connection === connection);
  }

  isConnection(connection: SiteConnection): boolean {
    return connection === this.#connection;
  }

  handleUp(connection: SiteConnection): void {
    if (connection !== this.#connection) return;
    this.#retry?.cancel();
    const { clock, state } = this.#host;
    this.#reconnect?.handleUp(clock.now());
    this.#publish("subscribe", SUBSCRIPTION, () => {
      this.#machine?.handleConnected();
      this.#publish("presence", PRESENCE, () => undefined);
      this.#publishState(state);
      this.#pump();
      this.#host.onConnected(connection);
    });
  }

  handleDown(connection: SiteConnection): void {
    if (connection !== this.#connection) return;
    this.#connection = undefined;
    this.#retry?.cancel();
    this.#stating?.cancel();
    this.#machine?.handleDisconnected();
    const delay = this.#reconnect?.delayAfter(this.#host.clock.now()) ?? 0;
    this.#retry = this.#host.clock.after(delay, () => this.#connect());
  }

  handleCursor(connection: SiteConnection, cursor: AckCursor): void {
    if (connection !== this.#connection) return;
    this.#machine?.handleCursor(this.#host.clock.now(), cursor);
    this.#pump();
  }

  #publish(
    kind: "subscribe" | "presence" | "state" | "report",
    bytes: Uint8Array,
    onAnswer: (isTaken: boolean) => void,
  ): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    connection.sentAt = this.#host.clock.now();
    this.#host.broker.publish(kind, this.#index, connection, bytes, (isTaken) => {
      if (connection === this.#connection) onAnswer(isTaken);
    });
  }

  /** Sends what there is to send, and sets the timer. */
  #pump(): void {
    const machine = this.#machine;
    const { clock } = this.#host;
    if (machine === undefined) return;
    machine.handleTimeout(clock.now());
    while (machine.pollNews() !== undefined) {
      // The disk forgets with the queue; no outbox is a copy here.
    }
    for (let next = machine.pollBatch(clock.now()); next; next = machine.pollBatch(clock.now())) {
      const { token, batch } = next;
      this.#publish("report", encodeFleet(batch), (isTaken) => {
        machine.handleAnswer(clock.now(), token, isTaken);
        this.#pump();
      });
    }
    this.#pumping?.cancel();
    const at = machine.pollTimeout();
    if (at !== undefined) this.#pumping = clock.after(at - clock.now(), () => this.#pump());
  }

  #noteState(): void {
    if (!this.isConnected) return;
    this.#stating?.cancel();
    this.#stating = this.#host.clock.after(STATE_DELAY_MS, () => this.#publishState(this.#host.state));
  }

  #publishState(state: Uint8Array): void {
    this.#stating?.cancel();
    this.#stating = this.#host.clock.after(STATE_EVERY_MS, () => this.#publishState(state));
    this.#publish("state", state, () => undefined);
  }

  /** Unless the power is cut before. */
  #after(delay: Millis, then: () => void): void {
    const life = this.#life;
    this.#host.clock.after(delay, () => {
      if (life === this.#life) then();
    });
  }
}

/** No chance at all: what the reconnect would be without it. */
const HALF: Random = { u32: () => 0x8000_0000 };
const SUBSCRIPTION: Uint8Array = new Uint8Array(150);
const PRESENCE: Uint8Array = new Uint8Array(6);

/** One connection of a site. */
class SiteConnection implements BrokerClient, PingedConnection {
  readonly #site: SimSite;
  sentAt: Millis = 0;

  constructor(site: SimSite) {
    this.#site = site;
  }

  get isOpen(): boolean {
    return this.#site.isConnection(this);
  }

  onUp(): void {
    this.#site.handleUp(this);
  }

  onDown(): void {
    this.#site.handleDown(this);
  }

  onCursor(cursor: AckCursor): void {
    this.#site.handleCursor(this, cursor);
  }
}

function hexOf(random: Random, bytes: number): string {
  return toHex(randomBytes(random, bytes));
}
