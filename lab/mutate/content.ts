import { concatBytes } from "../../src/base/bytes.ts";
import { HASH_LENGTH } from "../../src/base/digest.ts";
import { type Random, randomBelow, randomBytes } from "../../src/base/prng.ts";
import { hasNode } from "../../src/base/tree-shape.ts";
import { KEY_ID_LENGTH, KEY_ID_OFFSET, SIGNATURE_LENGTH } from "../../src/image/cose.ts";
import type { ImageSource } from "../../src/image/image-source.ts";
import { CHUNK_UNIT, Codec, ObjectKind } from "../../src/wire/constants.ts";
import type { DataChunk, Frame, ObjectChunk } from "../../src/wire/messages.ts";
import { mutated, pick } from "../fuzz/mutate.ts";
import type { AttackView, Mutation, Outgoing } from "./mutation.ts";

/** Mutations of what an image consists of: manifest, hashes, claims, bytes. */

const only = (frame: Frame): readonly Outgoing[] => [{ frame }];

/** The bytes with a few of them changed, none added. */
export function bent(random: Random, bytes: Uint8Array): Uint8Array {
  const out = bytes.slice();
  for (let left = 1 + randomBelow(random, 3); left > 0; left--) {
    const at = randomBelow(random, out.length);
    out[at] = (out[at] ?? 0) ^ (1 + randomBelow(random, 255));
  }
  return out;
}

function isManifest(frame: Frame): frame is ObjectChunk {
  return frame.tag === "object" && frame.name.kind === ObjectKind.manifest;
}

function isRun(frame: Frame): frame is ObjectChunk {
  return frame.tag === "object" && frame.name.kind !== ObjectKind.manifest;
}

/** The same object chunk out of other bytes: as many of them as there are from its offset on. */
function rechunked(frame: ObjectChunk, whole: Uint8Array): Frame | undefined {
  const isAll = frame.offset === 0 && frame.payload.length === frame.total;
  const end = isAll ? whole.length : Math.min(whole.length, frame.offset + frame.payload.length);
  if (frame.offset >= end) return undefined;
  return { ...frame, total: whole.length, payload: whole.slice(frame.offset, end) };
}

export const manifestBytes: Mutation = (frame, { random }) => {
  return isManifest(frame) ? only({ ...frame, payload: bent(random, frame.payload) }) : undefined;
};

/** Another image's manifest, whole. */
export const manifestSwap: Mutation = (frame, { decoy }) => {
  const swapped = isManifest(frame) && rechunked(frame, decoy.image.envelope);
  return swapped ? only(swapped) : undefined;
};

/** The payload of one, the signature or key id of the other. */
export const manifestGraft: Mutation = (frame, { decoy, setup, random }) => {
  if (!isManifest(frame)) return undefined;
  const [a, b] = [setup.wanted.image.envelope, decoy.image.envelope];
  const keyEnd = KEY_ID_OFFSET + KEY_ID_LENGTH;
  const grafted =
    randomBelow(random, 2) === 0
      ? concatBytes(b.subarray(0, -SIGNATURE_LENGTH), a.subarray(-SIGNATURE_LENGTH))
      : concatBytes(b.subarray(0, KEY_ID_OFFSET), a.subarray(KEY_ID_OFFSET, keyEnd), b.subarray(keyEnd));
  const swapped = rechunked(frame, grafted);
  return swapped && only(swapped);
};

export const runHashes: Mutation = (frame, { random }) => {
  return isRun(frame) ? only({ ...frame, payload: bent(random, frame.payload) }) : undefined;
};

/** The hashes of the same node of another image, or of another node of the same. */
export const runSwap: Mutation = (frame, { decoy, setup, random }) => {
  if (!isRun(frame)) return undefined;
  const isOther = randomBelow(random, 2) === 0;
  const { image } = isOther ? decoy : setup.wanted;
  const { node } = frame.name;
  const from = isOther ? node : { level: Math.max(1, node.level - 1), index: node.index };
  const bytes = runOf(image, from);
  return bytes && only(wholeRun(frame, ObjectKind.run, bytes));
};

/** The run of the same node of another image. */
export function runOfImage(frame: Frame, image: ImageSource): readonly Outgoing[] | undefined {
  const bytes = isRun(frame) && runOf(image, frame.name.node);
  return bytes ? only(wholeRun(frame, ObjectKind.run, bytes)) : undefined;
}

function runOf(image: ImageSource, node: ObjectChunk["name"]["node"]): Uint8Array | undefined {
  if (node.level < 1 || !hasNode(image.manifest.leafCount, node)) return undefined;
  return image.tree.run(node);
}

