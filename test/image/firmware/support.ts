const HEX_DATA = 16;

/** A record of Intel HEX, with its line end. */
export function hexRecord(address: number, type: number, data: Uint8Array | readonly number[]): string {
  const body = [data.length, (address >>> 8) & 0xff, address & 0xff, type, ...data];
  const sum = body.reduce((total, byte) => total + byte, 0);
  return `:${Buffer.from([...body, -sum & 0xff])
    .toString("hex")
    .toUpperCase()}\n`;
}

/** A piece of firmware. */
export interface Piece {
  readonly address: number;
  readonly data: Uint8Array;
}

/** Intel HEX for pieces at 32-bit addresses. */
export function hexText(...pieces: readonly Piece[]): string {
  const lines: string[] = [];
  for (const { address, data } of pieces) {
    for (let at = 0; at < data.length; at += HEX_DATA) {
      const place = address + at;
      lines.push(hexRecord(0, 4, [(place >>> 24) & 0xff, (place >>> 16) & 0xff]));
      lines.push(hexRecord(place & 0xffff, 0, data.subarray(at, at + HEX_DATA)));
    }
  }
  return `${lines.join("")}:00000001FF\n`;
}

/** An S-record of this type, with its line end. */
export function srecord(type: number, address: number, data: Uint8Array | readonly number[] = []): string {
  const width = [2, 2, 3, 4, 2, 2, 3, 4, 3, 2][type] ?? 2;
  const places = Array.from({ length: width }, (_, i) => Math.floor(address / 256 ** (width - 1 - i)) & 0xff);
  const body = [width + data.length + 1, ...places, ...data];
  const sum = body.reduce((total, byte) => total + byte, 0);
  return `S${type}${Buffer.from([...body, ~sum & 0xff])
    .toString("hex")
    .toUpperCase()}\n`;
}

/** Motorola S3 records for pieces. */
export function srecText(...pieces: readonly Piece[]): string {
  const lines = pieces.flatMap(({ address, data }) =>
    Array.from({ length: Math.ceil(data.length / 32) }, (_, i) =>
      srecord(3, address + 32 * i, data.subarray(32 * i, 32 * i + 32)),
    ),
  );
  return `${srecord(0, 0, [0x48, 0x44, 0x52])}${lines.join("")}${srecord(7, 0)}`;
}

/** What a UF2 block has besides its magics. */
export interface Uf2Block {
  readonly address: number;
  readonly data: Uint8Array;
  readonly index: number;
  readonly count: number;
  readonly flags?: number;
  readonly family?: number;
}

export function uf2Block({ address, data, index, count, flags = 0, family }: Uf2Block): Uint8Array {
  const out = new Uint8Array(512);
  const view = new DataView(out.buffer);
  const all = family === undefined ? flags : flags | 0x2000;
  for (const [i, word] of [
    0x0a32_4655,
    0x9e5d_5157,
    all,
    address,
    data.length,
    index,
    count,
    family ?? 0,
  ].entries()) {
    view.setUint32(4 * i, word, true);
  }
  out.set(data, 32);
  view.setUint32(508, 0x0ab1_6f30, true);
  return out;
}

/** A UF2 file of one piece, in blocks of 256 bytes. */
export function uf2File({ address, data }: Piece, family?: number): Uint8Array {
  const count = Math.ceil(data.length / 256);
  return Uint8Array.from(
    Array.from({ length: count }, (_, index) => {
      const part = data.subarray(256 * index, 256 * index + 256);
      const block = { address: address + 256 * index, data: part, index, count };
      return [...uf2Block(family === undefined ? block : { ...block, family })];
    }).flat(),
  );
}

/** Fields of a made-up ELF file of 32 bits, little-endian. */
export interface ElfSegment extends Piece {
  readonly type?: number;
  readonly memorySize?: number;
}

/** An ELF file with load segments and no table of sections. */
export function elfFile(segments: readonly ElfSegment[], type = 2): Uint8Array {
  const head = 52 + 32 * segments.length;
  const size = segments.reduce((sum, { data }) => sum + data.length, head);
  const out = new Uint8Array(size);
  const view = new DataView(out.buffer);
  out.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  view.setUint16(16, type, true);
  view.setUint16(18, 40, true);
  view.setUint32(28, 52, true);
  view.setUint16(42, 32, true);
  view.setUint16(44, segments.length, true);
  let offset = head;
  for (const [i, segment] of segments.entries()) {
    const { address, data, memorySize = data.length } = segment;
    const words = [segment.type ?? 1, offset, address, address, data.length, memorySize, 5, 4];
    for (const [j, word] of words.entries()) view.setUint32(52 + 32 * i + 4 * j, word, true);
    out.set(data, offset);
    offset += data.length;
  }
  return out;
}
