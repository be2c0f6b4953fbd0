import type { SlotRecord } from "../flash/record/record-state.ts";
import type { Manifest } from "../image/manifest.ts";
import type { BoardParts } from "./board-parts.ts";
import { type BootOutcome, storedManifest } from "./boot.ts";

/** An image whose manifest can be read and is trusted. */
export interface LatestImage {
  /** 32 bytes. */
  readonly digest: Uint8Array;
  readonly manifest: Manifest;
}

/**
 * The image that boots, else the one installed last. Its manifest is read and its signature verified once for each
 * entry of the record, so that the status may be asked for after every step.
 */
export class LatestImageReader {
  readonly #parts: BoardParts;
  #record: SlotRecord | undefined;
  #image: LatestImage | undefined;

  constructor(parts: BoardParts) {
    this.#parts = parts;
  }

  /** Undefined when nothing was installed, and when the manifest cannot be read or is not trusted any more. */
  read(boot: BootOutcome): LatestImage | undefined {
    if (boot.tag === "boot") return boot.image;
    const { slots } = this.#parts.record.state;
    const latest = [...slots].sort((a, b) => b.rank - a.rank)[0];
    // States are immutable: another entry is another object.
    if (latest === this.#record) return this.#image;
    const stored = latest && storedManifest(this.#parts, latest);
    this.#record = latest;
    this.#image = typeof stored === "object" ? stored : undefined;
    return this.#image;
  }
}