function wholeRun(frame: ObjectChunk, kind: ObjectKind, payload: Uint8Array): Frame {
  return { ...frame, name: { ...frame.name, kind }, offset: 0, total: payload.length, payload };
}

/** Right hashes in the wrong order, one twice, one left out, one too many. */
export const runShape: Mutation = (frame, { random }) => {
  if (!isRun(frame) || frame.payload.length % HASH_LENGTH !== 0) return undefined;
  const hashes: Uint8Array[] = Array.from({ length: frame.payload.length / HASH_LENGTH }, (_, i) =>
    frame.payload.slice(i * HASH_LENGTH, (i + 1) * HASH_LENGTH),
  );
  const at = randomBelow(random, hashes.length);
  switch (randomBelow(random, 4)) {
    case 0:
      hashes.push(...hashes.splice(0, 1 + at));
      break;
    case 1:
      hashes[at] = pick(random, hashes);
      break;
    case 2:
      if (hashes.length > 1) hashes.splice(at, 1);
      break;
    default:
      if (hashes.length < 16) hashes.splice(at, 0, randomBytes(random, HASH_LENGTH));
  }
  return only(wholeRun(frame, ObjectKind.run, concatBytes(...hashes)));
};

/** A claim that all below is one byte, true of nothing, or with another byte, or with more than one. */
export const uniformClaim: Mutation = (frame, { random }) => {
  if (!isRun(frame)) return undefined;
  const byte = pick(random, [0x00, 0xff, frame.payload[0] ?? 0, random.u32() & 0xff]);
  const payload = randomBelow(random, 8) === 0 ? Uint8Array.of(byte, byte) : Uint8Array.of(byte);
  return only(wholeRun(frame, ObjectKind.uniform, payload));
};

/** A true claim, taken for a run, or a run for a claim. */
export const runKind: Mutation = (frame) => {
  if (!isRun(frame)) return undefined;
  const kind = frame.name.kind === ObjectKind.run ? ObjectKind.uniform : ObjectKind.run;
  return only({ ...frame, name: { ...frame.name, kind } });
};

export const blockBytes: Mutation = (frame, { random }) => {
  return frame.tag === "data" ? only({ ...frame, payload: bent(random, frame.payload) }) : undefined;
};

/** What other data hold at a chunk's place. */
export function blockOf(frame: Frame, data: Uint8Array): readonly Outgoing[] | undefined {
  return swappedBlock(frame, data, (chunk) => chunk.position * CHUNK_UNIT);
}

/** What the other image holds at the same place. */
export const blockSwap: Mutation = (frame, { decoy }) => blockOf(frame, decoy.data);

/** What the same image holds somewhere else. */
export const blockMove: Mutation = (frame, { setup, random }) => {
  const { data } = setup.wanted;
  const at = (chunk: DataChunk): number =>
    CHUNK_UNIT * randomBelow(random, Math.max(1, (data.length - chunk.payload.length) / CHUNK_UNIT));
  return swappedBlock(frame, data, at);
};

function swappedBlock(
  frame: Frame,
  data: Uint8Array,
  at: (chunk: DataChunk) => number,
): readonly Outgoing[] | undefined {
  if (frame.tag !== "data" || frame.codec !== Codec.raw) return undefined;
  const from = at(frame);
  const payload = data.slice(from, from + frame.payload.length);
  return payload.length === 0 ? undefined : only({ ...frame, payload });
}

/** One byte for a whole block, or more of them, or in a codec that is not this one. */
export const blockCodec: Mutation = (frame, { random }) => {
  if (frame.tag !== "data") return undefined;
  const codec = randomBelow(random, 4) as Codec;
  const payload = randomBelow(random, 2) === 0 ? frame.payload : Uint8Array.of(random.u32() & 0xff);
  return only({ ...frame, codec, payload });
};

/** Bytes of any frame with content as a fuzzer would change them: other lengths, pieces doubled and left out. */
export const contentFuzz: Mutation = (frame, { random, decoy }: AttackView) => {
  if (frame.tag !== "data" && frame.tag !== "object") return undefined;
  const payload = mutated(random, [frame.payload, decoy.data.subarray(0, frame.payload.length)]);
  if (payload.length === 0 || payload.length > 2048) return undefined;
  if (frame.tag === "data") return only({ ...frame, payload });
  return only({ ...frame, payload, total: Math.max(frame.total, frame.offset + payload.length) });
};
