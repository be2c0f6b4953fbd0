import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  type DeviceNode,
  type DeviceSystem,
  linuxSystem,
  nodeOf,
} from "../../src/flash/device/device-system.ts";

/** Stands for a byte that nobody may touch. */
const FILLING = 0x5a;

/** What sysfs says of an MTD device; a NOR chip of 1 MiB in sectors of 4 KiB unless given. */
export interface MadeUpMtd {
  readonly type?: string;
  readonly size?: number;
  readonly erasesize?: number;
  readonly writesize?: number;
  readonly flags?: string;
}

/**
 * A machine with devices that do not exist: plain files in a folder, which a /proc and a /sys beside them describe as
 * disks, partitions and flash chips, laid out as Linux does.
 */
export class MadeUpMachine implements DeviceSystem {
  readonly root: string;
  eraseTool: string;
  readonly #devices = new Map<string, Pick<DeviceNode, "type" | "number">>();
  #mounts = "22 27 0:21 / /proc rw,relatime - proc proc rw\n";
  #swaps = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";

  constructor() {
    this.root = mkdtempSync(join(tmpdir(), "mayday-machine-"));
    this.eraseTool = join(this.root, "flash_erase");
    this.put("/proc/self/mountinfo", this.#mounts);
    this.put("/proc/swaps", this.#swaps);
    for (const folder of ["dev", "sys/dev/block", "sys/block"]) {
      mkdirSync(join(this.root, folder), { recursive: true });
    }
  }

  readText(path: string): string | undefined {
    return linuxSystem.readText(this.root + path);
  }

  names(path: string): readonly string[] {
    return linuxSystem.names(this.root + path);
  }

  look(path: string): DeviceNode | undefined {
    const isOurs = path.startsWith(`${this.root}/`) || !path.startsWith("/dev/");
    return this.#asDevice(linuxSystem.look(isOurs ? path : this.root + path));
  }

  lookAt(fd: number): DeviceNode {
    const node = linuxSystem.lookAt(fd);
    return this.#asDevice(node) ?? node;
  }

  /** This machine, some of whose answers are others. */
  but(other: Partial<DeviceSystem>): DeviceSystem {
    return {
      readText: (path) => this.readText(path),
      names: (path) => this.names(path),
      look: (path) => this.look(path),
      lookAt: (fd) => this.lookAt(fd),
      eraseTool: this.eraseTool,
      ...other,
    };
  }

  close(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  /** Path of a device, for the code under test. */
  dev(name: string): string {
    return join(this.root, "dev", name);
  }

  put(path: string, text: string): void {
    mkdirSync(dirname(this.root + path), { recursive: true });
    writeFileSync(this.root + path, text);
  }

  /** A disk full of bytes that somebody may miss; its partitions are named and numbered from 1. */
  addDisk(name: string, major: number, size: number, partSizes: readonly number[] = []): void {
    this.#addBlock(`devices/${name}`, name, `${major}:0`, size);
    for (const [i, partSize] of partSizes.entries()) {
      const part = `${name}${i + 1}`;
      this.#addBlock(`devices/${name}/${part}`, part, `${major}:${i + 1}`, partSize);
      this.put(`/sys/devices/${name}/${part}/partition`, `${i + 1}\n`);
    }
    symlinkSync(`../devices/${name}`, join(this.root, "sys/block", name));
  }

  /** A flash chip, erased. */
  addMtd(index: number, facts: MadeUpMtd = {}, parent?: number): void {
    const { size = 1_048_576, erasesize = 4096, writesize = 1, type = "nor", flags = "0xc00" } = facts;
    const name = `chip${index}`;
    const above = parent === undefined ? "" : `/mtd${parent}`;
    for (const [key, value] of Object.entries({ size, erasesize, writesize, type, flags, name })) {
      this.put(`/sys/devices/mtd${above}/mtd${index}/${key}`, `${value}\n`);
    }
    mkdirSync(join(this.root, "sys/class/mtd"), { recursive: true });
    symlinkSync(`../../devices/mtd${above}/mtd${index}`, join(this.root, "sys/class/mtd", `mtd${index}`));
    this.#addNode(`mtd${index}`, "character", `90:${2 * index}`, new Uint8Array(size).fill(0xff));
    this.#addEraser(erasesize);
  }

  /** Gives a file in dev/ another nature than it has. */
  addNode(name: string, type: DeviceNode["type"], number: string): void {
    this.#addNode(name, type, number, new Uint8Array(512));
  }

  mount(number: string, where: string, source: string): void {
    this.#mounts += `41 38 ${number} / ${where} rw,relatime shared:1 - ext4 ${source} rw\n`;
    this.put("/proc/self/mountinfo", this.#mounts);
  }

  swapOn(path: string): void {
    this.#swaps += `${path}  partition\t8388604\t0\t-2\n`;
    this.put("/proc/swaps", this.#swaps);
  }

  /** Arguments of each call of the eraser so far. */
  eraseCalls(): string[] {
    return (this.readText("/erased") ?? "").split("\n").filter((line) => line !== "");
  }

  /** Whether all bytes of a device but those of a range are as they were made. */
  isUntouched(name: string, offset = 0, size = 0): boolean {
    const bytes = readFileSync(this.dev(name));
    return bytes.every((byte, i) => byte === FILLING || (i >= offset && i < offset + size));
  }

  #addBlock(folder: string, name: string, number: string, size: number): void {
    this.put(`/sys/${folder}/dev`, `${number}\n`);
    this.put(`/sys/${folder}/size`, `${size / 512}\n`);
    this.put(`/sys/${folder}/ro`, "0\n");
    this.put(`/sys/${folder}/uevent`, `MAJOR=${number.split(":")[0]}\nDEVNAME=${name}\n`);
    mkdirSync(join(this.root, "sys", folder, "holders"));
    symlinkSync(`../../${folder}`, join(this.root, "sys/dev/block", number));
    this.#addNode(name, "block", number, new Uint8Array(size).fill(FILLING));
  }

  #addNode(name: string, type: DeviceNode["type"], number: string, bytes: Uint8Array): void {
    writeFileSync(this.dev(name), bytes);
    const { inode } = nodeOf(statSync(this.dev(name), { bigint: true }));
    this.#devices.set(inode, { type, number });
  }

  /** Does what flash_erase does to a chip, to a file; and takes its arguments down. */
  #addEraser(eraseSize: number): void {
    const script = `#!${process.execPath}
const fs = require("node:fs");
const [, , quiet, device, start, count] = process.argv;
fs.appendFileSync(${JSON.stringify(join(this.root, "erased"))}, [quiet, device, start, count].join(" ") + "\\n");
const fd = fs.openSync(device, "r+");
fs.writeSync(fd, Buffer.alloc(Number(count) * ${eraseSize}, 0xff), 0, Number(count) * ${eraseSize}, Number(start));
`;
    writeFileSync(this.eraseTool, script);
    chmodSync(this.eraseTool, 0o755);
  }

  #asDevice(node: DeviceNode | undefined): DeviceNode | undefined {
    const device = node && this.#devices.get(node.inode);
    return node && device ? { ...node, ...device, size: device.type === "file" ? node.size : 0 } : node;
  }
}
