import type { HeardRefusal } from "../../base/refusal.ts";
import type { TreeNode } from "../../base/tree-shape.ts";
import type { Millis } from "../../base/units.ts";
import type { Beacon, Offer, WireVersion } from "../../wire/messages.ts";
import type { KeyMismatch } from "../link-guard.ts";
import type { AdviceEvent, LineEvent } from "../role.ts";

/** An image as a rescuer offers it. */
export interface OfferedImage {
  /** Short digest. */
  readonly digest: Uint8Array;
  readonly version: WireVersion;
  /** Bytes. */
  readonly size: number;
  readonly blockSize: number;
  readonly counter: number;
  /** The manifest as it goes over the wire. */
  readonly envelope: Uint8Array;
  /** Blocks that are there, of one that is still being received. */
  readonly partial?: number;
  /** Where it lies on a network, as the wire says it (PROTOCOL.md 6.11). */
  readonly locator?: Uint8Array;
}

/** A block to read: in this attempt, in one of these codecs. */
export interface BlockWish {
  readonly block: number;
  readonly attempt: number;
  /** Set of codecs, bits of codecBit. */
  readonly codecs: number;
}

/**
 * Effects (`pick`, `readRun`, `readBlock`, `release`), and reports. An effect is answered by the call of its name with its
 * `session` number: an answer that comes after that pick or session ended is dropped. The number of a pick is also that of
 * the offer and the session that come of it, so that each reads from the image that was picked for it. Every pick that is
 * answered with an image is followed by one `release`. `targetId`: of the board that a report is about.
 */
export type RescuerEvent =
  /** `refused`: short digests of images that this start of the target refused or deferred lately. */
  | {
      readonly tag: "pick";
      readonly session: number;
      readonly beacon: Beacon;
      readonly refused: readonly Uint8Array[];
    }
  | { readonly tag: "readRun"; readonly session: number; readonly node: TreeNode }
  | { readonly tag: "readBlock"; readonly session: number; readonly wish: BlockWish }
  /** Not answered: the image of that pick is no longer needed. */
  | { readonly tag: "release"; readonly session: number }
  | { readonly tag: "heard"; readonly beacon: Beacon }
  /** Another rescuer offers an image to this node's own board, which did not call. A copy. */
  | { readonly tag: "invited"; readonly offer: Offer }
  /** Calls are not answered for a while: too much was sent to boards that were not healed (PROTOCOL.md 6.5). */
  | { readonly tag: "spent"; readonly targetId: Uint8Array; readonly forMs: Millis }
  /** A board waits with the image that was offered to it, or is served by another rescuer. */
  | {
      readonly tag: "waiting";
      readonly reason: "defer" | "stand-down";
      readonly targetId: Uint8Array;
      /** Short digest of the image, with `defer`. */
      readonly digest?: Uint8Array;
      /** As the board said. */
      readonly forMs: Millis;
    }
  | { readonly tag: "offered"; readonly offer: Offer; readonly targetId: Uint8Array }
  | {
      readonly tag: "accepted";
      readonly session: number;
      readonly image: OfferedImage;
      readonly targetId: Uint8Array;
    }
  | {
      readonly tag: "refused";
      readonly reason: HeardRefusal;
      readonly digest: Uint8Array | undefined;
      /** Undefined when only a frame of another protocol version was received. */
      readonly targetId: Uint8Array | undefined;
      /** Whether the board showed that it has our link key. */
      readonly isProven: boolean;
      /** Why the reason is `link-key`, where that was found out here. */
      readonly mismatch?: KeyMismatch;
    }
  /** `written`: blocks that the target finished in this session. `missing`: these, and those that it is known to want beside them. */
  | { readonly tag: "progress"; readonly written: number; readonly missing: number }
  /** The board says so. `isProven`: with our link key; otherwise anybody on the wire may have said it. */
  | {
      readonly tag: "healed";
      readonly digest: Uint8Array;
      readonly targetId: Uint8Array;
      /** The boot nonce under which the board called. */
      readonly targetNonce: Uint8Array;
      readonly isProven: boolean;
    }
  | { readonly tag: "sessionLost"; readonly why: RescuerLoss; readonly targetId: Uint8Array }
  | AdviceEvent
  | LineEvent;

/**
 * Why a session ended early. `done-not-heard`: every block was acked, but DONE never came. `slow`: the target asked for
 * far less than the line carries. `image-unreadable`: the image cannot be read any more.
 */
export type RescuerLoss =
  | "silence"
  | "slow"
  | "restarted"
  | "bye"
  | "stood-down"
  | "done-not-heard"
  | "image-unreadable";
