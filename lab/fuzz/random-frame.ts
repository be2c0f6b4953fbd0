import { type Random, randomBelow, randomBytes } from "../../src/base/prng.ts";
import type { BlockRange } from "../../src/base/tree-shape.ts";
import {
  ACK_BITMAP_LENGTH,
  ACK_DELAY_UNIT_MS,
  BootFailureCode,
  ByeReason,
  type Codec,
  DeferCode,
  GRANT_ENTRIES_MAX,
  HAVE_ENTRIES_MAX,
  ID_LENGTH,
  NONCE_LENGTH,
  type ObjectKind,
  REQUEST_ENTRIES_MAX,
  RefusalCode,
  SHORT_DIGEST_LENGTH,
} from "../../src/wire/constants.ts";
import type { Frame, GrantEntry, ObjectName, Request } from "../../src/wire/messages.ts";
import { pick } from "./mutate.ts";

/** Fields that are drawn from what a session knows as often as from pure chance. */
export interface FrameContext {
  readonly ids: readonly Uint8Array[];
  readonly nonces: readonly Uint8Array[];
  readonly digests: readonly Uint8Array[];
}

export const FRAME_TAGS = [
  "query",
  "beacon",
  "distress",
  "offer",
  "accept",
  "standDown",
  "refuse",
  "bye",
  "defer",
  "none",
  "ack",
  "grant",
  "request",
  "busy",
  "done",
  "later",
  "doneAck",
  "rate",
  "rateOk",
  "have",
  "data",
  "object",
  "probe",
] as const satisfies readonly Frame["tag"][];

/** A number of `bits` bits: small, at an edge, or anywhere. */
export function randomNumber(random: Random, bits: number): number {
  const limit = 2 ** bits;
  switch (randomBelow(random, 4)) {
    case 0:
      return randomBelow(random, Math.min(limit, 16));
    case 1:
      return limit - 1 - randomBelow(random, Math.min(limit, 4));
    default:
      return bits <= 32 ? randomBelow(random, limit) : random.u32() * 2 ** (bits - 32);
  }
}

