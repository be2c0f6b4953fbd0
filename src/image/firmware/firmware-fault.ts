import type { Conflict } from "./memory-map.ts";

export type FirmwareFaultName =
  | "syntax" // not what a line or a block of the format looks like
  | "length" // a record whose length or fixed size is wrong, or a file that is cut off
  | "checksum"
  | "record-type" // not known
  | "address" // beyond 4 GiB, or out of its segment
  | "span" // too far from the lowest to the highest address
  | "overlap" // two values for one address
  | "no-data" // no byte at all
  | "no-end" // no end record, or parts are missing: the file was cut off
  | "after-end" // a record after the end record
  | "unsupported"; // a variant that holds no firmware

/** What is wrong with a firmware file. `line` counts from 1; 0 stands for the file as a whole. */
export interface FirmwareFault {
  readonly tag: "fault";
  readonly fault: FirmwareFaultName;
  readonly line: number;
  readonly detail: string;
  /** Of "span" and "no-data": addresses that hold data, as text, which may be what is meant. */
  readonly meant?: string;
}

export function firmwareFault(fault: FirmwareFaultName, detail: string, line = 0): FirmwareFault {
  return { tag: "fault", fault, line, detail };
}

/** "0x8000". */
export function addressText(address: number): string {
  return `0x${address.toString(16)}`;
}

/** Writing to the map has failed, with what stands at `line`. */
export function writeFault(found: Conflict | "full", line = 0): FirmwareFault {
  if (found === "full") return firmwareFault("span", "its data is scattered over too much memory", line);
  const { address, held, given } = found;
  const values = `${addressText(held)} before and ${addressText(given)} here`;
  return firmwareFault("overlap", `address ${addressText(address)} has two values, ${values}`, line);
}
