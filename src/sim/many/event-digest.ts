import type { Millis } from "../../base/units.ts";
import type { NodeEvent } from "../../node/node-event.ts";

const FNV_PRIME = 0x0100_0193;
const FNV_START = 0x811c_9dc5;
const OTHER_START = 0x9e37_79b9;

/** A digest of all events of a world: the same in two runs if they were the same. Two FNV-1a hashes of 32 bits; not for secrets. */
export class EventDigest {
  events = 0;
  #a: number = FNV_START;
  #b: number = OTHER_START;

  add(now: Millis, board: number, event: NodeEvent): void {
    this.events++;
    const text = `${now} ${board} ${JSON.stringify(event)}`;
    let a = this.#a;
    let b = this.#b;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      a = Math.imul(a ^ code, FNV_PRIME);
      b = Math.imul(b ^ code ^ (a >>> 16), FNV_PRIME);
    }
    this.#a = a;
    this.#b = b;
  }

  /** 16 hexadecimal digits. */
  toString(): string {
    return [this.#a, this.#b].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
  }
}
