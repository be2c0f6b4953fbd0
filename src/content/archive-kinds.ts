import { type ContentKind, foreign } from "./content-kind.ts";
import { latin1 } from "./text-encoding.ts";

export const UNPACK = "unpack it, and give the firmware in it";

const TAR = foreign("tar", "a tar archive", UNPACK);
const CPIO = foreign("cpio", "a cpio archive", UNPACK);
const LHA = foreign("lha", "an LHA archive", UNPACK);
const LZMA = foreign("lzma", "an lzma file", "xz -F lzma -dc IN > OUT");

/** Archives whose magic is short, or not at the start: their header must be sound, too. */
export function archiveKind(head: Uint8Array): ContentKind | undefined {
  if (isTar(head)) return TAR;
  if (isTextCpio(head) || isBinaryCpio(head)) return CPIO;
  if (/^-l[hz][0-9ds]-$/.test(latin1(head.subarray(2, 7)))) return LHA;
  return isLzma(head) ? LZMA : undefined;
}

/** Where a tar header has its checksum, and how long that and the header are. */
const TAR_SUM_AT = 148;
const TAR_SUM_LENGTH = 8;
const TAR_HEADER = 512;

/** "ustar" of POSIX and GNU; archives before them have nothing but a checksum, counted with spaces in its own place. */
function isTar(head: Uint8Array): boolean {
  if (latin1(head.subarray(257, 262)) === "ustar") return true;
  if (head.length < TAR_HEADER || head[0] === 0) return false;
  const digits = latin1(head.subarray(TAR_SUM_AT, TAR_SUM_AT + TAR_SUM_LENGTH));
  const announced = /^ *([0-7]{3,7})[\0 ]+$/.exec(digits)?.[1];
  if (announced === undefined) return false;
  const header = Uint8Array.from(head.subarray(0, TAR_HEADER)).fill(
    0x20,
    TAR_SUM_AT,
    TAR_SUM_AT + TAR_SUM_LENGTH,
  );
  return header.reduce((sum, byte) => sum + byte, 0) === Number.parseInt(announced, 8);
}

/** POSIX ("070707", octal), and the two of SVR4 ("070701", "070702", hexadecimal): digits up to the name. */
function isTextCpio(head: Uint8Array): boolean {
  return /^(?:070707[0-7]{70}|07070[12][0-9A-Fa-f]{104})[^\0]+\0/.test(latin1(head.subarray(0, 512)));
}

/** The oldest form, of both byte orders: 26 bytes, and a name whose length is in the header. */
function isBinaryCpio(head: Uint8Array): boolean {
  const isLittle = head[0] === 0xc7 && head[1] === 0x71;
  if (head.length < 28 || (!isLittle && (head[0] !== 0x71 || head[1] !== 0xc7))) return false;
  const length = new DataView(head.buffer, head.byteOffset, head.length).getUint16(20, isLittle);
  const name = head.subarray(26, 26 + length);
  return length >= 2 && name.length === length && name.indexOf(0) === length - 1 && name.every(isNameByte);
}

function isNameByte(byte: number, index: number, name: Uint8Array): boolean {
  return byte >= 0x20 || index === name.length - 1;
}

/** Bytes of an lzma header: properties, size of the dictionary, size of the content. */
const LZMA_HEADER = 13;
const LZMA_PROPERTIES_MAX = 224;
const LZMA_PROPERTIES_USUAL = 0x5d;

/** No magic: a dictionary of 2^n or 2^n + 2^(n-1) bytes, a size that is unknown or below 256 GiB, and the coder's first zero. */
function isLzma(head: Uint8Array): boolean {
  if (head.length <= LZMA_HEADER || head[LZMA_HEADER] !== 0) return false;
  const fields = new DataView(head.buffer, head.byteOffset, head.length);
  const dictionary = fields.getUint32(1, true);
  const top = 2 ** Math.floor(Math.log2(dictionary));
  if (dictionary < 4096 || (dictionary !== top && dictionary !== 1.5 * top)) return false;
  const [low, high] = [fields.getUint32(5, true), fields.getUint32(9, true)];
  const properties = head[0] ?? 0;
  if (low === 0xffff_ffff && high === 0xffff_ffff) return properties <= LZMA_PROPERTIES_MAX;
  return properties === LZMA_PROPERTIES_USUAL && high < 64 && (low > 0 || high > 0);
}
