import type { Transport } from "../src/transport/transport.ts";
import { wrappedTransport } from "../test/support/wrapped-transport.ts";

/** Which way a frame goes: target to rescuer, or rescuer to target. */
export type Direction = "t2r" | "r2t";

/** A frame as it is handed to the wire, delimiters included. Both counts begin at 1 and go on over restarts. */
export interface TappedFrame {
  readonly direction: Direction;
  /** Its number among those of its direction. */
  readonly n: number;
  /** Its number among those of both directions. */
  readonly total: number;
  readonly bytes: Uint8Array;
}

/** Decides what becomes of a frame: calls `pass`, now or later, with what is to go on the wire. */
export type FrameHook = (frame: TappedFrame, pass: (bytes: Uint8Array) => void) => void;

/** Sees every frame that either side sends, counts them, and lets a hook do harm to them. */
export class FrameTap {
  readonly #hook: FrameHook;
  #counts: Record<Direction, number> = { t2r: 0, r2t: 0 };

  /** Told of every frame, from now on, before the hook. */
  #watcher: ((frame: TappedFrame) => void) | undefined;

  constructor(hook: FrameHook) {
    this.#hook = hook;
  }

  get counts(): Readonly<Record<Direction, number>> {
    return this.#counts;
  }

  get total(): number {
    return this.#counts.t2r + this.#counts.r2t;
  }

  watch(watcher: (frame: TappedFrame) => void): void {
    this.#watcher = watcher;
  }

  /** For VirtualRescueOptions.wrap: the target is end 0, and each write is one frame. */
  wrap(wire: Transport, end: 0 | 1): Transport {
    const direction = end === 0 ? "t2r" : "r2t";
    return wrappedTransport(wire, {
      write: (bytes) => {
        this.#counts[direction]++;
        const frame = { direction, n: this.#counts[direction], total: this.total, bytes } as const;
        this.#watcher?.(frame);
        this.#hook(frame, (harmed) => wire.write(harmed));
        return true;
      },
    });
  }
}
