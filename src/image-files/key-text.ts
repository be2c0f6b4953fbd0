import { createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import { assert } from "../base/assert.ts";
import { equalBytes, toHex } from "../base/bytes.ts";
import { UsageError } from "../base/errors.ts";
import { type ContentKind, contentInMemory } from "../content/content-kind.ts";
import { pkcs8Of, privatePartsFromDer, publicKeyFromDer } from "../content/ed25519-der.ts";
import { KeyKind } from "../content/key-kinds.ts";
import { type PemBlock, pemBlocks, pemLabels } from "../content/pem.ts";
import { recognise } from "../content/recognise.ts";
import { latin1, plainText, textEncoding } from "../content/text-encoding.ts";
import { PUBLIC_KEY_LENGTH } from "../image/ed25519.ts";
import { keyIdOf, type SigningKey, type TrustedKey, trustedKeyFromBytes } from "../image/keys.ts";
import type { ImageRole } from "../image/manifest.ts";

/** Kinds that may be a private key, a public one or a link key: nobody can say which. */
const UNSURE: readonly ContentKind[] = [KeyKind.hexKey, KeyKind.base64Key, KeyKind.rawKey];
const LOCKED: readonly ContentKind[] = [KeyKind.encryptedPem, KeyKind.encryptedDer, KeyKind.opensshEncrypted];
/** Kinds whose text is read. What is encrypted or of another type is found out in reading. */
const PRIVATE_PEM: readonly ContentKind[] = [
  KeyKind.privatePem,
  KeyKind.encryptedPem,
  KeyKind.otherPrivatePem,
];

/** The text of a key file, of one byte a character, and which kind of file it is. */
export interface KeyText {
  readonly text: string;
  readonly kind: ContentKind | undefined;
  /** What errors call it. */
  readonly name: string;
}

/** What a key file holds. A mark at its start and UTF-16 do not matter. */
export function keyTextOf(bytes: Uint8Array, name: string): KeyText {
  const kind = recognise(contentInMemory(bytes));
  return { text: latin1(plainText(bytes, textEncoding(bytes))), kind, name };
}

/**
 * The one private key of a text. Its public half may stand beside it; other keys may not. Errors are those of
 * `loadSigningKey`.
 */
export function signingKeyOf(found: KeyText): SigningKey {
  const { kind, name } = found;
  if (kind !== undefined && !PRIVATE_PEM.includes(kind)) throw notPrivate(kind, name);
  const blocks = wholeBlocks(found);
  const keys = distinct(blocks.filter(isPrivate).map((block) => privateKeyOf(block, name)));
  const [key] = keys;
  if (key === undefined) {
    // A key of another kind in PEM, such as that of OpenVPN, has a label of its own.
    throw kind?.isSecret === true ? form(kind, name) : notPrivate(KeyKind.publicPem, name);
  }
  const others = blocks.filter((block) => !isPrivate(block)).map((block) => publicBytesOf(block, name));
  const foreign = others.filter((bytes) => bytes === undefined || !equalBytes(bytes, key.publicKey));
  if (keys.length > 1 || foreign.length > 0) throw several(keys.length + foreign.length, name);
  return key;
}

/** All public keys of a text, each once, in their order. Errors are those of `loadTrustedKeys`. */
export function trustedKeysOf(found: KeyText, roles: readonly ImageRole[]): TrustedKey[] {
  const { kind, name } = found;
  if (kind !== undefined && kind !== KeyKind.publicPem) throw notPublic(kind, name);
  const keys = wholeBlocks(found).map((block) => {
    if (isPrivate(block)) throw notPublic(KeyKind.privatePem, name);
    const bytes = publicBytesOf(block, name);
    if (bytes !== undefined) return trustedKeyFromBytes(bytes, roles, name);
    throw form(KeyKind.certificate, name, `beside a key it holds a block "${block.label}"`);
  });
  return distinct(keys);
}

/** The error for a file that holds several keys where one is meant. */
export function several(count: number, name: string): UsageError {
  const message = `${name} holds ${count} keys or certificates, and one key is meant: give each a file of its own`;
  return new UsageError("key-several", message, { count });
}

function distinct<T extends { readonly publicKey: Uint8Array }>(keys: readonly T[]): T[] {
  return [...new Map(keys.map((key) => [toHex(key.publicKey), key])).values()];
}

function isPrivate({ label }: PemBlock): boolean {
  return label.includes("PRIVATE KEY");
}

/** All blocks of a text; none may be cut off or missing. */
function wholeBlocks({ text, name, kind }: KeyText): PemBlock[] {
  const labels = pemLabels(text);
  if (labels.length === 0 && kind !== undefined) {
    const message = `${name} holds ${kind.name}, and no line "-----BEGIN PRIVATE KEY-----" or such is whole: copy it again`;
    throw new UsageError("key-not-pem", message, { form: kind.id });
  }
  if (labels.length === 0) {
    throw new UsageError("key-not-pem", `${name} is not a PEM key file`, { isPem: false });
  }
  const blocks = pemBlocks(text);
  if (blocks.length === labels.length) return blocks;
  const message = `${name} is damaged: ${labels.length} lines begin a key, ${blocks.length} keys end as they should; copy it again`;
  throw new UsageError("key-not-pem", message);
}

function privateKeyOf(block: PemBlock, name: string): SigningKey {
  const parts = block.der === undefined ? undefined : privatePartsFromDer(block.der);
  const key =
    parts === undefined
      ? nodeKey(() => createPrivateKey(nodeInput(block)), block, name)
      : createPrivateKey({ key: Buffer.from(pkcs8Of(parts.seed)), format: "der", type: "pkcs8" });
  const publicKey = rawPublicKey(createPublicKey(key));
  if (parts?.publicKey !== undefined && !equalBytes(parts.publicKey, publicKey)) {
    throw new UsageError(
      "key-not-pem",
      `${name} is damaged: its private and its public half do not belong together`,
    );
  }
  return {
    keyId: keyIdOf(publicKey),
    publicKey,
    sign: (message) => Uint8Array.from(sign(null, message, key)),
  };
}

/** The raw key of a public block; undefined for a block that is not one, such as a certificate. */
function publicBytesOf(block: PemBlock, name: string): Uint8Array | undefined {
  if (!block.label.includes("PUBLIC KEY")) return undefined;
  const own = block.der === undefined ? undefined : publicKeyFromDer(block.der);
  return own ?? rawPublicKey(nodeKey(() => createPublicKey(block.text), block, name));
}

/** Lines may be joined, which OpenSSL does not read in PEM; keys of other types are read for their names only. */
function nodeInput({ label, der, text }: PemBlock): Parameters<typeof createPrivateKey>[0] {
  const types = { "PRIVATE KEY": "pkcs8", "RSA PRIVATE KEY": "pkcs1", "EC PRIVATE KEY": "sec1" } as const;
  const type = label in types ? types[label as keyof typeof types] : undefined;
  return der === undefined || type === undefined ? text : { key: Buffer.from(der), format: "der", type };
}

function nodeKey(parse: () => KeyObject, { text, label }: PemBlock, name: string): KeyObject {
  let key: KeyObject;
  try {
    key = parse();
  } catch (error) {
    // PKCS#8 has it in the label, the older formats of openssl have it in a header.
    if (label.startsWith("ENCRYPTED") || text.includes("Proc-Type: 4,ENCRYPTED")) {
      const message = `${name} is encrypted; fix: openssl pkey -in IN -out OUT`;
      throw new UsageError("key-encrypted", message, { form: KeyKind.encryptedPem.id }, error);
    }
    const hint = text.includes("\\n")
      ? ': it holds "\\n" as two characters; fix: printf %b "$(cat IN)" > OUT'
      : "";
    const message = `${name} is damaged: its PEM text cannot be read as a key${hint}`;
    throw new UsageError("key-not-pem", message, {}, error);
  }
  if (key.asymmetricKeyType === "ed25519") return key;
  const type = key.asymmetricKeyType ?? "unknown";
  const message = `${name} is a key of type ${type}; only Ed25519 keys are used`;
  throw new UsageError("key-not-ed25519", message, { type });
}

function rawPublicKey(key: KeyObject): Uint8Array {
  const spki = key.export({ type: "spki", format: "der" });
  assert(spki.length === 12 + PUBLIC_KEY_LENGTH, `SPKI of ${spki.length} bytes`);
  return Uint8Array.from(spki.subarray(12));
}

function notPrivate(kind: ContentKind, name: string): UsageError {
  if (kind.group !== "key") return noKey(kind, name);
  if (LOCKED.includes(kind)) {
    const message = `${name} holds ${kind.name}; a key in PEM without a passphrase is needed: ${kind.fix}`;
    return new UsageError("key-encrypted", message, { form: kind.id });
  }
  if (kind.isSecret === true || kind === KeyKind.otherPem) return form(kind, name);
  const message = `${name} holds ${kind.name}; signing needs the private key (.key)`;
  return new UsageError("key-is-public", message, { form: kind.id });
}

function notPublic(kind: ContentKind, name: string): UsageError {
  if (kind.group !== "key") return noKey(kind, name);
  if (kind.isSecret !== true || UNSURE.includes(kind)) return form(kind, name);
  const message = `${name} holds ${kind.name}; boards get only the public one: give the .pub file`;
  return new UsageError("key-is-private", message, { form: kind.id });
}

function form(kind: ContentKind, name: string, seen = `it holds ${kind.name}`): UsageError {
  const message = `${name} is not a PEM key file: ${seen}; the way to PEM: ${kind.fix}`;
  return new UsageError("key-not-pem", message, { form: kind.id });
}

function noKey(kind: ContentKind, name: string): UsageError {
  return new UsageError("key-not-pem", `${name} is not a PEM key file: it is ${kind.name}`, { isPem: false });
}
