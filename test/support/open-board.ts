import { type MemoryBoard, memoryBoard } from "../../src/board/memory-board.ts";
import type { Hardware } from "../../src/image/hardware.ts";

/** Hardware of open boards, unless another one is given. */
export const OPEN_HARDWARE: Hardware = { vendor: "acme", hardwareClass: "gate" };

export interface OpenBoardOptions {
  /** Every byte of the node id; 7. */
  readonly id?: number;
  readonly hardware?: Hardware;
  /** 8192. */
  readonly slotSize?: number;
}

/** An empty board in memory with one slot, which accepts unsigned images. */
export function openBoardInMemory({
  id = 7,
  hardware = OPEN_HARDWARE,
  slotSize = 8192,
}: OpenBoardOptions = {}): MemoryBoard {
  return memoryBoard({
    geometry: { sectorSize: 4096, slotSize, layout: "single" },
    identity: { nodeId: new Uint8Array(8).fill(id), hardware, revision: 1 },
    policy: { keys: [], allowUnsigned: true },
  });
}
