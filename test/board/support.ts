import { MaydayError } from "../../src/base/errors.ts";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { receiveFrom } from "../../src/board/install.ts";
import { type MemoryBoard, type MemoryBoardOptions, memoryBoard } from "../../src/board/memory-board.ts";
import type { TargetStore } from "../../src/board/target-store.ts";
import type { FlashGeometry } from "../../src/flash/geometry.ts";
import type { TrustPolicy } from "../../src/image/envelope.ts";
import { type ImageSource, memoryImage } from "../../src/image/image-source.ts";
import { type SigningKey, trustedKeyOf } from "../../src/image/keys.ts";
import type { ImageFields } from "../../src/image/manifest.ts";
import { generateKeyPair, signingKeyFromPem } from "../../src/image-files/pem-keys.ts";

export const signer: SigningKey = signingKeyFromPem(generateKeyPair().privatePem);
export const stranger: SigningKey = signingKeyFromPem(generateKeyPair().privatePem);
export const policy: TrustPolicy = { keys: [trustedKeyOf(signer, ["app"])], allowUnsigned: false };

export const HARDWARE = { vendor: "acme", hardwareClass: "gate" };
export const identity = { nodeId: new Uint8Array(8).fill(7), hardware: HARDWARE, revision: 3 };
export const GEOMETRY: FlashGeometry = { sectorSize: 4096, slotSize: 65_536, layout: "single" };

export const fields = (more: Partial<ImageFields> = {}): ImageFields => ({
  ...HARDWARE,
  version: { major: 1, minor: 0, patch: 0 },
  ...more,
});

export function image(data: Uint8Array, more: Partial<ImageFields> = {}): ImageSource {
  return memoryImage(data, fields(more), signer);
}

export function randomData(size: number, seed = 1): Uint8Array {
  return randomBytes(new SeededRandom(seed), size);
}

export function board(more: Partial<MemoryBoardOptions> = {}): MemoryBoard {
  return memoryBoard({ geometry: GEOMETRY, identity, policy, ...more });
}

/** What the slot's region holds. */
export function slotBytes(made: MemoryBoard, slot = 0): Uint8Array {
  const region = made.nor.map.slots[slot];
  if (region === undefined) throw new Error(`no slot ${slot}`);
  return made.storage.read(region.offset, region.size);
}

/** Writes past all rules into a slot. */
export function spoil(made: MemoryBoard, at: number, bytes: Uint8Array, slot = 0): void {
  made.storage.write((made.nor.map.slots[slot]?.offset ?? 0) + at, bytes);
}

/** Answers what a store asks for, but stops before the block at which `stop` says so. True when all is there. */
export function feed(
  store: TargetStore,
  source: ImageSource,
  stop?: (blocksDone: number) => boolean,
): { isComplete: boolean; wanted: readonly number[]; runs: number } {
  const { isComplete, blocks, runs } = receiveFrom(store, source, stop);
  return { isComplete, wanted: blocks, runs };
}

/** Code and exit code of the error that `act` throws; "fine" when it throws none. */
export function code(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof MaydayError) return `${error.code} ${error.exitCode}`;
    throw error;
  }
  return "fine";
}
