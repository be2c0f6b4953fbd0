import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { errnoOf } from "../../base/errno.ts";
import { FailedError, UsageError } from "../../base/errors.ts";
import { systemText } from "../../base/system-error.ts";
import { WriteGuard } from "../../files/write-guard.ts";
import { type FlashMap, RECOVERY_SIZE_DEFAULT } from "../geometry.ts";
import type { FlashStorage } from "../storage.ts";
import { contentOf, hasRecord, readHead } from "./device-content.ts";
import { fileSystemIn } from "./device-signature.ts";
import type { DeviceNode, DeviceSystem } from "./device-system.ts";
import { blockDeviceUser, fileUser, mtdUser } from "./device-use.ts";
import { FileStorage } from "./file-storage.ts";
import type { FlashDevice, FlashDeviceFacts } from "./flash-device.ts";
import { makeFlashFile, notEmpty } from "./flash-file.ts";
import { checkMtd } from "./mtd-check.ts";
import { MtdStorage } from "./mtd-storage.ts";

/** Bytes of a sector in the sizes that the kernel gives for block devices, for every device. */
const KERNEL_SECTOR = 512;

/** What was found out about a device. */
interface Found {
  readonly node: DeviceNode;
  readonly facts: FlashDeviceFacts;
  /** Bytes of an erase block, of an MTD device. */
  readonly eraseSize: number;
  /** Who uses the device, and how to end that. */
  readonly user: string | undefined;
}

/** A device that passed the checks to become a board's flash. Nothing was written. */
export interface ClaimedDevice {
  readonly facts: FlashDeviceFacts;
  /** Not erased yet; a new file may still be too short. */
  readonly storage: FlashStorage;
  /** Restores the device as it was found, as long as nothing was written: removes a file that was made. */
  abandon(): void;
}

/**
 * Makes all checks before a device becomes a board's flash, and opens it; writes nothing. UsageError `flash-missing`,
 * `flash-kind`, `flash-offset`, `flash-too-small`, `flash-not-empty` (unless `overwrite`), and those of `checkMtd`;
 * FailedError `flash-in-use`, `flash-read-only`, `flash-open`, and for a file `writable-by-others`.
 */
