import type { Millis } from "../base/units.ts";
import { decodeCobs, encodeDelimited } from "../wire/cobs.ts";
import { DELIMITER, FRAME_MIN, SEAL_LENGTH } from "../wire/constants.ts";
import {
  crcMatches,
  decodeFrame,
  encodeMessage,
  encodePacket,
  isSessionFrame,
  type Protect,
} from "../wire/frame.ts";
import { type LinkProof, linkProofOf } from "../wire/link-proof.ts";
import { isRescuerControl, isTargetControl } from "../wire/message-codec.ts";
import type { DataChunk, Frame, Message, ObjectChunk, Packet } from "../wire/messages.ts";
import { type LinkCounters, newCounters } from "./counters.ts";
import { FrameSizer } from "./frame-sizer.ts";
import type { LinkKey } from "./link-key.ts";
import { Outbox, type Outgoing } from "./outbox.ts";
import { Pacer } from "./pacer.ts";
import { ReceiveSide } from "./receive-side.ts";
import { RttEstimator } from "./rtt.ts";
import type { FrameSeal } from "./seal.ts";
import { SendSide } from "./send-side.ts";
import { consoleText } from "./strangers/console-text.ts";
import type { Stranger } from "./strangers/stranger.ts";
import { StrangerWatch } from "./strangers/stranger-watch.ts";

/** What a link tells the session above it. */
export type LinkEvent =
  /** `proof`: by which an offer, or an answer to one, shows a link key. Not checked yet. */
  | { readonly tag: "message"; readonly message: Message; readonly proof?: LinkProof }
  | { readonly tag: "chunk"; readonly chunk: DataChunk | ObjectChunk }
  | { readonly tag: "console"; readonly text: string }
  /** Somebody speaks another protocol version; each of them is told of once. */
  | { readonly tag: "foreignVersion"; readonly version: number }
  /** Somebody who speaks no mayday was recognised; each kind once until a frame is heard. */
  | { readonly tag: "stranger"; readonly stranger: Stranger };

export interface LinkOptions {
  /** Line rate in bits per second to pace by; undefined when the link has none of its own (TCP). */
  readonly baud: number | undefined;
  /** Smallest retransmission timeout: about 10 ms on a native UART, 25 ms behind a USB adapter. */
  readonly rtoFloorMs: Millis;
  /** How frames travel; "stream", between delimiters, unless given. "message": whole, without COBS (PROTOCOL.md 10). */
  readonly framing?: "stream" | "message" | undefined;
  /** The link's key, if it has one: sessions are only held with who has the same (PROTOCOL.md 14). */
  readonly key?: LinkKey | undefined;
}

/** Sessions whose frames are told apart from noise after they ended. */
const PAST_SESSIONS_MAX = 4;

/**
 * One end of a link: frames in and out of bytes, console text, the numbered and paced packets of one session at a
 * time, and the counters. Sans-IO: hand it runs (RunSplitter) and time, drain the polls until undefined after
 * every call.
 */
export class Link {
  /** The link's key, for the roles that hold sessions over it. */
  readonly key: LinkKey | undefined;
  readonly counters: LinkCounters = newCounters();
  readonly rtt: RttEstimator;
  readonly #rtoFloor: Millis;
  readonly #isMessageLink: boolean;
  readonly #pacer: Pacer;
  readonly #watch: StrangerWatch = new StrangerWatch();
  readonly #events: LinkEvent[] = [];
  /** Other protocol versions that were told of. */
  readonly #foreignVersions: Set<number> = new Set();
  readonly #outbox: Outbox = new Outbox();
  #tag: number | undefined;
  #seal: FrameSeal | undefined;
  readonly #pastTags: number[] = [];
  #sender: SendSide | undefined;
  #receiver: ReceiveSide | undefined;
  #lastHeardAt: Millis = Number.NEGATIVE_INFINITY;

