import { LOCATOR_MAX, ObjectKind } from "../../wire/constants.ts";
import type { ObjectChunk } from "../../wire/messages.ts";
import { ChunkAssembly } from "./chunk-assembly.ts";

/** Requests that name the locator at most: the session needs no answer. */
const REQUESTS_MAX = 3;

/** Asks a rescuer where on a network its image lies, and puts the answer together (PROTOCOL.md 6.11). */
export class Locating {
  #requests = 0;
  #assembly: ChunkAssembly | undefined;
  #isDone = false;

  /** It was not asked for yet. */
  get isNew(): boolean {
    return this.#requests === 0;
  }

  /** Whether the request that is sent now names it. */
  take(): boolean {
    if (this.#isDone || this.#requests >= REQUESTS_MAX) return false;
    this.#requests++;
    return true;
  }

  /** Takes in a chunk of any object; the locator when that completes it, once. What is too long is dropped. */
  handleChunk({ name, offset, total, payload }: ObjectChunk): Uint8Array | undefined {
    if (name.kind !== ObjectKind.locator || this.#isDone || this.isNew || total > LOCATOR_MAX)
      return undefined;
    if (this.#assembly?.bytes.length !== total) this.#assembly = new ChunkAssembly(total);
    this.#assembly.add(offset, payload);
    this.#isDone = this.#assembly.isComplete;
    return this.#isDone ? this.#assembly.bytes : undefined;
  }
}
