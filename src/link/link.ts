import { TimerTable } from "../base/timer-table.ts";
import type { Millis } from "../base/units.ts";
import { saysForms } from "../wire/extensions.ts";
import type { CodedFrame } from "../wire/fec/frame-hunter.ts";
import type { Protect } from "../wire/frame.ts";
import { delimitedCobs, wholeFrames } from "../wire/line-code.ts";
import type { Message } from "../wire/messages.ts";
import { type LinkCounters, newCounters } from "./counters.ts";
import { ForeignInput } from "./foreign-input.ts";
import { LineForms } from "./forms/line-forms.ts";
import { Framer } from "./framer.ts";
import { LineGate } from "./line-gate.ts";
import type { LineRate } from "./line-rate.ts";
import type { LinkEvent } from "./link-event.ts";
import type { LinkKey } from "./link-key.ts";
import type { LinkOptions } from "./link-options.ts";
import type { LinkTimer, LinkTimers } from "./link-timers.ts";
import { Pacer } from "./pacer.ts";
import { FIRST_PACKET_BYTES, ReceiveSide } from "./receive-side.ts";
import { Reception } from "./reception.ts";
import { RttEstimator } from "./rtt.ts";
import type { FrameSeal } from "./seal.ts";
import { SendSide } from "./send-side.ts";
import { Transmitter } from "./transmitter.ts";

export type { LinkOptions } from "./link-options.ts";

/** Bytes of an ack on the line (PROTOCOL.md 4.3). */
const ACK_BYTES = 25;

/**
 * One end of a link: frames in and out of bytes, console text, the numbered and paced packets of one session at a
 * time, and the counters. Outlives its sessions: counters, round-trip time, error estimate and the tags of past sessions
 * stay. Sans-IO: hand it runs (RunSplitter) and time, and drain the polls until undefined after every call.
 */
export class Link {
  /** The link's key, for the roles that hold sessions over it. */
  readonly key: LinkKey | undefined;
  readonly counters: LinkCounters = newCounters();
  readonly rtt: RttEstimator;
  /** What keeps it silent around a change of the rate of its line, and makes the change. */
  readonly gate: LineGate;
  readonly #forms: LineForms;
  readonly #pacer: Pacer;
  readonly #payload: number | undefined;
  readonly #framer: Framer;
  /** What else is on the line, and what follows for this end: when it may speak unasked, and when it is mute. */
  readonly foreign: ForeignInput;
  readonly #events: LinkEvent[] = [];
  readonly #transmitter: Transmitter;
  readonly #reception: Reception;
  readonly #timers: LinkTimers = new TimerTable<LinkTimer>();
  #sender: SendSide | undefined;
  #receiver: ReceiveSide | undefined;
  #isFlushDue = false;

