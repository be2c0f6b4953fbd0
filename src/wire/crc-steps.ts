/**
 * The register of the frame's CRC-32 (see {@link frameCrc}), one byte forwards or backwards: shows which byte is missing
 * in a frame without trying all of them.
 */
const POLYNOMIAL = 0xedb8_8320;

const TABLE: Uint32Array = Uint32Array.from({ length: 256 }, (_, byte) => {
  let register = byte;
  for (let bit = 0; bit < 8; bit++) register = (register >>> 1) ^ ((register & 1) * POLYNOMIAL);
  return register;
});
/** By the top byte of an entry, which differs in all of them: its index. */
const BY_TOP: Uint8Array = new Uint8Array(256);
TABLE.forEach((entry, index) => {
  BY_TOP[entry >>> 24] = index;
});

/** The register behind a whole frame whose CRC is right, whatever the frame and its tag. */
export const CRC_RESIDUE = 0xdebb_20e3;

/** The register in front of a frame: of the session of `tag`, or of none. */
export function crcStart(tag: number | undefined): number {
  return ~(tag ?? 0) >>> 0;
}

export function crcStep(register: number, byte: number): number {
  return ((TABLE[(register ^ byte) & 0xff] as number) ^ (register >>> 8)) >>> 0;
}

/** The register in front of `byte`, from the one behind it. */
export function crcStepBack(register: number, byte: number): number {
  const index = BY_TOP[register >>> 24] as number;
  return (((register ^ (TABLE[index] as number)) << 8) | (index ^ byte)) >>> 0;
}

/** The byte that leads from one register to another; undefined if none does. */
export function crcByteBetween(before: number, after: number): number | undefined {
  const index = BY_TOP[after >>> 24] as number;
  return ((TABLE[index] as number) ^ (before >>> 8)) >>> 0 === after ? (index ^ before) & 0xff : undefined;
}