  constructor(options: LinkOptions) {
    this.key = options.key;
    this.#rtoFloor = options.rtoFloorMs;
    this.#isMessageLink = options.framing === "message";
    this.rtt = new RttEstimator(this.#rtoFloor);
    this.#pacer = new Pacer(options.baud);
  }

  /** The sending half of the session that {@link startSending} began. */
  get sender(): SendSide | undefined {
    return this.#sender;
  }

  /** Who is on the line, if it is no mayday node. */
  get stranger(): Stranger | undefined {
    return this.#watch.verdict;
  }

  /** When the last frame of the current session arrived. */
  get lastHeardAt(): Millis {
    return this.#lastHeardAt;
  }

  /** Milliseconds that `bytes` take on this line, 0 if it has no rate of its own. */
  lineTime(bytes: number): Millis {
    const rate = this.#pacer.bytesPerMs;
    return rate === undefined ? 0 : bytes / rate;
  }

  /**
   * Begins a session on the rescuer's side. `payloadMax`: what the target takes in a frame, in bytes. `seal`: that of a
   * link key, fresh; each frame then has to bear its peer.
   */
  startSending(now: Millis, tag: number, payloadMax: number, seal?: FrameSeal): SendSide {
    this.#startSession(now, tag, seal);
    const sizer = new FrameSizer(payloadMax, seal === undefined ? 0 : SEAL_LENGTH);
    this.#sender = new SendSide(now, this.counters, this.rtt, this.#pacer, sizer);
    return this.#sender;
  }

  /** Begins a session on the target's side; `seal` as for {@link startSending}. */
  startReceiving(now: Millis, tag: number, seal?: FrameSeal): void {
    this.#startSession(now, tag, seal);
    this.#receiver = new ReceiveSide();
  }

  #startSession(now: Millis, tag: number, seal: FrameSeal | undefined): void {
    this.endSession();
    this.#tag = tag;
    this.#seal = seal;
    this.#lastHeardAt = now;
  }

  /** Forgets the session, its packets and its unsent control messages. Its late frames are counted as stale. */
  endSession(): void {
    if (this.#tag !== undefined) {
      this.#pastTags.unshift(this.#tag);
      this.#pastTags.length = Math.min(this.#pastTags.length, PAST_SESSIONS_MAX);
    }
    this.#tag = undefined;
    this.#seal = undefined;
    this.#sender = undefined;
    this.#receiver = undefined;
    this.#outbox.clear();
  }

  /** Queues a message; one of the same kind that was not sent yet is replaced. `prove` adds the proof of a link key. */
  send(message: Message, prove?: Protect): void {
    this.#outbox.add({ message, prove });
  }

  /** Asks for an ack to go out at once. */
  ackNow(now: Millis): void {
    this.#receiver?.ackNow(now);
  }

  /** Takes in the bytes between two delimiters, the closing one with them or not (PROTOCOL.md 2). */
  handleRun(now: Millis, run: Uint8Array): void {
    this.counters.bytesReceived += run.length;
    const body = run.at(-1) === DELIMITER ? run.subarray(0, -1) : run;
    this.#watch.observe(run, body.length > 0 && this.#handleBody(now, body));
    const stranger = this.#watch.takeNews();
    if (stranger !== undefined) this.#events.push({ tag: "stranger", stranger });
  }