  constructor(options: LinkOptions) {
    this.key = options.key;
    this.#payload = options.payload;
    this.rtt = new RttEstimator(options.rtoFloorMs);
    this.#pacer = new Pacer(options.baud, options.bitsPerByte);
    const code = options.framing === "message" ? wholeFrames : delimitedCobs;
    this.#framer = new Framer(code);
    const emit = (event: LinkEvent): number => this.#events.push(event);
    this.foreign = new ForeignInput(code, this.counters, emit, () => this.#framer.tag);
    const { muting } = this.foreign;
    const isEmpty = (): boolean => this.#transmitter.isEmpty || muting.isMute;
    this.gate = new LineGate(this.#pacer, options.baud, options.baudMax, isEmpty);
    this.#forms = new LineForms(
      options.isHunting === true && code === delimitedCobs,
      () => this.gate.quality,
    );
    const parts = { framer: this.#framer, pacer: this.#pacer, counters: this.counters };
    this.#transmitter = new Transmitter({ ...parts, muting, forms: this.#forms.ofMessages });
    const { counters, foreign } = this;
    const sides = { sender: () => this.#sender, receiver: () => this.#receiver };
    this.#reception = new Reception({
      lineTime: (bytes) => this.lineTime(bytes),
      ...{ framer: this.#framer, forms: this.#forms.ofMessages, counters, foreign, emit, ...sides },
    });
  }

  /** The sending half of the session that {@link startSending} began. */
  get sender(): SendSide | undefined {
    return this.#sender;
  }

  /** When the last frame of the current session arrived. */
  get lastHeardAt(): Millis {
    return this.#reception.lastHeardAt;
  }

  /** Bytes on the line of the longest packet that came in this session; those of a first one at least. */
  get longestReceived(): number {
    return this.#receiver?.longest ?? FIRST_PACKET_BYTES;
  }

  /**
   * What the run or frame that was handed in last is: a frame of the present session or the one that began it, another
   * valid one, or neither.
   */
  get heard(): "announcement" | "session" | undefined {
    return this.#reception.heard;
  }

  get isInSession(): boolean {
    return this.#framer.isInSession;
  }

  /** Errors per byte towards the peer, from the fate of all packets that this link has sent at the present rate of its line. */
  get errorRate(): number {
    return this.gate.quality.errorRate;
  }

  /** Bytes on the line of a call that takes so many in COBS, its copies in the second form counted on average. */
  callBytes(bytes: number): number {
    return bytes + this.#forms.ofMessages.copyBytes(bytes);
  }

  /** Milliseconds that `bytes` take on this line, 0 if it has no rate of its own. */
  lineTime(bytes: number): Millis {
    return this.#pacer.lineTime(bytes);
  }

  /** The rate of the line, where this end can change it. */
  get lineRate(): LineRate | undefined {
    return this.gate.rate;
  }

  /** The port was set to the rate of `gate.takeBaud`, or refused it and stayed at its rate. */
  handleBaudSet(now: Millis, isSet: boolean): void {
    if (this.gate.handleBaudSet(now, isSet)) this.#sender?.handleRateChange(this.gate.quality);
  }

  /**
   * Begins a session on the rescuer's side. `payloadMax`: what the target takes in a frame, in bytes. `seal`: new, of the
   * link key; each received frame then needs its seal. `firstNumber`: of its packets, if others were sent under this tag.
   */
  startSending(now: Millis, tag: number, payloadMax: number, seal?: FrameSeal, firstNumber = 0): SendSide {
    this.#startSession(now, tag, seal);
    const { overhead, sealLength } = this.#framer;
    const { bytesPerMs } = this.#pacer;
    const sizes = { payloadMax, overhead, bytesPerMs, payload: this.#payload };
    const sizer = this.#forms.sizer(sizes, sealLength);
    const { counters, rtt } = this;
    this.#reception.noteAccepted();
    this.#sender = new SendSide(now, {
      ...{ timers: this.#timers, counters, rtt, pacer: this.#pacer, sizer, firstNumber },
    });
    return this.#sender;
  }

  /** Begins a session on the target's side; `seal` as for {@link startSending}. */
  startReceiving(now: Millis, tag: number, seal?: FrameSeal): void {
    this.#startSession(now, tag, seal);
    this.#receiver = new ReceiveSide(this.#timers);
  }

  #startSession(now: Millis, tag: number, seal: FrameSeal | undefined): void {
    this.endSession();
    this.#framer.startSession(tag, seal);
    this.#reception.startSession(now);
  }

  /** Ends the session: drops its packets and unsent messages. Its late frames are counted as stale. */
  endSession(): void {
    this.#framer.endSession();
    this.#timers.clear("ack");
    this.#timers.clear("probe");
    this.#timers.clear("pause");
    this.#sender = undefined;
    this.#receiver = undefined;
    this.foreign.noteSessionEnd();
    this.#transmitter.clear();
  }

  /**
   * Queues a message; one of the same kind that was not sent yet is replaced. `prove` adds the proof of a link key. While
   * this end is mute, it is dropped.
   */
  send(message: Message, prove?: Protect): void {
    this.#transmitter.add({ message: this.announced(message), prove });
  }

  /** The message as {@link send} says it: with the forms that this end hears, and what the line does to bytes, where a message of its kind says it. */
  announced<M extends Message>(message: M): M {
    const said = this.#forms.ofMessages.announced(message);
    const changes = saysForms(said) ? this.foreign.changes : undefined;
    return changes === undefined ? said : { ...said, changes };
  }

  /** This end hears the second form: hand it what a hunter takes out of the stream ({@link handleCoded}). */
  get isHunting(): boolean {
    return this.#forms.ofMessages.isHunting;
  }

  /** A message waits for the line. */
  get hasMessages(): boolean {
    return !this.#transmitter.isEmpty;
  }

  /** A message that nobody asked for waits for the line. */
  get hasUnasked(): boolean {
    return this.#transmitter.hasUnasked;
  }

  /** Queues a message that nobody asked for, also while this end is mute: ask `foreign.unasked` first whether it may be said. */
  sendUnasked(now: Millis, message: Message, prove?: Protect): void {
    this.foreign.noteSaid(now);
    this.#transmitter.addUnasked({ message: this.announced(message), prove });
  }

  /** Becomes mute if it is time. Extra calls are harmless. */
  handleTimeout(now: Millis): void {
    this.#checkMute(now);
  }

  #checkMute(now: Millis): void {
    const isMarked = this.foreign.takeMarked();
    if (!this.foreign.muting.check(now, this.lineTime(ACK_BYTES)) && !isMarked) return;
    this.#transmitter.clear();
    this.#isFlushDue = true;
  }

