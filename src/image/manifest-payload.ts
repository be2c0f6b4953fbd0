import { assert } from "../base/assert.ts";
import { HASH_LENGTH } from "../base/digest.ts";
import { type CborFault, CborReader, CborWriter } from "./cbor.ts";
import { NAME_MAX, REVISION_MAX } from "./hardware.ts";
import { sha256 } from "./hash.ts";
import {
  BLOCK_SIZE_MAX,
  BLOCK_SIZE_MIN,
  COUNTER_MAX,
  type ConfirmPolicy,
  IMAGE_SIZE_MAX,
  type ImageRole,
  LEAF_COUNT_MAX,
  type Manifest,
  manifestContradiction,
  RINGS_MAX,
  ROLLOUT_SEED_MAX,
} from "./manifest.ts";
import { SEQUENCE_MAX, VERSION_PART_MAX } from "./version.ts";

/** Format of manifests that this version writes, and the only one it reads. */
export const MANIFEST_FORMAT = 1;
/** Bytes of every manifest payload of format 1. The longest names leave 38 bytes of padding. */
export const MANIFEST_PAYLOAD_LENGTH = 256;

/** Map keys (PROTOCOL.md section 8.3). They are signed: add new ones, never renumber. */
export const ManifestKey = {
  format: 1,
  vendor: 2,
  hardwareClass: 3,
  revisions: 4,
  version: 5,
  sequence: 6,
  counter: 7,
  size: 8,
  blockSize: 9,
  leafCount: 10,
  root: 11,
  sha256: 12,
  role: 13,
  confirm: 14,
  rollout: 15,
  notAfterCounter: 16,
  padding: 17,
} as const;
const KEY_COUNT = 17;

/** Role numbers. 3 (revocation) and 4 (key change) are reserved, and refused. */
const RoleNumber = { app: 1, recovery: 2, revocation: 3, keyChange: 4 } as const;
const ConfirmNumber = { "on-verify": 1, "by-app": 2 } as const;

/** Why bytes are not a manifest. */
export type ManifestFaultName =
  | CborFault
  | "envelope" // the bytes around the payload are not one of the two templates
  | "length" // payload or envelope of a length that the format does not have
  | "key" // a map key is missing, doubled, unknown or out of order
  | "format" // another manifest format
  | "role" // a reserved or unknown role
  | "padding" // padding that is not zeros
  | "contradiction"; // values that are not allowed or do not go together

/**
 * Why and where bytes are not a manifest. `offset` counts from the start of payload or envelope; `detail` is for
 * people.
 */
export interface ManifestFault {
  readonly tag: "fault";
  readonly fault: ManifestFaultName;
  readonly offset: number;
  readonly detail: string;
}

/** Makes a {@link ManifestFault}. */
export function manifestFault(fault: ManifestFaultName, offset: number, detail: string): ManifestFault {
  return { tag: "fault", fault, offset, detail };
}

/** Identity of an image: SHA-256 of the manifest payload, the same for every signer. 32 bytes. */
export function imageDigest(payload: Uint8Array): Uint8Array {
  return sha256(payload);
}

/** Encodes a manifest whose values are allowed (`manifestContradiction`; AssertionError otherwise). */
export function encodePayload(m: Manifest): Uint8Array {
  const fault = manifestContradiction(m);
  assert(fault === undefined, `manifest: ${fault}`);
  const out = new CborWriter(MANIFEST_PAYLOAD_LENGTH).map(KEY_COUNT);
  out.uint(ManifestKey.format).uint(MANIFEST_FORMAT);
  out.uint(ManifestKey.vendor).text(m.vendor);
  out.uint(ManifestKey.hardwareClass).text(m.hardwareClass);
  out.uint(ManifestKey.revisions).array(2).uint(m.revisionMin).uint(m.revisionMax);
  out.uint(ManifestKey.version).array(3);
  out.uint(m.version.major).uint(m.version.minor).uint(m.version.patch);
  out.uint(ManifestKey.sequence).uint(m.sequence);
  out.uint(ManifestKey.counter).uint(m.counter);
  out.uint(ManifestKey.size).uint(m.size);
  out.uint(ManifestKey.blockSize).uint(m.blockSize);
  out.uint(ManifestKey.leafCount).uint(m.leafCount);
  out.uint(ManifestKey.root).bytes(m.root);
  out.uint(ManifestKey.sha256).bytes(m.sha256);
  out.uint(ManifestKey.role).uint(RoleNumber[m.role]);
  out.uint(ManifestKey.confirm).uint(ConfirmNumber[m.confirm]);
  out.uint(ManifestKey.rollout).array(2).uint(m.rollout.rings).uint(m.rollout.seed);
  out.uint(ManifestKey.notAfterCounter).uint(m.notAfterCounter);
  out.uint(ManifestKey.padding);
  // The longest fields leave 38 bytes for zeros (PROTOCOL.md 8.3), so that the string's head always takes two.
  out.bytes(new Uint8Array(MANIFEST_PAYLOAD_LENGTH - out.length - 2));
  assert(out.length === MANIFEST_PAYLOAD_LENGTH, `manifest payload of ${out.length} bytes`);
  return out.finish();
}

