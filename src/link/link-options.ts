import type { Millis } from "../base/units.ts";
import type { LinkKey } from "./link-key.ts";

export interface LinkOptions {
  /** Line rate in bits per second to pace by; undefined when the link has none of its own (TCP). */
  readonly baud: number | undefined;
  /**
   * Highest rate that this end can be set to, in bit/s, where it can change the one of `baud` (PROTOCOL.md 4.9); undefined:
   * it is fixed.
   */
  readonly baudMax?: number | undefined;
  /** Bits on the line for each byte: 10 (8N1) unless given, 11 with parity or two stop bits, 12 with both. */
  readonly bitsPerByte?: number | undefined;
  /** Smallest retransmission timeout: about 10 ms on a native UART, 25 ms behind a USB adapter. */
  readonly rtoFloorMs: Millis;
  /** How frames travel; "stream", between delimiters, unless given. "message": whole, without COBS (PROTOCOL.md 10). */
  readonly framing?: "stream" | "message" | undefined;
  /** The link's key, if it has one: sessions are only held with a peer that has the same (PROTOCOL.md 14). */
  readonly key?: LinkKey | undefined;
  /**
   * Payload of the frames that this end sends, in bytes: a multiple of 32. The one that suits the line unless given, frame by
   * frame (PROTOCOL.md 4.7); less where the peer takes less.
   */
  readonly payload?: number | undefined;
  /** This end hears the second form of frames, says so, and uses it with peers that do, too (PROTOCOL.md 2.5). */
  readonly isHunting?: boolean | undefined;
}