  /** Takes the demand to drop what was handed over and has not left yet: this end has become mute. */
  takeFlush(): boolean {
    const isDue = this.#isFlushDue;
    this.#isFlushDue = false;
    return isDue;
  }

  /** Asks for an ack to go out immediately. */
  ackNow(now: Millis): void {
    this.#receiver?.ackNow(now);
  }

  /** Takes in the bytes between two delimiters, the closing one with them or not (PROTOCOL.md 2). */
  handleRun(now: Millis, run: Uint8Array): void {
    this.#reception.handleRun(now, run);
    this.#checkMute(now);
  }

  /** Takes in one frame of a link that carries frames whole. */
  handleFrame(now: Millis, frame: Uint8Array): void {
    this.#reception.handleFrame(now, frame);
  }

  /** Takes in a frame of the second form. False: it is none, its CRC is wrong, and its bytes are runs perhaps. */
  handleCoded(now: Millis, coded: CodedFrame): boolean {
    return this.#reception.handleCoded(now, coded);
  }

  /** The next thing that happened, or undefined. The value may change after: {@link handleRun}, {@link handleFrame}. */
  pollEvent(): LinkEvent | undefined {
    return this.#events.shift();
  }

  /**
   * The next bytes for the transport: one frame in the link's line code, or undefined. Paced: undefined also while enough
   * is on the wire already. The value may change when the time of {@link pollTimeout} has come, and after:
   *
   * - {@link handleRun}, {@link handleFrame}, {@link send}, {@link ackNow}, {@link startSending},
   *   {@link startReceiving}, {@link endSession}, {@link handleBaudSet}
   * - items of {@link sender} were added or dropped
   * - it returned bytes
   */
  pollTransmit(now: Millis): Uint8Array | undefined {
    if (!this.#pacer.isReady(now) || this.gate.isShut) return undefined;
    if (this.foreign.muting.isMute) return this.#transmitter.takeUnasked(now)?.bytes;
    // No bye: nothing could be sent that the peer would believe. The timeouts of both sides end the session.
    if (this.#framer.isExhausted) this.endSession();
    if (this.gate.isClosing) return this.#transmitter.takeMessage(now)?.bytes;
    const ack = this.#receiver?.takeAck(now);
    const message =
      ack === undefined ? this.#transmitter.takeMessage(now) : this.#transmitter.message(now, ack);
    if (message !== undefined) return message.bytes;
    const sender = this.#sender;
    const packet = sender?.nextPacket(now);
    if (sender === undefined || packet === undefined) return undefined;
    const mendable = packet.tag === "probe" ? this.#forms.ofMessages.probeMendable : sender.mendable;
    const { bytes, dueAt } = this.#transmitter.packet(now, packet, mendable);
    sender.sent(dueAt, bytes.length, this.#framer.isCoded ? Math.max(1, mendable) : 0);
    return bytes;
  }

  /** All messages that wait, whatever the pace, and the line time until the last of them has left, in milliseconds. */
  takeUnsent(now: Millis): { frames: Uint8Array[]; lineMs: Millis } {
    return this.#transmitter.takeUnsent(now);
  }

  /**
   * When to call {@link pollTransmit} or {@link handleTimeout} although nothing arrived; undefined when only arrivals
   * matter. May lie in the past: call it now. The value may change after every call that {@link pollTransmit} lists.
   */
  pollTimeout(): Millis | undefined {
    if (this.gate.isShut)
      return earliest(this.gate.switchAt, this.foreign.muting.beginsAt(this.lineTime(ACK_BYTES)));
    if (this.foreign.muting.isMute) return this.#transmitter.hasUnasked ? this.#pacer.readyAt : undefined;
    // While the last messages leave before the rate changes, nothing else is sent: they wait.
    const isWaiting = !this.#transmitter.isEmpty || this.#sender?.canSend === true;
    const at = isWaiting ? Number.NEGATIVE_INFINITY : this.#timers.next();
    const sendAt = at === undefined ? undefined : Math.max(this.#pacer.readyAt, at);
    return earliest(sendAt, this.foreign.muting.beginsAt(this.lineTime(ACK_BYTES)));
  }
}

function earliest(a: Millis | undefined, b: Millis | undefined): Millis | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}
