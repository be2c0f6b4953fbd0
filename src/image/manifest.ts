import { HASH_LENGTH, SHORT_DIGEST_LENGTH } from "../base/digest.ts";
import { packVersion } from "../base/order.ts";
import { hardwareId, nameFault, REVISION_MAX } from "./hardware.ts";
import { SEQUENCE_MAX, VERSION_PART_MAX, type Version } from "./version.ts";

/** What an image replaces. */
export type ImageRole = "app" | "recovery";
/** When a board confirms a new image: as soon as it is verified, or when the running firmware asks for it. */
export type ConfirmPolicy = "on-verify" | "by-app";

/** What is signed about an image (PROTOCOL.md section 8.3). */
export interface Manifest {
  readonly vendor: string;
  readonly hardwareClass: string;
  /** Lowest and highest hardware revision the image fits. */
  readonly revisionMin: number;
  readonly revisionMax: number;
  readonly version: Version;
  /** Orders images, before the version; 0 to 2^48 - 1. */
  readonly sequence: number;
  /** Security counter: boards refuse what is below their floor. 32 bits. */
  readonly counter: number;
  /** Bytes of the image, 1 to 2^32 - 1. */
  readonly size: number;
  /** Bytes of a block, a power of two from 1024 to 65536. */
  readonly blockSize: number;
  readonly leafCount: number;
  /** Root of the hash tree, 32 bytes. Boards accept an image by this. */
  readonly root: Uint8Array;
  /** SHA-256 of the image, 32 bytes, for people and other tools. */
  readonly sha256: Uint8Array;
  readonly role: ImageRole;
  readonly confirm: ConfirmPolicy;
  /**
   * Staged rollout of an update: the number of rings, 1 for all boards at once, and the seed that assigns boards to
   * them.
   */
  readonly rollout: { readonly rings: number; readonly seed: number };
  /** Highest security counter that the owner of the key signs with it; never below `counter`. 32 bits. */
  readonly notAfterCounter: number;
}

/** What the builder of an image gives; the rest follows from the data or has a default. */
export type ImageFields = Pick<Manifest, "vendor" | "hardwareClass" | "version"> & {
  readonly [Field in keyof OptionalFields]?: OptionalFields[Field] | undefined;
};
type OptionalFields = Omit<Manifest, "vendor" | "hardwareClass" | "version" | keyof ImageFacts>;

/** What follows from the data of an image. */
export type ImageFacts = Pick<Manifest, "size" | "leafCount" | "root" | "sha256">;

export const IMAGE_SIZE_MAX = 0xffff_ffff;
export const BLOCK_SIZE_MIN = 1024;
export const BLOCK_SIZE_MAX = 65_536;
export const BLOCK_SIZE_DEFAULT = 4096;
/** Most blocks of an image: its tree takes at most 64 MiB of memory, and blocks of 4 KiB reach 4 GiB. */
export const LEAF_COUNT_MAX: number = 2 ** 20;
export const COUNTER_MAX = 0xffff_ffff;
/** Largest security counter that is not asked about: a typing error in one cannot be taken back from boards. */
export const COUNTER_USUAL_MAX = 10_000;
/**
 * How far the security counter of an image may be above all before: above the floor of a board that sets no other limit
 * to the key, and above the images of a repository without being asked about.
 */
export const COUNTER_STEP_MAX = 1000;
export const RINGS_MAX = 255;
export const ROLLOUT_SEED_MAX = 0xffff_ffff;

/** First 8 bytes of an image digest: advice, by which nothing is decided that the whole digest could decide. */
export function shortDigest(digest: Uint8Array): Uint8Array {
  return digest.subarray(0, SHORT_DIGEST_LENGTH);
}

/** Blocks of an image; the last one may be shorter. */
export function leafCountOf(size: number, blockSize: number): number {
  return Math.ceil(size / blockSize);
}

/** Bytes of block `index`: the block size, or what is left for the last one. */
export function blockLength(manifest: Pick<Manifest, "size" | "blockSize">, index: number): number {
  return Math.min(manifest.blockSize, manifest.size - index * manifest.blockSize);
}

/** Hardware id of the boards the image is for, 8 bytes. */
export function manifestHardwareId(manifest: Manifest): Uint8Array {
  const known = hardwareIds.get(manifest);
  if (known !== undefined) return known;
  const id = hardwareId(manifest.vendor, manifest.hardwareClass);
  hardwareIds.set(manifest, id);
  return id;
}

