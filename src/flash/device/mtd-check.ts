import { FailedError, UsageError } from "../../base/errors.ts";
import type { FlashMap } from "../geometry.ts";
import type { DeviceNode, DeviceSystem } from "./device-system.ts";

/** Major number of MTD character devices (include/uapi/linux/major.h of Linux). */
const MTD_CHAR_MAJOR = 90;
/** Flag: the device may be written (include/uapi/mtd/mtd-abi.h). */
const MTD_WRITEABLE = 0x400;
/**
 * Types of MTD device that a flash may be on. The kernel's test device mtdram is "ram"; it erases like the others.
 */
const TYPES: readonly string[] = ["nor", "dataflash", "ram"];

/** What the kernel reports of an MTD device. */
export interface MtdFacts {
  readonly index: number;
  readonly size: number;
  readonly eraseSize: number;
  readonly name: string;
}

/**
 * Looks up an MTD device and checks that a board's flash can be on it. UsageError `flash-kind`, `flash-nand`,
 * `flash-sector`; FailedError `flash-read-only`.
 */
export function checkMtd(system: DeviceSystem, node: DeviceNode, path: string, map: FlashMap): MtdFacts {
  const [major = 0, minor = 0] = node.number.split(":").map(Number);
  if (major !== MTD_CHAR_MAJOR) {
    throw new UsageError("flash-kind", `${path} is not an MTD device; they are /dev/mtdN, see /proc/mtd`);
  }
  const index = minor >> 1;
  if (minor % 2 === 1) {
    throw new UsageError("flash-kind", `${path} is the read-only node; give /dev/mtd${index}`);
  }
  const facts = (name: string): string =>
    (system.readText(`/sys/class/mtd/mtd${index}/${name}`) ?? "").trim();
  const type = facts("type");
  if (!TYPES.includes(type)) {
    const what = type === "" ? "of a type that the system does not report" : `${type} flash`;
    const message = `${path} is ${what}; only NOR and DataFlash are used: NAND has bad blocks and needs error correction, put UBI on it and give a UBI block device`;
    throw new UsageError("flash-nand", message, { type });
  }
  if ((Number(facts("flags")) & MTD_WRITEABLE) === 0) {
    const message = `${path} is write protected by the system; look at its partition in the device tree`;
    throw new FailedError("flash-read-only", message, { path });
  }
  const eraseSize = Number(facts("erasesize"));
  checkSectors(path, map, eraseSize, Number(facts("writesize")));
  return { index, size: Number(facts("size")), eraseSize, name: facts("name") };
}

function checkSectors(path: string, map: FlashMap, eraseSize: number, writeSize: number): void {
  const wrong = map.sectors.runs.find(({ size }) => !(eraseSize > 0) || size % eraseSize !== 0);
  if (wrong !== undefined) {
    const { size: sectorSize } = wrong;
    const message = `${path} erases ${eraseSize} bytes at once, the board's sectors have ${sectorSize}`;
    throw new UsageError("flash-sector", message, { eraseSize, sectorSize });
  }
  // For a smaller write the driver would program its neighbours again, which a power cut could then damage.
  if (!(writeSize > 0) || map.writeSize % writeSize !== 0) {
    const message = `${path} programs at least ${writeSize} bytes at once, the board ${map.writeSize}`;
    throw new UsageError("flash-sector", message, { writeSize });
  }
}
