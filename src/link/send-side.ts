import type { Millis } from "../base/units.ts";
import { ACK_BITMAP_LENGTH, ACK_REACH, IN_FLIGHT_MAX } from "../wire/constants.ts";
import type { Ack, Packet } from "../wire/messages.ts";
import type { LinkCounters } from "./counters.ts";
import type { Sizer } from "./frame-sizer.ts";
import { wasCut } from "./line-cut.ts";
import type { LineQuality } from "./line-quality.ts";
import { LineSpeed } from "./line-speed.ts";
import type { LinkTimers } from "./link-timers.ts";
import type { Pacer } from "./pacer.ts";
import { decodeNumber } from "./packet-number.ts";
import { RatelessWindow } from "./rateless-window.ts";
import type { RttEstimator } from "./rtt.ts";
import { SendPause } from "./send-pause.ts";
import { type QueueEntry, type SendItem, SendQueue } from "./send-queue.ts";

interface InFlight {
  /** Undefined for a probe. */
  readonly entry: QueueEntry | undefined;
  readonly from: number;
  readonly to: number;
  /** When its last byte leaves the wire, and how many it takes there. */
  readonly dueAt: Millis;
  readonly wireBytes: number;
  /** Its form: wrong bytes that each codeword may have; 0: COBS. */
  readonly mendable: number;
  /** The peer was deaf or cut off when it may have arrived: that it is lost says nothing about the line. */
  readonly isUnheard: boolean;
  /** The peer was deaf: how long it waited says nothing about the round trip. */
  readonly hasWaited: boolean;
}

/** Bytes of window on top of the round trip, for acks and the tty (PROTOCOL.md 4.8). */
const WINDOW_ALLOWANCE = 3_000;
/** How long an ack may wait at the receiver. */
const ACK_WAIT_MS = 8;
const PROBE_INTERVAL_MIN_MS = 20;
/** Between two cuts the fate of so many packets has to be known: a line on which each ack is late is slow, and not cut. */
const CUT_PACKETS = 32;

/** What the sending half of a session shares with its link. */
export interface SendSideParts {
  /** Runs the timers "probe" and "pause" there. */
  readonly timers: LinkTimers;
  readonly counters: LinkCounters;
  readonly rtt: RttEstimator;
  readonly pacer: Pacer;
  readonly sizer: Sizer;
  /** Number of the first packet; 0 unless given. */
  readonly firstNumber?: number;
}

/**
 * The sending half of a session: cuts items into numbered packets, keeps the window, resends what acks show
 * as lost, and probes a silent tail (PROTOCOL.md 4.1 to 4.4). A wire does not reorder, so a gap in an ack is a loss.
 */
export class SendSide {
  readonly #timers: LinkTimers;
  readonly #counters: LinkCounters;
  readonly #rtt: RttEstimator;
  readonly #pacer: Pacer;
  readonly #sizer: Sizer;
  readonly #queue: SendQueue = new SendQueue();
  readonly #inFlight: Map<number, InFlight> = new Map();
  #inFlightBytes = 0;
  #nextNumber: number;
  /** What the last ack said of the wrong bytes in the second form. */
  #mended = 0;
  /** When the last ack came, or when something was first in flight after nothing was. */
  #lastNewsAt: Millis;
  #lastDueAt: Millis = Number.NEGATIVE_INFINITY;
  /** Packets whose fate became known since the last cut. */
  #sinceCut = CUT_PACKETS;
  /** Bytes of the longest packet on the line since the last ack. */
  #longestSent = 0;
  #isTailProbeOwed = false;
  readonly #rateless: RatelessWindow = new RatelessWindow();
  readonly #pause: SendPause;
  readonly #speed: LineSpeed = new LineSpeed();
  #isHeld = false;
  /** Bytes on the line of the packets whose fate is known, since the rate of the line changed last. */
  #settledBytes = 0;

  constructor(now: Millis, { timers, counters, rtt, pacer, sizer, firstNumber = 0 }: SendSideParts) {
    this.#nextNumber = firstNumber;
    this.#lastNewsAt = now;
    this.#timers = timers;
    this.#pause = new SendPause(timers);
    this.#counters = counters;
    this.#rtt = rtt;
    this.#pacer = pacer;
    this.#sizer = sizer;
  }

  /** Number of the next packet. */
  get nextNumber(): number {
    return this.#nextNumber;
  }

  /** The peer takes this many bytes in a frame: it was not known before. */
  setPayloadMax(payloadMax: number): void {
    this.#sizer.setPayloadMax(payloadMax);
  }

  has(key: string): boolean {
    return this.#queue.has(key);
  }

  /** Queues an item behind those of its kind. Does nothing if its key is queued already. */
  add(item: SendItem): void {
    this.#queue.add(item);
  }

  /** Forgets an item that the peer has, or no longer wants. Its packets in flight are not sent again. */
  drop(key: string): void {
    this.#queue.drop(key);
  }

  /** Forgets everything, also what is in flight: the peer has all that it wants, and no probe is needed. */
  clear(): void {
    this.#queue.clear();
    this.#inFlight.clear();
    this.#inFlightBytes = 0;
    this.#isTailProbeOwed = false;
    this.#pause.end();
    this.#timers.clear("probe");
  }

