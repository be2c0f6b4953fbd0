import { concatBytes } from "../base/bytes.ts";
import type { Millis } from "../base/units.ts";
import type { Message, Packet } from "../wire/messages.ts";
import type { LinkCounters } from "./counters.ts";
import { CONTROL_MENDABLE, type ControlForms } from "./forms/control-forms.ts";
import type { Framer } from "./framer.ts";
import type { Muting } from "./listening/muting.ts";
import { Outbox, type Outgoing } from "./outbox.ts";
import type { Pacer } from "./pacer.ts";

/** What sending shares with its link. */
export interface TransmitterParts {
  readonly framer: Framer;
  readonly pacer: Pacer;
  readonly counters: LinkCounters;
  readonly muting: Muting;
  readonly forms: ControlForms;
}

/** A frame as it goes out. `dueAt`: when its last byte leaves the line. */
export interface Emitted {
  readonly bytes: Uint8Array;
  readonly dueAt: Millis;
}

/** Makes bytes of the messages that wait and of packets, counts them, and accounts for their time on the line. */
export class Transmitter {
  readonly #parts: TransmitterParts;
  readonly #outbox: Outbox = new Outbox();
  #unasked: Outgoing | undefined;

  constructor(parts: TransmitterParts) {
    this.#parts = parts;
  }

  /** No message waits. */
  get isEmpty(): boolean {
    return this.#outbox.isEmpty && !this.hasUnasked;
  }

  /** A message waits that also a mute end sends. */
  get hasUnasked(): boolean {
    return this.#unasked !== undefined;
  }

  /** Queues a message; see {@link Outbox.add}. Dropped while this end is mute. */
  add(outgoing: Outgoing): void {
    if (!this.#parts.muting.isMute) this.#outbox.add(outgoing);
  }

  /** Queues the one message that nobody asked for; also while this end is mute. */
  addUnasked(outgoing: Outgoing): void {
    this.#unasked = outgoing;
  }

  /** Drops the messages that wait. */
  clear(): void {
    this.#outbox.clear();
    this.#unasked = undefined;
  }

  /** The next message that waits, as a frame; undefined when none does. */
  takeMessage(now: Millis): Emitted | undefined {
    const outgoing = this.#outbox.take();
    return outgoing === undefined ? this.takeUnasked(now) : this.#emitMessage(now, outgoing);
  }

  /** The message that nobody asked for. */
  takeUnasked(now: Millis): Emitted | undefined {
    const outgoing = this.#unasked;
    this.#unasked = undefined;
    return outgoing && this.#emitMessage(now, outgoing);
  }

  /** A message that goes before all that wait. */
  message(now: Millis, message: Message): Emitted {
    return this.#emitMessage(now, { message, prove: undefined });
  }

  /** `mendable`: for the second form, wrong bytes that each codeword may have; 0: COBS. */
  packet(now: Millis, packet: Packet, mendable: number): Emitted {
    const { framer, pacer } = this.#parts;
    return this.#emit(now, framer.encodePacket(packet, pacer.isBusy(now), mendable));
  }

  /** All messages that wait, whatever the pace, and the line time until the last of them has left, in milliseconds. */
  takeUnsent(now: Millis): { frames: Uint8Array[]; lineMs: Millis } {
    const { framer, pacer } = this.#parts;
    const frames: Uint8Array[] = [];
    let dueAt = Math.max(now, pacer.lineFreeAt);
    for (let outgoing = this.#outbox.take(); outgoing; outgoing = this.#outbox.take()) {
      if (framer.isExhausted) break;
      const emitted = this.#emitMessage(now, outgoing);
      frames.push(emitted.bytes);
      dueAt = emitted.dueAt;
    }
    this.clear();
    return { frames, lineMs: Math.max(0, dueAt - now) };
  }

  #emitMessage(now: Millis, { message, prove }: Outgoing): Emitted {
    const { framer, pacer, forms, counters } = this.#parts;
    const form = forms.choose(message);
    const mendable = form === "plain" ? 0 : CONTROL_MENDABLE;
    const bytes = framer.encodeMessage(message, prove, pacer.isBusy(now), mendable);
    if (form !== "both") return this.#emit(now, bytes);
    counters.framesSent++;
    counters.codedFramesSent++;
    return this.#emit(now, concatBytes(bytes, framer.encodeMessage(message, prove, false)));
  }

  #emit(now: Millis, bytes: Uint8Array): Emitted {
    const { counters, framer, muting, pacer } = this.#parts;
    counters.framesSent++;
    if (framer.isCoded) counters.codedFramesSent++;
    counters.bytesSent += bytes.length;
    muting.noteSent(pacer.lineTime(bytes.length));
    return { bytes, dueAt: pacer.handOver(now, bytes.length) };
  }
}
