import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { openBoard } from "../../src/board/board.ts";
import { type BoardInitOptions, initBoard } from "../../src/board/new-board.ts";
import type { ImageFields } from "../../src/image/manifest.ts";
import { formatVersion } from "../../src/image/version.ts";
import { buildImageFile } from "../../src/image-files/image-build.ts";
import { openImageFile } from "../../src/image-files/image-file.ts";
import { loadSigningKey, writeKeyPair } from "../../src/image-files/pem-keys.ts";

/** Hardware of the workbench's boards and images. */
export const HARDWARE = { vendor: "acme", hardwareClass: "widget" } as const;
/** Bytes of the workbench's firmware: ten blocks, the last one short. */
export const FIRMWARE_SIZE = 40_000;

/** A folder with keys, a firmware and its images: what most commands need. */
export interface Workbench {
  readonly dir: string;
  path(name: string): string;
  readonly firmware: Uint8Array;
  /** Builds NAME.mdy of the firmware, or of the file `input`, signed with the key pair `key` unless that is undefined. */
  image(name: string, key?: string, fields?: Partial<ImageFields>, input?: string): Promise<string>;
  /** Makes a board that trusts `owner`, with the image installed or empty. */
  board(name: string, image?: string, options?: Partial<BoardInitOptions>): Promise<string>;
  close(): Promise<void>;
}

/** Opens a workbench: firmware.bin, owner.key, owner.pub, other.key, other.pub, and owner's fw.mdy. */
export async function openWorkbench(): Promise<Workbench> {
  const dir = await mkdtemp(join(tmpdir(), "mayday-cli-"));
  const path = (name: string): string => join(dir, name);
  const firmware = randomBytes(new SeededRandom(7), FIRMWARE_SIZE);
  await writeFile(path("firmware.bin"), firmware);
  for (const name of ["owner", "other"]) writeKeyPair(path(name));
  const image: Workbench["image"] = async (name, key, fields = {}, input = path("firmware.bin")) => {
    const out = path(`${name}.mdy`);
    const signer = key === undefined ? undefined : loadSigningKey(path(`${key}.key`));
    const version = { major: 1, minor: 2, patch: 3 };
    await buildImageFile({ input, out, ...HARDWARE, version, signer, ...fields });
    return out;
  };
  const board: Workbench["board"] = async (name, file, options = {}) => {
    const base = {
      hardware: HARDWARE,
      revision: 0,
      sectorSize: 4096,
      slotSize: 65_536,
      layout: "single",
      trust: [{ path: path("owner.pub"), roles: ["app"] }],
      allowUnsigned: false,
      ...options,
    } as const;
    if (file === undefined) {
      initBoard(path(name), base);
      return path(name);
    }
    const opened = await openImageFile(file);
    initBoard(path(name), { ...base, image: opened });
    await opened.close();
    return path(name);
  };
  await image("fw", "owner");
  return { dir, path, firmware, image, board, close: () => rm(dir, { recursive: true, force: true }) };
}

/** A free TCP port. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** What a board boots, byte for byte. */
export function bootedBytes(dir: string): Uint8Array {
  const board = openBoard(dir, { write: false });
  const bytes = Buffer.concat([...board.readImage().blocks]);
  board.close();
  return new Uint8Array(bytes);
}

/** The version that a board boots, or why it does not. */
export function bootOf(dir: string): string {
  const board = openBoard(dir, { write: false });
  const outcome = board.boot();
  board.close();
  return outcome.tag === "boot" ? formatVersion(outcome.image.manifest.version) : outcome.reason;
}
