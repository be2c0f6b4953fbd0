/** What a flash outside a board's folder lies in. */
export type FlashDeviceKind = "file" | "block" | "mtd";

/** Where a flash outside a board's folder lies. */
export interface FlashDevice {
  readonly kind: FlashDeviceKind;
  /** Of the file or device node; absolute. May be a link, such as those in /dev/disk/by-id. */
  readonly path: string;
  /** Where the flash begins, in bytes: whole sectors of the board. */
  readonly offset: number;
}

/** What a device was when its board was made, to notice when another one has come in its place. */
export interface FlashDeviceFacts {
  /** Bytes of the whole file or device. */
  readonly deviceSize: number;
  /** What the system knows that tells it from others: a serial number, or the name of an MTD partition. */
  readonly deviceId?: string | undefined;
}

/** "block:/dev/mmcblk0p3?offset=1048576". */
export function flashDeviceText({ kind, path, offset }: FlashDevice): string {
  return `${kind}:${path}${offset === 0 ? "" : `?offset=${offset}`}`;
}
