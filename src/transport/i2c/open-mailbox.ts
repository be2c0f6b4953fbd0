import { concatBytes } from "../../base/bytes.ts";
import type { Packed } from "./frame-packing.ts";
import { encodeSegmentHeader, SegmentKind } from "./mailbox-codec.ts";

/** What a controller knows of a mailbox that is open; nothing of it outlives the next greeting (PROTOCOL.md 10.5). */
export interface OpenMailbox {
  readonly tag: "open";
  /** The turn of the newest read whose bytes were taken in. */
  ack: 0 | 1;
  /** The turn of the newest read whose bytes were looked at: if it comes again, so do they. */
  lookedAt: 0 | 1;
  /** A read brought bytes, and no write has acknowledged them yet. */
  owesAck: boolean;
  /** A transaction failed: turn and state must be known before anything is written or acknowledged. */
  mustRead: boolean;
  /** The last write failed: reads that succeed do not mean that the trouble is over. */
  isWriteFailing: boolean;
  /** Bytes known to wait behind those taken in. */
  waiting: number;
  isPeerBusy: boolean;
  /** Number of the last write that carried frames, modulo 4 on the wire. */
  number: number;
  /** Reads in a row whose content made no sense. */
  badReads: number;
  /** The write under way, and what it carries of the queue; a mere acknowledgement carries nothing. */
  write: { readonly packed: Packed | undefined } | undefined;
}

/** A mailbox whose peripheral was just greeted. */
export function openMailbox(): OpenMailbox {
  return {
    tag: "open",
    ack: 0,
    lookedAt: 0,
    // The mailbox opens with the first write, which may be an acknowledgement of nothing.
    owesAck: true,
    mustRead: false,
    isWriteFailing: false,
    waiting: 0,
    isPeerBusy: false,
    number: 0,
    badReads: 0,
    write: undefined,
  };
}

/** The bytes of a write that carries frames, or of a mere acknowledgement (PROTOCOL.md 10.3). */
export function segmentOf({ number, ack }: OpenMailbox, packed: Packed | undefined): Uint8Array {
  if (packed === undefined)
    return Uint8Array.of(encodeSegmentHeader({ kind: SegmentKind.none, number, ack }));
  const kind = packed.isInside ? SegmentKind.next : SegmentKind.first;
  const header = encodeSegmentHeader({ kind, number: number + 1, ack });
  return concatBytes(Uint8Array.of(header), packed.bytes);
}
