import { concatBytes } from "../../src/base/bytes.ts";
import { randomBelow, randomBytes } from "../../src/base/prng.ts";
import type { ImageSource } from "../../src/image/image-source.ts";
import { shortDigest } from "../../src/image/manifest.ts";
import { CRC_LENGTH, ObjectKind } from "../../src/wire/constants.ts";
import { isSessionFrame } from "../../src/wire/frame.ts";
import type { Frame, Offer } from "../../src/wire/messages.ts";
import { mutated, pick } from "../fuzz/mutate.ts";
import { randomFrame, randomNumber } from "../fuzz/random-frame.ts";
import { encodeFrame } from "../fuzz/wire-parsers.ts";
import type { Mutation, Outgoing } from "./mutation.ts";

/** Mutations of the fields and the shape of frames. */

const only = (frame: Frame | Uint8Array): readonly Outgoing[] => [{ frame }];
/** Any tag: only the bytes before the CRC are used of what is encoded with it. */
const ANY_TAG = 1;

export const objectName: Mutation = (frame, { random }) => {
  if (frame.tag !== "object") return undefined;
  const { kind, node } = frame.name;
  const level = pick(random, [node.level, node.level + 1, Math.max(0, node.level - 1), 0xff]);
  const index = pick(random, [node.index, node.index + 1, Math.max(0, node.index - 1), 0xffffff]);
  const name = { kind: pick(random, [kind, ...Object.values(ObjectKind)]), node: { level, index } };
  return only({ ...frame, name });
};

export const objectExtent: Mutation = (frame, { random }) => {
  if (frame.tag !== "object") return undefined;
  const total = pick(random, [frame.total, frame.total + 32, 0xffff, 640, 512, frame.payload.length]);
  const offset = pick(random, [frame.offset, frame.offset + 1, 0, Math.max(0, total - frame.payload.length)]);
  return only({ ...frame, total, offset });
};

export const dataPosition: Mutation = (frame, { random }) => {
  if (frame.tag !== "data") return undefined;
  const step = pick(random, [1, -1, 32, -32, 64, 0x8000, randomBelow(random, 0x10000)]);
  return only({ ...frame, position: (frame.position + step) & 0xffff });
};

export const dataAttempt: Mutation = (frame) => {
  return frame.tag === "data" ? only({ ...frame, attempt: frame.attempt ^ 1 }) : undefined;
};

export const packetNumber: Mutation = (frame, { random }) => {
  if (frame.tag !== "data" && frame.tag !== "object" && frame.tag !== "probe") return undefined;
  const step = pick(random, [1, -1, 5, 1024, 2048, 4095, randomBelow(random, 4096)]);
  return only({ ...frame, packetNumber: (frame.packetNumber + step) & 0xfff });
};

export const payloadCut: Mutation = (frame, { random }) => {
  if (frame.tag !== "data" && frame.tag !== "object") return undefined;
  const { length } = frame.payload;
  return only({ ...frame, payload: frame.payload.slice(0, 1 + randomBelow(random, length)) });
};

export const payloadExtend: Mutation = (frame, { random }) => {
  if (frame.tag !== "data" && frame.tag !== "object") return undefined;
  const payload = concatBytes(frame.payload, randomBytes(random, 1 + randomBelow(random, 64)));
  if (payload.length > 2048) return undefined;
  if (frame.tag === "data") return only({ ...frame, payload });
  return only({ ...frame, payload, total: Math.max(frame.total, frame.offset + payload.length) });
};

/** Size, version, counter and digest of an offer: claims that nobody signed. */
export const offerClaims: Mutation = (frame, { random, decoy }) => {
  if (frame.tag !== "offer") return undefined;
  const claim = pick(random, ["size", "counter", "version", "digest", "decoy"] as const);
  const number = randomNumber(random, 32);
  if (claim === "size" || claim === "counter") return only({ ...frame, [claim]: number });
  if (claim === "version")
    return only({ ...frame, version: { major: 0xffff, minor: 0xffff, patch: 0xffff } });
  if (claim === "decoy") return only(offerOf(frame, decoy.image));
  return only({ ...frame, digest: randomBytes(random, 8) });
};

