import { concatBytes } from "../../src/base/bytes.ts";
import { frameCrc } from "../../src/wire/crc.ts";

/** These bytes with their CRC behind them, seeded with `tag`: what makes them pass as a frame (PROTOCOL.md 3.4). */
export function withCrc(covered: Uint8Array, tag: number | undefined): Uint8Array {
  const crc = frameCrc(covered, tag);
  return concatBytes(covered, Uint8Array.of(crc, crc >>> 8, crc >>> 16, crc >>> 24));
}
