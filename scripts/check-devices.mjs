#!/usr/bin/env node
// Tries `board init --flash block:` and `file:` on the running kernel, with loop devices made for the purpose: needs root,
// and touches no other device. Prints a table for docs/evidence/devices.md; exits 1 if anything is not as it should be.
import { spawnSync } from "node:child_process";
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { release, tmpdir } from "node:os";
import { join } from "node:path";

const MIB = 1_048_576;
const main = new URL("../dist/cli/main.js", import.meta.url).pathname;
const dir = mkdtempSync(join(tmpdir(), "mayday-devices-"));
const path = (name) => join(dir, name);
const undo = [];
const rows = [];
let boards = 0;

function run(command, ...args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  if (error) throw error;
  return { status, stdout: stdout.trim(), stderr: stderr.trim() };
}

function must(command, ...args) {
  const result = run(command, ...args);
  if (result.status !== 0) throw new Error(`${command} ${args.join(" ")}: ${result.stderr}`);
  return result.stdout;
}

/** A loop device over a fresh file. */
function loop(name, size) {
  writeFileSync(path(name), Buffer.alloc(size, 0x5a));
  const device = must("losetup", "-P", "-f", "--show", path(name));
  undo.push(() => run("losetup", "-d", device));
  return device;
}

function mayday(...args) {
  const { status, stdout } = run(process.execPath, main, ...args, "--json");
  const last = JSON.parse(stdout.split("\n").at(-1));
  return { code: status, reason: last.reason ?? null, message: last.message ?? "" };
}

function init(flash, ...more) {
  const board = path(`board-${++boards}`);
  const what = ["--hardware", "acme/widget", "--flash-size", "64K", "--allow-unsigned"];
  return { board, ...mayday("board", "init", board, ...what, "--flash", flash, ...more) };
}

function row(what, got, wanted) {
  const isRight = got === wanted;
  rows.push(`| ${what} | ${got} | ${isRight ? "as wanted" : `WRONG, wanted ${wanted}`} |`);
  if (!isRight) process.exitCode = 1;
}

const told = ({ code, reason }) => (code === 0 ? "done" : `${reason}, exit ${code}`);
const IN_USE = "flash-in-use, exit 1";
const TAKEN = "flash-not-empty, exit 2";
const only = (file, from, to) =>
  readFileSync(path(file)).every((byte, i) => byte === 0x5a || (i >= from && i < to));

function lives() {
  const device = loop("life.img", MIB);
  writeFileSync(path("fw.bin"), Buffer.from(Array.from({ length: 30_000 }, (_, i) => (i * 7) & 0xff)));
  mayday(
    "image",
    "build",
    "--in",
    path("fw.bin"),
    "--hardware",
    "acme/widget",
    "--version",
    "1.0.0",
    "--out",
    path("fw.mdy"),
  );
  const made = init(`block:${device}?offset=64K`, "--image", path("fw.mdy"));
  row("init with an image, 64 KiB into an unused loop device", told(made), "done");
  row("boot", told(mayday("board", "boot", made.board)), "done");
  row("damage", told(mayday("board", "damage", made.board)), "done");
  row("boot after it", told(mayday("board", "boot", made.board)), "board-not-bootable, exit 5");
  row("a second board on the same device", told(init(`block:${device}?offset=64K`)), TAKEN);
  must("sync");
  // recovery 16 KiB, record and manifests 4 sectors, slot 64 KiB
  row(
    "bytes outside the range that changed",
    only("life.img", 65_536, 65_536 + 98_304) ? "none" : "some",
    "none",
  );
  row(
    "flash reaching beyond the end",
    told(init(`block:${device}?offset=${MIB - 65_536}`)),
    "flash-too-small, exit 2",
  );
  row("a loop device given as file:", told(init(`file:${device}`)), "flash-kind, exit 2");
  row(
    "the file under a loop device given as file:",
    told(init(`file:${path("life.img")}`, "--overwrite")),
    IN_USE,
  );
  const fd = openSync(device, constants.O_RDWR | constants.O_EXCL);
  row(
    "write to the board while another program has the device exclusively",
    told(mayday("board", "damage", made.board)),
    IN_USE,
  );
  closeSync(fd);
  row("and after that", told(mayday("board", "damage", made.board)), "done");
  must("losetup", "-d", device);
  truncateSync(path("life.img"), 2 * MIB);
  must("losetup", device, path("life.img"));
  row(
    "another device of another size in its place",
    told(mayday("board", "damage", made.board)),
    "flash-size, exit 1",
  );
}