/** The offer with what another image says of itself. */
export function offerOf(offer: Offer, image: ImageSource): Offer {
  const { size, version, counter } = image.manifest;
  return { ...offer, digest: shortDigest(image.digest).slice(), size, version, counter };
}

/** Nonces and ids: of this session, of another one, of nobody. */
export const noncesAndIds: Mutation = (frame, { random, context }) => {
  const fields = ["rescuerId", "rescuerNonce", "targetNonce", "bootNonce", "nodeId", "targetId"] as const;
  const there = fields.filter((field) => field in frame);
  if (there.length === 0) return undefined;
  const known = [...context.ids, ...context.nonces];
  const value = randomBelow(random, 2) === 0 ? pick(random, known) : randomBytes(random, 8);
  return only({ ...frame, [pick(random, there)]: value } as Frame);
};

/** What either side says of itself: limits in accept, status in a beacon. */
export const statements: Mutation = (frame, { random, context }) => {
  if (frame.tag !== "accept" && frame.tag !== "distress" && frame.tag !== "beacon") return undefined;
  const other = randomFrame(random, frame.tag, context);
  const keys = Object.keys(other).filter(
    (key) => key !== "tag" && !key.endsWith("Nonce") && key !== "nodeId",
  );
  const key = pick(random, keys) as keyof Frame;
  return only({ ...frame, [key]: other[key] } as Frame);
};

/** What the target asks for: other blocks, other nodes, all at once, nothing. */
export const wishes: Mutation = (frame, { random, context }) => {
  if (frame.tag !== "grant" && frame.tag !== "request") return undefined;
  const other = randomFrame(random, frame.tag, context);
  if (other.tag !== frame.tag) return undefined;
  return only({
    ...other,
    sequence: pick(random, [frame.sequence, frame.sequence + 1, other.sequence]) & 0xffff,
  });
};

export const acks: Mutation = (frame, { random }) => {
  if (frame.tag !== "ack") return undefined;
  const highest = (frame.highest + pick(random, [0, 1, -1, 50, 0x8000])) & 0xffff;
  const bitmap = pick(random, [frame.bitmap, new Uint8Array(14), new Uint8Array(14).fill(0xff)]);
  return only({ ...frame, highest, bitmap });
};

/** Bytes before the CRC, changed as a fuzzer would, with the right CRC behind them. */
export const rawBytes: Mutation = (frame, { random }) => {
  const bytes = encodeFrame(frame, ANY_TAG);
  const covered = mutated(random, [bytes.subarray(0, -CRC_LENGTH)]);
  if (covered.length === 0 || covered.length > 2055) return undefined;
  return only(concatBytes(covered, new Uint8Array(CRC_LENGTH)));
};

/** Class and type of a frame. */
export const frameType: Mutation = (frame, { random }) => {
  const bytes = encodeFrame(frame, ANY_TAG).slice();
  const at = isSessionFrame(bytes) ? 0 : randomBelow(random, 2);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << randomBelow(random, 8));
  return only(bytes);
};

/** Extensions behind a message: harmless, critical, and such that do not end. */
export const extensions: Mutation = (frame, { random }) => {
  if (frame.tag === "data" || frame.tag === "object" || frame.tag === "probe") return undefined;
  const bytes = encodeFrame(frame, ANY_TAG).subarray(0, -CRC_LENGTH);
  const value = randomBytes(random, randomBelow(random, 6));
  const type = pick(random, [0x01, 0x7f, 0x80, 0xff]);
  const length = pick(random, [value.length, value.length, value.length + 1, 0xff]);
  return only(concatBytes(bytes, Uint8Array.of(type, length), value, new Uint8Array(CRC_LENGTH)));
};

/** The frame's end missing, or more behind it, and a right CRC. */
export const frameLength: Mutation = (frame, { random }) => {
  const bytes = encodeFrame(frame, ANY_TAG).subarray(0, -CRC_LENGTH);
  const kept =
    randomBelow(random, 2) === 0
      ? bytes.subarray(0, 1 + randomBelow(random, bytes.length))
      : concatBytes(bytes, randomBytes(random, 1 + randomBelow(random, 16)));
  return kept.length > 2055 ? undefined : only(concatBytes(kept, new Uint8Array(CRC_LENGTH)));
};
