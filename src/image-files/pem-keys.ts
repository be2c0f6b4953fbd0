import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { existsSync } from "node:fs";
import { assert } from "../base/assert.ts";
import { errnoOf } from "../base/errno.ts";
import { UsageError } from "../base/errors.ts";
import { type Logger, silentLogger } from "../base/logger.ts";
import { systemError } from "../base/system-error.ts";
import { keyExists, writeKeyFile } from "../files/key-file.ts";
import { isSharedMode } from "../files/rights.ts";
import { removeIfSame } from "../files/same-file.ts";
import { readWholeFile, type WholeFile } from "../files/whole-file.ts";
import { type OpenedFile, WriteGuard } from "../files/write-guard.ts";
import { PUBLIC_KEY_LENGTH } from "../image/ed25519.ts";
import { keyIdOf, type SigningKey, type TrustedKey, trustedKeyFromBytes } from "../image/keys.ts";
import type { ImageRole } from "../image/manifest.ts";

/** A key pair, in the format of `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout`. */
export interface KeyPair {
  readonly privatePem: string;
  readonly publicPem: string;
}

/** Longest key file that is read, in bytes. */
export const KEY_FILE_MAX = 16_384;

/** A new Ed25519 pair from the system's random source. */
export function generateKeyPair(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return {
    privatePem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    publicPem: publicKey.export({ type: "spki", format: "pem" }).toString(),
  };
}

/**
 * Writes a new pair to `base`.key (mode 0600) and `base`.pub (0644), each complete or not at all, and synced. Never
 * overwrites: UsageError `key-exists` when either file exists. A failure leaves nothing behind; a process that is
 * killed in between may leave the private key alone, from which openssl makes the public one.
 */
export function writeKeyPair(base: string): { readonly keyPath: string; readonly pubPath: string } {
  const keyPath = `${base}.key`;
  const pubPath = `${base}.pub`;
  if (existsSync(keyPath) && !existsSync(pubPath)) {
    const advice = `make its public half with: openssl pkey -in ${keyPath} -pubout -out ${pubPath}`;
    throw new UsageError("key-exists", `${keyPath} exists, without ${pubPath}; ${advice}`, { path: keyPath });
  }
  for (const path of [keyPath, pubPath]) if (existsSync(path)) throw keyExists(path);
  const pair = generateKeyPair();
  const written = writeKeyFile(keyPath, pair.privatePem, 0o600);
  try {
    writeKeyFile(pubPath, pair.publicPem, 0o644);
  } catch (error) {
    removeIfSame(keyPath, written);
    throw error;
  }
  return { keyPath, pubPath };
}

/** Reads a private key. Warns when other users may read the file. Errors: see {@link loadTrustedKey}. */
export function loadSigningKey(path: string, logger: Logger = silentLogger): SigningKey {
  const { text, stat } = readKeyFile(path);
  const key = signingKeyFromPem(text, path);
  new WriteGuard({ warn: (told) => logger.warn(told) }).checkFile(path, stat);
  if (isSharedMode(stat.mode)) {
    logger.warn(`${path}: others on this machine may read this private key; fix: chmod 600 ${path}`);
  }
  return key;
}

/**
 * Reads a public key. UsageError: `key-missing`, `key-not-file`, `key-not-pem`, `key-encrypted`, `key-not-ed25519`,
 * `key-is-private` (here), `key-is-public` (for private keys), `key-unsound` (a point that no honest key can be).
 * FailedError: `key-unreadable`, and `writable-by-others` of the guard.
 */
export function loadTrustedKey(
  path: string,
  roles: readonly ImageRole[],
  guard: WriteGuard = new WriteGuard(),
): TrustedKey {
  return readTrustedKey(path, roles, guard).key;
}

/** Like {@link loadTrustedKey}, with the text that the key was read from. */
export function readTrustedKey(
  path: string,
  roles: readonly ImageRole[],
  guard: WriteGuard = new WriteGuard(),
): { readonly key: TrustedKey; readonly pem: string } {
  const { text: pem, stat } = readKeyFile(path);
  const key = trustedKeyFromPem(pem, roles, path);
  guard.checkFile(path, stat);
  return { key, pem };
}

/** A private key from its PEM text; `name` is what errors call it. */
export function signingKeyFromPem(pem: string, name = "private key"): SigningKey {
  const label = pemLabel(pem, name);
  if (label.includes("PUBLIC KEY") || label === "CERTIFICATE") {
    throw new UsageError("key-is-public", `${name} holds a public key; signing needs the private one (.key)`);
  }
  const key = parseKey(() => createPrivateKey(pem), pem, name);
  const publicKey = rawPublicKey(createPublicKey(key));
  return {
    keyId: keyIdOf(publicKey),
    publicKey,
    sign: (message) => Uint8Array.from(sign(null, message, key)),
  };
}

/** A public key from its PEM text; `name` is what errors call it. */
export function trustedKeyFromPem(pem: string, roles: readonly ImageRole[], name = "public key"): TrustedKey {
  const label = pemLabel(pem, name);
  if (label.includes("PRIVATE KEY")) {
    throw new UsageError(
      "key-is-private",
      `${name} holds a private key; boards get only the public one: give the .pub file`,
    );
  }
  return trustedKeyFromBytes(rawPublicKey(parseKey(() => createPublicKey(pem), pem, name)), roles, name);
}

function pemLabel(pem: string, name: string): string {
  const label = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(pem)?.[1];
  if (label === undefined) {
    throw new UsageError("key-not-pem", `${name} is not a PEM key file`, { isPem: false });
  }
  return label;
}

function parseKey(parse: () => KeyObject, pem: string, name: string): KeyObject {
  let key: KeyObject;
  try {
    key = parse();
  } catch (error) {
    // PKCS#8 has it in the label, the older formats of openssl have it in a header.
    if (/-----BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(pem)) {
      throw new UsageError(
        "key-encrypted",
        `${name} is encrypted; fix: openssl pkey -in IN -out OUT`,
        {},
        error,
      );
    }
    throw new UsageError(
      "key-not-pem",
      `${name} is damaged: its PEM text cannot be read as a key`,
      {},
      error,
    );
  }
  if (key.asymmetricKeyType !== "ed25519") {
    const type = key.asymmetricKeyType ?? "unknown";
    throw new UsageError("key-not-ed25519", `${name} is a key of type ${type}; only Ed25519 keys are used`, {
      type,
    });
  }
  return key;
}

function rawPublicKey(key: KeyObject): Uint8Array {
  const spki = key.export({ type: "spki", format: "der" });
  assert(spki.length === 12 + PUBLIC_KEY_LENGTH, `SPKI of ${spki.length} bytes`);
  return Uint8Array.from(spki.subarray(12));
}

function readKeyFile(path: string): { text: string; stat: OpenedFile } {
  let found: WholeFile;
  try {
    found = readWholeFile(path, KEY_FILE_MAX);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT")
      throw new UsageError("key-missing", `${path}: there is no such key file`, { path }, error);
    throw systemError("key-unreadable", `${path} cannot be read`, error, { path });
  }
  if (found.tag === "not-file")
    throw new UsageError("key-not-file", `${path} is not a file; a PEM key file is needed`);
  if (found.tag === "too-long") {
    const message = `${path} has ${found.size} bytes; key files have at most ${KEY_FILE_MAX}`;
    throw new UsageError("key-not-pem", message);
  }
  return { text: Buffer.from(found.bytes).toString("latin1"), stat: found.stat };
}
