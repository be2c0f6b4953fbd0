import { unreachable } from "../base/assert.ts";
import type { Millis } from "../base/units.ts";
import { CRC_LENGTH } from "../wire/constants.ts";
import { saysForms } from "../wire/extensions.ts";
import type { CodedFrame } from "../wire/fec/frame-hunter.ts";
import { linkProofOf } from "../wire/link-proof.ts";
import { type Ack, type Frame, isBeacon, isCall, isMessage, type Packet } from "../wire/messages.ts";
import { packetHeadOf } from "../wire/packet-head.ts";
import type { LinkCounters } from "./counters.ts";
import type { ForeignInput } from "./foreign-input.ts";
import type { ControlForms } from "./forms/control-forms.ts";
import type { Framer, Received } from "./framer.ts";
import type { LinkEvent } from "./link-event.ts";
import type { ReceiveSide } from "./receive-side.ts";
import type { SendSide } from "./send-side.ts";

/** Frames of a session that the rescuer sends; the others are the target's. */
const RESCUERS: ReadonlySet<Frame["tag"]> = new Set([
  ...(["data", "object", "probe"] as const),
  ...(["later", "doneAck", "rate"] as const),
]);

/** Whether a frame of a session is one that this side sends. */
function isSentBy(isRescuer: boolean, { tag }: Frame): boolean {
  return RESCUERS.has(tag) === isRescuer;
}

/** The next packet is at most so many times as long as the longest one. */
const NEXT_GROWTH = 2;

/** Counters of the frames that are not taken. */
const COUNTER = {
  unauthentic: "unauthenticFrames",
  malformed: "unexpectedFrames",
} as const;

/** What the reception shares with its link. */
export interface ReceptionParts {
  readonly framer: Framer;
  readonly forms: ControlForms;
  readonly counters: LinkCounters;
  readonly foreign: ForeignInput;
  emit(event: LinkEvent): void;
  lineTime(bytes: number): Millis;
  /** The halves of the present session; undefined without one, or on the other side of it. */
  sender(): SendSide | undefined;
  receiver(): ReceiveSide | undefined;
}

/** What arrives on a link, in either form: told apart, counted, and handed to whom it is for. */
export class Reception {
  readonly #parts: ReceptionParts;
  #lastHeardAt: Millis = Number.NEGATIVE_INFINITY;
  #heard: "announcement" | "session" | undefined;
  /** What was handed in last is a frame of the present session that this side sent. */
  #isEcho = false;
  /** What is being handled came in the second form. */
  #coded: CodedFrame | undefined;

  constructor(parts: ReceptionParts) {
    this.#parts = parts;
  }

  /** When the last frame of the current session arrived. */
  get lastHeardAt(): Millis {
    return this.#lastHeardAt;
  }

  /** See `Link.heard`. */
  get heard(): "announcement" | "session" | undefined {
    return this.#heard;
  }

  /** A session begins: its silence counts from now. */
  startSession(now: Millis): void {
    this.#lastHeardAt = now;
  }

  /** What was heard last began the present session: its first packets are for who said it. */
  noteAccepted(): void {
    this.#heard &&= "session";
  }

