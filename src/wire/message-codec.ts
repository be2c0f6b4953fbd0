import { unreachable } from "../base/assert.ts";
import { ByteReader, ByteWriter, EMPTY } from "../base/bytes.ts";
import type { BootFailure, RefusalReason } from "../base/refusal.ts";
import {
  ACK_BITMAP_LENGTH,
  ACK_DELAY_UNIT_MS,
  AnnounceType,
  BeaconFlag,
  BootFailureCode,
  type ByeReason,
  GRANT_ENTRIES_MAX,
  ID_LENGTH,
  MANIFEST_LEVEL,
  NONCE_LENGTH,
  REQUEST_ENTRIES_MAX,
  RefusalCode,
  RescuerControlType,
  SHORT_DIGEST_LENGTH,
  TargetControlType,
} from "./constants.ts";
import type {
  Announcement,
  Beacon,
  GrantEntry,
  Message,
  RescuerControl,
  TargetControl,
  WireVersion,
} from "./messages.ts";
import { extensionsAreAcceptable } from "./tlv.ts";

/** Room for the longest body; far above every limit of section 5. */
const BODY_MAX = 128;
const NO_DIGEST = new Uint8Array(SHORT_DIGEST_LENGTH);
const U32 = 0x1_0000_0000;

const REFUSALS: ReadonlyMap<number, RefusalReason> = new Map(
  Object.entries(RefusalCode).map(([name, code]) => [code, name as RefusalReason]),
);
const FAILURES: ReadonlyMap<number, BootFailure> = new Map(
  Object.entries(BootFailureCode).map(([name, code]) => [code, name as BootFailure]),
);

/** Number of the message's type within its class. */
export function typeOfMessage(message: Message): number {
  return isTargetControl(message)
    ? TargetControlType[message.tag]
    : isRescuerControl(message)
      ? RescuerControlType[message.tag]
      : AnnounceType[message.tag];
}

export function isTargetControl(message: Message): message is TargetControl {
  return message.tag in TargetControlType;
}

export function isRescuerControl(message: Message): message is RescuerControl {
  return message.tag in RescuerControlType;
}

/** The body of a message: everything between the type and the extensions (PROTOCOL.md 5). */
export function encodeBody(message: Message): Uint8Array {
  const w = new ByteWriter(BODY_MAX);
  switch (message.tag) {
    case "query":
      return w.bytes(message.nodeId).bytes(message.bootNonce).finish();
    case "beacon":
    case "distress":
      return encodeBeacon(w, message);
    case "offer":
      w.bytes(message.rescuerId).bytes(message.rescuerNonce).bytes(message.targetNonce).bytes(message.digest);
      return writeVersion(w, message.version).u32(message.size).u32(message.counter).finish();
    case "accept":
      w.bytes(message.targetNonce).bytes(message.rescuerNonce).bytes(message.digest);
      return w.u16(message.payloadMax).u8(message.openBlocks).u8(message.codecs).finish();
    case "standDown":
      w.bytes(message.targetId).bytes(message.rescuerNonce).bytes(message.winnerId);
      return w.u16(clampU16(message.retryAfterMs)).finish();
    case "refuse":
      w.bytes(message.targetNonce).bytes(message.rescuerNonce).bytes(message.digest);
      return w.u8(RefusalCode[message.reason]).finish();
    case "bye":
      return w.bytes(message.targetNonce).bytes(message.rescuerNonce).u8(message.reason).finish();
    case "ack":
      w.u16(message.highest & 0xffff).u8(Math.min(0xff, Math.round(message.delayMs / ACK_DELAY_UNIT_MS)));
      return w.bytes(message.bitmap).finish();
    case "grant":
      w.u16(message.sequence).u8(message.entries.length);
      for (const e of message.entries)
        w.u24(e.first)
          .u8(e.count)
          .u8((e.attempt & 0xf) | (e.codecs << 4));
      return w.finish();
    case "request":
      w.u16(message.sequence).u8(message.wanted.length);
      for (const item of message.wanted) {
        if (item === "manifest") w.u8(MANIFEST_LEVEL).u24(0);
        else w.u8(item.level).u24(item.index);
      }
      return w.finish();
    case "busy":
    case "later":
      return w.u16(clampU16(message.forMs)).finish();
    case "done":
    case "doneAck":
      return w.bytes(message.digest).finish();
    default:
      return unreachable(message);
  }
}

