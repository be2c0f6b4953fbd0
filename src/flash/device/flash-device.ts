/** Kinds of device that a flash outside the board's folder lies on. */
export type FlashDeviceKind = "file" | "block" | "mtd";

/** A place for a flash outside the board's folder. */
export interface FlashDevice {
  readonly kind: FlashDeviceKind;
  /** Absolute path of the file or device node. May be a link, such as those in /dev/disk/by-id. */
  readonly path: string;
  /** Offset of the flash, in bytes: whole sectors of the board. */
  readonly offset: number;
}

/** What identified a device when its board was made, to notice when another device is in its place. */
export interface FlashDeviceFacts {
  /** Bytes of the whole file or device. */
  readonly deviceSize: number;
  /** What the system identifies it by: a serial number, or the name of an MTD partition. */
  readonly deviceId?: string | undefined;
}

/** "block:/dev/mmcblk0p3?offset=1048576". */
export function flashDeviceText({ kind, path, offset }: FlashDevice): string {
  return `${kind}:${path}${offset === 0 ? "" : `?offset=${offset}`}`;
}
