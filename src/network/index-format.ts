import * as v from "valibot";
import { equalBytes, fromHex, toHex } from "../base/bytes.ts";
import { HASH_LENGTH } from "../base/digest.ts";
import { fromBase64, toBase64 } from "../content/base64.ts";
import { KEY_ID_LENGTH, SIGNATURE_LENGTH } from "../image/cose.ts";
import { checkSignature } from "../image/ed25519.ts";
import type { TrustPolicy } from "../image/envelope.ts";
import { formatHardware, nameFault, REVISION_MAX } from "../image/hardware.ts";
import { sha256 } from "../image/hash.ts";
import { IMAGE_HEAD_MAX } from "../image/image-head.ts";
import type { SigningKey } from "../image/keys.ts";
import { COUNTER_MAX, IMAGE_SIZE_MAX, type Manifest } from "../image/manifest.ts";
import { decodeUtf8, encodeUtf8 } from "../image/utf8.ts";
import { formatVersion, parseVersion, SEQUENCE_MAX } from "../image/version.ts";

/** What the index says of an image. A claim: what counts is the manifest in the image file. */
export type IndexEntry = Pick<
  Manifest,
  "vendor" | "hardwareClass" | "revisionMin" | "revisionMax" | "sequence" | "version" | "counter" | "role"
> & {
  /** 64 hexadecimal digits. */
  readonly digest: string;
  /** Bytes of the image file. */
  readonly size: number;
  /** Below the folder of the index, without "..". */
  readonly url: string;
};

/** The list of a published repository. */
export interface RepositoryIndex {
  /** Grows by one with every change. */
  readonly counter: number;
  /** Counter of the index in which images were last left out on purpose; 0 when never. */
  readonly pruned: number;
  readonly images: readonly IndexEntry[];
}

/** An index that was read. */
export interface ReadIndex {
  readonly tag: "index";
  readonly index: RepositoryIndex;
  /** SHA-256 of what is signed, 32 bytes: the same for the same list and counter. */
  readonly digest: Uint8Array;
  /** Of the trusted key that signed it, 8 bytes; undefined when it is not signed, or nobody is trusted. */
  readonly keyId: Uint8Array | undefined;
  /** Of the key that it claims to be signed with, 16 hexadecimal digits; undefined when it is not signed. */
  readonly claimedKeyId: string | undefined;
}

/** Why an index is not used. `index-damaged` may pass; the others are refusals. */
export interface IndexFault {
  readonly tag: "fault";
  readonly code: "index-damaged" | "index-format" | "index-unsigned" | "index-signature";
  readonly detail: string;
}

const FORMAT = 1;
/** Most bytes of an index. */
export const INDEX_BYTES_MAX = 2_097_152;
/** Most images of an index. */
export const INDEX_IMAGES_MAX = 4096;
/** Largest counter of an index. */
export const INDEX_COUNTER_MAX = 0xffff_ffff;
/** Before what is signed: no manifest begins so, and nothing else that a key of mayday signs. */
const SIGNED_AS = "mayday repository index\n";
const UNSIGNED = '"unsigned":true}';
const TAIL = /^"key":"([0-9a-f]{16})","signature":"([A-Za-z0-9+/]{86}==)"\}$/;
const URL_MAX = 200;

/** A path below the index: no scheme, host, query, "..", or empty part. */
const PATH = /^(?!.*(?:^|\/)\.{1,2}(?:\/|$))[A-Za-z0-9._~-]+(?:\/[A-Za-z0-9._~-]+)*$/;

const whole = (max: number): v.GenericSchema<unknown, number> =>
  v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(max));
const Entry = v.object({
  hardware: v.pipe(v.string(), v.check(isHardware)),
  revisions: v.pipe(
    v.tuple([whole(REVISION_MAX), whole(REVISION_MAX)]),
    v.check(([min, max]) => min <= max),
  ),
  sequence: whole(SEQUENCE_MAX),
  version: v.pipe(
    v.string(),
    v.check((text) => parseVersion(text) !== undefined),
  ),
  counter: whole(COUNTER_MAX),
  role: v.picklist(["app", "recovery"]),
  digest: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  size: v.pipe(whole(IMAGE_SIZE_MAX + IMAGE_HEAD_MAX), v.minValue(1)),
  url: v.pipe(v.string(), v.maxLength(URL_MAX), v.regex(PATH)),
});
const Index = v.object({
  mayday: v.literal("index"),
  format: v.literal(FORMAT),
  counter: whole(INDEX_COUNTER_MAX),
  pruned: whole(INDEX_COUNTER_MAX),
  images: v.pipe(v.array(Entry), v.maxLength(INDEX_IMAGES_MAX)),
});

/** The text of an index: one for one list, counter and key. An image a line. */
export function encodeIndex(index: RepositoryIndex, signer?: SigningKey): string {
  const body = bodyOf(index);
  if (signer === undefined) return `${body}${UNSIGNED}\n`;
  const signature = toBase64(signer.sign(encodeUtf8(SIGNED_AS + body)));
  return `${body}"key":"${toHex(signer.keyId)}","signature":"${signature}"}\n`;
}

/**
 * Reads an index. The signature is checked over the bytes as they came, before they are parsed; then the text must be the one that
 * {@link encodeIndex} gives, so that no key stands twice and nothing is left over. Who trusts keys takes no index without one of
 * their signatures. Never throws.
 */
