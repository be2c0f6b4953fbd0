import { type Random, randomBelow, randomChance, randomFraction } from "../../base/prng.ts";
import type { Millis } from "../../base/units.ts";
import { damageSlot } from "../../board/damage.ts";
import type { Flash, NorFlash } from "../../flash/nor-flash.ts";
import { CUTS, CutFlash, cutOperation, PowerCut } from "../power-cuts/power-cut.ts";
import { TornStorage } from "../power-cuts/torn-storage.ts";
import { damageUnseen, flipBits } from "./frame-damage.ts";
import { Liar } from "./liar.ts";
import type { SimBoard } from "./sim-board.ts";
import { partRandom, type World } from "./world.ts";
import { SIM_SECTOR_SIZE } from "./world-images.ts";

/** Faults begin within a time that is drawn between these. */
const TROUBLE_MIN_MS: Millis = 1_000;
const TROUBLE_MAX_MS: Millis = 8_000;
/** As a rule a board stays off, and a wire cut, for up to this long. */
const OUTAGE_MAX_MS: Millis = 3_000;
/** The others: longer than any lease and any silence that a session bears. */
const LONG_OUTAGE_MS: Millis = 25_000;
const LONG_OUTAGE_SHARE = 0.01;
/** Most operations on flash before a power cut. */
const OPERATIONS_MAX = 60;
/** Share of frames that are damaged in a world with noisy wires, at most. */
const DAMAGED_MAX = 0.05;
/** Share of these whose CRC does not find it. */
const UNSEEN_SHARE = 0.3;
/** Share of the power-offs in which the flash is damaged. Board 0 is spared: it has the only image. */
const FLASH_DAMAGED_SHARE = 0.2;

/** What goes wrong in a world. */
export interface WorldFaults {
  /** All of it is over. */
  readonly isOver: boolean;
  start(): void;
  /** Whether a wire carries nothing now. */
  isCut(wire: number): boolean;
  /** What a wire makes of a frame that a board sends: itself, or a damaged copy. */
  damage(frame: Uint8Array, board: number): Uint8Array;
  wrapFlash(board: number, flash: NorFlash): Flash;
}

/** How often each kind of fault happened. */
export interface FaultCounts {
  powerOffs: number;
  powerCuts: number;
  wireCuts: number;
  damagedFrames: number;
  /** Of these, with a CRC that fits. */
  unseenDamages: number;
  /** Sectors of a slot that were overwritten while the board was off. */
  flashDamages: number;
  liars: number;
}

export const NO_FAULTS: FaultCounts = {
  powerOffs: 0,
  powerCuts: 0,
  wireCuts: 0,
  damagedFrames: 0,
  unseenDamages: 0,
  flashDamages: 0,
  liars: 0,
};

/**
 * Faults drawn from a seed: boards that lose their power, at any time and within an operation on flash, some of which have
 * damaged flash then; wires that are cut for a while, some for longer than any lease; frames with bits that flipped; and a liar on
 * a wire of its own, who plays the attackers of SECURITY.md.
 */
export class RandomFaults implements WorldFaults {
  readonly counts: FaultCounts = { ...NO_FAULTS };
  readonly #world: World;
  readonly #random: Random;
  /** When each wire that is cut carries again. */
  readonly #cutUntil: Map<number, Millis> = new Map();
  /** Operations on flash until the power of a board is cut. */
  readonly #operationsLeft: Map<number, number> = new Map();
  /** Boards whose power is cut within an operation at some time. */
  readonly #torn: ReadonlySet<number>;
  readonly #damagedShare: number;
  #liar: Liar | undefined;
  readonly #troubleMs: Millis;
  #endsAt: Millis;
  #isOver = false;

