import type { ByteReader, ByteWriter } from "../base/bytes.ts";
import type { BootFailure, HeardRefusal, RefusalReason } from "../base/refusal.ts";
import { type BodyCodec, type BodyCodecs, clampU16 } from "./body-codec.ts";
import {
  ACCEPT_CODECS,
  AcceptFlag,
  BeaconFlag,
  BLOCK_MAX,
  BLOCK_MIN,
  BootFailureCode,
  ByeReason,
  DeferCode,
  ID_LENGTH,
  NEVER_GIVEN,
  NO_IMAGE_CODE,
  NONCE_LENGTH,
  RefusalCode,
  SHORT_DIGEST_LENGTH,
} from "./constants.ts";
import type {
  Accept,
  AcceptAsks,
  Announcement,
  Beacon,
  Bye,
  Confirmed,
  Defer,
  DeferReason,
  ImageWord,
  None,
  NoneReason,
  Offer,
  Query,
  Refuse,
  StandDown,
  Suspect,
  WireVersion,
} from "./messages.ts";

const NO_DIGEST = new Uint8Array(SHORT_DIGEST_LENGTH);
const U32 = 0x1_0000_0000;

const REFUSALS: ReadonlyMap<number, RefusalReason> = new Map(
  Object.entries(RefusalCode).map(([name, code]) => [code, name as RefusalReason]),
);
const FAILURES: ReadonlyMap<number, BootFailure> = new Map(
  Object.entries(BootFailureCode).map(([name, code]) => [code, name as BootFailure]),
);

const BYES: ReadonlyMap<number, ByeReason> = new Map(Object.values(ByeReason).map((code) => [code, code]));
const DEFERRALS: ReadonlyMap<number, DeferReason> = new Map(
  Object.entries(DeferCode).map(([name, code]) => [code, name as DeferReason]),
);

/** PROTOCOL.md 5.1. */
const query: BodyCodec<Query> = {
  encode: (w, message) => {
    w.bytes(message.nodeId).bytes(message.bootNonce);
  },
  decode: (r) => ({ tag: "query", nodeId: r.bytes(ID_LENGTH), bootNonce: r.bytes(NONCE_LENGTH) }),
};

/** PROTOCOL.md 5.2. A beacon is that of a bootable node; a distress may come from one. */
function beaconAs(tag: Beacon["tag"]): BodyCodec<Beacon> {
  return { encode: encodeBeacon, decode: (r) => decodeBeacon(r, tag) };
}

function encodeBeacon(w: ByteWriter, beacon: Beacon): void {
  const flags =
    (beacon.failure === undefined ? BeaconFlag.bootable : 0) |
    (beacon.isProvider ? BeaconFlag.provider : 0) |
    (beacon.installedDigest ? BeaconFlag.installed : 0) |
    (beacon.receivingDigest ? BeaconFlag.receiving : 0) |
    (beacon.wantsLinkKey ? BeaconFlag.linkKey : 0) |
    (beacon.isTrial ? BeaconFlag.trial : 0) |
    (beacon.wantsUpdate ? BeaconFlag.wantsUpdate : 0) |
    (beacon.isServed ? BeaconFlag.served : 0);
  w.bytes(beacon.nodeId).bytes(beacon.bootNonce).bytes(beacon.hardwareId).u16(beacon.revision).u8(flags);
  w.u8(beacon.failure === undefined ? 0 : BootFailureCode[beacon.failure]);
  writeVersion(w, beacon.version).u16(beacon.sequence % 0x1_0000);
  w.u32(Math.floor(beacon.sequence / 0x1_0000) % U32).u32(beacon.counterFloor);
  w.bytes(beacon.installedDigest ?? NO_DIGEST).bytes(beacon.receivingDigest ?? NO_DIGEST);
}

