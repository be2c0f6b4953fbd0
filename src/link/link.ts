import { unreachable } from "../base/assert.ts";
import { TimerTable } from "../base/timer-table.ts";
import type { Millis } from "../base/units.ts";
import type { Protect } from "../wire/frame.ts";
import { delimitedCobs, wholeFrames } from "../wire/line-code.ts";
import { linkProofOf } from "../wire/link-proof.ts";
import type { Frame, Message, Packet } from "../wire/messages.ts";
import { type LinkCounters, newCounters } from "./counters.ts";
import { ErrorEstimate } from "./error-estimate.ts";
import { FrameSizer } from "./frame-sizer.ts";
import { Framer, type Received } from "./framer.ts";
import type { LinkEvent } from "./link-event.ts";
import type { LinkKey } from "./link-key.ts";
import type { LinkTimer, LinkTimers } from "./link-timers.ts";
import { Outbox, type Outgoing } from "./outbox.ts";
import { Pacer } from "./pacer.ts";
import { ReceiveSide } from "./receive-side.ts";
import { RttEstimator } from "./rtt.ts";
import type { FrameSeal } from "./seal.ts";
import { SendSide } from "./send-side.ts";
import { consoleText } from "./strangers/console-text.ts";
import type { Stranger } from "./strangers/stranger.ts";
import { StrangerWatch } from "./strangers/stranger-watch.ts";

export interface LinkOptions {
  /** Line rate in bits per second to pace by; undefined when the link has none of its own (TCP). */
  readonly baud: number | undefined;
  /** Bits on the line for each byte: 10 (8N1) unless given, 11 with parity or two stop bits, 12 with both. */
  readonly bitsPerByte?: number | undefined;
  /** Smallest retransmission timeout: about 10 ms on a native UART, 25 ms behind a USB adapter. */
  readonly rtoFloorMs: Millis;
  /** How frames travel; "stream", between delimiters, unless given. "message": whole, without COBS (PROTOCOL.md 10). */
  readonly framing?: "stream" | "message" | undefined;
  /** The link's key, if it has one: sessions are only held with a peer that has the same (PROTOCOL.md 14). */
  readonly key?: LinkKey | undefined;
}

