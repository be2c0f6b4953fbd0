import { type Random, randomBelow } from "../../base/prng.ts";
import { decodeCobs, encodeDelimited } from "../../wire/cobs.ts";
import { CRC_LENGTH, FrameClass } from "../../wire/constants.ts";
import { frameCrc } from "../../wire/crc.ts";

/** Bytes of a data frame before its payload (PROTOCOL.md 4.5). */
const DATA_HEADER_MAX = 10;
const FLIPS_MAX = 4;

/** A copy in which up to four bits are flipped: its CRC almost always finds it. */
export function flipBits(frame: Uint8Array, random: Random): Uint8Array {
  const damaged = frame.slice();
  const flips = 1 + randomBelow(random, FLIPS_MAX);
  for (let i = 0; i < flips; i++) flipBit(damaged, randomBelow(random, frame.length), random);
  return damaged;
}

/**
 * A data frame with a bit of its payload flipped and a CRC that fits, as one damaged frame in 2^32 has: only the hash of its
 * block finds it. Undefined for all other frames. Needs no session tag: by the same bits, every CRC changes alike.
 */
export function damageUnseen(frame: Uint8Array, random: Random): Uint8Array | undefined {
  const body = decodeCobs(frame.subarray(frame[0] === 0 ? 1 : 0, -1));
  if (body === undefined || ((body[0] ?? 0) & 0xf) < FrameClass.data) return undefined;
  const end = body.length - CRC_LENGTH;
  if (end <= DATA_HEADER_MAX) return undefined;
  const change = new Uint8Array(end);
  flipBit(change, DATA_HEADER_MAX + randomBelow(random, end - DATA_HEADER_MAX), random);
  const crcChange = frameCrc(change) ^ frameCrc(new Uint8Array(end));
  const damaged = body.slice();
  for (let i = 0; i < end; i++) damaged[i] = (damaged[i] ?? 0) ^ (change[i] ?? 0);
  for (let i = 0; i < CRC_LENGTH; i++)
    damaged[end + i] = (damaged[end + i] ?? 0) ^ ((crcChange >>> (8 * i)) & 0xff);
  return encodeDelimited(damaged);
}

function flipBit(bytes: Uint8Array, at: number, random: Random): void {
  bytes[at] = (bytes[at] ?? 0) ^ (1 << randomBelow(random, 8));
}
