import { setTimeout as sleep } from "node:timers/promises";
import { concatBytes } from "../../src/base/bytes.ts";
import type { TransportError } from "../../src/base/errors.ts";
import type { TransportHandlers } from "../../src/transport/transport.ts";

/** Keeps what a transport tells its user. */
export class Recorder implements TransportHandlers {
  readonly events: string[] = [];
  readonly chunks: Uint8Array[] = [];
  readonly errors: (TransportError | undefined)[] = [];

  onUp(): void {
    this.events.push("up");
  }

  onDown(error: TransportError | undefined): void {
    this.errors.push(error);
    this.events.push(`down ${error?.code ?? "orderly"}`);
  }

  onBytes(bytes: Uint8Array): void {
    this.chunks.push(bytes);
  }

  onWritable(): void {
    this.events.push("writable");
  }

  onWaiting(reason: TransportError): void {
    this.events.push(`waiting ${reason.code}`);
  }

  get bytes(): Uint8Array {
    return concatBytes(...this.chunks);
  }

  get byteCount(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  count(event: string): number {
    return this.events.filter((other) => other === event).length;
  }
}

/** Waits until `condition` holds; fails after `limitMs`. */
export async function until(condition: () => boolean, what: string, limitMs = 8000): Promise<void> {
  for (const start = performance.now(); !condition(); ) {
    if (performance.now() - start > limitMs) throw new Error(`no ${what} within ${limitMs} ms`);
    await sleep(2);
  }
}

/** The code of the error that `run` throws or rejects with; fails if it does neither. */
export async function codeOf(run: () => unknown): Promise<unknown> {
  try {
    await run();
  } catch (error) {
    if (error instanceof Error && "code" in error) return error.code;
    throw error;
  }
  throw new Error("nothing was thrown");
}
