import { statSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { fromHex } from "../base/bytes.ts";
import { errnoOf } from "../base/errno.ts";
import { FailedError } from "../base/errors.ts";
import { errorWords, systemError } from "../base/system-error.ts";
import { readLinkKey } from "../files/link-key-file.ts";
import { readWholeFile } from "../files/whole-file.ts";
import { WRITABLE_BY_OTHERS, WriteGuard } from "../files/write-guard.ts";
import type { FlashDevice, FlashDeviceFacts } from "../flash/device/flash-device.ts";
import { type FlashGeometry, geometryFault } from "../flash/geometry.ts";
import type { TrustPolicy } from "../image/envelope.ts";
import { parseHardware, REVISION_MAX } from "../image/hardware.ts";
import type { KeyLimits } from "../image/keys.ts";
import { COUNTER_MAX, type ImageRole } from "../image/manifest.ts";
import { loadTrustedKey } from "../image-files/pem-keys.ts";
import type { BoardIdentity } from "./board-parts.ts";

/** Name of a board's configuration in its folder. */
export const CONFIG_FILE = "board.json";
/** Folder of the keys that a board trusts, in its folder. */
export const KEYS_FOLDER = "keys";
/** Name of the board's link key in {@link KEYS_FOLDER}. */
export const LINK_KEY_FILE = "link.key";
/** Format of {@link CONFIG_FILE} that this version writes and reads. */
export const CONFIG_FORMAT = 1;
/** Longest {@link CONFIG_FILE} that is read, in bytes. */
const CONFIG_MAX = 1_048_576;

const Role = v.picklist(["app", "recovery"]);
const PlainName = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/));
const Counter = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(COUNTER_MAX));
const Bytes = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const DeviceSchema = v.strictObject({
  kind: v.picklist(["file", "block", "mtd"]),
  path: v.pipe(v.string(), v.startsWith("/")),
  offset: Bytes,
  deviceSize: Bytes,
  deviceId: v.optional(v.string()),
});

const ConfigSchema = v.strictObject({
  format: v.literal(CONFIG_FORMAT),
  nodeId: v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/)),
  hardware: v.pipe(
    v.string(),
    v.check((text) => parseHardware(text) !== undefined, "not [vendor/]class"),
  ),
  revision: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(REVISION_MAX)),
  sectorSize: v.optional(v.number()),
  sectors: v.optional(v.array(v.strictObject({ count: v.number(), size: v.number() }))),
  slotSize: v.number(),
  layout: v.picklist(["single", "ab"]),
  writeSize: v.optional(v.number()),
  erasedByte: v.optional(v.picklist([0xff, 0x00])),
  recoverySize: v.optional(v.number()),
  manifests: v.optional(v.picklist(["own", "record"])),
  flash: v.union([PlainName, DeviceSchema]),
  trust: v.array(
    v.strictObject({
      key: PlainName,
      roles: v.pipe(v.array(Role), v.minLength(1)),
      maxCounter: v.optional(Counter),
      maxStep: v.optional(Counter),
    }),
  ),
  allowUnsigned: v.boolean(),
  linkKey: v.optional(PlainName),
  created: v.string(),
});

/** A board's configuration as it is in `board.json`. */
export interface BoardConfig extends FlashGeometry {
  readonly format: typeof CONFIG_FORMAT;
  /** 16 hexadecimal digits. */
  readonly nodeId: string;
  /** "vendor/class". */
  readonly hardware: string;
  readonly revision: number;
  /** Name of the flash file in the board's folder, or the device that the flash is on. */
  readonly flash: string | (FlashDevice & FlashDeviceFacts);
  readonly trust: readonly TrustConfig[];
  /** Has effect only when no key is trusted. */
  readonly allowUnsigned: boolean;
  /** Name of a file in `keys/`: the board only talks to nodes with this link key. */
  readonly linkKey?: string | undefined;
  /** ISO 8601, for people. */
  readonly created: string;
}

/** A key that the board trusts. */
export interface TrustConfig extends KeyLimits {
  /** Name of its file in `keys/`. */
  readonly key: string;
  /** Roles that it may sign. */
  readonly roles: readonly ImageRole[];
}

