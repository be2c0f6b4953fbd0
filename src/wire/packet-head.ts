import { FrameClass } from "./constants.ts";

/**
 * The low bits of the number of the packet that a piece of a byte stream begins with, if it can be the beginning of a data or
 * object frame in COBS (PROTOCOL.md 2.1, 4.5, 4.6); undefined otherwise. The rest may be missing or damaged.
 */
export function packetHeadOf(run: Uint8Array): number | undefined {
  const [code, first, second] = run;
  // A code byte of 1 stands for a zero; the class of a packet is never 0.
  if (code === undefined || code < 2 || first === undefined) return undefined;
  const type = first & 0x0f;
  if (type !== FrameClass.object && (type & FrameClass.data) === 0) return undefined;
  const high = code === 2 ? 0 : (second ?? 0);
  return (first >> 4) | (high << 4);
}