/** Counters of the frames that are not taken. */
const COUNTER = {
  unauthentic: "unauthenticFrames",
  malformed: "unexpectedFrames",
  stale: "staleFrames",
} as const;

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
  /** Errors towards the peer, from the fate of all packets that this link has sent. */
  readonly errorEstimate: ErrorEstimate = new ErrorEstimate();
  readonly #pacer: Pacer;
  readonly #framer: Framer;
  /** Undefined where nobody else can be on the line: on a link that carries whole frames. */
  readonly #watch: StrangerWatch | undefined;
  readonly #events: LinkEvent[] = [];
  /** Other protocol versions that were reported. */
  readonly #foreignVersions: Set<number> = new Set();
  readonly #outbox: Outbox = new Outbox();
  readonly #timers: LinkTimers = new TimerTable<LinkTimer>();
  #sender: SendSide | undefined;
  #receiver: ReceiveSide | undefined;
  #lastHeardAt: Millis = Number.NEGATIVE_INFINITY;
  #heard: "announcement" | "session" | undefined;

  constructor(options: LinkOptions) {
    this.key = options.key;
    this.rtt = new RttEstimator(options.rtoFloorMs);
    this.#pacer = new Pacer(options.baud, options.bitsPerByte);
    const code = options.framing === "message" ? wholeFrames : delimitedCobs;
    this.#framer = new Framer(code);
    this.#watch = code.delimiter === undefined ? undefined : new StrangerWatch(code);
  }

  /** The sending half of the session that {@link startSending} began. */
  get sender(): SendSide | undefined {
    return this.#sender;
  }

  /** Who is on the line, if it is not a mayday node. May change after: {@link handleRun}. */
  get stranger(): Stranger | undefined {
    return this.#watch?.verdict;
  }

  /** When the last frame of the current session arrived. */
  get lastHeardAt(): Millis {
    return this.#lastHeardAt;
  }

  /** What the run or frame that was handed in last is: a frame of the present session, another valid one, or neither. */
  get heard(): "announcement" | "session" | undefined {
    return this.#heard;
  }

  get isInSession(): boolean {
    return this.#framer.isInSession;
  }

  /** Milliseconds that `bytes` take on this line, 0 if it has no rate of its own. */
  lineTime(bytes: number): Millis {
    return this.#pacer.lineTime(bytes);
  }

  /** The line rate changes now, to bits per second. What was sent before is counted at the old rate. */
  setBaud(baud: number | undefined): void {
    this.#pacer.setBaud(baud);
  }

  /**
   * Begins a session on the rescuer's side. `payloadMax`: what the target takes in a frame, in bytes. `seal`: new, of the
   * link key; each received frame then needs its seal.
   */
  startSending(now: Millis, tag: number, payloadMax: number, seal?: FrameSeal): SendSide {
    this.#startSession(now, tag, seal);
    const { overhead } = this.#framer;
    const { bytesPerMs } = this.#pacer;
    const sizer = new FrameSizer(this.errorEstimate, { payloadMax, overhead, bytesPerMs });
    const { counters, rtt } = this;
    this.#sender = new SendSide(now, { timers: this.#timers, counters, rtt, pacer: this.#pacer, sizer });
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
    this.#lastHeardAt = now;
  }

  /** Ends the session: drops its packets and unsent messages. Its late frames are counted as stale. */
  endSession(): void {
    this.#framer.endSession();
    this.#timers.clear("ack");
    this.#timers.clear("probe");
    this.#timers.clear("pause");
    this.#sender = undefined;
    this.#receiver = undefined;
    this.#outbox.clear();
  }

  /** Queues a message; one of the same kind that was not sent yet is replaced. `prove` adds the proof of a link key. */
  send(message: Message, prove?: Protect): void {
    this.#outbox.add({ message, prove });
  }

  /** Asks for an ack to go out immediately. */
  ackNow(now: Millis): void {
    this.#receiver?.ackNow(now);
  }

  /** Takes in the bytes between two delimiters, the closing one with them or not (PROTOCOL.md 2). */
  handleRun(now: Millis, run: Uint8Array): void {
    const isFrame = this.#handle(now, run, this.#framer.decode(run));
    if (this.#watch === undefined) return;
    this.#watch.observe(run, isFrame);
    const stranger = this.#watch.takeUnreported();
    if (stranger !== undefined) this.#events.push({ tag: "stranger", stranger });
  }

  /** Takes in one frame of a link that carries frames whole. */
  handleFrame(now: Millis, frame: Uint8Array): void {
    this.#handle(now, frame, this.#framer.decodeWhole(frame));
  }

  /** Whether it was a frame, of whatever session and version. */
  #handle(now: Millis, run: Uint8Array, received: Received): boolean {
    this.counters.bytesReceived += run.length;
    this.#heard = undefined;
    switch (received.tag) {
      case "frame":
        this.counters.framesReceived++;
        if (received.isOfSession) this.#lastHeardAt = now;
        this.#heard = received.isOfSession ? "session" : "announcement";
        this.#handleDecoded(now, received.frame, received.bytes);
        return true;
      case "unauthentic":
      case "malformed":
      case "stale":
        this.counters[COUNTER[received.tag]]++;
        return true;
      case "foreignVersion":
        this.#handleForeignVersion(received.version);
        return true;
      case "noFrame":
        // A delimiter alone is nothing.
        if (received.body.length > 0) this.#handleForeign(received.body);
        return false;
      default:
        return unreachable(received);
    }
  }

  #handleForeignVersion(version: number): void {
    if (this.#foreignVersions.has(version)) return;
    this.#foreignVersions.add(version);
    this.#events.push({ tag: "foreignVersion", version });
  }

  #handleForeign(body: Uint8Array): void {
    this.counters.bytesDiscarded += body.length;
    const text = this.#watch === undefined ? "" : consoleText(body);
    if (text === "") this.counters.crcErrors++;
    else this.#events.push({ tag: "console", text });
  }

  #handleDecoded(now: Millis, frame: Frame, bytes: Uint8Array): void {
    switch (frame.tag) {
      case "ack":
        if (this.#sender === undefined) this.counters.echoes++;
        else this.#sender.handleAck(now, frame);
        return;
      case "probe":
      case "data":
      case "object":
        this.#handlePacket(now, frame);
        return;
      default: {
        const proof = linkProofOf(frame, bytes);
        this.#events.push({ tag: "message", message: frame, ...(proof && { proof }) });
      }
    }
  }

  #handlePacket(now: Millis, packet: Packet): void {
    if (this.#receiver === undefined) {
      this.counters.echoes++;
      return;
    }
    const { isNew } = this.#receiver.receive(now, packet.packetNumber);
    if (!isNew) this.counters.duplicates++;
    if (packet.tag === "probe") this.#receiver.ackNow(now);
    else if (isNew) this.#events.push({ tag: "chunk", chunk: packet });
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
   *   {@link startReceiving}, {@link endSession}, {@link setBaud}
   * - items of {@link sender} were added or dropped
   * - it returned bytes
   */
  pollTransmit(now: Millis): Uint8Array | undefined {
    if (!this.#pacer.isReady(now)) return undefined;
    // No bye: nothing could be sent that the peer would believe. The timeouts of both sides end the session.
    if (this.#framer.isExhausted) this.endSession();
    const outgoing = this.#nextMessage(now);
    if (outgoing !== undefined) return this.#emitMessage(now, outgoing).bytes;
    const sender = this.#sender;
    if (sender === undefined) return undefined;
    const isProbeDue = this.#timers.isDue("probe", now);
    const packet = sender.nextPacket(now);
    if (packet === undefined) return undefined;
    const { bytes, dueAt } = this.#emit(now, this.#framer.encodePacket(packet, this.#pacer.isBusy(now)));
    sender.sent(dueAt, bytes.length);
    if (isProbeDue) sender.probed(now);
    return bytes;
  }

  /** All messages that wait, whatever the pace, and the line time until the last of them has left, in milliseconds. */
  takeUnsent(now: Millis): { frames: Uint8Array[]; lineMs: Millis } {
    const frames: Uint8Array[] = [];
    let dueAt = Math.max(now, this.#pacer.lineFreeAt);
    for (let outgoing = this.#outbox.take(); outgoing; outgoing = this.#outbox.take()) {
      if (this.#framer.isExhausted) break;
      const emitted = this.#emitMessage(now, outgoing);
      frames.push(emitted.bytes);
      dueAt = emitted.dueAt;
    }
    this.#outbox.clear();
    return { frames, lineMs: Math.max(0, dueAt - now) };
  }

  #nextMessage(now: Millis): Outgoing | undefined {
    const ack = this.#receiver?.takeAck(now);
    return ack === undefined ? this.#outbox.take() : { message: ack, prove: undefined };
  }

  #emitMessage(now: Millis, { message, prove }: Outgoing): { bytes: Uint8Array; dueAt: Millis } {
    return this.#emit(now, this.#framer.encodeMessage(message, prove, this.#pacer.isBusy(now)));
  }

  #emit(now: Millis, bytes: Uint8Array): { bytes: Uint8Array; dueAt: Millis } {
    this.counters.framesSent++;
    this.counters.bytesSent += bytes.length;
    return { bytes, dueAt: this.#pacer.handOver(now, bytes.length) };
  }

  /**
   * When to call {@link pollTransmit} again although nothing arrived; undefined when only arrivals matter. May lie in the
   * past: call it now. The value may change after every call that {@link pollTransmit} lists.
   */
  pollTimeout(): Millis | undefined {
    const isWaiting = !this.#outbox.isEmpty || this.#sender?.canSend === true;
    const at = isWaiting ? Number.NEGATIVE_INFINITY : this.#timers.next();
    return at === undefined ? undefined : Math.max(this.#pacer.readyAt, at);
  }
}
