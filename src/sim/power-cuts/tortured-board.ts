import type { BootFailure } from "../../base/refusal.ts";
import { contains, type FlashMap, type Region } from "../../flash/geometry.ts";
import type { SlotRecord } from "../../flash/record/record-state.ts";
import type { Bench, TortureImage } from "./bench.ts";
import type { PendingOperation } from "./power-cut.ts";
import type { TornStorage } from "./torn-storage.ts";

/** What a board boots. */
export type TorturedOutcome =
  | { readonly tag: "boot"; readonly slot: number; readonly isTrial: boolean; readonly digest: Uint8Array }
  | { readonly tag: "recovery"; readonly reason: BootFailure };

/** A board that was started, of whatever make: the reference, or the C code for microcontrollers. */
export interface TorturedBoard {
  /** What its boot record says. */
  readonly slots: readonly SlotRecord[];
  readonly floor: number;
  /** The boot decision at a start. Writes nothing. */
  decide(): TorturedOutcome;
  /** The same as a boot loader takes it, which counts boots. */
  attempt(): TorturedOutcome;
  /** The firmware that runs is well. Returns the digest of its image. */
  confirm(): Uint8Array;
  /** Why an image that the record names does not boot; undefined when it does. Writes nothing. */
  verify(slot: SlotRecord): BootFailure | undefined;
  /** Where the manifest of an area lies; undefined when nowhere. */
  manifestRegion(area: number): Region | undefined;
  /** Adds an entry to the record that changes nothing in its state. */
  addEntry(): void;
  /** The board as a target, as after a start. */
  receiver(): TorturedReceiver;
}

/** A board as a target, and what sessions do with it. */
export interface TorturedReceiver {
  /** What a neighbour needs to choose an image. */
  status(): {
    readonly counterFloor: number;
    readonly receivingDigest8: Uint8Array | undefined;
    readonly installedDigest8: Uint8Array | undefined;
  };
  /** Whether it takes an image. Writes nothing. */
  accepts(image: TortureImage): boolean;
  /** Writes what the slot lacks of the image that was accepted, or stops before one block more is sent than `enough`. Whether nothing is missing. */
  receive(image: TortureImage, enough?: number): boolean;
  /** Verifies what was received and makes it count. Why it does not boot; undefined when it does. */
  commit(): BootFailure | undefined;
  /** Ends the session. */
  abandon(): void;
}

/** Starts a board of a bench over a storage: reads its record, and mends that. `see` gets each operation before it is carried out. */
export type BoardMaker = (
  bench: Bench,
  storage: TornStorage,
  see: (operation: PendingOperation) => void,
) => TorturedBoard;

/** Whether bytes lie in the journal of the boot record, where programming over torn bits is no defect (PROTOCOL.md 13.2.1). */
export function isRecordEntry({ record, journalSize }: FlashMap, region: Region): boolean {
  return record.some(({ offset }) => contains({ offset, size: journalSize }, region));
}
