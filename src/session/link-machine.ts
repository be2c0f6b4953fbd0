import type { Millis } from "../base/units.ts";
import type { LinkCounters } from "../link/counters.ts";
import { Link, type LinkEvent, type LinkOptions } from "../link/link.ts";
import type { Stranger } from "../link/strangers/stranger.ts";

/**
 * What the machines have in common: one end of a link, and events for their owner. Sans-IO: drain {@link pollTransmit}
 * and {@link pollEvent} until undefined after every call, and call `handleTimeout` at `pollTimeout`.
 */
export abstract class LinkMachine<Event> {
  protected readonly link: Link;
  /** The link can carry bytes. */
  protected isUp = false;
  readonly #events: Event[] = [];

  constructor(options: LinkOptions) {
    this.link = new Link(options);
  }

  get counters(): LinkCounters {
    return this.link.counters;
  }

  /** Who is on the line, if it is no mayday node. */
  get stranger(): Stranger | undefined {
    return this.link.stranger;
  }

  /** The link can carry bytes, or no longer can. */
  handleLinkUp(_now: Millis, isUp: boolean): void {
    this.isUp = isUp;
  }

  /** Takes in the bytes between two delimiters (PROTOCOL.md 2). */
  handleRun(now: Millis, run: Uint8Array): void {
    this.#take(now, () => this.link.handleRun(now, run));
  }

  /** Takes in one frame of a link that carries frames whole (PROTOCOL.md 10). */
  handleFrame(now: Millis, frame: Uint8Array): void {
    this.#take(now, () => this.link.handleFrame(now, frame));
  }

  #take(now: Millis, handle: () => void): void {
    const damaged = this.link.counters.crcErrors;
    handle();
    if (this.link.counters.crcErrors > damaged) this.handleDamage(now);
    for (let event = this.link.pollEvent(); event; event = this.link.pollEvent()) this.handle(now, event);
    this.handleTaken();
  }

  /** A frame came damaged. */
  protected handleDamage(_now: Millis): void {}

  /** What the link heard. */
  protected abstract handle(now: Millis, event: LinkEvent): void;

  /** All that came was handled; of what was sent, something may have been acknowledged. */
  protected handleTaken(): void {}

  /** Has the owner told of it; undefined is nothing to tell. */
  protected emit(event: Event | undefined): void {
    if (event !== undefined) this.#events.push(event);
  }

  /** When something is due, soonest first: what the machine waits for, and the link, unless it is down. */
  protected soonest(wishes: readonly (Millis | undefined)[]): Millis | undefined {
    // While the link is down nothing is sent, and what waits to be sent must not keep the driver awake.
    const all = this.isUp ? [...wishes, this.link.pollTimeout()] : wishes;
    const times = all.filter((time) => time !== undefined);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** The next bytes to send, paced; undefined when there is nothing to send now. */
  pollTransmit(now: Millis): Uint8Array | undefined {
    return this.isUp ? this.link.pollTransmit(now) : undefined;
  }

  /** All messages that wait, whatever the pace: for the last words before the link is closed. */
  takeFarewell(now: Millis): { frames: Uint8Array[]; lineMs: Millis } {
    return this.isUp ? this.link.takeFarewell(now) : { frames: [], lineMs: 0 };
  }

  /** The next effect to carry out or thing to tell. */
  pollEvent(): Event | undefined {
    return this.#events.shift();
  }
}
