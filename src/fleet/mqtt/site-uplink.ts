import { toHex } from "../../base/bytes.ts";
import type { Clock, Timer } from "../../base/clock.ts";
import { type Random, randomBytes, randomFraction } from "../../base/prng.ts";
import type { Millis } from "../../base/units.ts";
import type { TrustedKey } from "../../image/keys.ts";
import {
  encodeFleet,
  ownerTopic,
  type Presence,
  parseCursor,
  partsOfTopic,
  type SiteState,
  siteTopic,
} from "../fleet-messages.ts";
import type { Report } from "../fleet-report.ts";
import type { OfferWord } from "../owner-word.ts";
import { Reconnect } from "../reconnect.ts";
import { OutboxFile } from "../store/outbox-file.ts";
import { SiteOutbox } from "../store/site-outbox.ts";
import { loadFloors, saveFloors } from "../store/word-file.ts";
import { type CursorWaits, UplinkMachine } from "../uplink-machine.ts";
import { stopMs, type WallTime, WordJudge } from "../word-judge.ts";
import { type BrokerAccess, loadMqtt, MqttLink } from "./mqtt-link.ts";

/** A site that is silent for longer is offline. */
const WILL_DELAY_S = 300;
/** A changed state is published this much later, so that a board that restarts is not three messages; and about once a day anyhow. */
const STATE_DELAY_MS: Millis = 2_000;
const STATE_EVERY_MS: Millis = 86_400_000;
/** Share of the day by which that is earlier, at random: sites that came back together do not stay together. */
const STATE_SPREAD = 0.25;

/** What an uplink tells its node. All of it is news, and nothing that fails. */
export type UplinkEvent =
  | { readonly tag: "up" }
  | { readonly tag: "down"; readonly why: string }
  /** The broker refuses a message or a subscription: a wrong certificate, or topics that are not ours. */
  | { readonly tag: "refused"; readonly what: string }
  /** The outbox cannot be written, or can be again (undefined). */
  | { readonly tag: "outbox"; readonly fault: string | undefined }
  /** An offer or a stop that counts for nothing, and why. */
  | { readonly tag: "ignored"; readonly topic: string; readonly why: string }
  /** An offer or stop counts, though nobody here knows whether it has expired: the clock is not sure. */
  | { readonly tag: "expiry-unknown"; readonly topic: string };

export interface SiteUplinkOptions {
  readonly fleet: string;
  readonly site: string;
  readonly broker: Omit<BrokerAccess, "clientId">;
  /** Folder of the outbox. */
  readonly outbox: string;
  readonly ownerKeys: readonly TrustedKey[];
  readonly clock: Clock;
  readonly random: Random;
  /** This run of the node, 8 digits. */
  readonly run: string;
  wall(): WallTime;
  state(): Omit<SiteState, "waiting" | "dropped" | "fault">;
  onEvent(event: UplinkEvent): void;
  warn(text: string): void;
  /** Whether a board of this hardware, 16 digits, is known here. */
  knowsHardware(hardware: string): boolean;
  /** The owner offers an image for hardware that is known here. */
  onOffer(word: OfferWord): void;
  /** The owner holds an image up, by its short digest, for this long from now on. */
  onStop(digest: string, forMs: Millis): void;
  /** Windows of the reconnect, for tests. */
  readonly reconnect?: { readonly first: Millis; readonly most: Millis };
  /** Waits for a cursor, for tests. */
  readonly waits?: CursorWaits;
}

/** A site at its broker: sends its reports until a collector has them, shows its state, and hears the owner's words. */
export class SiteUplink {
  readonly #options: SiteUplinkOptions;
  readonly #mqtt: Awaited<ReturnType<typeof loadMqtt>>;
  readonly #outbox: SiteOutbox;
  readonly #machine: UplinkMachine;
  readonly #reconnect: Reconnect;
  readonly #judge: WordJudge;
  #link: MqttLink | undefined;
  #timer: Timer | undefined;
  #stateTimer: Timer | undefined;
  #isClosed = false;
  #lastRefusal = "";

