import { equalBytes } from "../../base/bytes.ts";
import { SeededRandom } from "../../base/prng.ts";
import { hardwareId8 } from "../../board/board-parts.ts";
import { overlaps, type Region } from "../../flash/geometry.ts";
import { TRIAL_BOOTS_MAX } from "../../flash/record/boot-decision.ts";
import type { SlotRecord } from "../../flash/record/record-state.ts";
import { shortDigest } from "../../image/manifest.ts";
import { chooseImage } from "../../image/repository.ts";
import { type Bench, imageOf, imagesOf, type TortureImage } from "./bench.ts";
import type { PendingOperation } from "./power-cut.ts";
import { TornStorage } from "./torn-storage.ts";
import type { TorturedBoard, TorturedOutcome, TorturedReceiver } from "./tortured-board.ts";

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
  powerUp(): TorturedBoard {
    return this.bench.start(this.bench, this.storage, (operation) => this.#see(operation));
  }

  /** The boot decision as a boot loader takes it. What boots must be an image, byte for byte. */
  boot(board: TorturedBoard): TorturedOutcome {
    this.#checkFloor(board);
    this.#checkWayBack(board);
    // A cut within the attempt may leave the boot counted, as one just before the first instruction of the image does.
    this.#noteStart(board);
    const before = this.operations;
    const outcome = board.attempt();
    // What was only read may read differently at the next start: a floor counts once this run wrote it.
    if (this.operations !== before) this.floor = Math.max(this.floor, board.floor);
    if (outcome.tag === "boot") this.#checkImage(board, outcome);
    this.#checkFloor(board);
    return outcome;
  }

  /** The image that boots. */
  running(outcome: TorturedOutcome & { readonly tag: "boot" }): TortureImage {
    return this.#known(outcome.digest);
  }

  /** The application of what boots says that it is well. */
  confirm(board: TorturedBoard): void {
    this.#noteStart(board);
    const { source } = this.#known(board.confirm());
    this.floor = Math.max(this.floor, source.manifest.counter);
    this.#checkFloor(board);
  }

  /** Installs an image; false when the board refuses it. */
  install(receiver: TorturedReceiver, image: TortureImage): boolean {
    if (!receiver.accepts(image)) return false;
    receiver.receive(image);
    receiver.commit();
    return true;
  }

  /** What a neighbour with these images does for a board in distress, until one of them is installed. */
  rescue(board: TorturedBoard, images: readonly TortureImage[]): void {
    const { identity } = this.bench;
    const receiver = board.receiver();
    const entries = images.map((image) => ({ ...image, ...image.source }));
    let refused: Uint8Array[] = [];
    for (let offers = 0; offers < OFFERS_MAX; offers++) {
      const choice = chooseImage(entries, {
        ...receiver.status(),
        hardwareId: hardwareId8(identity),
        revision: identity.revision,
        allowUnsigned: false,
        refused,
      });
      // After a while a neighbour offers again what was refused.
      if (choice.tag === "none") refused = [];
      else if (this.install(receiver, choice.entry)) return;
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

  #checkImage(board: TorturedBoard, outcome: TorturedOutcome & { readonly tag: "boot" }): void {
    const { data, source } = this.running(outcome);
    const slot = this.bench.map.slots[outcome.slot];
    const region: Region = { offset: slot?.offset ?? 0, size: data.length };
    if (!equalBytes(this.storage.readSettled(region.offset, region.size), data)) {
      throw new Brick("bytes boot that are not the image's");
    }
    if (this.storage.isTorn(region)) throw new Brick("bytes boot that read differently each time");
    const { area = -1, attempts = 0 } = slotOf(board, outcome.slot) ?? {};
    const manifest = board.manifestRegion(area);
    if (manifest === undefined || this.storage.isTorn(manifest))
      throw new Brick("a manifest boots that is torn");
    if (source.manifest.counter < this.floor) throw new Brick("an image below the counter floor boots");
    if (attempts > TRIAL_BOOTS_MAX) throw new Brick("a trial has too many boots");
  }

  #checkFloor({ floor: counterFloor }: TorturedBoard): void {
    if (counterFloor < this.floor)
      throw new Brick(`the counter floor fell from ${this.floor} to ${counterFloor}`);
    if (counterFloor > this.proven)
      throw new Brick(`the counter floor rose to ${counterFloor} before such an image ran`);
  }

  /** What boots now is about to run. */
  #noteStart(board: TorturedBoard): void {
    const next = board.decide();
    if (next.tag === "boot") this.proven = Math.max(this.proven, this.running(next).source.manifest.counter);
  }

  /** `ab`: until the image that boots ran, the other slot still boots, if it held a confirmed image. */
  #checkWayBack(board: TorturedBoard): void {
    const next = board.decide();
    if (next.tag === "recovery" || this.running(next).source.manifest.counter <= this.proven) return;
    const other = board.slots.find(({ slot }) => slot !== next.slot);
    if (other?.isConfirmed !== true || this.bench.map.layout !== "ab") return;
    const found = board.verify(other);
    if (found !== undefined) throw new Brick(`a new image never ran, and its way back is gone: ${found}`);
  }

  #known(digest: Uint8Array): TortureImage {
    const image = imageOf(this.bench, digest);
    if (image === undefined) throw new Brick("an image boots that nobody made");
    return image;
  }
}

/** What the record says of a slot; undefined when nothing was installed there. */
export function slotOf({ slots }: TorturedBoard, slot: number): SlotRecord | undefined {
  return slots.find((record) => record.slot === slot);
}