  /** Takes in the bytes between two delimiters, the closing one with them or not (PROTOCOL.md 2). */
  handleRun(now: Millis, run: Uint8Array): void {
    const received = this.#parts.framer.decode(run);
    this.#handle(now, run, received);
    this.#parts.foreign.handleRunEnd(now, run, received.tag !== "noFrame");
    if (this.#isEcho) this.#parts.foreign.noteEcho();
  }

  /** Takes in one frame of a link that carries frames whole. */
  handleFrame(now: Millis, frame: Uint8Array): void {
    const received = this.#parts.framer.decodeWhole(frame);
    this.#handle(now, frame, received);
    if (received.tag !== "noFrame") this.#parts.foreign.handleFrame(now);
    if (this.#isEcho) this.#parts.foreign.noteEcho();
  }

  /** Takes in a frame of the second form. False: it is none, its CRC is wrong, and its bytes are runs perhaps. */
  handleCoded(now: Millis, coded: CodedFrame): boolean {
    const received = this.#parts.framer.decodeWhole(coded.bytes);
    if (received.tag === "noFrame") return false;
    this.#parts.counters.codedFramesReceived++;
    this.#parts.counters.mendedBytes += coded.mendedBytes;
    this.#coded = coded;
    this.#parts.counters.bytesReceived += coded.wireBytes;
    this.#handle(now, coded.bytes, received);
    this.#coded = undefined;
    this.#parts.foreign.handleFrame(now);
    if (this.#isEcho) this.#parts.foreign.noteEcho();
    return true;
  }

  #handle(now: Millis, run: Uint8Array, received: Received): void {
    if (this.#coded === undefined) this.#parts.counters.bytesReceived += run.length;
    this.#heard = undefined;
    this.#isEcho = false;
    switch (received.tag) {
      case "frame":
        this.#parts.counters.framesReceived++;
        this.#isEcho = received.isOfSession && isSentBy(this.#parts.sender() !== undefined, received.frame);
        if (received.isOfSession && !this.#isEcho) this.#lastHeardAt = now;
        this.#heard = received.isOfSession ? "session" : "announcement";
        if (!this.#isEcho) this.#noteForm(run.length, received.frame);
        this.#handleDecoded(now, received.frame, received.bytes);
        return;
      case "stale":
        this.#parts.emit({ tag: "stale" });
        this.#parts.counters.staleFrames++;
        return;
      case "unauthentic":
      case "malformed":
        this.#parts.counters[COUNTER[received.tag]]++;
        return;
      case "unknown":
        // The peer lives: it says something that this version has no name for.
        if (received.isOfSession) this.#lastHeardAt = now;
        this.#parts.counters.unexpectedFrames++;
        return;
      case "foreignVersion":
        this.#parts.foreign.handleVersion(received.version);
        return;
      case "noFrame":
        this.#handleForeign(now, run, received.body);
        return;
      default:
        unreachable(received);
    }
  }

  #noteForm(wireBytes: number, frame: Frame): void {
    this.#parts.forms.noteHeard(frame, wireBytes, this.#coded);
    if (isMessage(frame) && saysForms(frame)) this.#parts.foreign.noteTold(frame.changes ?? 0);
    this.#parts.framer.isPeerHunting = this.#parts.forms.areBothHunting;
  }

  #handleForeign(now: Millis, run: Uint8Array, body: Uint8Array): void {
    const before = this.#parts.counters.crcErrors;
    this.#parts.foreign.handleForeign(now, body, run.at(-1) === 0, this.#isCutPacket(body));
    if (this.#parts.counters.crcErrors > before) this.#parts.forms.hearing.noteDamaged(run.length);
  }

  /** Whether what is no frame begins as the next packets of the session do: one that was cut off, or damaged. */
  #isCutPacket(body: Uint8Array): boolean {
    const head = packetHeadOf(body);
    return head !== undefined && this.#parts.receiver()?.expects(head) === true;
  }

  #handleDecoded(now: Millis, frame: Frame, bytes: Uint8Array): void {
    switch (frame.tag) {
      case "ack":
        this.#handleAck(now, frame);
        return;
      case "probe":
      case "data":
      case "object":
        this.#handlePacket(now, frame);
        return;
      default: {
        const proof = linkProofOf(frame, bytes);
        const covered = isBeacon(frame) && isCall(frame) ? bytes.subarray(0, -CRC_LENGTH) : undefined;
        const event = { tag: "message", message: frame } as const;
        this.#parts.emit({ ...event, ...(proof && { proof }), ...(covered && { covered }) });
      }
    }
  }

  #handleAck(now: Millis, ack: Ack): void {
    const sender = this.#parts.sender();
    if (sender === undefined) this.#parts.counters.echoes++;
    else sender.handleAck(now, ack);
  }

  #handlePacket(now: Millis, packet: Packet): void {
    const receiver = this.#parts.receiver();
    if (receiver === undefined) {
      this.#parts.counters.echoes++;
      return;
    }
    if (this.#coded !== undefined) {
      receiver.noteCoded(this.#coded);
      this.#parts.foreign.noteCodedPacket(now, this.#parts.lineTime(NEXT_GROWTH * receiver.longest));
    }
    const { isNew } = receiver.receive(now, packet);
    if (!isNew) this.#parts.counters.duplicates++;
    if (packet.tag === "probe") receiver.ackNow(now);
    else if (isNew) this.#parts.emit({ tag: "chunk", chunk: packet });
  }
}
