import type { Millis } from "../base/units.ts";
import { LineQuality } from "./line-quality.ts";
import { LineRate } from "./line-rate.ts";
import type { Pacer } from "./pacer.ts";

/** What may be sent: all; `closing`: the messages that wait already; `shut`: nothing, until the rate of the line is set. */
type Gate = "open" | "closing" | "shut";

/**
 * Keeps a link silent around a change of the rate of its line (PROTOCOL.md 4.9): what waits leaves first, and nothing is sent
 * until the port is set. A link whose rate is fixed is always open.
 */
export class LineGate {
  /** Undefined where this end cannot change the rate. */
  readonly rate: LineRate | undefined;
  readonly #pacer: Pacer;
  readonly #isEmpty: () => boolean;
  readonly #fixedQuality: LineQuality = new LineQuality();
  #gate: Gate = "open";

  /** `isEmpty`: whether no message waits that may still be sent. */
  constructor(pacer: Pacer, baud: number | undefined, baudMax: number | undefined, isEmpty: () => boolean) {
    this.rate = baud === undefined || baudMax === undefined ? undefined : new LineRate(baud, baudMax);
    this.#pacer = pacer;
    this.#isEmpty = isEmpty;
  }

  /** What is known of the line towards the peer at the present rate. */
  get quality(): LineQuality {
    return this.rate?.quality ?? this.#fixedQuality;
  }

  /** Only the messages that wait are sent. */
  get isClosing(): boolean {
    return this.#gate === "closing";
  }

  /** Nothing is sent. */
  get isShut(): boolean {
    if (this.#gate === "closing" && this.#isEmpty()) this.#gate = "shut";
    return this.#gate === "shut";
  }

  /**
   * Wants another rate of the line from `at` on: the messages that wait still leave, and then nothing does until the port is set
   * ({@link takeBaud}). For links with a {@link rate}.
   */
  switchBaud(baud: number, at: Millis = Number.NEGATIVE_INFINITY): void {
    const { rate } = this;
    if (rate === undefined || rate.goal === baud) return;
    rate.want(baud, at);
    if (!rate.isSetting) this.#gate = "closing";
  }

  /** Returns to the meeting rate once the messages that wait have left. */
  returnToMeeting(): void {
    if (this.rate !== undefined) this.switchBaud(this.rate.meeting);
  }

  /** The port was opened: it is at the meeting rate. */
  handleOpened(): void {
    if (this.rate === undefined) return;
    this.rate.reset();
    this.#gate = "open";
    this.#pacer.setBaud(this.rate.meeting);
  }

  /** When the rate changes, once what waits has left. */
  get switchAt(): Millis | undefined {
    return this.rate?.dueAt(this.#pacer.lineFreeAt);
  }

  /** Takes the demand to set the port to this rate now; `Link.handleBaudSet` answers it. */
  takeBaud(now: Millis): number | undefined {
    const at = this.switchAt;
    if (at === undefined || now < at || !this.isShut) return undefined;
    const baud = this.rate?.begin();
    if (baud === undefined) this.#gate = "open";
    return baud;
  }

  /** See `Link.handleBaudSet`. True if something waited for it. */
  handleBaudSet(now: Millis, isSet: boolean): boolean {
    const { rate } = this;
    if (rate?.end(now, isSet) !== true) return false;
    this.#gate = rate.isSettled ? "open" : "closing";
    this.#pacer.setBaud(rate.present);
    return true;
  }
}
