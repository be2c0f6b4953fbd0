import type { BootFailure, HeardRefusal } from "../base/refusal.ts";
import type { WaitReason } from "../mesh/dispatch.ts";
import type { NoneReason } from "../wire/messages.ts";
import type { HealthSeen } from "./health-watch.ts";

/**
 * What a node reports while it runs: the lines of `--json` (README, "JSON lines"), in which `event` names the kind.
 * `link` is the endpoint as it was given, `peer` the id of the node at its other end. Ids and digests are hexadecimal.
 * `proven`: what the peer says was proven with the link key; otherwise anybody on the wire may have said it.
 */
export type NodeEvent = PlainEvent & OfBoard;

/** What events about a board have besides. */
interface OfBoard {
  /** "vendor/class" of the board, where this node knows an image of that hardware; a beacon carries only its hash. */
  readonly hardware?: string;
}

type PlainEvent =
  /** The link is up. */
  | { readonly event: "ready"; readonly link: string }
  /** The state of a link changed: down, waiting (nobody listens yet), failed, echo, two-nodes, stranger… */
  | { readonly event: "link"; readonly link: string; readonly state: string; readonly detail?: string }
  /** A board calls for help, or this one does. */
  | {
      readonly event: "distress";
      readonly link: string;
      readonly peer: string;
      readonly hardwareId: string;
      readonly revision: number;
      /** Why it does not boot; undefined when it boots and was asked to call anyway. */
      readonly reason: BootFailure | undefined;
      /** Only the node's own call is: one that was heard has no proof, with and without a link key. */
      readonly proven: boolean;
      readonly version: string | undefined;
      readonly counterFloor: number;
    }
  /** An image is offered, to this node or by it. */
  | {
      readonly event: "offer";
      readonly link: string;
      readonly peer: string;
      readonly digest: string;
      readonly version: string;
      /** Bytes. */
      readonly size: number;
    }
  | {
      readonly event: "refused";
      readonly link: string;
      /** The other side; undefined when only a frame of another protocol version was received. */
      readonly peer: string | undefined;
      readonly reason: HeardRefusal;
      readonly proven: boolean;
      readonly digest?: string;
      readonly detail?: string;
    }
  | ProgressEvent
  /**
   * A board is not served for a while. `budget`: too much was sent to boards that were not healed. `defer`: it waits with
   * this image, as it has begun another one, or its ring is not due. `stand-down`: another rescuer serves it. `fan-out`,
   * `heal`: as many updates as allowed are handed out, or a board that does not boot is served first. `soak`: as many as allowed
   * were handed out in the last soak time. `suspect`: the image failed on another board.
   */
  | {
      readonly event: "waiting";
      readonly link: string;
      readonly peer: string;
      readonly reason: "budget" | "defer" | "stand-down" | WaitReason;
      readonly digest?: string;
      readonly seconds: number;
    }
  /** This board takes an image later that a neighbour has: its ring is not due, or it failed elsewhere. */
  | {
      readonly event: "deferred";
      readonly link: string;
      readonly peer: string;
      /** Short digest. */
      readonly digest: string;
      readonly reason: string;
      readonly seconds: number;
    }
  /**
   * An image failed on another board, and is held up for so long: on this link, or where a link key proved it everywhere.
   */
  | {
      readonly event: "suspect";
      readonly link: string;
      /** Short digest. */
      readonly digest: string;
      readonly proven: boolean;
      readonly seconds: number;
    }
  /** A rescuer has nothing for this board. Anybody on the wire can say it. */
  | {
      readonly event: "none";
      readonly link: string;
      readonly peer: string;
      readonly reason: NoneReason;
      readonly detail: string;
    }
  | { readonly event: "console"; readonly link: string; readonly text: string }
  /**
   * The line has another rate, in bit/s. `faster`, `lowered`: both ends agreed on one that carries more, with fewer errors
   * perhaps. `unproven`: they returned from one that did not work. `silence`: they returned to where they meet.
   */
  | {
      readonly event: "rate";
      readonly link: string;
      readonly baud: number;
      readonly before: number;
      readonly reason: "faster" | "lowered" | "unproven" | "silence";
    }
  /** The image in flash matches its signed root hash. */
  | { readonly event: "verified"; readonly link: string; readonly peer: string; readonly digest: string }
  /** The role on a link changed. */
  | { readonly event: "role"; readonly link: string; readonly role: "idle" | "target" | "rescuer" }
  /** The node's own board starts this image. */
  | { readonly event: "booted"; readonly version: string; readonly digest: string }
  /** The node's own board got this image from its own repository, or from a file. */
  | { readonly event: "installed"; readonly version: string; readonly digest: string; readonly from: string }
  /**
   * A neighbour said something new of itself. Anybody on the wire can say it. `digest`: the short one of its image; `nonce`: its
   * boot nonce; `trial`: the image is on trial; `reason`: why it does not boot.
   */
  | {
      readonly event: "neighbour";
      readonly link: string;
      readonly peer: string;
      /** Undefined when nothing is installed, and of nodes without a board. */
      readonly version: string | undefined;
      readonly bootable: boolean;
      readonly hardwareId?: string;
      readonly digest?: string;
      readonly nonce?: string;
      readonly trial?: boolean;
      readonly reason?: BootFailure;
    }
  /** A neighbour runs another image of the same order as this node: neither updates the other. */
  | {
      readonly event: "conflict";
      readonly link: string;
      readonly peer: string;
      readonly version: string;
      /** Short digest of the neighbour's image. */
      readonly digest: string;
    }
  | HealedEvent
  /**
   * What became of a healed board, if that is waited for: once for each heal. It boots the image and has it confirmed, by its
   * beacon or by the image's policy. Not proven: anybody on the wire can send a beacon. `seconds`: since the heal.
   */
  | {
      readonly event: "healthy";
      readonly link: string;
      readonly peer: string;
      readonly digest: string;
      readonly seconds: number;
    }
  /** It did not say so in time. `reason`: what its last beacon showed. */
  | {
      readonly event: "not-healthy";
      readonly link: string;
      readonly peer: string;
      readonly digest: string;
      readonly seconds: number;
      readonly reason: HealthSeen;
      /** What was seen, and what to try next. */
      readonly detail: string;
    }
  /** A session ended early; the node continues. */
  | { readonly event: "lost"; readonly link: string; readonly peer: string; readonly why: string };

