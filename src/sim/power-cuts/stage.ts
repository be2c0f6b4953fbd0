import { equalBytes } from "../../base/bytes.ts";
import { RefusedError } from "../../base/errors.ts";
import { SeededRandom } from "../../base/prng.ts";
import { attemptBoot, type BootOutcome, bootBoard, confirmBoot, verifySlot } from "../../board/boot.ts";
import { installFrom } from "../../board/install.ts";
import { manifestRegion } from "../../board/manifest-area.ts";
import { type MemoryBoard, memoryBoard } from "../../board/memory-board.ts";
import type { TargetStore } from "../../board/target-store.ts";
import { contains, overlaps, type Region } from "../../flash/geometry.ts";
import { TRIAL_BOOTS_MAX } from "../../flash/record/boot-decision.ts";
import { slotRecord } from "../../flash/record/record-state.ts";
import { shortDigest } from "../../image/manifest.ts";
import { chooseImage } from "../../image/repository.ts";
import { type Bench, imageOf, imagesOf, type TortureImage } from "./bench.ts";
import { CutFlash, type PendingOperation } from "./power-cut.ts";
import { TornStorage } from "./torn-storage.ts";

/** Offers that a board may refuse before it counts as lost. More than the longest quarantine (PROTOCOL.md 13.4). */
const OFFERS_MAX = 200;

/** A promise of SECURITY.md was broken. */
export class Brick extends Error {
  override readonly name = "Brick";
}

/** Sees each operation before it is carried out; may fork the stage, or throw PowerCut. */
export type Watch = (operation: PendingOperation, stage: TortureStage) => void;

/** What a stage starts from. */
export interface StageState {
  readonly storage: TornStorage;
  /** The counter floor that was durable at least once. */
  readonly floor: number;
  /** Highest counter of the images that were started or confirmed: nothing else may raise the floor. */
  readonly proven: number;
  /** Erases so far, by sector. */
  readonly wear: Uint32Array;
}

/**
 * One board between two power cuts, and those who watch it: a boot loader, an application, a neighbour. Every boot
 * and every programmed byte is checked against the images themselves, not against what the board says of them.
 */
export class TortureStage {
  readonly bench: Bench;
  readonly storage: TornStorage;
  readonly wear: Uint32Array;
  /** What the board is about; cuts are counted by it. */
  phase = "";
  floor: number;
  proven: number;
  /** Operations since the stage began. */
  operations = 0;
  watch: Watch = () => {};

  constructor(bench: Bench, state: StageState) {
    this.bench = bench;
    this.storage = state.storage;
    this.floor = state.floor;
    this.proven = state.proven;
    this.wear = state.wear;
  }

  /** A board whose flash is erased. */
  static erased(bench: Bench): TortureStage {
    const storage = new TornStorage(bench.map, new SeededRandom(0));
    return new TortureStage(bench, {
      storage,
      floor: 0,
      proven: 0,
      wear: new Uint32Array(bench.map.sectors.count),
    });
  }

  /** The same board once more, to go another way. */
  fork(): TortureStage {
    const storage = this.storage.fork(new SeededRandom(0));
    const { floor, proven } = this;
    return new TortureStage(this.bench, { storage, floor, proven, wear: this.wear.slice() });
  }

  /** Starts the board: reads its record, and mends that as every start does. */
  powerUp(): MemoryBoard {
    const { case: tortured, identity, policy, map } = this.bench;
    const board = memoryBoard({
      geometry: tortured.geometry,
      identity,
      policy,
      storage: this.storage,
      wrap: (nor) =>
        new CutFlash(
          nor,
          this.storage,
          (operation) => this.#see(operation),
          (region) => map.record.some(({ offset }) => contains({ offset, size: map.journalSize }, region)),
        ),
    });
    board.parts.record.repair();
    return board;
  }

  /** The boot decision as a boot loader takes it. What boots must be an image, byte for byte. */
  boot(board: MemoryBoard): BootOutcome {
    this.#checkFloor(board);
    this.#checkWayBack(board);
    // A cut within the attempt may leave the boot counted, as one just before the first instruction of the image does.
    this.#noteStart(board);
    const before = this.operations;
    const outcome = attemptBoot(board.parts);
    // What was only read may read differently at the next start: a floor counts once this run wrote it.
    if (this.operations !== before) this.floor = Math.max(this.floor, board.parts.record.state.counterFloor);
    if (outcome.tag === "boot") this.#checkImage(board, outcome);
    this.#checkFloor(board);
    return outcome;
  }

  /** The image that boots. */
  running(outcome: BootOutcome & { readonly tag: "boot" }): TortureImage {
    const image = imageOf(this.bench, outcome.image.digest);
    if (image === undefined) throw new Brick("an image boots that nobody made");
    return image;
  }

  /** The application of what boots says that it is well. */
  confirm(board: MemoryBoard): void {
    this.#noteStart(board);
    const { manifest } = confirmBoot(board.parts);
    this.floor = Math.max(this.floor, manifest.counter);
    this.#checkFloor(board);
  }