  /**
   * The peer is deaf until then: no packets but a probe a second (PROTOCOL.md 5.11). What may have reached it since it
   * said so is sent again when an ack shows it as lost, but teaches nothing about the line. May be called again.
   */
  pause(now: Millis, until: Millis): void {
    if (!this.#pause.isOn) this.#excuse(now, true);
    const isProbing = this.#pause.isOn && this.#timers.at("probe") !== undefined;
    this.#pause.begin(until, this.#nextNumber);
    if (!isProbing) this.#awaitAck(now);
  }

  /** The peer may not have heard what reached it since `from`, though the line is good: a loss teaches nothing. */
  #excuse(from: Millis, hasWaited: boolean): void {
    const reachedFrom = from - this.#rtt.timeout;
    for (const [number, packet] of this.#inFlight)
      if (packet.dueAt > reachedFrom) this.#inFlight.set(number, { ...packet, isUnheard: true, hasWaited });
  }

  /** Whether the ack that came ends a silence that errors of the line do not explain. */
  #isAfterCut(now: Millis): boolean {
    const frameMs = this.#pacer.lineTime(this.#longestSent);
    return this.#sinceCut >= CUT_PACKETS && wasCut(now - this.#lastNewsAt, this.#rtt.timeout, frameMs);
  }

  get isPaused(): boolean {
    return this.#pause.isOn;
  }