export function claimDevice(
  system: DeviceSystem,
  device: FlashDevice,
  map: FlashMap,
  overwrite: boolean,
  guard: WriteGuard = new WriteGuard(),
): ClaimedDevice {
  const { path, offset } = device;
  const { largest: sectorSize } = map.sectors;
  if (offset % sectorSize !== 0) {
    const message = `${path}: offset ${offset} is not a whole number of sectors of ${sectorSize} bytes`;
    throw new UsageError("flash-offset", message, { offset, sectorSize });
  }
  if (device.kind === "file" && isFree(system.look(path))) {
    const made = makeFlashFile(system, path, offset + map.size, guard);
    const storage = FileStorage.range(path, made.fd, offset, map.size);
    const abandon = (): void => {
      storage.close();
      made.undo();
    };
    return { facts: { deviceSize: offset + map.size }, storage, abandon };
  }
  const found = find(system, device, map);
  const fd = openFound(system, device, found, "write");
  try {
    const content = overwrite ? undefined : contentOf(device, fd, map);
    if (content !== undefined) throw notEmpty(path, content);
    refuseOthers(device, fd, guard);
    const storage = storageOver(system, device, map, found, fd);
    return { facts: found.facts, storage, abandon: () => storage.close() };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/**
 * Opens a board's flash on its device; for writing, after all the checks of {@link claimDevice}, whose errors it has.
 * Also FailedError `flash-missing`, `flash-size` and `flash-other` (another device is there now), `flash-in-use`,
 * `flash-foreign` (it holds something else), `flash-open`; `writable-by-others`, of a plain file.
 */
export function openDevice(
  system: DeviceSystem,
  device: FlashDevice & FlashDeviceFacts,
  map: FlashMap,
  mode: "read" | "write",
  guard: WriteGuard = new WriteGuard(),
): FlashStorage {
  const found = find(system, device, map);
  const { path } = device;
  const { deviceSize, deviceId } = found.facts;
  if (deviceSize !== device.deviceSize) {
    const message = `${path} has ${deviceSize} bytes, the board was made on one of ${device.deviceSize}; another device is there now`;
    throw new FailedError("flash-size", message, { path, seen: deviceSize, expected: device.deviceSize });
  }
  if (deviceId !== undefined && device.deviceId !== undefined && deviceId !== device.deviceId) {
    const message = `${path} is "${deviceId}", the board was made on "${device.deviceId}"; another device is there now`;
    throw new FailedError("flash-other", message, { path });
  }
  const fd = openFound(system, device, found, mode);
  try {
    if (mode === "write") refuseForeign(device, fd, map);
    refuseOthers(device, fd, guard);
    return storageOver(system, device, map, found, fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Who may write a device node is the system's affair; a plain file is like the board's other files. */
function refuseOthers({ kind, path }: FlashDevice, fd: number, guard: WriteGuard): void {
  if (kind === "file") guard.checkFile(path, fstatSync(fd));
}

/** Nothing is there, or an empty file. */
function isFree(node: DeviceNode | undefined): boolean {
  return node === undefined || (node.type === "file" && node.size === 0);
}

/** The content identifies the board's device best: the recovery image, which never changes, and the boot record. */
function refuseForeign(device: FlashDevice, fd: number, map: FlashMap): void {
  const span = Math.min(map.recovery.size, RECOVERY_SIZE_DEFAULT);
  const seen = fileSystemIn(readHead(fd, device.offset, span));
  if (seen === undefined && hasRecord(device, fd, map)) return;
  const what = seen === undefined ? "holds no boot record" : `holds ${seen} where the board's flash begins`;
  const message = `${device.path} ${what}: it is another device, or was used for something else. Nothing was written`;
  throw new FailedError("flash-foreign", message, { path: device.path });
}

/** Looks without opening anything: to open a device of another kind may have side effects. */
function find(system: DeviceSystem, device: FlashDevice, map: FlashMap): Found {
  const { kind, path } = device;
  const node = system.look(path);
  if (node === undefined) {
    throw new UsageError("flash-missing", `${path}: there is no such file or device; is it plugged in?`);
  }
  const types = { file: "file", block: "block", mtd: "character" } as const;
  if (node.type !== types[kind]) {
    const hints = { file: "file:", block: "block:", character: "mtd:", other: undefined } as const;
    const hint = hints[node.type];
    const advice = hint === undefined ? "it cannot hold a flash" : `write ${hint}${path}`;
    throw new UsageError("flash-kind", `${kind}:${path} does not fit: ${nodeText(node)}; ${advice}`);
  }
  const found = { file: findFile, block: findBlock, mtd: findMtd }[kind](system, node, path, map);
  const end = device.offset + map.size;
  const { deviceSize } = found.facts;
  if (deviceSize < end) {
    const message = `${path} has ${deviceSize} bytes, the flash needs ${map.size}${device.offset === 0 ? "" : ` from ${device.offset} on, ${end} in all`}`;
    throw new UsageError("flash-too-small", message, { deviceSize, needed: end });
  }
  return found;
}

function findFile(system: DeviceSystem, node: DeviceNode, path: string): Found {
  const user = fileUser(system, node.inode, path);
  return { node, facts: { deviceSize: node.size }, eraseSize: 1, user };
}

function findBlock(system: DeviceSystem, node: DeviceNode, path: string): Found {
  const folder = `/sys/dev/block/${node.number}`;
  const text = (name: string): string | undefined => system.readText(`${folder}/${name}`)?.trim();
  const sectors = Number(text("size") ?? Number.NaN);
  if (!Number.isSafeInteger(sectors)) {
    throw new FailedError("flash-open", `${path}: the system does not report its size (${folder}/size)`);
  }
  if (text("ro") === "1") {
    throw new FailedError("flash-read-only", `${path} is write protected; look at: blockdev --getro ${path}`);
  }
  const part = text("partition");
  const disk = part === undefined ? "" : "../";
  const names = ["device/cid", "wwid", "device/wwid", "device/serial", "serial"];
  const id = names.map((name) => text(disk + name)).find((seen) => seen !== undefined && seen !== "");
  const deviceId = id === undefined ? {} : { deviceId: part === undefined ? id : `${id} part ${part}` };
  const user = blockDeviceUser(system, node.number);
  return { node, facts: { deviceSize: sectors * KERNEL_SECTOR, ...deviceId }, eraseSize: 1, user };
}

function findMtd(system: DeviceSystem, node: DeviceNode, path: string, map: FlashMap): Found {
  const { index, size, eraseSize, name } = checkMtd(system, node, path, map);
  const user = mtdUser(system, index);
  return { node, facts: { deviceSize: size, deviceId: name }, eraseSize, user };
}

function openFound(system: DeviceSystem, device: FlashDevice, found: Found, mode: "read" | "write"): number {
  const { path } = device;
  const inUse = (user: string, cause?: unknown): FailedError =>
    new FailedError("flash-in-use", `${path} is in use: ${user}. Nothing was written.`, { path }, cause);
  if (mode === "write" && found.user !== undefined) throw inUse(found.user);
  // With O_EXCL a block device only opens if the kernel does not use it, and nothing else in the kernel gets it while
  // open.
  const exclusive = device.kind === "block" ? constants.O_EXCL : 0;
  const flags = mode === "write" ? constants.O_RDWR | exclusive : constants.O_RDONLY;
  let fd: number;
  try {
    fd = openSync(path, flags);
  } catch (cause) {
    if (errnoOf(cause) === "EBUSY") throw inUse("the kernel says so; look at: lsblk, fuser", cause);
    // It was there when it was looked at.
    const why = errnoOf(cause) === "ENOENT" ? "it is gone (ENOENT); plug it in again" : systemText(cause);
    throw new FailedError("flash-open", `the flash ${path} cannot be opened: ${why}`, { path }, cause);
  }
  const { type, inode, number } = system.lookAt(fd);
  if (type === found.node.type && inode === found.node.inode && number === found.node.number) return fd;
  closeSync(fd);
  throw new FailedError("flash-open", `${path} was replaced while it was checked. Try again.`, { path });
}

function storageOver(
  system: DeviceSystem,
  device: FlashDevice,
  map: FlashMap,
  found: Found,
  fd: number,
): FlashStorage {
  const { kind, path, offset: base } = device;
  const { eraseSize } = found;
  return kind === "mtd"
    ? new MtdStorage(fd, { path, base, size: map.size, eraseSize, eraseTool: system.eraseTool })
    : FileStorage.range(path, fd, base, map.size);
}

function nodeText({ type }: DeviceNode): string {
  switch (type) {
    case "file":
      return "it is a plain file";
    case "block":
      return "it is a block device";
    case "character":
      return "it is a character device";
    case "other":
      return "it is a folder, pipe or socket";
  }
}