function clampU16(value: number): number {
  return Math.max(0, Math.min(0xffff, Math.round(value)));
}

function writeVersion(w: ByteWriter, version: WireVersion): ByteWriter {
  return w.u16(version.major).u16(version.minor).u16(version.patch);
}

function readVersion(r: ByteReader): WireVersion {
  return { major: r.u16(), minor: r.u16(), patch: r.u16() };
}

function encodeBeacon(w: ByteWriter, beacon: Beacon): Uint8Array {
  const flags =
    (beacon.failure === undefined ? BeaconFlag.bootable : 0) |
    (beacon.isProvider ? BeaconFlag.provider : 0) |
    (beacon.installedDigest ? BeaconFlag.installed : 0) |
    (beacon.receivingDigest ? BeaconFlag.receiving : 0) |
    (beacon.wantsLinkKey ? BeaconFlag.linkKey : 0);
  w.bytes(beacon.nodeId).bytes(beacon.bootNonce).bytes(beacon.hardwareId).u16(beacon.revision).u8(flags);
  w.u8(beacon.failure === undefined ? 0 : BootFailureCode[beacon.failure]);
  writeVersion(w, beacon.version).u16(beacon.sequence % 0x1_0000);
  w.u32(Math.floor(beacon.sequence / 0x1_0000) % U32).u32(beacon.counterFloor);
  return w
    .bytes(beacon.installedDigest ?? NO_DIGEST)
    .bytes(beacon.receivingDigest ?? NO_DIGEST)
    .finish();
}

function decodeBeacon(r: ByteReader, tag: "beacon" | "distress"): Beacon | undefined {
  const nodeId = r.bytes(ID_LENGTH);
  const bootNonce = r.bytes(NONCE_LENGTH);
  const hardwareId = r.bytes(ID_LENGTH);
  const revision = r.u16();
  const flags = r.u8();
  const failureCode = r.u8();
  const version = readVersion(r);
  const sequenceLow = r.u16();
  const sequence = r.u32() * 0x1_0000 + sequenceLow;
  const counterFloor = r.u32();
  const installed = r.bytes(SHORT_DIGEST_LENGTH);
  const receiving = r.bytes(SHORT_DIGEST_LENGTH);
  const isBootable = (flags & BeaconFlag.bootable) !== 0;
  if (tag === "beacon" && !isBootable) return undefined;
  return {
    tag,
    nodeId,
    bootNonce,
    hardwareId,
    revision,
    failure: isBootable ? undefined : (FAILURES.get(failureCode) ?? "empty"),
    ...((flags & BeaconFlag.linkKey) === 0 ? {} : { wantsLinkKey: true }),
    isProvider: (flags & BeaconFlag.provider) !== 0,
    version,
    sequence,
    counterFloor,
    installedDigest: (flags & BeaconFlag.installed) !== 0 ? installed : undefined,
    receivingDigest: (flags & BeaconFlag.receiving) !== 0 ? receiving : undefined,
  };
}

/** Decodes an announcement; undefined when it is malformed or of a type this version does not know. */
export function decodeAnnouncement(type: number, body: Uint8Array): Announcement | undefined {
  const r = new ByteReader(body);
  return finish(r, announcementFrom(type, r));
}

