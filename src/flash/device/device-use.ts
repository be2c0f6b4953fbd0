import type { DeviceNode, DeviceSystem } from "./device-system.ts";

/** Major number of MTD devices as block devices, and of mounts of JFFS2. */
const MTD_BLOCK_MAJOR = 31;

/** A device that must not be in use, or a related device is in use. */
interface Relative {
  /** "MAJOR:MINOR". */
  readonly number: string;
  /** Name for people, such as "sda1". */
  readonly name: string;
}

interface Mount {
  readonly number: string;
  readonly where: string;
  readonly source: string;
}

/**
 * Who uses a block device, and how to end that; undefined when no user is found. Looks for mounts, swap, holders
 * (device mapper, RAID, bcache) and loop devices, of the device itself, of the disk that it is a partition of, and of
 * its partitions: as in the kernel, a disk is in use when any of its partitions is. Devices are compared by number,
 * so that links and second names do not matter. What cannot be seen from here (another mount namespace, further
 * devices of one file system) the kernel itself refuses on opening.
 */
export function blockDeviceUser(system: DeviceSystem, number: string): string | undefined {
  const family = blockFamily(system, number);
  return (
    firstOf(family, (relative) => mountOf(system, relative)) ??
    firstOf(family, (relative) => swapOn(system, (node) => node.number === relative.number, relative.name)) ??
    firstOf(family, (relative) => holderOf(system, relative)) ??
    firstOf(family, (relative) => loopOn(system, (node) => node.number === relative.number, relative.name))
  );
}

/** Who uses a plain file as a device: swap or a loop device; undefined when nobody does. */
export function fileUser(system: DeviceSystem, inode: string, path: string): string | undefined {
  const isIt = (node: DeviceNode): boolean => node.type === "file" && node.inode === inode;
  return swapOn(system, isIt, path) ?? loopOn(system, isIt, path);
}

/** Who uses MTD device `index`, or one that it is part of or made of: a mount or UBI; undefined when nobody does. */
export function mtdUser(system: DeviceSystem, index: number): string | undefined {
  const family = mtdFamily(system, index);
  const attached = system.names("/sys/class/ubi").map((name) => ({
    name,
    index: Number(system.readText(`/sys/class/ubi/${name}/mtd_num`) ?? Number.NaN),
  }));
  return (
    firstOf(family, (i) => mountOf(system, { number: `${MTD_BLOCK_MAJOR}:${i}`, name: `mtd${i}` })) ??
    firstOf(family, (i) => {
      const user = attached.find((ubi) => ubi.index === i);
      return user && `mtd${i} is attached as ${user.name}; detach it: ubidetach -m ${i}`;
    })
  );
}

function blockFamily(system: DeviceSystem, number: string): Relative[] {
  const folder = `/sys/dev/block/${number}`;
  const relative = (at: string, known?: string): Relative => ({
    number: known ?? (system.readText(`${at}/dev`) ?? "").trim(),
    name: /^DEVNAME=(.+)$/m.exec(system.readText(`${at}/uevent`) ?? "")?.[1] ?? known ?? "a related device",
  });
  const itself = relative(folder, number);
  // The folder is a link: ".." is the parent of what it leads to.
  if (system.readText(`${folder}/partition`) !== undefined) return [itself, relative(`${folder}/..`)];
  const parts = system.names(folder).filter((name) => system.readText(`${folder}/${name}/partition`));
  return [itself, ...parts.map((name) => relative(`${folder}/${name}`))];
}

function mtdFamily(system: DeviceSystem, index: number): number[] {
  const children = (i: number): number[] => {
    const names = system.names(`/sys/class/mtd/mtd${i}`);
    return names.flatMap((name) => /^mtd(\d+)$/.exec(name)?.[1] ?? []).map(Number);
  };
  const below = (i: number): number[] => children(i).flatMap((child) => [child, ...below(child)]);
  const all = system.names("/sys/class/mtd").flatMap((name) => /^mtd(\d+)$/.exec(name)?.[1] ?? []);
  const above = all.map(Number).filter((i) => below(i).includes(index));
  return [index, ...below(index), ...above];
}

function mountOf(system: DeviceSystem, { number, name }: Relative): string | undefined {
  // A file system over several devices, such as btrfs, has its own number, but names one device.
  const found = mounts(system).find((mount) => {
    if (mount.number === number) return true;
    const source = mount.source.startsWith("/dev/") ? system.look(mount.source) : undefined;
    return source?.type === "block" && source.number === number;
  });
  return found && `${name} is mounted on ${found.where}; unmount it: umount ${found.where}`;
}

/** proc(5), /proc/PID/mountinfo: ID PARENT MAJOR:MINOR ROOT WHERE OPTIONS … - TYPE SOURCE OPTIONS. */
function mounts(system: DeviceSystem): Mount[] {
  const lines = (system.readText("/proc/self/mountinfo") ?? "").split("\n");
  return lines.flatMap((line) => {
    const [, , number, , where] = line.split(" ");
    const source = line.split(" - ")[1]?.split(" ")[1] ?? "";
    return number === undefined || where === undefined
      ? []
      : [{ number, where: unescaped(where), source: unescaped(source) }];
  });
}

function swapOn(system: DeviceSystem, isIt: (node: DeviceNode) => boolean, name: string): string | undefined {
  const lines = (system.readText("/proc/swaps") ?? "").split("\n").slice(1);
  const paths = lines.map((line) => unescaped(line.split(/\s/)[0] ?? "")).filter((path) => path !== "");
  const found = paths.find((path) => {
    const node = system.look(path);
    return node !== undefined && isIt(node);
  });
  return found && `${name} is swap space; stop that: swapoff ${found}`;
}

function holderOf(system: DeviceSystem, { number, name }: Relative): string | undefined {
  const [holder] = system.names(`/sys/dev/block/${number}/holders`);
  return holder && `${name} belongs to ${holder} (device mapper, RAID or the like); dissolve that first`;
}

function loopOn(system: DeviceSystem, isIt: (node: DeviceNode) => boolean, name: string): string | undefined {
  const loop = system.names("/sys/block").find((candidate) => {
    const backing = system.readText(`/sys/block/${candidate}/loop/backing_file`);
    const node = backing === undefined ? undefined : system.look(backing.replace(/\n$/, ""));
    return node !== undefined && isIt(node);
  });
  return loop && `${name} is behind ${loop}; detach that: losetup -d /dev/${loop}`;
}

/** Spaces and the like appear as three octal digits. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_all, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

function firstOf<T>(items: readonly T[], find: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
