import { type Command, InvalidArgumentError, Option } from "commander";
import { UsageError } from "../../base/errors.ts";
import type { FlashDevice } from "../../flash/device/flash-device.ts";
import {
  type ErasedByte,
  type FlashLayout,
  type ManifestPlacement,
  RECOVERY_SIZE_DEFAULT,
  SECTOR_SIZE_DEFAULT,
  WRITE_SIZE_DEFAULT,
} from "../../flash/geometry.ts";
import type { SectorRun } from "../../flash/sectors.ts";
import { type Hardware, REVISION_MAX } from "../../image/hardware.ts";
import { addCommand } from "../help.ts";
import { linkKeyFlag } from "../link-key-flag.ts";
import { collectTrust, countParser, parseHardwareFlag, parseSize, type TrustFlag } from "../parse.ts";
import { type CommandContext, onRun } from "../run.ts";
import { byteText } from "../text.ts";
import { flashText, parseFlashDevice } from "./flash-flag.ts";
import { parseSectors } from "./geometry-flags.ts";

interface InitFlags {
  readonly hardware: Hardware;
  readonly flashSize: number;
  readonly layout: FlashLayout;
  readonly sector: number;
  readonly sectors?: readonly SectorRun[];
  readonly recoverySize?: number;
  readonly manifests?: ManifestPlacement;
  readonly writeSize?: number;
  readonly erased?: ErasedByte;
  readonly hardwareRev: number;
  readonly trust?: readonly TrustFlag[];
  readonly allowUnsigned?: boolean;
  readonly linkKey?: string;
  readonly image?: string;
  readonly flash?: FlashDevice;
  readonly overwrite?: boolean;
}

/** Registers `mayday board init`. */
export function addBoardInit(board: Command): void {
  const command = addCommand(board, "init <dir>", {
    summary: "make a board",
    does:
      "Makes a board in a folder that is empty or does not exist: erased flash, boot record, and the public keys it " +
      "trusts. Only these keys decide which images the board accepts: name them with --trust, or accept any image with " +
      "--allow-unsigned. The flash is a file in the folder, or with --flash real storage, which is erased: a file, a " +
      "block device that is not in use, or a NOR flash chip.",
    examples: [
      "mayday board init board --hardware acme/widget --flash-size 512K --trust owner.pub --image fw.mdy",
      "mayday board init board --hardware widget --flash-size 64K --layout ab --allow-unsigned",
      "mayday board init board --hardware widget --flash-size 4M --trust owner.pub --flash block:/dev/mmcblk0p3",
      "mayday board init f4 --hardware f407 --sectors 4x16K,64K,7x128K --flash-size 512K --trust owner.pub",
    ],
    exits: ["4 the board refuses the image"],
  });
  command
    .requiredOption("--hardware <id>", "hardware of the board, [vendor/]class", parseHardwareFlag)
    .requiredOption(
      "--flash-size <n>",
      "size of one slot: 64K, 4M, …; everything else comes on top",
      parseSize,
    )
    .addOption(
      new Option("--layout <layout>", "one slot, or two, of which the one that boots is never written")
        .choices(["single", "ab"])
        .default("single"),
    )
    .option("--sector <n>", "erase unit: a power of two", parseSize, SECTOR_SIZE_DEFAULT)
    .addOption(
      new Option(
        "--sectors <list>",
        "erase units of several sizes, from the flash's start: [COUNTx]SIZE with commas, such as 4x16K,64K,7x128K",
      )
        .argParser(parseSectors)
        .conflicts("sector"),
    )
    .option(
      "--recovery-size <n>",
      `size of the recovery image, in front of everything; ${RECOVERY_SIZE_DEFAULT / 1024}K unless given`,
      parseSize,
    )
    .addOption(
      new Option(
        "--manifests <where>",
        "manifests in sectors of their own, or in those of the boot record, which saves large sectors; own unless given",
      ).choices(["own", "record"]),
    )
    .option("--write-size <n>", `program unit: a power of two; ${WRITE_SIZE_DEFAULT} unless given`, parseSize)
    .addOption(
      new Option("--erased <byte>", "value of erased bytes; 0xff unless given").argParser(parseErased),
    )
    .option(
      "--flash <where>",
      "real storage: file:PATH, block:PATH or mtd:PATH, with ?offset=1M from there on",
      parseFlashDevice,
    )
    .option("--overwrite", "with --flash: erase it whatever it holds; mounted storage is still refused")
    .option("--hardware-rev <n>", "hardware revision", countParser("a hardware revision", 0, REVISION_MAX), 0)
    .option(
      "--trust <pub[:role][:limit]>",
      "public key whose images the board accepts, :app or :recovery only, with the limits of board trust " +
        "as :max-counter=N and :max-step=N; repeatable",
      collectTrust,
    )
    .option("--allow-unsigned", "accept unsigned images; only without --trust")
    .option(
      "--link-key <file>",
      "key of its links, copied into the board: only nodes with the same key are accepted " +
        "(make one: keygen --link-key, or openssl rand -hex 32 > link.key)",
    )
    .option("--image <file>", "image file (.mdy) to install as the confirmed factory image");
  onRun<InitFlags>(command, runInit);
}