  /** Installs an image; false when the board refuses it. */
  install(store: TargetStore, image: TortureImage): boolean {
    try {
      installFrom(store, image.source);
      return true;
    } catch (error) {
      if (error instanceof RefusedError) return false;
      throw error;
    }
  }

  /** What a neighbour with these images does for a board in distress, until one of them is installed. */
  rescue(board: MemoryBoard, images: readonly TortureImage[]): void {
    const store = board.store({ allowUpdate: true, allowSingleUpdate: true });
    const entries = images.map((image) => ({ ...image, ...image.source }));
    let refused: Uint8Array[] = [];
    for (let offers = 0; offers < OFFERS_MAX; offers++) {
      const status = store.status();
      const choice = chooseImage(entries, {
        hardwareId: status.hardwareId8,
        revision: status.revision,
        counterFloor: status.counterFloor,
        allowUnsigned: false,
        receivingDigest8: status.receivingDigest8,
        installedDigest8: status.installed?.digest8,
        refused,
      });
      // After a while a neighbour offers again what was refused.
      if (choice.tag === "none") refused = [];
      else if (this.install(store, choice.entry)) return;
      else refused.push(shortDigest(choice.entry.source.digest));
    }
    throw new Brick("the board begs and takes none of what is offered");
  }

  #see(operation: PendingOperation): void {
    this.operations++;
    this.#checkProgram(operation);
    this.watch({ ...operation, index: this.operations }, this);
    // Counted after the watcher, as a cut "before" erases nothing; the others do, and are counted by it.
    if (operation.tag === "erase") this.countErase(operation);
  }

  /** Counts the wear of an erase. */
  countErase({ region }: PendingOperation): void {
    const sector = this.bench.map.sectors.at(region.offset);
    this.wear[sector] = (this.wear[sector] ?? 0) + 1;
  }

  /** Only bytes of an image, where that image has them, ever go into a slot. */
  #checkProgram({ tag, region, bytes }: PendingOperation): void {
    const slot = this.bench.map.slots.find((slot) => overlaps(slot, region));
    if (overlaps(this.bench.map.recovery, region)) throw new Brick("the recovery image is written");
    if (tag === "erase" || slot === undefined) return;
    const at = region.offset - slot.offset;
    const isKnown = imagesOf(this.bench).some(({ data }) => {
      const expected = data.subarray(at, at + region.size);
      const rest = bytes.subarray(expected.length);
      return (
        expected.length > 0 &&
        equalBytes(expected, bytes.subarray(0, expected.length)) &&
        rest.every((byte) => byte === this.bench.map.erasedByte)
      );
    });
    if (!isKnown) throw new Brick(`unverified bytes are programmed at ${at} of a slot`);
  }

  #checkImage(board: MemoryBoard, outcome: BootOutcome & { readonly tag: "boot" }): void {
    const { data, source } = this.running(outcome);
    const slot = this.bench.map.slots[outcome.slot];
    const region: Region = { offset: slot?.offset ?? 0, size: data.length };
    if (!equalBytes(this.storage.readSettled(region.offset, region.size), data)) {
      throw new Brick("bytes boot that are not the image's");
    }
    if (this.storage.isTorn(region)) throw new Brick("bytes boot that read differently each time");
    const { area = -1 } = slotRecord(board.parts.record.state, outcome.slot) ?? {};
    const manifest = manifestRegion(board.parts, area);
    if (manifest === undefined || this.storage.isTorn(manifest))
      throw new Brick("a manifest boots that is torn");
    if (source.manifest.counter < this.floor) throw new Brick("an image below the counter floor boots");
    const attempts = slotRecord(board.parts.record.state, outcome.slot)?.attempts ?? 0;
    if (attempts > TRIAL_BOOTS_MAX) throw new Brick("a trial has too many boots");
  }

  #checkFloor(board: MemoryBoard): void {
    const { counterFloor } = board.parts.record.state;
    if (counterFloor < this.floor)
      throw new Brick(`the counter floor fell from ${this.floor} to ${counterFloor}`);
    if (counterFloor > this.proven)
      throw new Brick(`the counter floor rose to ${counterFloor} before such an image ran`);
  }

  /** What boots now is about to run. */
  #noteStart({ parts }: MemoryBoard): void {
    const next = bootBoard(parts);
    if (next.tag === "boot") this.proven = Math.max(this.proven, next.image.manifest.counter);
  }

  /** `ab`: until the image that boots ran, the other slot still boots, if it held a confirmed image. */
  #checkWayBack({ parts }: MemoryBoard): void {
    const next = bootBoard(parts);
    if (next.tag === "recovery" || next.image.manifest.counter <= this.proven) return;
    const other = parts.record.state.slots.find(({ slot }) => slot !== next.slot);
    if (other?.isConfirmed !== true || this.bench.map.layout !== "ab") return;
    const found = verifySlot(parts, other);
    if (typeof found === "string")
      throw new Brick(`a new image never ran, and its way back is gone: ${found}`);
  }
}
