import type { Transport, TransportHandlers } from "../../transport/transport.ts";
import { relayHandlers, TransportWrapper } from "../../transport/transport-wrapper.ts";

/** What a plug's wire does beside carrying bytes. */
export interface PlugFaults {
  /** Whether the wire is cut now. */
  isCut(): boolean;
  /** What the wire makes of a frame: itself, a damaged copy, or undefined when it is lost. */
  carry(frame: Uint8Array): Uint8Array | undefined;
  /** Takes what the board hands to the wire, before any fault. */
  note(frame: Uint8Array): void;
}

/**
 * One start of a board's end of a wire. When the board loses its power the plug is pulled: nothing of that start is sent or
 * heard any more, and the wire is free for the next start.
 */
export class Plug extends TransportWrapper {
  readonly #faults: PlugFaults;
  #isPulled = false;
  /** Bytes handed to the wire. */
  bytesSent = 0;

  constructor(inner: Transport, faults: PlugFaults) {
    super(inner);
    this.#faults = faults;
  }

  override open(handlers: TransportHandlers): Promise<void> {
    return super.open(
      relayHandlers(handlers, {
        onBytes: (bytes) => {
          if (!this.#isPulled && !this.#faults.isCut()) handlers.onBytes(bytes);
        },
        onWritable: () => {
          if (!this.#isPulled) handlers.onWritable();
        },
      }),
    );
  }

  override write(bytes: Uint8Array): boolean {
    if (this.#isPulled) return true;
    this.bytesSent += bytes.length;
    this.#faults.note(bytes);
    const carried = this.#faults.isCut() ? undefined : this.#faults.carry(bytes);
    // What is lost takes its time on the line all the same; zeros are no frame.
    return super.write(carried ?? new Uint8Array(bytes.length));
  }

  override async close(): Promise<void> {
    if (!this.#isPulled) await super.close();
  }

  /** The board lost its power. */
  pull(): void {
    this.#isPulled = true;
  }
}