/** A frame of this kind, well-formed, with fields full of chance. */
export function randomFrame(random: Random, tag: Frame["tag"], context: FrameContext): Frame {
  const number = (bits: number): number => randomNumber(random, bits);
  const known = (list: readonly Uint8Array[], length: number): Uint8Array =>
    list.length > 0 && randomBelow(random, 4) > 0 ? pick(random, list) : randomBytes(random, length);
  const id = (): Uint8Array => known(context.ids, ID_LENGTH);
  const nonce = (): Uint8Array => known(context.nonces, NONCE_LENGTH);
  const digest = (): Uint8Array => known(context.digests, SHORT_DIGEST_LENGTH);
  const version = { major: number(16), minor: number(16), patch: number(16) };
  switch (tag) {
    case "query":
      return { tag, nodeId: id(), bootNonce: nonce() };
    case "beacon":
    case "distress":
      return {
        tag,
        nodeId: id(),
        bootNonce: nonce(),
        hardwareId: id(),
        revision: number(16),
        failure: tag === "beacon" ? undefined : pick(random, namesOf(BootFailureCode)),
        isProvider: randomBelow(random, 2) === 0,
        version,
        sequence: number(48),
        counterFloor: number(32),
        installedDigest: randomBelow(random, 2) === 0 ? undefined : digest(),
        receivingDigest: randomBelow(random, 2) === 0 ? undefined : digest(),
      };
    case "offer":
      return {
        tag,
        rescuerId: id(),
        rescuerNonce: nonce(),
        targetNonce: nonce(),
        digest: digest(),
        version,
        size: number(32),
        counter: number(32),
        blockSize: pick(random, [0, 1024, 4096, 65_536]),
      };
    case "accept":
      return {
        tag,
        targetNonce: nonce(),
        rescuerNonce: nonce(),
        digest: digest(),
        payloadMax: number(16),
        openBlocks: number(8),
        codecs: number(4),
        ...pick(random, [{}, { asks: "run" }, { asks: "path" }, { asks: "blank" }] as const),
        ...pick(random, [{}, { limits: { payloadMax: number(16), baudMax: number(32) } }]),
      };
    case "standDown":
      return { tag, targetId: id(), rescuerNonce: nonce(), winnerId: id(), retryAfterMs: number(16) };
    case "refuse":
      return {
        tag,
        targetNonce: nonce(),
        rescuerNonce: nonce(),
        digest: digest(),
        reason: pick(random, [...namesOf(RefusalCode), "other" as const]),
      };
    case "bye":
      return {
        tag,
        targetNonce: nonce(),
        rescuerNonce: nonce(),
        reason: pick(random, Object.values(ByeReason)),
      };
    case "defer": {
      const reason = pick(random, [...namesOf(DeferCode), "other" as const]);
      return {
        tag,
        targetNonce: nonce(),
        rescuerNonce: nonce(),
        digest: digest(),
        reason,
        seconds: number(32),
      };
    }
    case "none": {
      const reason = pick(random, [...namesOf(RefusalCode), "no-image" as const, "other" as const]);
      return { tag, rescuerId: id(), targetNonce: nonce(), reason };
    }
    case "suspect":
      return {
        tag,
        originId: id(),
        digest: digest(),
        failures: number(8),
        ageMinutes: number(16),
        hops: number(8),
      };
    case "confirmed":
      return { tag, originId: id(), digest: digest(), ring: number(8), hops: number(8) };
    case "ack": {
      const delayMs = number(8) * ACK_DELAY_UNIT_MS;
      return { tag, highest: number(16), delayMs, bitmap: randomBytes(random, ACK_BITMAP_LENGTH) };
    }
    case "grant":
      return {
        tag,
        sequence: number(16),
        entries: many(random, GRANT_ENTRIES_MAX, () => grantEntry(random)),
      };
    case "request":
      return { tag, sequence: number(16), wanted: many(random, REQUEST_ENTRIES_MAX, () => wanted(random)) };
    case "rate":
      return { tag, step: number(8), baud: number(32), afterMs: number(16) };
    case "rateOk":
      return { tag, step: number(8), isTaken: randomBelow(random, 2) === 0 };
    case "have": {
      const range = (): BlockRange => ({ first: number(24), count: number(24) });
      return { tag, ranges: many(random, HAVE_ENTRIES_MAX, range) };
    }
    case "busy":
    case "later":
      return { tag, forMs: number(16) };
    case "done":
    case "doneAck":
      return { tag, digest: digest() };
    case "data": {
      const payload = randomBytes(random, 1 + randomBelow(random, 80));
      const codec = number(2) as Codec;
      return { tag, packetNumber: number(12), codec, attempt: number(1), position: number(16), payload };
    }
    case "object": {
      const payload = randomBytes(random, 1 + randomBelow(random, 80));
      const offset = randomBelow(random, 700);
      const total = offset + payload.length + randomBelow(random, 700);
      return { tag, packetNumber: number(12), name: objectName(random), offset, total, payload };
    }
    case "probe":
      return { tag, packetNumber: number(12) };
  }
}

function namesOf<T extends object>(codes: T): (keyof T)[] {
  return Object.keys(codes) as (keyof T)[];
}

function many<T>(random: Random, most: number, make: () => T): T[] {
  return Array.from({ length: randomBelow(random, most + 1) }, make);
}

function grantEntry(random: Random): GrantEntry {
  const number = (bits: number): number => randomNumber(random, bits);
  return { first: number(24), count: number(8), attempt: number(4), codecs: number(4) };
}

function wanted(random: Random): Request["wanted"][number] {
  if (randomBelow(random, 8) === 0) return "manifest";
  return { level: randomBelow(random, 0xff), index: randomNumber(random, 24) };
}

function objectName(random: Random): ObjectName {
  const kind = randomBelow(random, 5) as ObjectKind;
  return { kind, node: { level: randomBelow(random, 6), index: randomNumber(random, 24) } };
}