function parseErased(text: string): ErasedByte {
  if (text === "0xff") return 0xff;
  if (text === "0x00") return 0x00;
  throw new InvalidArgumentError("Give 0xff or 0x00.");
}

async function runInit(
  { output }: CommandContext,
  [dir = ""]: readonly string[],
  flags: InitFlags,
): Promise<undefined> {
  const { trust = [], allowUnsigned = false, hardwareRev: revision } = flags;
  if (trust.length === 0 && !allowUnsigned) {
    const message = "say which images the board accepts: give --trust PUB, or --allow-unsigned";
    throw new UsageError("board-trust", message);
  }
  const { flash: device, overwrite = false } = flags;
  if (overwrite && device === undefined) {
    throw new UsageError(
      "overwrite-needs-flash",
      "--overwrite applies to the storage that --flash names: give --flash too",
    );
  }
  const { initBoard } = await import("../../board/new-board.ts");
  const { openImageFile } = await import("../../image-files/image-file.ts");
  const linkKey = await linkKeyFlag(flags.linkKey, output);
  const image = flags.image === undefined ? undefined : await openImageFile(flags.image);
  try {
    const { hardware, flashSize: slotSize, layout, sectors, recoverySize, manifests } = flags;
    const { writeSize, erased: erasedByte } = flags;
    const places = sectors === undefined ? { sectorSize: flags.sector } : { sectors };
    const geometry = { ...places, slotSize, layout, writeSize, erasedByte, recoverySize, manifests };
    const what = { hardware, revision, ...geometry };
    const whom = { trust, allowUnsigned, linkKey, warn: (text: string) => output.warn(text) };
    const base = device === undefined ? { ...what, ...whom } : { ...what, ...whom, device, overwrite };
    initBoard(dir, image === undefined ? base : { ...base, image });
  } finally {
    await image?.close();
  }
  const { openBoard } = await import("../../board/board.ts");
  const { describeHardware } = await import("../../board/board-parts.ts");
  const board = openBoard(dir, { write: false });
  const { nodeId, slotSize, flash } = board.config;
  const what = describeHardware(board.parts.identity);
  board.close();
  const text = `${dir}: ${what}, ${byteText(slotSize)} a slot, node id ${nodeId}`;
  const facts = { nodeId, hardware: board.config.hardware, revision, slotSize, flash: flashText(flash) };
  output.result(text, { event: "board", dir, ...facts });
  if (trust.length > 0 && allowUnsigned)
    output.warn("the board trusts keys, and therefore refuses unsigned images anyway");
  return undefined;
}