/** Decodes a manifest, complete and without contradictions, or says what is wrong. Never throws. */
export function decodePayload(payload: Uint8Array): Manifest | ManifestFault {
  if (payload.length !== MANIFEST_PAYLOAD_LENGTH) {
    return manifestFault(
      "length",
      0,
      `payload of ${payload.length} bytes, format 1 has ${MANIFEST_PAYLOAD_LENGTH}`,
    );
  }
  const fields = new FieldReader(payload);
  const format = fields.key(ManifestKey.format).uint(0xff);
  if (fields.fault === undefined && format !== MANIFEST_FORMAT) {
    return manifestFault("format", 0, `manifest format ${format}, this version reads ${MANIFEST_FORMAT}`);
  }
  const draft = readFields(fields);
  const padding = fields.key(ManifestKey.padding).bytes(0, MANIFEST_PAYLOAD_LENGTH);
  if (fields.fault !== undefined) return fields.fault;
  if (fields.remaining > 0) {
    return manifestFault("length", payload.length - fields.remaining, "there are bytes after the last field");
  }
  if (padding.some((byte) => byte !== 0)) {
    return manifestFault("padding", payload.length - padding.length, "padding is not all zeros");
  }
  return finishDraft(draft);
}

/** A manifest whose role and confirm policy are still numbers. */
type Draft = Omit<Manifest, "role" | "confirm"> & { readonly role: number; readonly confirm: number };

/** Reads fields 2 to 16, in order. */
function readFields(fields: FieldReader): Draft {
  const vendor = fields.key(ManifestKey.vendor).text(NAME_MAX);
  const hardwareClass = fields.key(ManifestKey.hardwareClass).text(NAME_MAX);
  const revisions = fields.key(ManifestKey.revisions);
  revisions.array(2);
  const [revisionMin, revisionMax] = [revisions.uint(REVISION_MAX), revisions.uint(REVISION_MAX)];
  const version = fields.key(ManifestKey.version);
  version.array(3);
  const major = version.uint(VERSION_PART_MAX);
  const minor = version.uint(VERSION_PART_MAX);
  const patch = version.uint(VERSION_PART_MAX);
  const sequence = fields.key(ManifestKey.sequence).uint(SEQUENCE_MAX);
  const counter = fields.key(ManifestKey.counter).uint(COUNTER_MAX);
  const size = fields.key(ManifestKey.size).uint(IMAGE_SIZE_MAX, 1);
  const blockSize = fields.key(ManifestKey.blockSize).uint(BLOCK_SIZE_MAX, BLOCK_SIZE_MIN);
  const leafCount = fields.key(ManifestKey.leafCount).uint(LEAF_COUNT_MAX, 1);
  const root = fields.key(ManifestKey.root).bytes(HASH_LENGTH, HASH_LENGTH);
  const sha256 = fields.key(ManifestKey.sha256).bytes(HASH_LENGTH, HASH_LENGTH);
  const role = fields.key(ManifestKey.role).uint(0xff);
  const confirm = fields.key(ManifestKey.confirm).uint(ConfirmNumber["by-app"], ConfirmNumber["on-verify"]);
  const rollout = fields.key(ManifestKey.rollout);
  rollout.array(2);
  const [rings, seed] = [rollout.uint(RINGS_MAX, 1), rollout.uint(ROLLOUT_SEED_MAX)];
  const notAfterCounter = fields.key(ManifestKey.notAfterCounter).uint(COUNTER_MAX);
  return {
    ...{
      vendor,
      hardwareClass,
      revisionMin,
      revisionMax,
      version: { major, minor, patch },
      sequence,
      counter,
    },
    ...{ size, blockSize, leafCount, root, sha256, role, confirm, rollout: { rings, seed }, notAfterCounter },
  };
}

function finishDraft(draft: Draft): Manifest | ManifestFault {
  const role = roleOf(draft.role);
  if (role === undefined) return manifestFault("role", 0, `role ${draft.role} is not an image for a board`);
  const confirm: ConfirmPolicy = draft.confirm === ConfirmNumber["by-app"] ? "by-app" : "on-verify";
  // Copied once here: the manifest outlives the frame or file buffer that it was parsed from.
  const root = Uint8Array.from(draft.root);
  const manifest = { ...draft, role, confirm, root, sha256: Uint8Array.from(draft.sha256) };
  const contradiction = manifestContradiction(manifest);
  return contradiction === undefined ? manifest : manifestFault("contradiction", 0, contradiction);
}

function roleOf(role: number): ImageRole | undefined {
  if (role === RoleNumber.app) return "app";
  return role === RoleNumber.recovery ? "recovery" : undefined;
}

/** Reads the pairs of the map in order: every key must be the next number. */
class FieldReader {
  readonly #cbor: CborReader;
  #keyFault: ManifestFault | undefined;

  constructor(payload: Uint8Array) {
    this.#cbor = new CborReader(payload);
    this.#cbor.map(KEY_COUNT);
  }

  get remaining(): number {
    return this.#cbor.remaining;
  }

  get fault(): ManifestFault | undefined {
    const cbor = this.#cbor.fault;
    if (this.#keyFault !== undefined) return this.#keyFault;
    return (
      cbor && manifestFault(cbor.fault, cbor.offset, `${cbor.fault} at byte ${cbor.offset} of the payload`)
    );
  }

  /** Reads a key, which must be `expected`. The caller reads the value from the reader that it gets. */
  key(expected: number): CborReader {
    const offset = this.#cbor.offset;
    const key = this.#cbor.uint(Number.MAX_SAFE_INTEGER);
    if (this.fault === undefined && key !== expected) {
      this.#keyFault = manifestFault("key", offset, `field ${key} in the place of ${expected}`);
    }
    return this.#cbor;
  }
}