  private constructor(
    options: SiteUplinkOptions,
    mqtt: Awaited<ReturnType<typeof loadMqtt>>,
    file: OutboxFile,
  ) {
    this.#options = options;
    this.#mqtt = mqtt;
    const { clock, random, run, fleet, ownerKeys, outbox, warn } = options;
    this.#outbox = new SiteOutbox(file, {
      clock,
      onStored: (seq) => {
        this.#machine.handleStored(seq);
        this.#pump();
      },
      onFault: (fault) => {
        options.onEvent({ tag: "outbox", fault });
        this.noteState();
      },
    });
    this.#machine = new UplinkMachine(clock.now(), this.#outbox.queue, random, run, options.waits);
    this.#reconnect = new Reconnect(random, options.reconnect);
    this.#judge = new WordJudge(fleet, ownerKeys, loadFloors(outbox, warn));
  }

  /**
   * Opens the outbox and begins to connect; the broker need not be there. UsageError `mqtt-missing`; the errors of `LineFile.open`
   * when the outbox can neither be read nor made.
   */
  static async open(options: SiteUplinkOptions): Promise<SiteUplink> {
    const mqtt = await loadMqtt();
    const file = OutboxFile.open(options.outbox, newEpoch(options.random));
    if (file.damaged > 0)
      options.warn(`${options.outbox}: ${file.damaged} lines of the outbox are damaged, and are left out`);
    const uplink = new SiteUplink(options, mqtt, file);
    for (const { digest, forMs } of uplink.#judge.stops(options.wall())) options.onStop(digest, forMs);
    uplink.#connect();
    return uplink;
  }

  /** Reports that no collector has acknowledged. */
  get waiting(): number {
    return this.#outbox.queue.size;
  }

  report(report: Report): void {
    this.#outbox.add(report);
  }

  /** The site's state has changed. */
  noteState(): void {
    if (this.#link === undefined || !this.#machine.isConnected) return;
    this.#stateTimer?.cancel();
    this.#stateTimer = this.#options.clock.after(STATE_DELAY_MS, () => this.#publishState());
  }

  #connect(): void {
    if (this.#isClosed) return;
    const { broker, fleet, site } = this.#options;
    const offline: Presence = "offline";
    const will = { topic: siteTopic(fleet, site, "presence"), payload: offline, retain: true };
    const access = { ...broker, clientId: site };
    const link = new MqttLink(
      this.#mqtt,
      access,
      { ...will, delayS: WILL_DELAY_S },
      {
        onUp: () => void this.#handleUp(link),
        onDown: (why) => this.#handleDown(link, why),
        onMessage: (topic, payload) => this.#handleMessage(topic, payload),
      },
    );
    this.#link = link;
  }

  async #handleUp(link: MqttLink): Promise<void> {
    const { clock, fleet, onEvent, site } = this.#options;
    this.#reconnect.handleUp(clock.now());
    onEvent({ tag: "up" });
    const topics = [
      siteTopic(fleet, site, "ack"),
      ownerTopic(fleet, "offers", "+"),
      ownerTopic(fleet, "stop", "+"),
    ];
    if (!(await link.subscribe(topics))) this.#tellRefusal("the subscription of ack, offers and stop");
    if (this.#link !== link || this.#isClosed) return;
    this.#machine.handleConnected();
    const online: Presence = "online";
    void this.#publish(link, siteTopic(fleet, site, "presence"), online, true);
    this.#publishState();
    this.#pump();
  }

  #handleDown(link: MqttLink, why: string): void {
    if (this.#link !== link) return;
    this.#link = undefined;
    this.#stateTimer?.cancel();
    this.#machine.handleDisconnected();
    if (this.#isClosed) return;
    this.#options.onEvent({ tag: "down", why });
    const { clock } = this.#options;
    const delay = this.#reconnect.delayAfter(clock.now());
    this.#timer?.cancel();
    this.#timer = clock.after(delay, () => this.#connect());
  }

  #handleMessage(topic: string, payload: Uint8Array): void {
    const { clock, fleet, site } = this.#options;
    const [first, second] = partsOfTopic(fleet, topic) ?? [];
    if (first === site && second === "ack") {
      const cursor = parseCursor(payload);
      if (cursor !== undefined) this.#machine.handleCursor(clock.now(), cursor);
      this.#pump();
    } else if ((first === "offers" || first === "stop") && second !== undefined && payload.length > 0)
      this.#handleWord(topic, first, second, payload);
  }

  #handleWord(topic: string, kind: "offers" | "stop", id: string, payload: Uint8Array): void {
    const { knowsHardware, onEvent, onOffer, onStop, outbox, wall, warn } = this.#options;
    // Before its floor rises: a board of that hardware may come, and the offer is still there.
    if (kind === "offers" && !knowsHardware(id)) {
      onEvent({ tag: "ignored", topic, why: "foreign-hardware" });
      return;
    }
    const now = wall();
    const verdict = this.#judge.judge(kind, id, payload, now);
    if (verdict.tag === "again") return;
    if (verdict.tag !== "taken") {
      onEvent({ tag: "ignored", topic, why: verdict.tag });
      return;
    }
    saveFloors(outbox, this.#judge.floors, warn);
    if (verdict.expiryUnknown) onEvent({ tag: "expiry-unknown", topic });
    if (verdict.word.word === "offer") onOffer(verdict.word);
    else onStop(verdict.word.digest, stopMs(verdict.word.expires, now));
    this.noteState();
  }

  /** Sends what there is to send, and sets the timer. */
  #pump(): void {
    const { clock, random } = this.#options;
    this.#machine.handleTimeout(clock.now());
    for (let news = this.#machine.pollNews(); news !== undefined; news = this.#machine.pollNews()) {
      if (news.tag === "forget") this.#outbox.noteForgotten(news.through);
      else {
        this.#machine.handleRenewed();
        this.#outbox.renew(newEpoch(random));
      }
    }
    const link = this.#link;
    if (link === undefined) return;
    for (let next = this.#machine.pollBatch(clock.now()); next; next = this.#machine.pollBatch(clock.now())) {
      const { token, batch } = next;
      void this.#send(link, token, encodeFleet(batch));
    }
    this.#timer?.cancel();
    const at = this.#machine.pollTimeout();
    if (at !== undefined) this.#timer = clock.after(at - clock.now(), () => this.#pump());
  }

  async #send(link: MqttLink, token: number, bytes: Uint8Array): Promise<void> {
    const { clock, fleet, site } = this.#options;
    const isTaken = await this.#publish(link, siteTopic(fleet, site, "report"), bytes, false);
    if (this.#link !== link) return;
    this.#machine.handleAnswer(clock.now(), token, isTaken);
    this.#pump();
  }

  #publishState(): void {
    const { clock, fleet, random, site, state } = this.#options;
    const link = this.#link;
    if (link === undefined || !this.#machine.isConnected) return;
    this.#stateTimer?.cancel();
    const every = STATE_EVERY_MS * (1 - STATE_SPREAD * randomFraction(random));
    this.#stateTimer = clock.after(every, () => this.#publishState());
    const { size: waiting, dropped } = this.#outbox.queue;
    const { fault } = this.#outbox;
    const shown: SiteState = {
      ...state(),
      waiting,
      dropped,
      ...(fault !== undefined && { fault: fault.slice(0, 80) }),
    };
    void this.#publish(link, siteTopic(fleet, site, "state"), encodeFleet(shown), true);
  }

  /** Whether the broker has it. */
  async #publish(
    link: MqttLink,
    topic: string,
    payload: Uint8Array | string,
    retain: boolean,
  ): Promise<boolean> {
    const answer = await link.publish({ topic, payload, retain });
    if (answer === "taken") return true;
    if (answer !== "nobody" && this.#link === link) this.#tellRefusal(`${topic}: ${answer}`);
    return false;
  }

  /** Told once in a row. */
  #tellRefusal(what: string): void {
    if (what === this.#lastRefusal || this.#isClosed) return;
    this.#lastRefusal = what;
    this.#options.onEvent({ tag: "refused", what });
  }

  /** Says that the node was ended, leaves, and closes the outbox, which keeps what no collector has. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#stateTimer?.cancel();
    const link = this.#link;
    if (link !== undefined && this.#machine.isConnected) {
      const { fleet, site } = this.#options;
      const stopped: Presence = "stopped";
      const farewell = this.#publish(link, siteTopic(fleet, site, "presence"), stopped, true);
      const tooLate = new Promise<void>((resolve) => this.#options.clock.after(1000, resolve));
      await Promise.race([farewell, tooLate]);
      await Promise.race([link.close(), tooLate]);
    }
    link?.drop();
    await this.#outbox.close();
  }
}

function newEpoch(random: Random): string {
  return toHex(randomBytes(random, 8));
}