export function readIndex(bytes: Uint8Array, { keys }: Pick<TrustPolicy, "keys">): ReadIndex | IndexFault {
  if (bytes.length > INDEX_BYTES_MAX) return fault("index-damaged", `has more than ${INDEX_BYTES_MAX} bytes`);
  const text = decodeUtf8(bytes);
  const end = text?.endsWith("}\n") === true ? text.lastIndexOf("\n", text.length - 2) + 1 : 0;
  if (text === undefined || end === 0) return fault("index-damaged", "is no index, or was cut off");
  const body = text.slice(0, end);
  const tail = text.slice(end, -1);
  const [, keyId, signature] = TAIL.exec(tail) ?? [];
  if (keyId === undefined && tail !== UNSIGNED)
    return fault("index-damaged", "has neither signature nor end");
  if (keys.length > 0) {
    if (keyId === undefined) return fault("index-unsigned", "is not signed; publish it with --key");
    const seen = signatureFault(body, keyId, signature ?? "", keys);
    if (seen !== undefined) return fault("index-signature", seen);
  }
  const index = parseBody(text);
  if ("tag" in index) return index;
  if (bodyOf(index) !== body) return fault("index-damaged", "is not in the one form that an index has");
  const trusted = keys.length > 0 && keyId !== undefined ? fromHex(keyId) : undefined;
  return { tag: "index", index, digest: sha256(encodeUtf8(body)), keyId: trusted, claimedKeyId: keyId };
}

function signatureFault(
  body: string,
  keyId: string,
  signature: string,
  keys: TrustPolicy["keys"],
): string | undefined {
  const id = fromHex(keyId);
  const bytes = fromBase64(signature);
  if (id?.length !== KEY_ID_LENGTH || bytes?.length !== SIGNATURE_LENGTH) return "has a damaged signature";
  const named = keys.filter((key) => equalBytes(key.keyId, id));
  if (named.length === 0) return `is signed by ${keyId}, which is not trusted`;
  const message = encodeUtf8(SIGNED_AS + body);
  const isRight = named.some((key) => checkSignature(key.publicKey, message, bytes) === undefined);
  return isRight ? undefined : `: the signature of ${keyId} is wrong`;
}

function parseBody(text: string): RepositoryIndex | IndexFault {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return fault("index-damaged", "is no JSON");
  }
  const format = typeof json === "object" && json !== null && "format" in json ? json.format : undefined;
  if (typeof format === "number" && format !== FORMAT) {
    return fault("index-format", `has format ${format}; this version reads format ${FORMAT}`);
  }
  const parsed = v.safeParse(Index, json);
  if (!parsed.success) {
    const at = (parsed.issues[0].path ?? []).map(({ key }) => String(key)).join(".");
    return fault("index-damaged", `has a value that is not allowed: ${at}`);
  }
  const { counter, pruned, images } = parsed.output;
  if (pruned > counter) return fault("index-damaged", "was pruned later than it was made");
  const isDoubled = new Set(images.map(({ digest }) => digest)).size < images.length;
  if (isDoubled) return fault("index-damaged", "names an image twice");
  return { counter, pruned, images: images.map(entryOf) };
}

function entryOf({ hardware, revisions, version, ...entry }: v.InferOutput<typeof Entry>): IndexEntry {
  const slash = hardware.indexOf("/");
  return {
    ...entry,
    vendor: hardware.slice(0, slash),
    hardwareClass: hardware.slice(slash + 1),
    revisionMin: revisions[0],
    revisionMax: revisions[1],
    version: parseVersion(version) ?? { major: 0, minor: 0, patch: 0 },
  };
}

function bodyOf({ counter, pruned, images }: RepositoryIndex): string {
  const head = `{"mayday":"index","format":${FORMAT},"counter":${counter},"pruned":${pruned},"images":[\n`;
  const lines = images.map((entry) =>
    JSON.stringify({
      hardware: formatHardware(entry),
      revisions: [entry.revisionMin, entry.revisionMax],
      sequence: entry.sequence,
      version: formatVersion(entry.version),
      counter: entry.counter,
      role: entry.role,
      digest: entry.digest,
      size: entry.size,
      url: entry.url,
    }),
  );
  return `${head}${lines.join(",\n")}${lines.length === 0 ? "" : "\n"}],\n`;
}

function isHardware(text: string): boolean {
  const [vendor = "", hardwareClass = "", ...rest] = text.split("/");
  return rest.length === 0 && nameFault(vendor) === undefined && nameFault(hardwareClass) === undefined;
}

/** The entry for an image file. */
export function indexEntry(manifest: Manifest, digest: Uint8Array, size: number): IndexEntry {
  const { vendor, hardwareClass, revisionMin, revisionMax, sequence, version, counter, role } = manifest;
  const hex = toHex(digest.subarray(0, HASH_LENGTH));
  const what = { vendor, hardwareClass, revisionMin, revisionMax, sequence, version, counter, role };
  return { ...what, digest: hex, size, url: imagePath(hex) };
}

/** Where an image is below the index. */
export function imagePath(digest: string): string {
  return `sha256/${digest}.mdy`;
}

function fault(code: IndexFault["code"], detail: string): IndexFault {
  return { tag: "fault", code, detail };
}