  constructor(world: World) {
    this.#world = world;
    this.#random = partRandom(world.options.seed, 1);
    this.#troubleMs = TROUBLE_MIN_MS * (TROUBLE_MAX_MS / TROUBLE_MIN_MS) ** randomFraction(this.#random);
    this.#endsAt = this.#troubleMs;
    for (const { number } of world.boards)
      if (randomChance(this.#random, 0.25))
        this.#operationsLeft.set(number, 1 + randomBelow(this.#random, OPERATIONS_MAX));
    this.#torn = new Set(this.#operationsLeft.keys());
    this.#damagedShare = randomChance(this.#random, 0.5) ? DAMAGED_MAX * randomFraction(this.#random) : 0;
    if (randomChance(this.#random, 0.5)) this.#addLiar();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  #addLiar(): void {
    const { boards, clock, options } = this.#world;
    const victim = boards[randomBelow(this.#random, boards.length)];
    if (victim === undefined) return;
    this.counts.liars++;
    this.#liar = new Liar(clock, partRandom(options.seed, 2), options.baud, `${victim.number}-liar`);
    const faults = { isCut: () => false, carry: (frame: Uint8Array) => frame, note: () => {} };
    victim.wires.push({ transport: this.#liar.end, faults });
  }

  start(): void {
    const { boards, options } = this.#world;
    for (const board of boards) {
      if (!randomChance(this.#random, 0.3)) continue;
      this.#at(this.#someTime(), () => {
        this.#powerCycle(board.number);
        if (board.number !== 0 && randomChance(this.#random, FLASH_DAMAGED_SHARE)) this.#damageFlash(board);
      });
    }
    for (const wire of options.topology.edges.keys()) {
      if (!randomChance(this.#random, 0.3)) continue;
      this.#at(this.#someTime(), () => this.#cutWire(wire));
    }
    this.#at(this.#troubleMs, () => this.#endLater());
  }

  /** Ends all faults, once the last outage has ended. */
  #endLater(): void {
    const now = this.#world.clock.now();
    if (this.#endsAt > now) {
      this.#at(this.#endsAt - now, () => this.#endLater());
      return;
    }
    this.#isOver = true;
    this.#operationsLeft.clear();
    this.#liar?.silence();
    for (const board of this.#world.boards) board.powerOn();
  }

  #at(delay: Millis, fire: () => void): void {
    this.#world.clock.after(delay, fire);
  }

  #someTime(): Millis {
    return randomFraction(this.#random) * this.#troubleMs;
  }

  #outage(): Millis {
    const isLong = randomChance(this.#random, LONG_OUTAGE_SHARE);
    const outage = isLong ? LONG_OUTAGE_MS : randomFraction(this.#random) * OUTAGE_MAX_MS;
    this.#endsAt = Math.max(this.#endsAt, this.#world.clock.now() + outage);
    return outage;
  }

  #cutWire(wire: number): void {
    this.counts.wireCuts++;
    this.#cutUntil.set(wire, this.#world.clock.now() + this.#outage());
  }

  #powerCycle(number: number): void {
    if (this.#isOver) return;
    this.counts.powerOffs++;
    this.#world.powerOff(number);
    this.#at(this.#outage(), () => this.#world.boards[number]?.powerOn());
  }

  /** Overwrites a sector of a slot of a board that is off. */
  #damageFlash(board: SimBoard): void {
    if (board.isOn || this.#isOver) return;
    this.counts.flashDamages++;
    const { map } = board.open().nor;
    const slot = randomBelow(this.#random, map.slots.length);
    const sectors = map.slotSize / SIM_SECTOR_SIZE;
    const sector = randomBelow(this.#random, sectors);
    damageSlot(board.storage, map, { slot, sector, isErase: false }, this.#random);
    this.#world.checkers.noteBroken(board.number);
  }

  isCut(wire: number): boolean {
    const until = this.#cutUntil.get(wire);
    return until !== undefined && this.#world.clock.now() < until;
  }

  damage(frame: Uint8Array): Uint8Array {
    if (this.#isOver || !randomChance(this.#random, this.#damagedShare)) return frame;
    this.counts.damagedFrames++;
    if (!randomChance(this.#random, UNSEEN_SHARE)) return flipBits(frame, this.#random);
    const unseen = damageUnseen(frame, this.#random);
    if (unseen !== undefined) this.counts.unseenDamages++;
    return unseen ?? frame;
  }

  wrapFlash(board: number, flash: NorFlash): Flash {
    const storage = this.#world.boards[board]?.storage;
    if (!(storage instanceof TornStorage) || !this.#torn.has(board)) return flash;
    const { map } = flash;
    const watch: ConstructorParameters<typeof CutFlash>[2] = (operation) => {
      const left = this.#operationsLeft.get(board);
      if (left === undefined) return;
      this.#operationsLeft.set(board, left - 1);
      if (left > 1) return;
      this.#operationsLeft.delete(board);
      const kind = CUTS[randomBelow(this.#random, CUTS.length)] ?? "before";
      cutOperation(storage, map, operation, kind, this.#random);
      this.counts.powerCuts++;
      this.#powerCycle(board);
      throw new PowerCut();
    };
    const isRecord = ({ offset }: { readonly offset: number }): boolean =>
      map.record.some((region) => offset >= region.offset && offset < region.offset + region.size);
    return new CutFlash(flash, storage, watch, isRecord);
  }
}
