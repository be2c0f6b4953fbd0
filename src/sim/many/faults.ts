import { type Random, randomBelow, randomChance, randomFraction } from "../../base/prng.ts";
import type { Millis } from "../../base/units.ts";
import type { Flash, NorFlash } from "../../flash/nor-flash.ts";
import { CUTS, CutFlash, cutOperation, PowerCut } from "../power-cuts/power-cut.ts";
import { TornStorage } from "../power-cuts/torn-storage.ts";
import { Liar } from "./liar.ts";
import { partRandom, type World } from "./world.ts";

/** Faults begin within this time, and all are over after it. */
const TROUBLE_MS: Millis = 8_000;
/** Longest time that a board stays off, or a wire cut. */
const OUTAGE_MAX_MS: Millis = 3_000;
/** Most operations on flash before a power cut. */
const OPERATIONS_MAX = 60;

/** What goes wrong in a world. */
export interface WorldFaults {
  /** All of it is over. */
  readonly isOver: boolean;
  start(): void;
  /** Whether a wire carries nothing now. */
  isCut(wire: number): boolean;
  wrapFlash(board: number, flash: NorFlash): Flash;
  /** Whether an error is a power cut of this plan: its board is off then. */
  takeCut(error: unknown): boolean;
  /** Powers boards off whose power was cut while a promise went on. */
  settleCuts(): void;
}

/**
 * Faults drawn from a seed: boards that lose their power, at any time and within an operation on flash; wires that are cut
 * for a while; and a liar on a wire of its own, who plays the attackers of SECURITY.md.
 */
export class RandomFaults implements WorldFaults {
  readonly #world: World;
  readonly #random: Random;
  /** When each wire that is cut carries again. */
  readonly #cutUntil: Map<number, Millis> = new Map();
  /** Operations on flash until the power of a board is cut. */
  readonly #operationsLeft: Map<number, number> = new Map();
  #pending: number | undefined;
  #isOver = false;

  constructor(world: World) {
    this.#world = world;
    this.#random = partRandom(world.options.seed, 1);
    for (const { number } of world.boards)
      if (randomChance(this.#random, 0.25))
        this.#operationsLeft.set(number, 1 + randomBelow(this.#random, OPERATIONS_MAX));
    if (randomChance(this.#random, 0.5)) this.#addLiar();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  #addLiar(): void {
    const victim = this.#world.boards[randomBelow(this.#random, this.#world.boards.length)];
    if (victim === undefined) return;
    const liar = new Liar(
      this.#world.clock,
      partRandom(this.#world.options.seed, 2),
      this.#world.options.baud,
    );
    victim.wires.push({ transport: liar.end, faults: { loses: () => false, isCut: () => false } });
  }

  start(): void {
    const { boards, options } = this.#world;
    for (const board of boards) {
      if (!randomChance(this.#random, 0.3)) continue;
      this.#after(this.#someTime(), () => this.#powerCycle(board.number));
    }
    for (const wire of options.topology.edges.keys()) {
      if (!randomChance(this.#random, 0.3)) continue;
      this.#after(this.#someTime(), () => this.#cutUntil.set(wire, this.#world.clock.now() + this.#outage()));
    }
    this.#after(TROUBLE_MS + OUTAGE_MAX_MS, () => {
      this.#isOver = true;
      this.#operationsLeft.clear();
      for (const board of boards) board.powerOn();
    });
  }

  #after(delay: Millis, fire: () => void): void {
    this.#world.clock.after(delay, fire);
  }

  #someTime(): Millis {
    return randomFraction(this.#random) * TROUBLE_MS;
  }

  #outage(): Millis {
    return randomFraction(this.#random) * OUTAGE_MAX_MS;
  }

  #powerCycle(number: number): void {
    this.#powerOff(number);
    this.#after(this.#outage(), () => this.#world.boards[number]?.powerOn());
  }

  #powerOff(number: number): void {
    this.#world.boards[number]?.powerOff();
    this.#world.checkers.notePowerOff(number);
  }

  isCut(wire: number): boolean {
    const until = this.#cutUntil.get(wire);
    return until !== undefined && this.#world.clock.now() < until;
  }

  wrapFlash(board: number, flash: NorFlash): Flash {
    const storage = this.#world.boards[board]?.storage;
    if (!(storage instanceof TornStorage)) return flash;
    const { map } = flash;
    const watch: ConstructorParameters<typeof CutFlash>[2] = (operation) => {
      const left = this.#operationsLeft.get(board);
      if (left === undefined) return;
      this.#operationsLeft.set(board, left - 1);
      if (left > 1) return;
      this.#operationsLeft.delete(board);
      const kind = CUTS[randomBelow(this.#random, CUTS.length)] ?? "before";
      cutOperation(storage, map, operation, kind, this.#random);
      this.#pending = board;
      throw new PowerCut();
    };
    const [first] = map.record;
    const isRecord = ({ offset }: { readonly offset: number }): boolean =>
      map.record.some((region) => offset >= region.offset && offset < region.offset + region.size) ||
      first === undefined;
    return new CutFlash(flash, storage, watch, isRecord);
  }

  takeCut(error: unknown): boolean {
    if (!(error instanceof PowerCut)) return false;
    this.settleCuts();
    return true;
  }

  settleCuts(): void {
    const number = this.#pending;
    if (number === undefined) return;
    this.#pending = undefined;
    this.#powerCycle(number);
  }
}
