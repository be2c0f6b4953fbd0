import type { BootFailure } from "../../base/refusal.ts";
import { attemptBoot, type BootOutcome, bootBoard, confirmBoot, verifySlot } from "../../board/boot.ts";
import { receiveFrom } from "../../board/install.ts";
import { manifestRegion } from "../../board/manifest-area.ts";
import { type MemoryBoard, memoryBoard } from "../../board/memory-board.ts";
import type { RunningBoard } from "../../board/running-board.ts";
import type { Region } from "../../flash/geometry.ts";
import type { SlotRecord } from "../../flash/record/record-state.ts";
import type { TortureImage } from "./bench.ts";
import { CutFlash } from "./power-cut.ts";
import {
  type BoardMaker,
  isRecordEntry,
  type TorturedBoard,
  type TorturedOutcome,
  type TorturedReceiver,
} from "./tortured-board.ts";

/** The board of the reference. */
export const referenceBoard: BoardMaker = (bench, storage, see) => {
  const { case: tortured, identity, policy, map } = bench;
  const board = memoryBoard({
    geometry: tortured.geometry,
    identity,
    policy,
    storage,
    wrap: (nor) => new CutFlash(nor, storage, see, (region) => isRecordEntry(map, region)),
  });
  board.parts.record.repair();
  return new ReferenceBoard(board);
};

class ReferenceBoard implements TorturedBoard {
  readonly #board: MemoryBoard;

  constructor(board: MemoryBoard) {
    this.#board = board;
  }

  get slots(): readonly SlotRecord[] {
    return this.#board.parts.record.state.slots;
  }

  get floor(): number {
    return this.#board.parts.record.state.counterFloor;
  }

  decide(): TorturedOutcome {
    return outcomeOf(bootBoard(this.#board.parts));
  }

  attempt(): TorturedOutcome {
    return outcomeOf(attemptBoot(this.#board.parts));
  }

  confirm(): Uint8Array {
    return confirmBoot(this.#board.parts).digest;
  }

  verify(slot: SlotRecord): BootFailure | undefined {
    const found = verifySlot(this.#board.parts, slot);
    return typeof found === "string" ? found : undefined;
  }

  manifestRegion(area: number): Region | undefined {
    return manifestRegion(this.#board.parts, area);
  }

  addEntry(): void {
    const { record } = this.#board.parts;
    record.append({ tag: "floor", floor: record.state.counterFloor });
  }

  receiver(): TorturedReceiver {
    return new ReferenceReceiver(this.#board.store({ allowUpdate: true, allowSingleUpdate: true }));
  }
}

class ReferenceReceiver implements TorturedReceiver {
  readonly #store: RunningBoard;

  constructor(store: RunningBoard) {
    this.#store = store;
  }

  status(): ReturnType<TorturedReceiver["status"]> {
    const { counterFloor, receivingDigest8, installed } = this.#store.status();
    return { counterFloor, receivingDigest8, installedDigest8: installed?.digest8 };
  }

  accepts({ source }: TortureImage): boolean {
    return this.#store.checkManifest(source.envelope).tag === "accepted";
  }

  receive({ source }: TortureImage, enough = Infinity): boolean {
    return receiveFrom(this.#store, source, (done) => done >= enough).isComplete;
  }

  commit(): BootFailure | undefined {
    const outcome = this.#store.commit();
    return outcome.tag === "bootable" ? undefined : outcome.reason;
  }

  abandon(): void {
    this.#store.abandon();
  }
}

function outcomeOf(boot: BootOutcome): TorturedOutcome {
  if (boot.tag === "recovery") return boot;
  const { slot, isTrial, image } = boot;
  return { tag: "boot", slot, isTrial, digest: image.digest };
}
