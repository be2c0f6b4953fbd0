import type { Millis } from "../base/units.ts";
import type { LinkCounters } from "../link/counters.ts";
import { Link, type LinkOptions } from "../link/link.ts";
import type { LinkEvent } from "../link/link-event.ts";
import type { Stranger } from "../link/strangers/stranger.ts";
import { ByeReason } from "../wire/constants.ts";
import type { CodedFrame } from "../wire/fec/frame-hunter.ts";
import type { LineEvent, Role, RoleHost } from "./role.ts";

/**
 * One end of a link, and the role on it. The link outlives its roles: round-trip time, error estimate, counters, packet
 * numbers and the tags of past sessions stay when a role is exchanged. Sans-IO: after every call drain
 * {@link pollTransmit} and {@link pollEvent} until undefined, and call {@link handleTimeout} at {@link pollTimeout}.
 */
export class LinkEnd<Event> implements RoleHost<Event | LineEvent> {
  readonly link: Link;
  readonly #events: (Event | LineEvent)[] = [];
  #role: Role | undefined;
  #isUp = false;
  #lastSession = 0;

  constructor(options: LinkOptions) {
    this.link = new Link(options);
  }

  /** The link has a key. */
  get isKeyed(): boolean {
    return this.link.key !== undefined;
  }

  get counters(): LinkCounters {
    return this.link.counters;
  }

  /** Who is on the line, if it is not a mayday node. */
  get stranger(): Stranger | undefined {
    return this.link.foreign.stranger;
  }

  /** See {@link Link.heard}. */
  get heard(): "announcement" | "session" | undefined {
    return this.link.heard;
  }

  /** A session runs on the link. */
  get isInSession(): boolean {
    return this.link.isInSession;
  }

  /** The link can carry bytes. */
  get isUp(): boolean {
    return this.#isUp;
  }

  /**
   * Puts a role on this end, and gives it back. The role before leaves (its bye is still sent), and the answers to its
   * effects are dropped by their session's number. `make` gets this end as the role's host.
   */
  exchange<R extends Role>(now: Millis, make: (host: RoleHost<Event | LineEvent>) => R): R {
    this.stop();
    this.link.foreign.muting.setOn(now, false);
    const role = make(this);
    this.#role = role;
    role.handleLinkUp(now, this.#isUp);
    return role;
  }

  /** Ends the present role, which says bye if a session runs. The link stays, and hears without answering. */
  stop(reason: ByeReason = ByeReason.stopped): void {
    this.#role?.stop(reason);
    this.#role = undefined;
    // The next role meets its neighbour at the rate at which all begin.
    this.link.gate.returnToMeeting();
  }

  emit(event: Event | LineEvent): void {
    this.#events.push(event);
  }

  /** Damaged frames that came. */
  get damage(): number {
    return this.link.counters.crcErrors;
  }

  reportEcho(): void {
    this.link.counters.echoes++;
    this.link.foreign.noteEcho();
    this.emit({ tag: "link", state: "echo" });
  }

  nextSession(): number {
    return ++this.#lastSession;
  }

  /** The link can carry bytes, or no longer can. */
  handleLinkUp(now: Millis, isUp: boolean): void {
    this.#isUp = isUp;
    if (isUp) {
      this.link.gate.handleOpened();
      this.link.foreign.unasked.handleLinkUp(now);
    }
    this.#role?.handleLinkUp(now, isUp);
  }

  /** Takes in the bytes between two delimiters (PROTOCOL.md 2). */
  handleRun(now: Millis, run: Uint8Array): void {
    this.link.handleRun(now, run);
    this.#dispatch(now);
  }

  /** See {@link Link.isHunting}. */
  get isHunting(): boolean {
    return this.link.isHunting;
  }

  /** Takes in a frame of the second form; see {@link Link.handleCoded}. */
  handleCoded(now: Millis, frame: CodedFrame): boolean {
    if (!this.link.handleCoded(now, frame)) return false;
    this.#dispatch(now);
    return true;
  }

  /** Takes in bytes of a stream once more, as they came, after the runs that they end were handed to {@link handleRun}. */
  handleBytes(now: Millis, bytes: Uint8Array): void {
    this.link.foreign.handleBytes(now, bytes);
  }

  /** Takes in one frame of a link that carries whole frames (PROTOCOL.md 10). */
  handleFrame(now: Millis, frame: Uint8Array): void {
    this.link.handleFrame(now, frame);
    this.#dispatch(now);
  }

  #dispatch(now: Millis): void {
    for (let event = this.link.pollEvent(); event; event = this.link.pollEvent()) this.#handle(now, event);
    this.#role?.handleInputEnd();
  }

  #handle(now: Millis, event: LinkEvent): void {
    if (event.tag === "console" || event.tag === "stranger") this.emit(event);
    else this.#role?.handleHeard(now, event);
  }

  /** Does what is due. Extra calls are harmless. */
  handleTimeout(now: Millis): void {
    this.link.handleTimeout(now);
    this.#role?.handleTimeout(now);
  }

  /** Takes the demand to drop what was handed over and has not left yet (PROTOCOL.md 2.4). May change after {@link handleTimeout}. */
  takeFlush(): boolean {
    return this.link.takeFlush();
  }

  /** Takes the demand to set the port to this rate; {@link handleBaudSet} answers it. May change after every call but the polls. */
  takeBaud(now: Millis): number | undefined {
    return this.#isUp ? this.link.gate.takeBaud(now) : undefined;
  }

  /** The port was set to the rate of {@link takeBaud}, or refused it and stayed at its rate. */
  handleBaudSet(now: Millis, isSet: boolean): void {
    this.link.handleBaudSet(now, isSet);
    this.#role?.handleTimeout(now);
  }

  /**
   * The next bytes to send, paced; undefined when there is nothing to send now. May change after every call but
   * {@link pollEvent} and {@link pollTimeout}, and when the time of {@link pollTimeout} has come.
   */
  pollTransmit(now: Millis): Uint8Array | undefined {
    return this.#isUp ? this.link.pollTransmit(now) : undefined;
  }

  /** All messages that wait, whatever the pace, and the line time until the last of them has left: before closing. */
  takeUnsent(now: Millis): { readonly frames: readonly Uint8Array[]; readonly lineMs: Millis } {
    return this.#isUp ? this.link.takeUnsent(now) : { frames: [], lineMs: 0 };
  }

  /** The next effect to carry out, or report. May change after every call but the polls. */
  pollEvent(): Event | LineEvent | undefined {
    return this.#events.shift();
  }

  /**
   * When {@link handleTimeout} or {@link pollTransmit} has something to do, or undefined when only arrivals matter. May
   * change after every call but {@link pollEvent}.
   */
  pollTimeout(): Millis | undefined {
    const roleAt = this.#role?.pollTimeout();
    // While the link is down nothing is sent, and what waits to be sent must not keep the driver awake.
    const linkAt = this.#isUp ? this.link.pollTimeout() : undefined;
    if (roleAt === undefined || linkAt === undefined) return roleAt ?? linkAt;
    return Math.min(roleAt, linkAt);
  }
}