  /** Whether it was a frame. */
  #handleBody(now: Millis, body: Uint8Array): boolean {
    const frame = decodeCobs(body);
    if (frame !== undefined && frame.length >= FRAME_MIN) return this.#handleBytes(now, frame, body);
    this.#handleForeign(body);
    return false;
  }

  /** Takes in one frame without COBS, as message links deliver it. */
  handleFrame(now: Millis, bytes: Uint8Array): void {
    this.counters.bytesReceived += bytes.length;
    this.#handleBytes(now, bytes, bytes);
  }

  /** `raw`: how it looked on the wire. Whether it was a frame, of whatever session and version. */
  #handleBytes(now: Millis, bytes: Uint8Array, raw: Uint8Array): boolean {
    const seal = this.#seal;
    const frame = decodeFrame(bytes, this.#tag, seal && ((covered) => seal.open(covered)));
    if (frame.tag !== "fault") {
      this.counters.framesReceived++;
      if (isSessionFrame(bytes)) this.#lastHeardAt = now;
      this.#handleDecoded(now, frame, bytes);
    } else if (frame.fault === "unauthentic") {
      this.counters.unauthenticFrames++;
    } else if (frame.fault === "foreignVersion") {
      this.#handleForeignVersion(frame.version);
    } else if (frame.fault === "malformed") {
      this.counters.unexpectedFrames++;
    } else if (isSessionFrame(bytes) && this.#pastTags.some((tag) => crcMatches(bytes, tag))) {
      this.counters.staleFrames++;
    } else {
      this.#handleForeign(raw);
      return false;
    }
    return true;
  }

  /** Its announcements come again and again. */
  #handleForeignVersion(version: number): void {
    if (this.#foreignVersions.has(version)) return;
    this.#foreignVersions.add(version);
    this.#events.push({ tag: "foreignVersion", version });
  }

  #handleForeign(run: Uint8Array): void {
    this.counters.bytesDiscarded += run.length;
    // Nobody prints on a link that carries whole frames.
    const text = this.#isMessageLink ? "" : consoleText(run);
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

  /** The next thing that happened. Drain after every handle call. */
  pollEvent(): LinkEvent | undefined {
    return this.#events.shift();
  }

  /**
   * The next bytes: one frame, between delimiters for a stream, or undefined. Paced: undefined also when the wire is
   * taken for long enough; {@link pollTimeout} tells when to ask again.
   */
  pollTransmit(now: Millis): Uint8Array | undefined {
    if (!this.#pacer.isReady(now)) return undefined;
    // Without a word: both sides' patience ends the session, since nothing is said any more that could be believed.
    if (this.#seal?.isExhausted) this.endSession();
    const outgoing = this.#nextMessage(now);
    if (outgoing !== undefined) return this.#emit(now, this.#encode(outgoing)).bytes;
    const sender = this.#sender;
    if (sender === undefined || this.#tag === undefined) return undefined;
    const isProbeDue = (sender.probeAt ?? Number.POSITIVE_INFINITY) <= now;
    const packet = sender.nextPacket(now);
    if (packet === undefined) return undefined;
    const { bytes, dueAt } = this.#emit(now, encodePacket(packet, this.#tag, this.#protect));
    sender.sent(dueAt, bytes.length);
    if (isProbeDue) sender.probed(now);
    return bytes;
  }

  /** All messages that wait, whatever the pace, and the time until the last of them has left the line. */
  takeUnsent(now: Millis): { frames: Uint8Array[]; lineMs: Millis } {
    const frames: Uint8Array[] = [];
    let dueAt = Math.max(now, this.#pacer.lineFreeAt);
    for (let outgoing = this.#outbox.take(); outgoing; outgoing = this.#outbox.take()) {
      if (this.#seal?.isExhausted) break;
      const emitted = this.#emit(now, this.#encode(outgoing));
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

  #encode({ message, prove }: Outgoing): Uint8Array {
    const isControl = isTargetControl(message) || isRescuerControl(message);
    return encodeMessage(message, this.#tag ?? 1, isControl ? this.#protect : prove);
  }

  get #protect(): Protect | undefined {
    const seal = this.#seal;
    return seal && ((bytes) => seal.seal(bytes));
  }

  #delimit(now: Millis, frame: Uint8Array): Uint8Array {
    const delimited = encodeDelimited(frame);
    // Back to back, the delimiter that ends one frame begins the next: a byte less to send, and to be hit.
    return this.#pacer.isBusy(now) ? delimited.subarray(1) : delimited;
  }

  #emit(now: Millis, frame: Uint8Array): { bytes: Uint8Array; dueAt: Millis } {
    const bytes = this.#isMessageLink ? frame : this.#delimit(now, frame);
    this.counters.framesSent++;
    this.counters.bytesSent += bytes.length;
    return { bytes, dueAt: this.#pacer.handOver(now, bytes.length) };
  }

  /** When to call {@link pollTransmit} again although nothing arrived; undefined when only arrivals matter. */
  pollTimeout(): Millis | undefined {
    const wishes: Millis[] = [];
    if (!this.#outbox.isEmpty) wishes.push(Number.NEGATIVE_INFINITY);
    const ackAt = this.#receiver?.ackAt;
    if (ackAt !== undefined) wishes.push(ackAt);
    const sender = this.#sender;
    if (sender?.canSend) wishes.push(Number.NEGATIVE_INFINITY);
    if (sender?.probeAt !== undefined) wishes.push(sender.probeAt);
    if (wishes.length === 0) return undefined;
    return Math.max(this.#pacer.readyAt, Math.min(...wishes));
  }
}