/** The text of {@link CONFIG_FILE}. */
export function configText(config: BoardConfig): string {
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

/** The limits that are set, and no others. */
export function knownLimits({ maxCounter, maxStep }: KeyLimits): KeyLimits {
  return {
    ...(maxCounter === undefined ? {} : { maxCounter }),
    ...(maxStep === undefined ? {} : { maxStep }),
  };
}

/**
 * Reads a board's configuration. FailedError `board-missing`, `board-damaged`, `board-version`, and
 * `writable-by-others` when others may write its folder or this file. From then on `guard` also refuses what somebody
 * else than the board's owner owns.
 */
export function readConfig(dir: string, guard: WriteGuard): BoardConfig {
  const path = join(dir, CONFIG_FILE);
  const text = readText(dir, path, guard);
  const value = parseJson(text, path);
  const format = v.safeParse(v.looseObject({ format: v.number() }), value);
  if (format.success && format.output.format !== CONFIG_FORMAT) {
    const message = `${path} has format ${format.output.format}, this version reads ${CONFIG_FORMAT}; use the version that made it`;
    throw new FailedError("board-version", message, { dir, format: format.output.format });
  }
  const parsed = v.safeParse(ConfigSchema, value);
  if (!parsed.success) {
    const issue = parsed.issues[0];
    throw damaged(path, `${v.getDotPath(issue) ?? "it"}: ${issue.message}`);
  }
  const fault = geometryFault(parsed.output);
  if (fault !== undefined) throw damaged(path, fault);
  if (parsed.output.trust.length === 0 && !parsed.output.allowUnsigned) {
    throw damaged(path, "it trusts no key and allows no unsigned image");
  }
  return parsed.output;
}

/** The flash geometry of a board, without what is not given of it. */
export function configGeometry(given: FlashGeometry): FlashGeometry {
  const { sectorSize, sectors, slotSize, layout, writeSize, erasedByte, recoverySize, manifests } = given;
  return {
    ...(sectorSize === undefined ? {} : { sectorSize }),
    ...(sectors === undefined ? {} : { sectors }),
    slotSize,
    layout,
    ...(writeSize === undefined ? {} : { writeSize }),
    ...(erasedByte === undefined ? {} : { erasedByte }),
    ...(recoverySize === undefined ? {} : { recoverySize }),
    ...(manifests === undefined ? {} : { manifests }),
  };
}

/** The identity of the board. The configuration must be a checked one. */
export function configIdentity(config: BoardConfig): BoardIdentity {
  const hardware = parseHardware(config.hardware);
  const nodeId = fromHex(config.nodeId);
  if (hardware === undefined || nodeId === undefined) throw damaged(CONFIG_FILE, "hardware or node id");
  return { nodeId, hardware, revision: config.revision };
}

/**
 * Loads the keys that the board trusts. A key that cannot be read, or that others may write, is an error: none is left
 * out.
 */
export function configPolicy(dir: string, config: BoardConfig, guard: WriteGuard): TrustPolicy {
  const folder = join(dir, KEYS_FOLDER);
  const keys = config.trust.map(({ key, roles, ...limits }) =>
    readPart(join(folder, key), () => {
      guard.check(folder, statSync(folder));
      return { ...loadTrustedKey(join(folder, key), roles, guard), ...knownLimits(limits) };
    }),
  );
  return { keys, allowUnsigned: config.allowUnsigned };
}

/** The board's link key; undefined when it has none. A key that cannot be read is an error. */
export function configLinkKey(
  dir: string,
  config: BoardConfig,
  warn: (text: string) => void,
): Uint8Array | undefined {
  if (config.linkKey === undefined) return undefined;
  const folder = join(dir, KEYS_FOLDER);
  const path = join(folder, config.linkKey);
  return readPart(path, () => {
    const guard = new WriteGuard({ warn });
    guard.limitOwners(statSync(dir));
    guard.check(folder, statSync(folder));
    return readLinkKey(path, warn, guard);
  });
}

/** Reads a file of the board's. What is wrong with it is damage of the board, unless others may write it. */
function readPart<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof FailedError && cause.code === WRITABLE_BY_OTHERS) throw cause;
    throw damaged(path, errorWords(cause), cause);
  }
}

function readText(dir: string, path: string, guard: WriteGuard): string {
  try {
    const folder = statSync(dir);
    const found = readWholeFile(path, CONFIG_MAX);
    if (found.tag !== "file") throw damaged(path, "it is not a plain file, or too long");
    guard.check(dir, folder);
    guard.limitOwners(folder);
    guard.checkFile(path, found.stat);
    return Buffer.from(found.bytes).toString("utf8");
  } catch (cause) {
    if (cause instanceof FailedError) throw cause;
    const code = errnoOf(cause);
    const isMissing = code === "ENOENT" || code === "ENOTDIR";
    if (isMissing) throw new FailedError("board-missing", missingText(dir, code), { dir }, cause);
    throw systemError("board-damaged", `the board ${dir} cannot be read`, cause, { dir });
  }
}

/** Why there is no board: what is at its path. */
function missingText(dir: string, code: string): string {
  try {
    if (statSync(dir).isDirectory()) return `${dir} is a folder without ${CONFIG_FILE}, and so not a board`;
    return `${dir} is not a folder`;
  } catch {
    return code === "ENOTDIR" ? `a part of ${dir} is not a folder` : `${dir} does not exist`;
  }
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw damaged(path, "it is not JSON", cause);
  }
}

function damaged(path: string, what: string, cause?: unknown): FailedError {
  const message = `${path} is damaged: ${what}`;
  return new FailedError("board-damaged", message, { path }, cause);
}
