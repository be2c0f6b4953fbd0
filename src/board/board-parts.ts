import type { Flash } from "../flash/nor-flash.ts";
import { BootRecord } from "../flash/record/boot-record.ts";
import type { TrustPolicy } from "../image/envelope.ts";
import { formatHardware, type Hardware, hardwareId } from "../image/hardware.ts";

/** Who a board is: fixed when it is made. */
export interface BoardIdentity {
  /** 8 bytes, unlike those of any other board. */
  readonly nodeId: Uint8Array;
  readonly hardware: Hardware;
  /** Hardware revision, 0 to 65535. */
  readonly revision: number;
}

/** What every part of a board works on, whatever its flash lies in. */
export interface BoardParts {
  readonly identity: BoardIdentity;
  readonly policy: TrustPolicy;
  readonly flash: Flash;
  readonly record: BootRecord;
}

/** Reads the boot record and puts the parts together. Nothing may be written but the boot record. */
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
