import type { BootFailure, RefusalReason } from "../base/refusal.ts";

/**
 * What a node tells while it works; the lines of `--json`, in which `event` names the kind (README, "JSON lines"). `link`
 * is the endpoint as it was given, `peer` the id of the node at its other end in hexadecimal, digests are hexadecimal.
 */
export type NodeEvent =
  /** The link is open and listened to. */
  | { readonly event: "ready"; readonly link: string }
  /** State of a link changed: up, down, waiting (nobody listens yet), echo, silence… */
  | { readonly event: "link"; readonly link: string; readonly state: string; readonly detail?: string }
  /** A board calls, or we do. */
  | {
      readonly event: "distress";
      readonly link: string;
      readonly peer: string;
      readonly hardwareId: string;
      readonly revision: number;
      /** Why it does not boot; undefined when it boots and was told to call. */
      readonly reason: BootFailure | undefined;
      readonly version: string | undefined;
      readonly counterFloor: number;
    }
  /** An image is offered: to us, or by us. */
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
      /** Who refused, or was refused; undefined when only a protocol version was heard. */
      readonly peer: string | undefined;
      readonly reason: RefusalReason;
      readonly digest?: string;
      readonly detail?: string;
    }
  | ProgressEvent
  | { readonly event: "console"; readonly link: string; readonly text: string }
  /** The image in flash has the signed root. */
  | { readonly event: "verified"; readonly link: string; readonly peer: string; readonly digest: string }
  | HealedEvent
  /** A session ended early; the node continues. */
  | { readonly event: "lost"; readonly link: string; readonly peer: string; readonly why: string };

/** A session ended with a board that boots. */
export interface HealedEvent {
  readonly event: "healed";
  readonly link: string;
  readonly peer: string;
  readonly digest: string;
  readonly version: string;
  /** Blocks that went over the wire in this session. */
  readonly blocks: number;
  /** Bytes that this side sent on this link since the session began. */
  readonly bytesTx: number;
  /** Since the session began. */
  readonly seconds: number;
}

export interface ProgressEvent {
  readonly event: "progress";
  readonly link: string;
  readonly peer: string;
  /** Blocks that are known to be right in the target's flash. */
  readonly blocks: number;
  readonly blocksTotal: number;
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
