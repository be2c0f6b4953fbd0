import "../src/crypto/use-node-crypto.ts";
import { existsSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { equalBytes } from "../src/base/bytes.ts";
import type { ImageSource } from "../src/image/image-source.ts";
import { type Deflate, ImageCoders } from "../src/node/image-coder.ts";
import { zlibDeflate } from "../src/node/zlib-deflate.ts";
import { isCodedCodec, KNOWN_CODECS } from "../src/session/codecs.ts";
import { decodeCoded } from "../src/session/coded-block.ts";
import { deflate } from "../src/session/deflate/deflate.ts";
import { VirtualRescue, type VirtualRescueOptions } from "../test/support/virtual-rescue.ts";

/**
 * What real firmware costs on the wire: rescues over a clean line in virtual time, in which the software takes none, and
 * the processor time of coding and decoding. `npm run bench:wire -- --help`.
 */
const HELP = `Options, each a path:
  --u-boot      u-boot.bin of Debian's u-boot-qemu for qemu_arm64
  --ovmf        OVMF_CODE_4M.fd of Debian's ovmf
  --ovmf-other  the same of another version (apt-get download ovmf=VERSION; dpkg-deb -x)
  --aavmf       AAVMF_CODE.fd of Debian's qemu-efi-aarch64
Files that are not there are left out. The exit code is 1 if an aim was missed, or nothing was there.
`;
const BAUD = 921_600;
const BITS_PER_BYTE = 10;
const BLOCK = 4096;
/** Blocks that are on their way when one is coded: those before them may be named. */
const UNDER_WAY = 3;
const MIB = 1_048_576;

const { values } = parseArgs({
  options: {
    "u-boot": { type: "string", default: "/usr/lib/u-boot/qemu_arm64/u-boot.bin" },
    ovmf: { type: "string", default: "/usr/share/OVMF/OVMF_CODE_4M.fd" },
    "ovmf-other": { type: "string" },
    aavmf: { type: "string", default: "/usr/share/AAVMF/AAVMF_CODE.fd" },
    help: { type: "boolean", default: false },
  },
});

const print = (...columns: readonly string[]): void => void process.stdout.write(`${columns.join(" | ")}\n`);
let shown = 0;
let missed = 0;

function read(path: string | undefined): Uint8Array | undefined {
  return path !== undefined && existsSync(path) ? new Uint8Array(readFileSync(path)) : undefined;
}

interface Outcome {
  /** Both ways. */
  readonly bytesOnWire: number;
  /** Image bytes in the time that the rescue took, as a multiple of the line rate. */
  readonly share: number;
}

/** Heals a board, and prints what it took. `aim`: what is asked for, and whether it was met. */
function heal(
  name: string,
  options: Omit<VirtualRescueOptions, "seed">,
  aim?: readonly [text: string, isMet: (outcome: Outcome) => boolean],
): ImageSource {
  const run = new VirtualRescue({ seed: 1, baud: BAUD, ...options });
  if (!run.run() || !equalBytes(run.flashed, run.data)) throw new Error(`${name}: the board was not healed`);
  const { codedBlocks, bytesSent } = run.rescuerEnd.link.counters;
  const share = run.data.length / ((run.clock.now() / 1000) * (BAUD / BITS_PER_BYTE));
  const isMet = aim?.[1]({ bytesOnWire: run.bytesOnWire, share }) ?? true;
  if (!isMet) missed++;
  shown++;
  const verdict = aim === undefined ? "" : `${aim[0]}${isMet ? "" : " MISSED"}`;
  const [wire, sent] = [run.bytesOnWire, bytesSent].map((bytes) => bytes.toLocaleString("en"));
  print(
    name,
    `${wire}`,
    `${sent}`,
    `${codedBlocks}`,
    `${run.clock.now().toFixed(0)}`,
    share.toFixed(3),
    verdict,
  );
  return run.image;
}

/** What coding, by zlib and without it, and decoding take, in milliseconds of processor for each MiB of image. */
function measureCoding(name: string, image: ImageSource): void {
  measureWith(`${name}, zlib`, image, zlibDeflate);
  measureWith(`${name}, without it`, image, deflate);
}

function measureWith(name: string, image: ImageSource, compress: Deflate): void {
  const coder = new ImageCoders(compress).of(image);
  const { leafCount, size } = image.manifest;
  const blocks = Array.from({ length: leafCount }, (_, i) => image.readBlockSync(i));
  const codingAt = process.cpuUsage();
  const coded = blocks.map((block, i) =>
    coder.code(i, block, KNOWN_CODECS, (other) => other < i - UNDER_WAY),
  );
  const coding = process.cpuUsage(codingAt);
  const decodingAt = process.cpuUsage();
  for (const [i, made] of coded.entries()) {
    const length = blocks[i]?.length ?? 0;
    if (made === undefined || !isCodedCodec(made.codec)) continue;
    const bytes = decodeCoded(made.codec, made.payload, length, BLOCK, (other) => blocks[other]);
    if (!(bytes instanceof Uint8Array)) throw new Error(`${name}: block ${i} was not decoded`);
  }
  const decoding = process.cpuUsage(decodingAt);
  const perMib = ({ user, system }: NodeJS.CpuUsage): string =>
    ((user + system) / 1000 / (size / MIB)).toFixed(1);
  const bytes = coded.reduce((sum, made, i) => sum + (made?.payload ?? blocks[i] ?? []).length, 0);
  print(
    `${name}: ms of processor for each MiB`,
    `${bytes.toLocaleString("en")} bytes`,
    `coding ${perMib(coding)}`,
    `decoding ${perMib(decoding)}`,
  );
}

function slotFor(data: Uint8Array): number {
  return 2 ** Math.ceil(Math.log2(data.length));
}

function coders(): ImageCoders {
  return new ImageCoders(zlibDeflate);
}

function showLoader(data: Uint8Array): void {
  const slotSize = slotFor(data);
  heal("u-boot.bin, no coded blocks", { data, slotSize });
  const aim = ["at least 2.2 times the line rate", ({ share }: Outcome) => share >= 2.2] as const;
  const image = heal("u-boot.bin", { data, slotSize, coders: coders() }, aim);
  heal("u-boot.bin, 16 ms each way", { data, slotSize, coders: coders(), latencyMs: 16 });
  measureCoding("u-boot.bin", image);
}

function showUpdates(data: Uint8Array, other: Uint8Array | undefined): void {
  const slotSize = slotFor(data);
  const image = heal("OVMF_CODE_4M.fd", { data, slotSize, coders: coders() });
  measureCoding("OVMF_CODE_4M.fd", image);
  if (other === undefined) return;
  const aim = ["at most 1,580,000", ({ bytesOnWire }: Outcome) => bytesOnWire <= 1_580_000] as const;
  heal("OVMF_CODE_4M.fd over the other version", { data, slot: other, slotSize, coders: coders() }, aim);
  heal("the other version over it", { data: other, slot: data, slotSize, coders: coders() }, aim);
}

function showLarge(data: Uint8Array): void {
  const slotSize = slotFor(data);
  const whole = ["at most 1,300,000", ({ bytesOnWire }: Outcome) => bytesOnWire <= 1_300_000] as const;
  heal("AAVMF_CODE.fd", { data, slotSize, coders: coders() }, whole);
  const slot = data.slice();
  slot.fill(0xa5, 40 * BLOCK, 41 * BLOCK);
  const sector = ["at most 12,288", ({ bytesOnWire }: Outcome) => bytesOnWire <= 12_288] as const;
  heal("AAVMF_CODE.fd, one bad sector", { data, slot, slotSize, coders: coders() }, sector);
}

if (values.help) process.stdout.write(HELP);
else {
  print(
    "what",
    "bytes on the wire",
    "of the rescuer",
    "coded blocks",
    "ms",
    "times the line rate",
    "asked for",
  );
  const loader = read(values["u-boot"]);
  if (loader !== undefined) showLoader(loader);
  const uefi = read(values.ovmf);
  if (uefi !== undefined) showUpdates(uefi, read(values["ovmf-other"]));
  const large = read(values.aavmf);
  if (large !== undefined) showLarge(large);
  if (missed > 0 || shown === 0) process.exitCode = 1;
}