  /** The peer hears again. */
  resume(now: Millis): void {
    if (!this.#pause.isOn) return;
    this.#pause.end();
    this.#lastNewsAt = now;
    this.#awaitAck(now);
  }

  /** While held, only probes are sent: the rate of the line is about to change (PROTOCOL.md 4.9). */
  setHeld(isHeld: boolean): void {
    this.#isHeld = isHeld;
  }

  /** The rate of the line has changed. What is in flight says nothing about the new one. */
  handleRateChange(quality: LineQuality): void {
    const fate = { isUnheard: true, hasWaited: true, dueAt: Number.NEGATIVE_INFINITY };
    for (const [number, packet] of this.#inFlight) this.#inFlight.set(number, { ...packet, ...fate });
    this.#settledBytes = 0;
    this.#speed.reset();
    this.#sizer.setLine(quality, this.#pacer.bytesPerMs);
  }

  /**
   * Goodput towards the peer as a share of the line, and the bytes of the line that it was seen in. `bytesPerMs`: measured on a
   * line that is slower than it is set to.
   */
  get goodput(): {
    readonly share: number;
    readonly seenBytes: number;
    readonly bytesPerMs: number | undefined;
  } {
    return {
      share: this.#sizer.goodput,
      seenBytes: this.#settledBytes,
      bytesPerMs: this.#speed.bytesPerMs,
    };
  }

  /** Keys of the items that are queued, in flight, or acked and not dropped. */
  get keys(): string[] {
    return this.#queue.keys;
  }

  /** Whether nothing has to be sent, and everything is acked. */
  get isIdle(): boolean {
    return this.#inFlight.size === 0 && !this.#queue.hasPending;
  }

  /** Whether {@link nextPacket} has one although no timer is due. */
  get canSend(): boolean {
    return (
      !this.#pause.isOn &&
      !this.#isHeld &&
      this.#hasRoom() &&
      (this.#queue.hasPending || (this.#isTailProbeOwed && this.#inFlight.size > 0))
    );
  }

  /** The next packet to put on the wire, or undefined. Call {@link sent} for each. */
  nextPacket(now: Millis): Packet | undefined {
    if (this.#inFlight.size === 0) this.#lastNewsAt = now;
    if (this.#pause.isOver(now)) this.resume(now);
    if (this.#timers.isDue("probe", now)) return this.#probe();
    if (this.#pause.isOn || this.#isHeld || !this.#hasRoom()) return undefined;
    const stretch = this.#queue.take((available) => this.#sizer.cut(available));
    if (stretch === undefined)
      return this.#isTailProbeOwed && this.#inFlight.size > 0 ? this.#probe() : undefined;
    const { entry, from, to } = stretch;
    this.#inFlightBytes += to - from;
    this.#isTailProbeOwed = true;
    return entry.item.packet(this.#register(entry, from, to), from, to);
  }

  #probe(): Packet {
    this.#isTailProbeOwed = false;
    this.#counters.probesSent++;
    return { tag: "probe", packetNumber: this.#register(undefined, 0, 0) };
  }

  #register(entry: QueueEntry | undefined, from: number, to: number): number {
    const number = this.#nextNumber++;
    const isOn = this.#pause.isOn;
    const dueAt = Number.POSITIVE_INFINITY;
    const fate = { isUnheard: isOn, hasWaited: isOn };
    this.#inFlight.set(number, { entry, from, to, dueAt, wireBytes: 0, mendable: 0, ...fate });
    return number;
  }

  /** Form of the packet just taken, unless it is a probe: see {@link Sizer.mendable}. */
  get mendable(): number {
    return this.#sizer.mendable;
  }

  /** The packet just taken takes `wireBytes` on the line, in this form, and its last byte leaves the line at `dueAt`. */
  sent(dueAt: Millis, wireBytes: number, mendable = 0): void {
    const number = this.#nextNumber - 1;
    const packet = this.#inFlight.get(number);
    if (packet !== undefined) this.#inFlight.set(number, { ...packet, dueAt, wireBytes, mendable });
    this.#longestSent = Math.max(this.#longestSent, wireBytes);
    this.#lastDueAt = dueAt;
    this.#awaitAck(dueAt);
  }

  #hasRoom(): boolean {
    return this.#inFlight.size < IN_FLIGHT_MAX && this.#inFlightBytes < this.#window();
  }

  /** Bytes that keep the wire full: round trip, the ack's wait, the tty's share, two frames. */
  #window(): number {
    const rate = this.#pacer.bytesPerMs;
    if (rate === undefined) return this.#rateless.bytes;
    return rate * (this.#rtt.timeout + ACK_WAIT_MS) + WINDOW_ALLOWANCE + 2 * this.#sizer.payload;
  }

  /** Takes in an ack. Acks of packets that were never sent are ignored. */
  handleAck(now: Millis, ack: Ack): void {
    const highest = decodeNumber(ack.highest, 16, this.#nextNumber);
    if (highest >= this.#nextNumber) {
      this.#counters.unexpectedFrames++;
      return;
    }
    if (this.#isAfterCut(now)) {
      this.#excuse(this.#lastNewsAt, false);
      this.#sinceCut = 0;
    }
    this.#lastNewsAt = now;
    this.#longestSent = 0;
    const hasHeard = this.#pause.isContradictedBy(highest);
    const before = this.#inFlightBytes;
    const settledBefore = this.#settledBytes;
    let rtt: Millis | undefined;
    let codedBytes = 0;
    for (const [number, packet] of this.#inFlight) {
      if (number > highest) break;
      this.#inFlight.delete(number);
      const back = highest - number;
      if (number === highest) rtt = this.#sampleRtt(packet, now - packet.dueAt - ack.delayMs);
      const arrived = back < ACK_REACH && hasBit(ack.bitmap, back);
      this.#settle(packet, arrived);
      if (arrived && packet.mendable > 0) codedBytes += packet.wireBytes;
    }
    this.#noteMended(codedBytes, ack);
    if (rtt !== undefined) {
      this.#rateless.handleAck(rtt, before - this.#inFlightBytes);
      this.#speed.note(now, rtt, this.#settledBytes - settledBefore);
    }
    if (hasHeard) this.resume(now);
    else this.#awaitAck(now);
  }

  #noteMended(codedBytes: number, { mended }: Ack): void {
    if (mended === undefined) return;
    const wrongBytes = (mended - this.#mended) & 0xffff;
    this.#mended = mended;
    // An ack that came late, behind a newer one, covers nothing: what it says is older.
    if (codedBytes > 0) this.#sizer.noteMended(codedBytes, Math.min(wrongBytes, codedBytes));
  }

  /** A packet that had to wait while the peer was deaf tells nothing about the line. */
  #sampleRtt({ hasWaited }: InFlight, rtt: Millis): Millis | undefined {
    if (hasWaited && rtt > this.#rtt.timeout) return undefined;
    this.#rtt.sample(rtt);
    return Math.max(0, rtt);
  }

  #settle(packet: InFlight, arrived: boolean): void {
    if (!arrived) this.#counters.packetsLost++;
    this.#sinceCut++;
    if (arrived || !packet.isUnheard) this.#sizer.settle(packet.wireBytes, !arrived, packet.mendable);
    if (!packet.isUnheard) this.#settledBytes += packet.wireBytes;
    const { entry, from, to } = packet;
    if (entry === undefined) return;
    this.#inFlightBytes -= to - from;
    if (this.#queue.settle({ entry, from, to }, arrived)) this.#counters.resentBytes += to - from;
  }

  /** The next item of which every byte was acked, by its key; each once. May change after: {@link handleAck}. */
  takeCompleted(): string | undefined {
    return this.#queue.takeCompleted();
  }

  /** Sets the timer of the next probe, while something is in flight, or waits for the end of a pause. `now`: or later. */
  #awaitAck(now: Millis): void {
    if (this.#pause.isOn) {
      if (this.isIdle) this.#timers.clear("probe");
      else this.#timers.set("probe", this.#pause.probeAt(now));
    } else if (this.#inFlight.size === 0) this.#timers.clear("probe");
    else {
      const interval = Math.max(this.#rtt.timeout, PROBE_INTERVAL_MIN_MS);
      this.#timers.set("probe", Math.max(this.#lastNewsAt, this.#lastDueAt) + interval);
    }
  }

  /** The peer asks whether this side is there: a probe is due now. */
  probeNow(now: Millis): void {
    this.#timers.set("probe", now);
  }
}

function hasBit(bitmap: Uint8Array, back: number): boolean {
  return back < ACK_BITMAP_LENGTH * 8 && ((bitmap[back >> 3] ?? 0) & (1 << (back & 7))) !== 0;
}
