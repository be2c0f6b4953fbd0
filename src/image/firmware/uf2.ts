import { addressText, type FirmwareFault, firmwareFault, writeFault } from "./firmware-fault.ts";
import type { MemoryMap } from "./memory-map.ts";

/*
 * UF2 (github.com/microsoft/uf2): blocks of 512 bytes, each with an address, at most 476 bytes of data, its number and
 * the number of all blocks.
 */
const BLOCK = 512;
const DATA_AT = 32;
const DATA_MAX = 476;
const MAGIC_FIRST = 0x0a32_4655;
const MAGIC_SECOND = 0x9e5d_5157;
const MAGIC_END = 0x0ab1_6f30;

const Flag = { notMainFlash: 0x1, fileContainer: 0x1000, family: 0x2000 } as const;
/** Of blocks that work around erratum E10 of the RP2350: they lie at the end of the address space and are not firmware. */
const FAMILY_ABSOLUTE = 0xe48b_ff57;

interface Block {
  readonly flags: number;
  readonly address: number;
  readonly size: number;
  readonly index: number;
  readonly count: number;
  readonly family: number | undefined;
}

/**
 * Reads a UF2 file into a map; blocks that are not for the main flash are left out. All blocks that the file announces must be
 * there, and for one family of boards. Never throws, whatever the bytes.
 */
export function readUf2(file: Uint8Array, map: MemoryMap): FirmwareFault | undefined {
  if (file.length % BLOCK !== 0) {
    return firmwareFault("length", `${file.length} bytes are not whole blocks of ${BLOCK}: it was cut off`);
  }
  /** By the number of blocks announced, those that came: files may be joined. */
  const seen = new Map<number, Set<number>>();
  let family: { readonly id: number | undefined } | undefined;
  for (let at = 0; at < file.length; at += BLOCK) {
    const block = readBlock(file.subarray(at, at + BLOCK), file.length / BLOCK);
    if ("fault" in block) return firmwareFault(block.fault, `block ${at / BLOCK}: ${block.detail}`);
    if ((block.flags & Flag.notMainFlash) !== 0 || block.family === FAMILY_ABSOLUTE) continue;
    family ??= { id: block.family };
    if (family.id !== block.family) {
      const detail = `it holds firmware for the families ${familyText(family.id)} and ${familyText(block.family)}; give one of them alone`;
      return firmwareFault("unsupported", detail);
    }
    const came = seen.get(block.count) ?? new Set();
    seen.set(block.count, came.add(block.index));
    const found = map.write(block.address, file.subarray(at + DATA_AT, at + DATA_AT + block.size));
    if (found !== undefined) return writeFault(found);
  }
  for (const [count, came] of seen) {
    if (came.size === count) continue;
    return firmwareFault("no-end", `${came.size} of ${count} blocks are there: it was cut off`);
  }
  return undefined;
}

function readBlock(
  bytes: Uint8Array,
  countMax: number,
): Block | { readonly fault: FirmwareFault["fault"]; readonly detail: string } {
  const fields = new DataView(bytes.buffer, bytes.byteOffset, BLOCK);
  const word = (index: number): number => fields.getUint32(4 * index, true);
  const isBlock = word(0) === MAGIC_FIRST && word(1) === MAGIC_SECOND && word(127) === MAGIC_END;
  if (!isBlock) return { fault: "syntax", detail: "it does not begin and end as a block does" };
  const [flags, address, size, index, count] = [word(2), word(3), word(4), word(5), word(6)];
  if (size > DATA_MAX) return { fault: "length", detail: `${size} bytes of data, at most ${DATA_MAX} fit` };
  if (address + size > 2 ** 32)
    return { fault: "address", detail: "it crosses the end of the address space" };
  if ((flags & Flag.fileContainer) !== 0) {
    return { fault: "unsupported", detail: "it holds files, not the content of a flash" };
  }
  const family = (flags & Flag.family) !== 0 ? word(7) : undefined;
  const isOwn = (flags & Flag.notMainFlash) === 0 && family !== FAMILY_ABSOLUTE;
  if (isOwn && (index >= count || count > countMax)) {
    const detail = `it is block ${index} of ${count}, in a file of ${countMax}: it was cut off, or damaged`;
    return { fault: "no-end", detail };
  }
  return { flags, address, size, index, count, family };
}

function familyText(id: number | undefined): string {
  return id === undefined ? "none" : addressText(id);
}
