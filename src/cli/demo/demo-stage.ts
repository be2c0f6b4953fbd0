import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { equalBytes } from "../../base/bytes.ts";
import { FailedError } from "../../base/errors.ts";
import { randomBytes, SeededRandom } from "../../base/prng.ts";
import { openBoard } from "../../board/board.ts";
import type { BootOutcome } from "../../board/boot.ts";
import { initBoard } from "../../board/new-board.ts";
import type { Manifest } from "../../image/manifest.ts";
import { openDirectoryRepository } from "../../image-files/directory-repository.ts";
import { buildImageFile, openInputImage } from "../../image-files/image-build.ts";
import { openImageFile } from "../../image-files/image-file.ts";
import { loadSigningKey, writeKeyPair } from "../../image-files/pem-keys.ts";

/** Hardware and version of the demonstration, and the seed of its firmware: the same in each run. */
export const DEMO_HARDWARE = { vendor: "demo", hardwareClass: "board" } as const;
export const DEMO_VERSION = { major: 1, minor: 0, patch: 0 } as const;
const FIRMWARE_SEED = 1;
const FIRMWARE_SIZE = 262_144;
export const SECTOR_SIZE = 4096;
/** Sectors that the first act damages, spread over the image. */
const DAMAGED_SECTORS = 4;

/** The files of the demonstration, in one folder. */
export interface Stage {
  readonly dir: string;
  /** Raw or HEX. */
  readonly firmware: string;
  readonly image: string;
  readonly repo: string;
  readonly pub: string;
  readonly manifest: Manifest;
}

/** Makes keys, a firmware unless one is given, a signed image, and a repository with it. */
export async function makeStage(dir: string, givenFirmware: string | undefined): Promise<Stage> {
  const { keyPath, pubPath } = writeKeyPair(join(dir, "owner"));
  const firmware = givenFirmware ?? join(dir, "firmware.bin");
  if (givenFirmware === undefined) {
    await writeFile(firmware, randomBytes(new SeededRandom(FIRMWARE_SEED), FIRMWARE_SIZE));
  }
  const image = join(dir, "firmware.mdy");
  const { manifest } = await buildImageFile({
    input: firmware,
    out: image,
    ...DEMO_HARDWARE,
    version: DEMO_VERSION,
    signer: loadSigningKey(keyPath),
  });
  const repo = join(dir, "images");
  await (await openDirectoryRepository(repo, { create: true })).add(image);
  return { dir, firmware, image, repo, pub: pubPath, manifest };
}

/** Makes a board that trusts the stage's key, with the stage's image or empty. */
export async function makeBoard(stage: Stage, name: string, isInstalled: boolean): Promise<string> {
  const board = join(stage.dir, name);
  const options = {
    hardware: DEMO_HARDWARE,
    revision: 0,
    sectorSize: SECTOR_SIZE,
    slotSize: stage.manifest.size,
    layout: "single",
    trust: [{ path: stage.pub, roles: ["app"] }],
    allowUnsigned: false,
  } as const;
  if (!isInstalled) {
    initBoard(board, options);
    return board;
  }
  const image = await openImageFile(stage.image);
  try {
    initBoard(board, { ...options, image });
  } finally {
    await image.close();
  }
  return board;
}

/** The boot decision of a board. */
export function bootOf(dir: string): BootOutcome {
  const board = openBoard(dir, { write: false });
  try {
    return board.boot();
  } finally {
    board.close();
  }
}

/** Damages whole sectors of a board, spread over its image; returns their numbers. */
export function breakSectors(dir: string, manifest: Manifest): number[] {
  const count = Math.ceil(manifest.size / SECTOR_SIZE);
  const spread = Array.from({ length: DAMAGED_SECTORS }, (_, i) =>
    Math.floor(((i + 0.5) * count) / DAMAGED_SECTORS),
  );
  const sectors = [...new Set(spread)];
  const board = openBoard(dir, { write: true });
  try {
    const random = new SeededRandom(FIRMWARE_SEED + 1);
    for (const sector of sectors) board.damage({ slot: 0, sector }, random);
  } finally {
    board.close();
  }
  return sectors;
}

/** Compares the image that a board boots with the firmware, byte by byte; returns its size. */
export async function compareWithFirmware(dir: string, stage: Stage): Promise<number> {
  const firmware = await openInputImage(stage.firmware, { ...DEMO_HARDWARE, version: DEMO_VERSION });
  const board = openBoard(dir, { write: false });
  try {
    let index = 0;
    let size = 0;
    for (const block of board.readImage().blocks) {
      const isSame = index < firmware.manifest.leafCount && equalBytes(block, firmware.readBlockSync(index));
      if (!isSame)
        throw new FailedError("demo-differs", `block ${index} of ${dir} differs from the firmware`);
      size += block.length;
      index++;
    }
    if (size === firmware.manifest.size) return size;
    throw new FailedError(
      "demo-differs",
      `${dir} holds ${size} bytes, the firmware has ${firmware.manifest.size}`,
    );
  } finally {
    board.close();
    await firmware.close();
  }
}
