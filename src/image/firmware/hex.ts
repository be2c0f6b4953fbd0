import { type FirmwareFault, type FirmwareFaultName, firmwareFault, writeFault } from "./firmware-fault.ts";
import type { MemoryMap } from "./memory-map.ts";
import { readPairs, recordLines } from "./record-lines.ts";

const COLON = 0x3a;
const ADDRESS_END = 2 ** 32;
const SEGMENT_SIZE = 0x1_0000;
/** Length 1, address 2, type 1, data up to 255, checksum 1. */
const RECORD_MAX = 260;

/** Record types, and the bytes of data each must have. */
const RecordType = { data: 0, end: 1, segment: 2, startSegment: 3, linear: 4, startLinear: 5 } as const;
const FIXED_LENGTH: readonly (number | undefined)[] = [undefined, 0, 2, 4, 2, 4];

/**
 * Reads Intel HEX text, of one byte a character and without a mark, into a map. Start addresses are left out: an image has
 * none. Never throws, whatever the bytes.
 */
export function readHex(text: Uint8Array, map: MemoryMap): FirmwareFault | undefined {
  const record = new Uint8Array(RECORD_MAX);
  let base = 0;
  let limit = ADDRESS_END;
  let isEnded = false;
  for (const { line, bytes } of recordLines(text)) {
    if (isEnded) return firmwareFault("after-end", "there is text after the end record", line);
    const length = readRecord(bytes, record);
    if (typeof length !== "number") return firmwareFault(length.fault, length.detail, line);
    const data = record.subarray(4, 4 + length);
    const word = (data[0] ?? 0) * 256 + (data[1] ?? 0);
    switch (record[3]) {
      case RecordType.end:
        isEnded = true;
        break;
      case RecordType.segment:
        base = word * 16;
        limit = base + SEGMENT_SIZE;
        break;
      case RecordType.linear:
        base = word * 0x1_0000;
        limit = ADDRESS_END;
        break;
      case RecordType.data: {
        const address = base + (record[1] ?? 0) * 256 + (record[2] ?? 0);
        if (address + length > limit) {
          return firmwareFault("address", "the record crosses the end of its address range", line);
        }
        const found = map.write(address, data);
        if (found !== undefined) return writeFault(found, line);
        break;
      }
      default: // start addresses
    }
  }
  return isEnded ? undefined : firmwareFault("no-end", "no end record: it was cut off");
}

/** Reads one line into `record` (length, address, type, data, checksum) and returns the bytes of its data. */
function readRecord(
  line: Uint8Array,
  record: Uint8Array,
): number | { fault: FirmwareFaultName; detail: string } {
  if (line[0] !== COLON) return { fault: "syntax", detail: 'the line does not begin with ":"' };
  const count = (line.length - 1) / 2;
  if (!Number.isInteger(count)) return { fault: "syntax", detail: "an odd number of digits" };
  if (count < 5 || count > record.length) return { fault: "length", detail: `a record of ${count} bytes` };
  const wrong = readPairs(line, 1, record);
  if (wrong >= 0) return { fault: "syntax", detail: `not a hexadecimal digit in column ${wrong + 1}` };
  const length = record[0] ?? 0;
  const type = record[3] ?? 0;
  if (length !== count - 5) {
    return { fault: "length", detail: `${count - 5} bytes of data, ${length} announced` };
  }
  const sum = record.subarray(0, count).reduce((total, byte) => total + byte, 0) & 0xff;
  if (sum !== 0) return { fault: "checksum", detail: "the checksum is wrong: the line is damaged" };
  if (type > RecordType.startLinear) {
    return { fault: "record-type", detail: `record type ${type} is not known` };
  }
  const fixed = FIXED_LENGTH[type];
  if (fixed !== undefined && fixed !== length) {
    return { fault: "length", detail: `record type ${type} has ${fixed} bytes of data, not ${length}` };
  }
  return length;
}
