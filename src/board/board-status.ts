import type { BootFailure } from "../base/refusal.ts";
import { type ReceivingRecord, type SlotRecord, slotRecord } from "../flash/record/record-state.ts";
import type { Manifest } from "../image/manifest.ts";
import { type BoardIdentity, type BoardParts, hardwareId8 } from "./board-parts.ts";
import { type BootOutcome, bootBoard, storedManifest } from "./boot.ts";

/** The content of one slot. */
export interface SlotStatus {
  readonly slot: number;
  /** Undefined when nothing was installed there yet. */
  readonly installed: SlotRecord | undefined;
  /** Its manifest if that can be read and is trusted; otherwise why not. */
  readonly manifest: Manifest | BootFailure | undefined;
}

/** The status of a board. */
export interface BoardStatus {
  readonly identity: BoardIdentity;
  readonly hardwareId8: Uint8Array;
  readonly boot: BootOutcome;
  readonly slots: readonly SlotStatus[];
  readonly receiving: ReceivingRecord | undefined;
  readonly counterFloor: number;
  readonly trustedKeys: readonly Uint8Array[];
  /** Whether a power cut left a boot record that must be rewritten. */
  readonly isRecordTorn: boolean;
}

/** Reads and verifies everything. Changes nothing. */
export function boardStatus(parts: BoardParts): BoardStatus {
  const { identity, policy, flash, record } = parts;
  const slots = flash.map.slots.map((_, slot) => {
    const installed = slotRecord(record.state, slot);
    if (installed === undefined) return { slot, installed, manifest: undefined };
    const stored = storedManifest(parts, installed);
    return { slot, installed, manifest: typeof stored === "string" ? stored : stored.manifest };
  });
  return {
    identity,
    hardwareId8: hardwareId8(identity),
    boot: bootBoard(parts),
    slots,
    receiving: record.state.receiving,
    counterFloor: record.state.counterFloor,
    trustedKeys: policy.keys.map((key) => key.keyId),
    isRecordTorn: !record.isClean,
  };
}