/** A session ended, and the board boots. */
export interface HealedEvent extends OfBoard {
  readonly event: "healed";
  readonly link: string;
  readonly peer: string;
  readonly digest: string;
  readonly version: string;
  readonly proven: boolean;
  /** Blocks sent over the wire in this session. */
  readonly blocks: number;
  /** Bytes that this side sent on this link in this session. */
  readonly bytesTx: number;
  /** Duration of the session. */
  readonly seconds: number;
  /** Rate of the line at its end, in bit/s; undefined where the link has none of its own. */
  readonly baud?: number | undefined;
  /** The board that was healed: `peer`, or this node's own. */
  readonly target?: string;
  /** The boot nonce under which it called. */
  readonly nonce?: string;
  /** Whether it did not boot before, or did. */
  readonly cause?: "heal" | "update";
}

export interface ProgressEvent extends OfBoard {
  readonly event: "progress";
  readonly link: string;
  readonly peer: string;
  /** Blocks that are known to be correct in the target's flash; of a rescuer, which does not know, the same as `written`. */
  readonly blocks: number;
  /** Blocks of the image; of a rescuer the same as `missing`. */
  readonly blocksTotal: number;
  /** Blocks that the target wrote in this session. */
  readonly written: number;
  /** These and the blocks that may still be missing: all at first, fewer while more are found to be right. Of a rescuer: that were asked for so far. */
  readonly missing: number;
  /** Bytes on the wire in the data direction since the session began. */
  readonly bytes: number;
  /** Seconds since the session began. */
  readonly seconds: number;
  /** Payload bytes per second over the last second or so. */
  readonly rate: number;
  /** Seconds to go at this rate; undefined when unknown. */
  readonly eta: number | undefined;
  /** Share of packets that arrived, 0 to 1. */
  readonly quality: number;
}