function decodeBeacon(r: ByteReader, tag: Beacon["tag"]): Beacon | undefined {
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
    ...((flags & BeaconFlag.trial) === 0 ? {} : { isTrial: true }),
    ...((flags & BeaconFlag.wantsUpdate) === 0 ? {} : { wantsUpdate: true }),
    ...((flags & BeaconFlag.served) === 0 ? {} : { isServed: true }),
    isProvider: (flags & BeaconFlag.provider) !== 0,
    version,
    sequence,
    counterFloor,
    installedDigest: (flags & BeaconFlag.installed) !== 0 ? installed : undefined,
    receivingDigest: (flags & BeaconFlag.receiving) !== 0 ? receiving : undefined,
  };
}

/** PROTOCOL.md 5.3. */
const offer: BodyCodec<Offer> = {
  encode: (w, message) => {
    w.bytes(message.rescuerId).bytes(message.rescuerNonce).bytes(message.targetNonce).bytes(message.digest);
    writeVersion(w, message.version).u32(message.size).u32(message.counter);
    w.u8(message.blockSize === 0 ? 0 : Math.round(Math.log2(message.blockSize)));
  },
  decode: (r) => ({
    tag: "offer",
    rescuerId: r.bytes(ID_LENGTH),
    rescuerNonce: r.bytes(NONCE_LENGTH),
    targetNonce: r.bytes(NONCE_LENGTH),
    digest: r.bytes(SHORT_DIGEST_LENGTH),
    version: readVersion(r),
    size: r.u32(),
    counter: r.u32(),
    blockSize: blockSizeOf(r.u8()),
  }),
};

/** The block size with this exponent; 0 for one that no image of version 1 has. */
function blockSizeOf(exponent: number): number {
  const size = 2 ** exponent;
  return size >= BLOCK_MIN && size <= BLOCK_MAX ? size : 0;
}

/** Each asks for what those before it ask for, too. */
const ASKS: Readonly<Record<AcceptAsks, number>> = {
  run: AcceptFlag.run,
  path: AcceptFlag.run | AcceptFlag.path,
  blank: AcceptFlag.run | AcceptFlag.path | AcceptFlag.blank,
};

/** PROTOCOL.md 5.4. */
const accept: BodyCodec<Accept> = {
  encode: (w, message) => {
    w.bytes(message.targetNonce).bytes(message.rescuerNonce).bytes(message.digest);
    const asks = message.asks === undefined ? 0 : ASKS[message.asks];
    w.u16(message.payloadMax)
      .u8(message.openBlocks)
      .u8((message.codecs & ACCEPT_CODECS) | asks);
  },
  decode: (r) => {
    const targetNonce = r.bytes(NONCE_LENGTH);
    const rescuerNonce = r.bytes(NONCE_LENGTH);
    const digest = r.bytes(SHORT_DIGEST_LENGTH);
    const payloadMax = r.u16();
    const openBlocks = r.u8();
    const how = r.u8();
    const accept = { tag: "accept", targetNonce, rescuerNonce, digest, payloadMax, openBlocks } as const;
    const asks = (["blank", "path", "run"] as const).find((ask) => (how & ASKS[ask]) === ASKS[ask]);
    return { ...accept, codecs: how & ACCEPT_CODECS, ...(asks && { asks }) };
  },
};

/** PROTOCOL.md 5.5. */
const standDown: BodyCodec<StandDown> = {
  encode: (w, message) => {
    w.bytes(message.targetId).bytes(message.rescuerNonce).bytes(message.winnerId);
    w.u16(clampU16(message.retryAfterMs));
  },
  decode: (r) => ({
    tag: "standDown",
    targetId: r.bytes(ID_LENGTH),
    rescuerNonce: r.bytes(NONCE_LENGTH),
    winnerId: r.bytes(ID_LENGTH),
    retryAfterMs: r.u16(),
  }),
};

/** PROTOCOL.md 5.7. */
const refuse: BodyCodec<Refuse> = {
  encode: (w, message) => {
    w.bytes(message.targetNonce).bytes(message.rescuerNonce).bytes(message.digest);
    w.u8(codeOfRefusal(message.reason));
  },
  decode: (r) => {
    const targetNonce = r.bytes(NONCE_LENGTH);
    const rescuerNonce = r.bytes(NONCE_LENGTH);
    const digest = r.bytes(SHORT_DIGEST_LENGTH);
    return { tag: "refuse", targetNonce, rescuerNonce, digest, reason: REFUSALS.get(r.u8()) ?? "other" };
  },
};

