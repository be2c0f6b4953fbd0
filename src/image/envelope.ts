import { equalBytes, toHex } from "../base/bytes.ts";
import { RefusedError, UsageError } from "../base/errors.ts";
import type { RefusalReason } from "../base/refusal.ts";
import { signedBytes, splitEnvelope, wrapSigned, wrapUnsigned } from "./cose.ts";
import { checkSignature } from "./ed25519.ts";
import { joinedKey, type SigningKey, type TrustedKey } from "./keys.ts";
import { COUNTER_MAX, type ImageRole, type Manifest, manifestContradiction } from "./manifest.ts";
import { decodePayload, encodePayload, imageDigest, type ManifestFault } from "./manifest-payload.ts";

/** A manifest with the bytes that carry it. Decoded, not checked for trust. */
export interface Envelope {
  readonly tag: "envelope";
  /** The whole envelope, at most `ENVELOPE_MAX` bytes. */
  readonly bytes: Uint8Array;
  readonly manifest: Manifest;
  /** Identity of the image, 32 bytes. */
  readonly digest: Uint8Array;
  /** Id of the key that the envelope claims to be signed with, 8 bytes; absent when it is unsigned. */
  readonly keyId?: Uint8Array;
}

/** What a board trusts. It accepts unsigned images only if `allowUnsigned` is set and `keys` is empty. */
export interface TrustPolicy {
  readonly keys: readonly TrustedKey[];
  readonly allowUnsigned: boolean;
}

/** `keyId` is set when the signature of a trusted key was verified. */
export interface AcceptedManifest {
  readonly tag: "accepted";
  readonly manifest: Manifest;
  readonly digest: Uint8Array;
  readonly keyId?: Uint8Array;
}

export interface RefusedManifest {
  readonly tag: "refused";
  readonly reason: RefusalReason;
  readonly detail: string;
}

/** The envelope of a manifest, signed when a key is given. UsageError `manifest-invalid` for values not allowed. */
export function encodeManifest(manifest: Manifest, signer?: SigningKey): Uint8Array {
  const fault = manifestContradiction(manifest);
  if (fault !== undefined) throw new UsageError("manifest-invalid", `This cannot be an image: ${fault}`);
  const payload = encodePayload(manifest);
  if (signer === undefined) return wrapUnsigned(payload);
  return wrapSigned(payload, signer.keyId, signer.sign(signedBytes(payload)));
}

/** Decodes an envelope without checking trust: for tools and repositories. Never throws. Keeps a copy of `bytes`. */
export function decodeEnvelope(bytes: Uint8Array): Envelope | ManifestFault {
  const copy = Uint8Array.from(bytes);
  const parts = splitEnvelope(copy);
  if (parts.tag === "fault") return parts;
  const manifest = decodePayload(parts.payload);
  if ("tag" in manifest) return manifest;
  const envelope = { tag: "envelope", bytes: copy, manifest, digest: imageDigest(parts.payload) } as const;
  return parts.tag === "signed" ? { ...envelope, keyId: parts.keyId } : envelope;
}

/**
 * Checks an offered manifest as a board does (PROTOCOL.md section 8.4, steps 1 to 5). The signature is verified over the raw
 * bytes before any of the payload is parsed. Of the counter only the key's own largest one is checked: the board checks
 * hardware, version, floor, step and size itself. `role`: the only one that is wanted, any unless given. Never throws.
 */
export function verifyEnvelope(
  bytes: Uint8Array,
  policy: TrustPolicy,
  role?: ImageRole,
): AcceptedManifest | RefusedManifest {
  const parts = splitEnvelope(bytes);
  if (parts.tag === "fault") return refuse("manifest", parts.detail);
  // A board that trusts keys never accepts unsigned images, even with `allowUnsigned`.
  const isOpen = policy.allowUnsigned && policy.keys.length === 0;
  if (parts.tag === "unsigned" && !isOpen) return refuse("unsigned", "the image is not signed");
  // An open board has no key to check a signature with. It would accept the payload unsigned, so it treats it as
  // such.
  if (parts.tag === "unsigned" || isOpen) return acceptPayload(parts.payload, undefined, role);

  const named = policy.keys.filter((key) => equalBytes(key.keyId, parts.keyId));
  if (named.length === 0) return refuse("signature", `signed by ${toHex(parts.keyId)}, which is not trusted`);
  const message = signedBytes(parts.payload);
  const key = named.find((key) => checkSignature(key.publicKey, message, parts.signature) === undefined);
  if (key === undefined) return refuse("signature", `the signature of ${toHex(parts.keyId)} is wrong`);
  return acceptPayload(parts.payload, joinedKey(key, policy.keys), role);
}

/** Like {@link verifyEnvelope}, for tools: throws a RefusedError whose code is the reason. */
export function requireTrusted(bytes: Uint8Array, policy: TrustPolicy, name: string): AcceptedManifest {
  const verdict = verifyEnvelope(bytes, policy);
  if (verdict.tag === "refused") {
    throw new RefusedError(verdict.reason, `${name}: refused, ${verdict.detail}`, { reason: verdict.reason });
  }
  return verdict;
}

function acceptPayload(
  payload: Uint8Array,
  key: TrustedKey | undefined,
  role: ImageRole | undefined,
): AcceptedManifest | RefusedManifest {
  const manifest = decodePayload(payload);
  if ("tag" in manifest) return refuse(manifest.fault === "role" ? "role" : "manifest", manifest.detail);
  if (key?.roles.includes(manifest.role) === false) {
    return refuse("role", `key ${toHex(key.keyId)} may not sign ${manifest.role} images`);
  }
  if (role !== undefined && manifest.role !== role) {
    return refuse("role", `this is a ${manifest.role} image, the board needs an ${role} image`);
  }
  const accepted = { tag: "accepted", manifest, digest: imageDigest(payload) } as const;
  if (key === undefined) return accepted;
  if (manifest.counter > (key.maxCounter ?? COUNTER_MAX)) {
    const limit = `this board takes images of key ${toHex(key.keyId)} up to ${key.maxCounter} (max-counter)`;
    return refuse(
      "counter",
      `security counter ${manifest.counter}: ${limit}; sign it with a key that is not retired`,
    );
  }
  return { ...accepted, keyId: key.keyId };
}

function refuse(reason: RefusalReason, detail: string): RefusedManifest {
  return { tag: "refused", reason, detail };
}
