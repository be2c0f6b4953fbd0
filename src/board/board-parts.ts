import type { Flash } from "../flash/nor-flash.ts";
import { BootRecord } from "../flash/record/boot-record.ts";
import type { TrustPolicy } from "../image/envelope.ts";
import { formatHardware, type Hardware, hardwareId } from "../image/hardware.ts";

/** The identity of a board, fixed when it is made. */
export interface BoardIdentity {
  /** 8 bytes, different from every other board's. */
  readonly nodeId: Uint8Array;
  readonly hardware: Hardware;
  /** Hardware revision, 0 to 65535. */
  readonly revision: number;
}

/** What all code of a board works on, whatever its flash is on. */
export interface BoardParts {
  readonly identity: BoardIdentity;
  readonly policy: TrustPolicy;
  readonly flash: Flash;
  readonly record: BootRecord;
}

/** Reads the boot record and puts the parts together. Arms nothing but the boot record. */
export function boardParts(identity: BoardIdentity, policy: TrustPolicy, flash: Flash): BoardParts {
  flash.arm(...flash.map.record);
  return { identity, policy, flash, record: new BootRecord(flash) };
}

/** First 8 bytes of the hash of the board's vendor and class. */
export function hardwareId8(identity: BoardIdentity): Uint8Array {
  return hardwareId(identity.hardware.vendor, identity.hardware.hardwareClass);
}

/** The board's hardware for people: "vendor/class revision 3". */
export function describeHardware(identity: BoardIdentity): string {
  return `${formatHardware(identity.hardware)} revision ${identity.revision}`;
}