/** Computed once for each manifest: a repository compares thousands at each call. */
const hardwareIds: WeakMap<Manifest, Uint8Array> = new WeakMap();

/** The manifest of some data. Where `fields` has no value, it has the default of PROTOCOL.md section 8.3. */
export function completeManifest(fields: ImageFields, facts: ImageFacts): Manifest {
  return {
    vendor: fields.vendor,
    hardwareClass: fields.hardwareClass,
    revisionMin: fields.revisionMin ?? 0,
    revisionMax: fields.revisionMax ?? REVISION_MAX,
    version: fields.version,
    sequence: fields.sequence ?? packVersion(fields.version),
    counter: fields.counter ?? 0,
    blockSize: fields.blockSize ?? BLOCK_SIZE_DEFAULT,
    role: fields.role ?? "app",
    confirm: fields.confirm ?? "on-verify",
    rollout: fields.rollout ?? { rings: 1, seed: 0 },
    notAfterCounter: fields.notAfterCounter ?? COUNTER_MAX,
    ...facts,
  };
}

function isOutside(value: number, min: number, max: number): boolean {
  return !Number.isInteger(value) || value < min || value > max;
}

/** Whether a block size is allowed: a power of two from 1 to 64 KiB. */
export function isBlockSize(value: number): boolean {
  return !isOutside(value, BLOCK_SIZE_MIN, BLOCK_SIZE_MAX) && (value & (value - 1)) === 0;
}

type Check = (m: Manifest) => string | false | undefined;

function nameCheck(what: string, read: (m: Manifest) => string): Check {
  return (m) => {
    const fault = nameFault(read(m));
    return fault !== undefined && `${what} ${fault}`;
  };
}

function rangeCheck(what: string, min: number, max: number, read: (m: Manifest) => number): Check {
  return (m) => isOutside(read(m), min, max) && `${what} is ${read(m)}, allowed are ${min} to ${max}`;
}

const CHECKS: readonly Check[] = [
  nameCheck("vendor", (m) => m.vendor),
  nameCheck("class", (m) => m.hardwareClass),
  rangeCheck("lowest revision", 0, REVISION_MAX, (m) => m.revisionMin),
  rangeCheck("highest revision", 0, REVISION_MAX, (m) => m.revisionMax),
  (m) => m.revisionMin > m.revisionMax && `revision range ${m.revisionMin}-${m.revisionMax} is empty`,
  rangeCheck("major version", 0, VERSION_PART_MAX, (m) => m.version.major),
  rangeCheck("minor version", 0, VERSION_PART_MAX, (m) => m.version.minor),
  rangeCheck("patch version", 0, VERSION_PART_MAX, (m) => m.version.patch),
  rangeCheck("sequence", 0, SEQUENCE_MAX, (m) => m.sequence),
  rangeCheck("counter", 0, COUNTER_MAX, (m) => m.counter),
  rangeCheck("size", 1, IMAGE_SIZE_MAX, (m) => m.size),
  (m) => !isBlockSize(m.blockSize) && `block size ${m.blockSize} is not a power of two from 1024 to 65536`,
  (m) =>
    m.leafCount !== leafCountOf(m.size, m.blockSize) &&
    `leaf count ${m.leafCount} does not follow from size ${m.size} and block size ${m.blockSize}`,
  rangeCheck("leaf count", 1, LEAF_COUNT_MAX, (m) => m.leafCount),
  (m) => m.root.length !== HASH_LENGTH && "root is not 32 bytes",
  (m) => m.sha256.length !== HASH_LENGTH && "SHA-256 is not 32 bytes",
  rangeCheck("ring count", 1, RINGS_MAX, (m) => m.rollout.rings),
  rangeCheck("rollout seed", 0, ROLLOUT_SEED_MAX, (m) => m.rollout.seed),
  rangeCheck("not-after-counter", 0, COUNTER_MAX, (m) => m.notAfterCounter),
  (m) =>
    m.counter > m.notAfterCounter &&
    `counter ${m.counter} is above its own not-after-counter ${m.notAfterCounter}`,
];

/**
 * Why a manifest's values are not allowed, alone or together; undefined when they are. Checked when encoding and
 * decoding.
 */
export function manifestContradiction(manifest: Manifest): string | undefined {
  for (const check of CHECKS) {
    const fault = check(manifest);
    if (typeof fault === "string") return fault;
  }
  return undefined;
}