function announcementFrom(type: number, r: ByteReader): Announcement | undefined {
  switch (type) {
    case AnnounceType.query:
      return { tag: "query", nodeId: r.bytes(ID_LENGTH), bootNonce: r.bytes(NONCE_LENGTH) };
    case AnnounceType.beacon:
      return decodeBeacon(r, "beacon");
    case AnnounceType.distress:
      return decodeBeacon(r, "distress");
    case AnnounceType.offer:
      return {
        tag: "offer",
        rescuerId: r.bytes(ID_LENGTH),
        rescuerNonce: r.bytes(NONCE_LENGTH),
        targetNonce: r.bytes(NONCE_LENGTH),
        digest: r.bytes(SHORT_DIGEST_LENGTH),
        version: readVersion(r),
        size: r.u32(),
        counter: r.u32(),
      };
    case AnnounceType.accept:
      return {
        tag: "accept",
        targetNonce: r.bytes(NONCE_LENGTH),
        rescuerNonce: r.bytes(NONCE_LENGTH),
        digest: r.bytes(SHORT_DIGEST_LENGTH),
        payloadMax: r.u16(),
        openBlocks: r.u8(),
        codecs: r.u8(),
      };
    case AnnounceType.standDown:
      return {
        tag: "standDown",
        targetId: r.bytes(ID_LENGTH),
        rescuerNonce: r.bytes(NONCE_LENGTH),
        winnerId: r.bytes(ID_LENGTH),
        retryAfterMs: r.u16(),
      };
    case AnnounceType.refuse: {
      const targetNonce = r.bytes(NONCE_LENGTH);
      const rescuerNonce = r.bytes(NONCE_LENGTH);
      const digest = r.bytes(SHORT_DIGEST_LENGTH);
      const reason = REFUSALS.get(r.u8());
      return reason && { tag: "refuse", targetNonce, rescuerNonce, digest, reason };
    }
    case AnnounceType.bye:
      return {
        tag: "bye",
        targetNonce: r.bytes(NONCE_LENGTH),
        rescuerNonce: r.bytes(NONCE_LENGTH),
        reason: r.u8() as ByeReason,
      };
    default:
      return undefined;
  }
}

/** Decodes a control frame that a target sends; undefined when malformed or unknown. */
export function decodeTargetControl(type: number, body: Uint8Array): TargetControl | undefined {
  const r = new ByteReader(body);
  return finish(r, targetControlFrom(type, r));
}

function targetControlFrom(type: number, r: ByteReader): TargetControl | undefined {
  switch (type) {
    case TargetControlType.ack: {
      const highest = r.u16();
      const delayMs = r.u8() * ACK_DELAY_UNIT_MS;
      return { tag: "ack", highest, delayMs, bitmap: r.bytes(ACK_BITMAP_LENGTH) };
    }
    case TargetControlType.grant: {
      const sequence = r.u16();
      const count = r.u8();
      if (count > GRANT_ENTRIES_MAX) return undefined;
      return { tag: "grant", sequence, entries: Array.from({ length: count }, () => readGrantEntry(r)) };
    }
    case TargetControlType.request: {
      const sequence = r.u16();
      const count = r.u8();
      if (count > REQUEST_ENTRIES_MAX) return undefined;
      const wanted = Array.from({ length: count }, () => {
        const level = r.u8();
        const index = r.u24();
        return level === MANIFEST_LEVEL ? ("manifest" as const) : { level, index };
      });
      return { tag: "request", sequence, wanted };
    }
    case TargetControlType.busy:
      return { tag: "busy", forMs: r.u16() };
    case TargetControlType.done:
      return { tag: "done", digest: r.bytes(SHORT_DIGEST_LENGTH) };
    default:
      return undefined;
  }
}

function readGrantEntry(r: ByteReader): GrantEntry {
  const first = r.u24();
  const count = r.u8();
  const how = r.u8();
  return { first, count, attempt: how & 0xf, codecs: how >>> 4 };
}

/** Decodes a control frame that a rescuer sends; undefined when malformed or unknown. */
export function decodeRescuerControl(type: number, body: Uint8Array): RescuerControl | undefined {
  const r = new ByteReader(body);
  return finish(r, rescuerControlFrom(type, r));
}

function rescuerControlFrom(type: number, r: ByteReader): RescuerControl | undefined {
  switch (type) {
    case RescuerControlType.later:
      return { tag: "later", forMs: r.u16() };
    case RescuerControlType.doneAck:
      return { tag: "doneAck", digest: r.bytes(SHORT_DIGEST_LENGTH) };
    default:
      return undefined;
  }
}

function finish<M extends Message>(r: ByteReader, message: M | undefined): M | undefined {
  if (message === undefined || r.failed) return undefined;
  const tail = r.remaining === 0 ? EMPTY : r.rest();
  return extensionsAreAcceptable(tail) ? message : undefined;
}
