import type { BootFailure, HeardRefusal } from "../base/refusal.ts";
import type { BlockRange, TreeNode } from "../base/tree-shape.ts";
import type { Millis } from "../base/units.ts";
import type { ByeReason, Codec, ObjectKind } from "./constants.ts";

/** Version of a firmware: each part 16 bits (PROTOCOL.md 8.3). */
export interface WireVersion {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** What the sender of an announcement can hear beside COBS: bit f for form f (PROTOCOL.md 2.5, 3.5). */
export interface SaysForms {
  readonly forms?: number;
  /** What the line was seen to do to bytes: a set of {@link LineChangeBit}. None unless given. */
  readonly changes?: number;
}

/** Asks who is there: sent on open and after a reconnect, answered with a beacon or distress (PROTOCOL.md 5.1). */
export interface Query extends SaysForms {
  readonly tag: "query";
  readonly nodeId: Uint8Array;
  readonly bootNonce: Uint8Array;
  /** A mask, and under it the frame of a call: who sends it is in distress, and knows nobody on the line. */
  readonly call?: Uint8Array;
}

/** A node's firmware status (PROTOCOL.md 5.2). Distress is the beacon of an unbootable node. */
export interface Beacon extends SaysForms {
  readonly tag: "beacon" | "distress";
  readonly nodeId: Uint8Array;
  readonly bootNonce: Uint8Array;
  /** First 8 bytes of SHA-256 over "vendor/class". */
  readonly hardwareId: Uint8Array;
  readonly revision: number;
  /** Why the node does not boot; undefined when it does: in a beacon, or a distress that its user requested. */
  readonly failure: BootFailure | undefined;
  /** The node has a link key and holds sessions only with peers that have the same one (PROTOCOL.md 14). */
  readonly wantsLinkKey?: true;
  /** The target is served over another of its links: this says where it is, and asks for nothing. */
  readonly isServed?: true;
  /** The installed image is on trial: it is not passed on, and nobody asks for it. */
  readonly isTrial?: true;
  /** The node boots and asks for something newer. */
  readonly wantsUpdate?: true;
  /** The node holds images for others but no firmware that could be updated over this link. */
  readonly isProvider: boolean;
  readonly version: WireVersion;
  /** 0 to 2^48 - 1. */
  readonly sequence: number;
  readonly counterFloor: number;
  readonly installedDigest: Uint8Array | undefined;
  readonly receivingDigest: Uint8Array | undefined;
  /** Of a call: bytes of an image that the board takes right behind an offer, 0 to 2^32 - 1; none unless given. */
  readonly inlineBytes?: number;
}

/** Whether a message is a node's status: a beacon, or the distress of a board that calls. */
export function isBeacon(message: { readonly tag: string }): message is Beacon {
  return message.tag === "distress" || message.tag === "beacon";
}

/** Whether a beacon asks for an image: for help, or for something newer. */
export function isCall(beacon: Pick<Beacon, "tag" | "wantsUpdate">): boolean {
  return beacon.tag === "distress" || beacon.wantsUpdate === true;
}

/** A rescuer's offer of one image to one target (PROTOCOL.md 5.3). The nonce is fresh for every session. */
export interface Offer extends SaysForms {
  readonly tag: "offer";
  readonly rescuerId: Uint8Array;
  readonly rescuerNonce: Uint8Array;
  readonly targetNonce: Uint8Array;
  readonly digest: Uint8Array;
  readonly version: WireVersion;
  readonly size: number;
  readonly counter: number;
  /** Bytes of a block, a power of two; 0 when the offer says none that a version 1 image can have. */
  readonly blockSize: number;
  /** Blocks that the rescuer has, 0 to 2^24 - 1, if it is still receiving the image itself; undefined: all. */
  readonly partial?: number;
  /** The rescuer can say where on a network the image lies. */
  readonly hasLocator?: true;
}

/**
 * What an accept asks for beside the manifest (PROTOCOL.md 5.4): the root's run (`run`), also the runs along the leftmost
 * path below it (`path`), also the first blocks, since flash holds nothing where the image goes (`blank`).
 */
export type AcceptAsks = "run" | "path" | "blank";

/** What a board can do beyond what the fields of its message say (PROTOCOL.md 5.4, *limits*). */
export interface Limits {
  /** Largest payload of a data or object frame, in bytes; the accept's own field unless it is more. */
  readonly payloadMax: number;
  /** Highest rate of the line that it can be set to, in bit/s; 0: it cannot change it. */
  readonly baudMax: number;
}

/** The target takes an offer and requests the manifest (PROTOCOL.md 5.4). */
export interface Accept {
  readonly tag: "accept";
  readonly targetNonce: Uint8Array;
  readonly rescuerNonce: Uint8Array;
  readonly digest: Uint8Array;
  /** Largest payload of a data or object frame that the target can take, in bytes. */
  readonly payloadMax: number;
  /** Most blocks of this image that the target keeps unfinished. */
  readonly openBlocks: number;
  /** Set of codecs that it can decode, bits of codecBit. */
  readonly codecs: number;
  /** What the rescuer sends without being asked; nothing but the manifest unless given. */
  readonly asks?: AcceptAsks;
  /** Said by a target that can change the rate of its line. */
  readonly limits?: Limits;
}

/** Another rescuer serves the target (PROTOCOL.md 5.5). */
export interface StandDown {
  readonly tag: "standDown";
  readonly targetId: Uint8Array;
  readonly rescuerNonce: Uint8Array;
  readonly winnerId: Uint8Array;
  readonly retryAfterMs: Millis;
}

/** The target does not take this image (PROTOCOL.md 5.7). */
export interface Refuse {
  readonly tag: "refuse";
  readonly targetNonce: Uint8Array;
  readonly rescuerNonce: Uint8Array;
  readonly digest: Uint8Array;
  readonly reason: HeardRefusal;
}

/** One side leaves the session (PROTOCOL.md 5.8). */
export interface Bye {
  readonly tag: "bye";
  readonly targetNonce: Uint8Array;
  readonly rescuerNonce: Uint8Array;
  readonly reason: ByeReason;
}

/** Why a target does not take an image yet. `other`: a reason that this version does not know. */
export type DeferReason = "begun" | "wear" | "soak" | "ring" | "trial" | "other";

/** The target may take this image later (PROTOCOL.md 5.15). */
export interface Defer {
  readonly tag: "defer";
  readonly targetNonce: Uint8Array;
  readonly rescuerNonce: Uint8Array;
  readonly digest: Uint8Array;
  readonly reason: DeferReason;
  /** Whole seconds, 0 to 2^32 - 1. */
  readonly seconds: number;
}

/** Why a rescuer offers nothing. `no-image`: it holds none at all. `other`: a reason that this version does not know. */
export type NoneReason = HeardRefusal | "no-image";

/** A rescuer has nothing suitable for the call of this boot nonce (PROTOCOL.md 5.16). ImageWord: it has no proof. */
export interface None {
  readonly tag: "none";
  readonly rescuerId: Uint8Array;
  readonly targetNonce: Uint8Array;
  readonly reason: NoneReason;
}

/** An image failed to confirm on a board (PROTOCOL.md 5.19). It can only hold an image up. */
export interface Suspect {
  readonly tag: "suspect";
  /** Of the board that says so. */
  readonly originId: Uint8Array;
  /** Short digest. */
  readonly digest: Uint8Array;
  /** How often it failed there, 0 to 255. */
  readonly failures: number;
  /** How long ago, 0 to 65535. */
  readonly ageMinutes: number;
  /** Links that it may travel yet, 0 to 255. */
  readonly hops: number;
}

/** An image with rings has proven itself on a board (PROTOCOL.md 5.20). It lets the time of other boards run. */
export interface Confirmed {
  readonly tag: "confirmed";
  readonly originId: Uint8Array;
  /** Short digest. */
  readonly digest: Uint8Array;
  /** The board's ring, 0 to 254. */
  readonly ring: number;
  readonly hops: number;
}

/** A word about an image, for all boards. */
export type ImageWord = Suspect | Confirmed;

/** What has arrived (PROTOCOL.md 4.3). */
export interface Ack {
  readonly tag: "ack";
  /** Low 16 bits of the highest packet number seen. */
  readonly highest: number;
  /** Time between the arrival of that packet and this ack. */
  readonly delayMs: Millis;
  /** Bit i of byte j: packet highest - (8 j + i) has arrived. */
  readonly bitmap: Uint8Array;
  /** Low 16 bits of the number of wrong bytes in the packets of the session that came in the second form (PROTOCOL.md 2.5). */
  readonly mended?: number;
}

/** `count` blocks from `first` on, wanted in this attempt and in these codecs (PROTOCOL.md 5.9). */
export interface GrantEntry {
  readonly first: number;
  readonly count: number;
  readonly attempt: number;
  readonly codecs: number;
}

/** All blocks that are open now, in the order wanted; replaces every earlier grant (PROTOCOL.md 5.9). */
export interface Grant {
  readonly tag: "grant";
  readonly sequence: number;
  readonly entries: readonly GrantEntry[];
}

/** What a request names: the manifest, where the image lies (PROTOCOL.md 6.11), or a node's run. */
export type WantedObject = "manifest" | "locator" | TreeNode;

/** All objects wanted now; replaces every earlier request (PROTOCOL.md 5.10). */
export interface Request {
  readonly tag: "request";
  readonly sequence: number;
  readonly wanted: readonly WantedObject[];
}

/** The target does not answer for this long: it erases or verifies (PROTOCOL.md 5.11). */
export interface Busy {
  readonly tag: "busy";
  readonly forMs: Millis;
}

/** Verified from flash, committed, bootable (PROTOCOL.md 5.12). */
export interface Done {
  readonly tag: "done";
  readonly digest: Uint8Array;
}

/** The rescuer cannot serve a request yet (PROTOCOL.md 5.13). */
export interface Later {
  readonly tag: "later";
  readonly forMs: Millis;
}

/** The rescuer proposes another rate of the line (PROTOCOL.md 5.17). */
export interface Rate {
  readonly tag: "rate";
  /** Number of the proposal in its session, 0 to 255; repeats keep it. */
  readonly step: number;
  /** Bit/s. */
  readonly baud: number;
  /** Each side changes its rate this long after the other one's message came. */
  readonly afterMs: Millis;
}

/** The target answers a proposed rate (PROTOCOL.md 5.18). */
export interface RateOk {
  readonly tag: "rateOk";
  readonly step: number;
  readonly isTaken: boolean;
}

/** Blocks that a rescuer has which is still receiving the image itself (PROTOCOL.md 5.21). It claims, and proves nothing. */
export interface Have {
  readonly tag: "have";
  /** At most HAVE_ENTRIES_MAX. They may be empty, overlap, or lie beyond the image. */
  readonly ranges: readonly BlockRange[];
}

/** DONE was heard (PROTOCOL.md 5.14). */
export interface DoneAck {
  readonly tag: "doneAck";
  readonly digest: Uint8Array;
}

export type Announcement =
  | Query
  | Beacon
  | Offer
  | Accept
  | StandDown
  | Refuse
  | Bye
  | Defer
  | None
  | ImageWord;
export type TargetControl = Ack | Grant | Request | Busy | Done | RateOk;
export type RescuerControl = Later | DoneAck | Rate | Have;
export type Message = Announcement | TargetControl | RescuerControl;

/** What an object chunk belongs to (PROTOCOL.md 4.6). */
export interface ObjectName {
  readonly kind: ObjectKind;
  /** The node whose run it is; level 0, index 0 for the manifest. */
  readonly node: TreeNode;
}

/** Part of a manifest or hash run (PROTOCOL.md 4.6). */
export interface ObjectChunk {
  readonly tag: "object";
  /** Low 12 bits. */
  readonly packetNumber: number;
  readonly name: ObjectName;
  readonly offset: number;
  /** Length of the whole object in bytes. */
  readonly total: number;
  readonly payload: Uint8Array;
}

/** Part of a block (PROTOCOL.md 4.5). */
export interface DataChunk {
  readonly tag: "data";
  /** Low 12 bits. */
  readonly packetNumber: number;
  readonly codec: Codec;
  /** Low bit of the attempt. */
  readonly attempt: number;
  /** Low 16 bits of (byte position in the image / 32). */
  readonly position: number;
  readonly payload: Uint8Array;
}

/** An empty packet that asks for an immediate ack (PROTOCOL.md 4.4). */
export interface Probe {
  readonly tag: "probe";
  /** Low 12 bits. */
  readonly packetNumber: number;
}

export type Packet = ObjectChunk | DataChunk | Probe;
/** Everything that a frame can hold. */
export type Frame = Message | Packet;

/** Whether a frame is a message, and no packet. */
export function isMessage(frame: Frame): frame is Message {
  return frame.tag !== "data" && frame.tag !== "object" && frame.tag !== "probe";
}
