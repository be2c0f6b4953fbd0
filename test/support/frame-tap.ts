import type { Transport } from "../../src/transport/transport.ts";
import { decodeCobs, encodeDelimited } from "../../src/wire/cobs.ts";
import { wrappedTransport } from "./wrapped-transport.ts";

/** Frames of a stream that comes and goes in pieces of any length; what is no frame is left out. */
class FrameSplitter {
  #run: number[] = [];

  /** The runs that these bytes complete; each is a frame, unless it is empty. */
  take(bytes: Uint8Array): Uint8Array[] {
    const frames: Uint8Array[] = [];
    for (const byte of bytes) {
      if (byte !== 0) this.#run.push(byte);
      else if (this.#run.length > 0) {
        const frame = decodeCobs(Uint8Array.from(this.#run.splice(0)));
        if (frame !== undefined) frames.push(frame.slice());
      }
    }
    return frames;
  }
}

/** Somebody on the wire of one end, who hears every frame and decides what comes in place of those for this end. */
export class FrameTap {
  /** Frames that this end sent, and those that were on their way to it, the newest last. */
  readonly sent: Uint8Array[] = [];
  readonly received: Uint8Array[] = [];
  /** In place of a frame for this end. */
  replace: (frame: Uint8Array) => readonly Uint8Array[] = (frame) => [frame];
  #deliver: (bytes: Uint8Array) => void = () => {};

  /** Around the end, again after each restart. */
  readonly wrap = (wire: Transport): Transport => {
    const outgoing = new FrameSplitter();
    const incoming = new FrameSplitter();
    return wrappedTransport(wire, {
      write: (bytes) => {
        this.sent.push(...outgoing.take(bytes));
        return wire.write(bytes);
      },
      onBytes: (bytes, handlers) => {
        this.#deliver = (frame) => handlers.onBytes(encodeDelimited(frame));
        for (const frame of incoming.take(bytes)) {
          this.received.push(frame);
          for (const one of this.replace(frame)) this.#deliver(one);
        }
      },
    });
  };

  /** Puts a frame on the wire for this end now. Something has to have come before. */
  inject(frame: Uint8Array): void {
    this.#deliver(frame);
  }
}