function codeOfRefusal(reason: HeardRefusal): number {
  return reason === "other" ? NEVER_GIVEN : RefusalCode[reason];
}

/** PROTOCOL.md 5.8. */
const bye: BodyCodec<Bye> = {
  encode: (w, message) => {
    w.bytes(message.targetNonce).bytes(message.rescuerNonce).u8(message.reason);
  },
  decode: (r) => ({
    tag: "bye",
    targetNonce: r.bytes(NONCE_LENGTH),
    rescuerNonce: r.bytes(NONCE_LENGTH),
    reason: BYES.get(r.u8()) ?? ByeReason.stopped,
  }),
};

/** PROTOCOL.md 5.15. */
const defer: BodyCodec<Defer> = {
  encode: (w, message) => {
    w.bytes(message.targetNonce).bytes(message.rescuerNonce).bytes(message.digest);
    w.u8(message.reason === "other" ? NEVER_GIVEN : DeferCode[message.reason]).u32(message.seconds);
  },
  decode: (r) => ({
    tag: "defer",
    targetNonce: r.bytes(NONCE_LENGTH),
    rescuerNonce: r.bytes(NONCE_LENGTH),
    digest: r.bytes(SHORT_DIGEST_LENGTH),
    reason: DEFERRALS.get(r.u8()) ?? "other",
    seconds: r.u32(),
  }),
};

/** PROTOCOL.md 5.16. */
const none: BodyCodec<None> = {
  encode: (w, message) => {
    w.bytes(message.rescuerId).bytes(message.targetNonce).u8(codeOfNone(message.reason));
  },
  decode: (r) => ({
    tag: "none",
    rescuerId: r.bytes(ID_LENGTH),
    targetNonce: r.bytes(NONCE_LENGTH),
    reason: reasonOfNone(r.u8()),
  }),
};

function codeOfNone(reason: NoneReason): number {
  return reason === "no-image" ? NO_IMAGE_CODE : codeOfRefusal(reason);
}

function reasonOfNone(code: number): NoneReason {
  return code === NO_IMAGE_CODE ? "no-image" : (REFUSALS.get(code) ?? "other");
}

/** PROTOCOL.md 5.19. */
const suspect: BodyCodec<Suspect> = {
  encode: (w, word) => {
    writeWord(w, word).u8(word.failures).u16(word.ageMinutes).u8(word.hops);
  },
  decode: (r) => ({
    tag: "suspect",
    ...readWord(r),
    failures: r.u8(),
    ageMinutes: r.u16(),
    hops: r.u8(),
  }),
};

/** PROTOCOL.md 5.20. */
const confirmed: BodyCodec<Confirmed> = {
  encode: (w, word) => {
    writeWord(w, word).u8(word.ring).u8(word.hops);
  },
  decode: (r) => ({ tag: "confirmed", ...readWord(r), ring: r.u8(), hops: r.u8() }),
};

/** Codecs of the announcements. */
export const ANNOUNCEMENTS: BodyCodecs<Announcement["tag"]> = {
  query,
  beacon: beaconAs("beacon"),
  distress: beaconAs("distress"),
  offer,
  accept,
  standDown,
  refuse,
  bye,
  defer,
  none,
  suspect,
  confirmed,
};

function writeWord(w: ByteWriter, { originId, digest }: ImageWord): ByteWriter {
  return w.bytes(originId).bytes(digest);
}

function readWord(r: ByteReader): Pick<ImageWord, "originId" | "digest"> {
  return { originId: r.bytes(ID_LENGTH), digest: r.bytes(SHORT_DIGEST_LENGTH) };
}

function writeVersion(w: ByteWriter, version: WireVersion): ByteWriter {
  return w.u16(version.major).u16(version.minor).u16(version.patch);
}

function readVersion(r: ByteReader): WireVersion {
  return { major: r.u16(), minor: r.u16(), patch: r.u16() };
}
