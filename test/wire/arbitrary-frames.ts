import { fc } from "@fast-check/vitest";
import {
  ACK_BITMAP_LENGTH,
  ACK_DELAY_UNIT_MS,
  BootFailureCode,
  ByeReason,
  Codec,
  DeferCode,
  GRANT_ENTRIES_MAX,
  HAVE_ENTRIES_MAX,
  ID_LENGTH,
  LOCATOR_LEVEL,
  NONCE_LENGTH,
  ObjectKind,
  PAYLOAD_MAX,
  REQUEST_ENTRIES_MAX,
  RefusalCode,
  SHORT_DIGEST_LENGTH,
} from "../../src/wire/constants.ts";
import type { Frame } from "../../src/wire/messages.ts";

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
const unsigned = (bits: number): fc.Arbitrary<number> => fc.nat({ max: 2 ** bits - 1 });
const names = <T extends object>(codes: T): fc.Arbitrary<keyof T> =>
  fc.constantFrom(...(Object.keys(codes) as (keyof T)[]));
const values = <T extends object>(codes: T): fc.Arbitrary<T[keyof T]> =>
  fc.constantFrom(...(Object.values(codes) as T[keyof T][]));

const id = bytes(ID_LENGTH);
const nonce = bytes(NONCE_LENGTH);
const digest = bytes(SHORT_DIGEST_LENGTH);
const version = fc.record({ major: unsigned(16), minor: unsigned(16), patch: unsigned(16) });
const payload = fc.uint8Array({ minLength: 1, maxLength: PAYLOAD_MAX, size: "max" });
const perhaps = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined });

const beaconFields = {
  nodeId: id,
  bootNonce: nonce,
  hardwareId: id,
  revision: unsigned(16),
  isProvider: fc.boolean(),
  version,
  sequence: fc.maxSafeNat().map((n) => n % 2 ** 48),
  counterFloor: unsigned(32),
  installedDigest: perhaps(digest),
  receivingDigest: perhaps(digest),
};
const node = fc.record({ level: fc.nat({ max: LOCATOR_LEVEL - 1 }), index: unsigned(24) });
const refusal = fc.oneof(names(RefusalCode), fc.constant("other" as const));
const session = { targetNonce: nonce, rescuerNonce: nonce };

const accept = {
  tag: fc.constant("accept" as const),
  ...session,
  digest,
  payloadMax: unsigned(16),
  openBlocks: unsigned(8),
  codecs: unsigned(4),
};

/** Every message and packet, with every field over its whole range. */
export const anyFrame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({ tag: fc.constant("query" as const), nodeId: id, bootNonce: nonce }),
  fc.record({ tag: fc.constant("beacon" as const), failure: fc.constant(undefined), ...beaconFields }),
  fc.record({
    tag: fc.constant("beacon" as const),
    failure: fc.constant(undefined),
    ...beaconFields,
    isTrial: fc.constant(true as const),
    wantsUpdate: fc.constant(true as const),
    inlineBytes: unsigned(32),
  }),
  fc.record({
    tag: fc.constant("distress" as const),
    failure: fc.constant(undefined),
    ...beaconFields,
    isServed: fc.constant(true as const),
  }),
  fc.record({
    tag: fc.constant("distress" as const),
    failure: perhaps(names(BootFailureCode)),
    ...beaconFields,
  }),
  fc.record({
    tag: fc.constant("distress" as const),
    failure: perhaps(names(BootFailureCode)),
    ...beaconFields,
    inlineBytes: unsigned(32),
  }),
  fc.record({
    tag: fc.constant("offer" as const),
    rescuerId: id,
    ...session,
    digest,
    version,
    size: unsigned(32),
    counter: unsigned(32),
    blockSize: fc.constantFrom(0, 1024, 4096, 65_536),
  }),
  fc.record({ ...accept }),
  fc.record({ ...accept, asks: fc.constantFrom("run" as const, "path" as const, "blank" as const) }),
  fc.record({
    tag: fc.constant("standDown" as const),
    targetId: id,
    rescuerNonce: nonce,
    winnerId: id,
    retryAfterMs: unsigned(16),
  }),
  fc.record({ tag: fc.constant("refuse" as const), ...session, digest, reason: refusal }),
  fc.record({ tag: fc.constant("bye" as const), ...session, reason: values(ByeReason) }),
  fc.record({
    tag: fc.constant("defer" as const),
    ...session,
    digest,
    reason: fc.oneof(names(DeferCode), fc.constant("other" as const)),
    seconds: unsigned(32),
  }),
  fc.record({
    tag: fc.constant("none" as const),
    rescuerId: id,
    targetNonce: nonce,
    reason: fc.oneof(refusal, fc.constant("no-image" as const)),
  }),
  fc.record({
    tag: fc.constant("ack" as const),
    highest: unsigned(16),
    delayMs: unsigned(8).map((units) => units * ACK_DELAY_UNIT_MS),
    bitmap: bytes(ACK_BITMAP_LENGTH),
  }),
  fc.record({
    tag: fc.constant("grant" as const),
    sequence: unsigned(16),
    entries: fc.array(
      fc.record({ first: unsigned(24), count: unsigned(8), attempt: unsigned(4), codecs: unsigned(4) }),
      { maxLength: GRANT_ENTRIES_MAX, size: "max" },
    ),
  }),
  fc.record({
    tag: fc.constant("request" as const),
    sequence: unsigned(16),
    wanted: fc.array(fc.oneof(fc.constant("manifest" as const), node), {
      maxLength: REQUEST_ENTRIES_MAX,
      size: "max",
    }),
  }),
  fc.record({ tag: fc.constant("busy" as const), forMs: unsigned(16) }),
  fc.record({ tag: fc.constant("done" as const), digest }),
  fc.record({ tag: fc.constant("later" as const), forMs: unsigned(16) }),
  fc.record({ tag: fc.constant("doneAck" as const), digest }),
  fc.record({
    tag: fc.constant("have" as const),
    ranges: fc.array(fc.record({ first: unsigned(24), count: unsigned(24) }), {
      maxLength: HAVE_ENTRIES_MAX,
      size: "max",
    }),
  }),
  fc.record({
    tag: fc.constant("data" as const),
    packetNumber: unsigned(12),
    codec: values(Codec),
    attempt: unsigned(1),
    position: unsigned(16),
    payload,
  }),
  fc
    .record({
      tag: fc.constant("object" as const),
      packetNumber: unsigned(12),
      name: fc.record({ kind: values(ObjectKind), node }),
      offset: fc.nat({ max: 0xffff - PAYLOAD_MAX }),
      room: fc.nat({ max: 0xffff }),
      payload,
    })
    .map(({ room, ...chunk }) => {
      const end = chunk.offset + chunk.payload.length;
      return { ...chunk, total: Math.min(0xffff, end + room) };
    }),
  fc.record({ tag: fc.constant("probe" as const), packetNumber: unsigned(12) }),
);

/** A session tag: 1 to 0xFFFFFFFF. */
export const anyTag: fc.Arbitrary<number> = fc.integer({ min: 1, max: 0xffff_ffff });