function mounts() {
  const device = loop("ext4.img", 8 * MIB);
  must("mkfs.ext4", "-q", "-F", device);
  row("a device with ext4 on it", told(init(`block:${device}`)), TAKEN);
  mkdirSync(path("mount point"));
  must("mount", device, path("mount point"));
  undo.push(() => run("umount", path("mount point")));
  symlinkSync(device, path("by-id"));
  row("mounted", told(init(`block:${device}`, "--overwrite")), IN_USE);
  row("mounted, through a link", told(init(`block:${path("by-id")}`, "--overwrite")), IN_USE);
  must("mknod", path("node"), "b", "7", /\d+$/.exec(device)[0]);
  row("mounted, through another device node", told(init(`block:${path("node")}`, "--overwrite")), IN_USE);
  const script = `umount "$1" && exec "$2" "$3" board init "$4" --hardware acme/widget --flash-size 64K --allow-unsigned --flash "block:$5" --overwrite --json`;
  const args = [
    "-m",
    "--propagation",
    "private",
    "sh",
    "-c",
    script,
    "sh",
    path("mount point"),
    process.execPath,
    main,
    path("hidden"),
    device,
  ];
  const hidden = JSON.parse(
    run("unshare", ...args)
      .stdout.split("\n")
      .at(-1),
  );
  row(
    "mounted where this process cannot see it (another mount namespace): only O_EXCL tells",
    told(hidden),
    IN_USE,
  );
  must("umount", path("mount point"));
  row("no longer mounted, --overwrite", told(init(`block:${device}`, "--overwrite")), "done");
  const made = init(`block:${device}`, "--overwrite");
  must("mkfs.ext4", "-q", "-F", device);
  row(
    "a board's device that got a file system since: write",
    told(mayday("board", "damage", made.board)),
    "flash-foreign, exit 1",
  );
}

function swaps() {
  const device = loop("swap.img", 2 * MIB);
  must("mkswap", device);
  row("a device with swap space on it", told(init(`block:${device}`)), TAKEN);
  if (run("swapon", device).status !== 0) {
    rows.push("| swap in use | not tried: swapon failed | |");
    return;
  }
  undo.push(() => run("swapoff", device));
  row("swap in use", told(init(`block:${device}`, "--overwrite")), IN_USE);
}

function disks() {
  const device = loop("disk.img", 8 * MIB);
  // MBR with one Linux partition of 4 MiB at 1 MiB.
  const entry = Buffer.from([0, 0, 0, 0, 0x83, 0, 0, 0, 0, 8, 0, 0, 0, 32, 0, 0]);
  const disk = readFileSync(path("disk.img"));
  disk.fill(0, 446, 510);
  entry.copy(disk, 446);
  disk.set([0x55, 0xaa], 510);
  must("losetup", "-d", device);
  writeFileSync(path("disk.img"), disk);
  must("losetup", "-P", device, path("disk.img"));
  row("a disk with a partition table", told(init(`block:${device}`)), TAKEN);
  const part = `${device}p1`;
  if (!existsSync(part)) run("partx", "-a", device);
  if (!existsSync(part)) {
    rows.push("| partitions | not tried: the kernel makes none on loop devices here | |");
    return;
  }
  const made = init(`block:${part}`);
  row("its unused partition", told(made), "done");
  must("sync");
  row(
    "bytes outside the partition that changed",
    readFileSync(path("disk.img"))
      .subarray(5 * MIB)
      .every((o) => o === 0x5a)
      ? "none"
      : "some",
    "none",
  );
  must("mkfs.ext4", "-q", "-F", part);
  mkdirSync(path("part"));
  must("mount", part, path("part"));
  undo.push(() => run("umount", path("part")));
  row(
    "the disk, while its partition is mounted",
    told(init(`block:${device}?offset=6M`, "--overwrite")),
    IN_USE,
  );
  row("the partition, mounted", told(init(`block:${part}`, "--overwrite")), IN_USE);
}

try {
  for (const part of [lives, mounts, swaps, disks]) part();
} catch (error) {
  rows.push(`| stopped | ${error.message} | WRONG |`);
  process.exitCode = 1;
} finally {
  for (const step of undo.reverse()) step();
  rmSync(dir, { recursive: true, force: true });
}
const mtd = existsSync("/proc/mtd") ? "this kernel has MTD" : "this kernel has no MTD";
process.stdout.write(
  `Linux ${release()}, Node ${process.version}; ${mtd}\n\n| what | seen | |\n| --- | --- | --- |\n${rows.join("\n")}\n`,
);
