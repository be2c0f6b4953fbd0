import { existsSync } from "node:fs";
import { join } from "node:path";
import { equalBytes, toHex } from "../base/bytes.ts";
import { RefusedError, UsageError } from "../base/errors.ts";
import { removeFileSync } from "../files/atomic-file.ts";
import { replaceLike } from "../files/replace-like.ts";
import { WriteGuard } from "../files/write-guard.ts";
import type { KeyLimits, TrustedKey } from "../image/keys.ts";
import { COUNTER_STEP_MAX, type ImageRole } from "../image/manifest.ts";
import { loadTrustedKey, publicKeyPem } from "../image-files/pem-keys.ts";
import { type Board, openBoard } from "./board.ts";
import {
  type BoardConfig,
  CONFIG_FILE,
  configText,
  KEYS_FOLDER,
  knownLimits,
  type TrustConfig,
} from "./board-config.ts";
import { judgeTrustChange, type SignedImage, signedImages } from "./trust-change.ts";

/** Told of what is not safe on this file system, and cannot be judged. */
type Warn = (text: string) => void;

/** A key that a board trusts, and what it signed of what is installed. */
export interface TrustEntry {
  /** Name of its file in `keys/`. */
  readonly file: string;
  readonly keyId: Uint8Array;
  readonly roles: readonly ImageRole[];
  readonly maxCounter: number | undefined;
  readonly maxStep: number;
  readonly images: readonly SignedImage[];
}

/** A change of the keys of a board, as it was made. */
export interface TrustReport {
  readonly change: "added" | "changed" | "removed" | "unchanged";
  readonly keyId: Uint8Array;
  readonly warnings: readonly string[];
}

/** A key to trust: unless given, a new one gets all roles, and what a known one has stays. */
export interface KeyChange extends KeyLimits {
  readonly path: string;
  readonly roles?: readonly ImageRole[] | undefined;
}

/** The keys of an open board. */
export function trustEntries(board: Board): readonly TrustEntry[] {
  const images = signedImages(board.parts);
  return board.config.trust.map(({ key: file, roles, maxCounter, maxStep = COUNTER_STEP_MAX }, i) => {
    const { keyId } = keyAt(board, i);
    const own = images.filter((image) => image.keyId !== undefined && equalBytes(image.keyId, keyId));
    return { file, keyId, roles, maxCounter, maxStep, images: own };
  });
}

/**
 * Adds a key to those that the board in `dir` trusts, or sets the roles and limits of one that it knows: completely or
 * not at all, also when the process is killed. RefusedError `trust-boots` when the image that boots would not boot any
 * more; the errors of `openBoard` and of key files.
 */
export function trustKey(
  dir: string,
  { path, roles, ...given }: KeyChange,
  warn: Warn,
): Promise<TrustReport> {
  const limits = knownLimits(given);
  return changeKeys(dir, path, warn, (board, key) => {
    const { trust } = board.config;
    const isNamed = (i: number): boolean => equalBytes(keyAt(board, i).publicKey, key.publicKey);
    if (trust.some((_, i) => isNamed(i))) {
      const next = trust.map((entry, i) =>
        isNamed(i) ? { ...entry, ...(roles === undefined ? {} : { roles }), ...limits } : entry,
      );
      const isSame = JSON.stringify(next) === JSON.stringify(trust);
      return { change: isSame ? "unchanged" : "changed", trust: next };
    }
    const file = freeName(dir, trust);
    const added = { key: file, roles: roles ?? (["app", "recovery"] as const), ...limits };
    return { change: "added", trust: [...trust, added], newFile: { file, key } };
  });
}

/**
 * Removes a key from those that the board in `dir` trusts. UsageError `trust-unknown` when it is not among them;
 * RefusedError `trust-last` for the only key; otherwise as {@link trustKey}.
 */
export function distrustKey(dir: string, path: string, warn: Warn): Promise<TrustReport> {
  return changeKeys(dir, path, warn, (board, key) => {
    const { trust } = board.config;
    const isNamed = (i: number): boolean => equalBytes(keyAt(board, i).publicKey, key.publicKey);
    const rest = trust.filter((_, i) => !isNamed(i));
    const id = toHex(key.keyId);
    if (rest.length === trust.length) {
      const known = board.parts.policy.keys.map(({ keyId }) => toHex(keyId)).join(", ");
      const message = `${dir} does not trust key ${id}; it trusts ${known === "" ? "no key" : known}`;
      throw new UsageError("trust-unknown", message, { keyId: id });
    }
    if (rest.length === 0) {
      const message = `${id} is the only key that ${dir} trusts: without one it could never be healed. Add the new key first`;
      throw new RefusedError("trust-last", message, { keyId: id });
    }
    return { change: "removed", trust: rest };
  });
}

interface Plan {
  readonly change: TrustReport["change"];
  readonly trust: readonly TrustConfig[];
  readonly newFile?: { readonly file: string; readonly key: TrustedKey };
}

async function changeKeys(
  dir: string,
  path: string,
  warn: Warn,
  plan: (board: Board, key: TrustedKey) => Plan,
): Promise<TrustReport> {
  // The roles are those of the board.
  const key = loadTrustedKey(path, [], new WriteGuard({ warn }));
  const { keyId } = key;
  const board = openBoard(dir, { write: true, warn });
  try {
    const { change, trust, newFile } = plan(board, key);
    if (change === "unchanged") return { change, keyId, warnings: [] };
    const keys = trust.map(({ key: file, roles, ...limits }): TrustedKey => {
      const at = board.config.trust.findIndex((entry) => entry.key === file);
      return { ...(newFile?.file === file ? newFile.key : keyAt(board, at)), roles, ...openLimits(limits) };
    });
    const warnings = judgeTrustChange(board.parts, { keys, allowUnsigned: false });
    const folder = join(dir, KEYS_FOLDER);
    // A key file that board.json does not name is harmless; one that it names has to be there.
    if (newFile !== undefined) {
      const pem = publicKeyPem(newFile.key.publicKey);
      await replaceLike(join(folder, newFile.file), pem, join(dir, CONFIG_FILE));
    }
    await replaceLike(join(dir, CONFIG_FILE), configText(configOf(board, trust)), join(dir, CONFIG_FILE));
    for (const { key: file } of board.config.trust) {
      if (!trust.some((entry) => entry.key === file)) removeFileSync(join(folder, file));
    }
    return { change, keyId, warnings };
  } finally {
    board.close();
  }
}

/** A limit that is not given stands for none, also over one that the key had. */
function openLimits({ maxCounter, maxStep }: KeyLimits): KeyLimits {
  return { maxCounter, maxStep };
}

/** A board with trusted keys takes no unsigned image, whatever it took before. */
function configOf({ config }: Board, trust: readonly TrustConfig[]): BoardConfig {
  return { ...config, trust, allowUnsigned: false };
}

function keyAt({ parts }: Board, index: number): TrustedKey {
  const key = parts.policy.keys[index];
  if (key === undefined) throw new RangeError(`no key ${index}`);
  return key;
}

/** The first trust-N.pub that is neither named nor there. */
function freeName(dir: string, trust: readonly TrustConfig[]): string {
  for (let n = 1; ; n++) {
    const file = `trust-${n}.pub`;
    if (trust.every(({ key }) => key !== file) && !existsSync(join(dir, KEYS_FOLDER, file))) return file;
  }
}
