import { generateKeyPairSync } from "node:crypto";
import { existsSync } from "node:fs";
import { basename } from "node:path";
import { errnoOf } from "../base/errno.ts";
import { UsageError } from "../base/errors.ts";
import { type Logger, silentLogger } from "../base/logger.ts";
import { systemError } from "../base/system-error.ts";
import { publicPem } from "../content/ed25519-der.ts";
import { keyExists, writeKeyFile } from "../files/key-file.ts";
import { isSharedMode } from "../files/rights.ts";
import { removeIfSame } from "../files/same-file.ts";
import { readWholeFile, type WholeFile } from "../files/whole-file.ts";
import { type OpenedFile, WriteGuard } from "../files/write-guard.ts";
import type { SigningKey, TrustedKey } from "../image/keys.ts";
import type { ImageRole } from "../image/manifest.ts";
import { encodeUtf8 } from "../image/utf8.ts";
import { keyTextOf, several, signingKeyOf, trustedKeysOf } from "./key-text.ts";

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
 * overwrites: UsageError `key-exists` when either file exists, `key-name` for a name that is empty. A failure leaves nothing behind; a process that is
 * killed in between may leave the private key alone, from which openssl makes the public one.
 */
export function writeKeyPair(base: string): { readonly keyPath: string; readonly pubPath: string } {
  if (basename(base) === "" || base.endsWith("/")) {
    throw new UsageError("key-name", `"${base}" names no file: give a name for the pair, such as owner`);
  }
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

/**
 * Reads a private key. Warns when other users may read the file. One file holds one key; its public half may stand beside
 * it. Errors: see {@link loadTrustedKeys}.
 */
export function loadSigningKey(path: string, logger: Logger = silentLogger): SigningKey {
  const { bytes, stat } = readKeyFile(path);
  const key = signingKeyOf(keyTextOf(bytes, path));
  new WriteGuard({ warn: (told) => logger.warn(told) }).checkFile(path, stat);
  if (isSharedMode(stat.mode)) {
    logger.warn(`${path}: others on this machine may read this private key; fix: chmod 600 ${path}`);
  }
  return key;
}

/**
 * Reads all public keys of a PEM file, each once. UsageError: `key-missing`, `key-not-file`, `key-not-pem`, which names what
 * the file is and the way to PEM, `key-encrypted`, `key-not-ed25519`, `key-is-private` (here), `key-is-public` (for private
 * keys), `key-unsound` (a point that no honest key can be), `key-several` where one key is meant. FailedError:
 * `key-unreadable`, and `writable-by-others` of the guard.
 */
export function loadTrustedKeys(
  path: string,
  roles: readonly ImageRole[],
  guard: WriteGuard = new WriteGuard(),
): readonly TrustedKey[] {
  const { bytes, stat } = readKeyFile(path);
  const keys = trustedKeysOf(keyTextOf(bytes, path), roles);
  guard.checkFile(path, stat);
  return keys;
}

/** Like {@link loadTrustedKeys}, where one key is meant. */
export function loadTrustedKey(
  path: string,
  roles: readonly ImageRole[],
  guard: WriteGuard = new WriteGuard(),
): TrustedKey {
  return onlyKey(loadTrustedKeys(path, roles, guard), path);
}

/** PEM text of a raw public key, as openssl writes it: what boards store, whatever else its file held. */
export function publicKeyPem(publicKey: Uint8Array): string {
  return publicPem(publicKey);
}

/** A private key from its PEM text; `name` is what errors call it. */
export function signingKeyFromPem(pem: string, name = "private key"): SigningKey {
  return signingKeyOf(keyTextOf(encodeUtf8(pem), name));
}

/** A public key from its PEM text; `name` is what errors call it. */
export function trustedKeyFromPem(pem: string, roles: readonly ImageRole[], name = "public key"): TrustedKey {
  return onlyKey(trustedKeysOf(keyTextOf(encodeUtf8(pem), name), roles), name);
}

function onlyKey(keys: readonly TrustedKey[], name: string): TrustedKey {
  const [key, ...others] = keys;
  if (key === undefined || others.length > 0) throw several(keys.length, name);
  return key;
}

function readKeyFile(path: string): { bytes: Uint8Array; stat: OpenedFile } {
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
  return found;
}
