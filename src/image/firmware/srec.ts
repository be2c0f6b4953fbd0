import { type FirmwareFault, type FirmwareFaultName, firmwareFault, writeFault } from "./firmware-fault.ts";
import type { MemoryMap } from "./memory-map.ts";
import { readPairs, recordLines } from "./record-lines.ts";

/** "S", and "s", which some tools write. */
const LETTERS: readonly (number | undefined)[] = [0x53, 0x73];
/** Count 1, address up to 4, data, checksum 1: the count is a byte. */
const RECORD_MAX = 256;
/** Bytes of address by record type: S0 is a title, S5 and S6 count the data records, S7 to S9 end the file. */
const ADDRESS_BYTES: readonly (number | undefined)[] = [2, 2, 3, 4, undefined, 2, 3, 4, 3, 2];

interface SRecord {
  readonly type: number;
  readonly address: number;
  readonly data: Uint8Array;
}

/**
 * Reads Motorola S-records, of one byte a character and without a mark, into a map. An end record is needed, or a count of the
 * data records that is right: without both a file that was cut off would be taken. Never throws, whatever the bytes.
 */
export function readSrec(text: Uint8Array, map: MemoryMap): FirmwareFault | undefined {
  const buffer = new Uint8Array(RECORD_MAX);
  let count = 0;
  let isCounted = false;
  let isEnded = false;
  for (const { line, bytes } of recordLines(text)) {
    if (isEnded) return firmwareFault("after-end", "there is text after the end record", line);
    const record = readRecord(bytes, buffer);
    if ("fault" in record) return firmwareFault(record.fault, record.detail, line);
    const { type, address, data } = record;
    if (type >= 1 && type <= 3) {
      count++;
      if (address + data.length > 256 ** (type + 1)) {
        return firmwareFault("address", "the record crosses the end of its address range", line);
      }
      const found = map.write(address, data);
      if (found !== undefined) return writeFault(found, line);
    } else if (type === 5 || type === 6) {
      isCounted = true;
      if (address !== count % 256 ** (type === 5 ? 2 : 3)) {
        return firmwareFault(
          "no-end",
          `${count} data records, ${address} announced: lines are missing`,
          line,
        );
      }
    } else if (type >= 7) isEnded = true;
  }
  return isEnded || isCounted
    ? undefined
    : firmwareFault("no-end", "no end record (S7, S8 or S9): it was cut off");
}

function readRecord(
  line: Uint8Array,
  buffer: Uint8Array,
): SRecord | { readonly fault: FirmwareFaultName; readonly detail: string } {
  const type = (line[1] ?? 0) - 0x30;
  const width = ADDRESS_BYTES[type];
  if (!LETTERS.includes(line[0])) return { fault: "syntax", detail: 'the line does not begin with "S"' };
  if (!(type >= 0 && type <= 9)) return { fault: "syntax", detail: "no digit follows the S" };
  if (width === undefined) return { fault: "record-type", detail: `record type S${type} is not known` };
  const length = (line.length - 2) / 2;
  if (!Number.isInteger(length)) return { fault: "syntax", detail: "an odd number of digits" };
  if (length < width + 2 || length > RECORD_MAX)
    return { fault: "length", detail: `a record of ${length} bytes` };
  const wrong = readPairs(line, 2, buffer);
  if (wrong >= 0) return { fault: "syntax", detail: `not a hexadecimal digit in column ${wrong + 1}` };
  if (buffer[0] !== length - 1)
    return { fault: "length", detail: `${length - 1} bytes, ${buffer[0]} announced` };
  const sum = buffer.subarray(0, length).reduce((total, byte) => total + byte, 0) & 0xff;
  if (sum !== 0xff) return { fault: "checksum", detail: "the checksum is wrong: the line is damaged" };
  const address = buffer.subarray(1, 1 + width).reduce((high, byte) => high * 256 + byte, 0);
  return { type, address, data: buffer.subarray(1 + width, length - 1) };
}
