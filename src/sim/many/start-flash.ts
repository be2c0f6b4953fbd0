import type { FlashMap, Region } from "../../flash/geometry.ts";
import type { Flash } from "../../flash/nor-flash.ts";
import type { VerifiedBlock } from "../../flash/verified-block.ts";
import { PowerCut } from "../power-cuts/power-cut.ts";

/** The flash as one start of a board sees it: once the board has lost its power, every operation throws {@link PowerCut}. */
export class StartFlash implements Flash {
  readonly #inner: Flash;
  readonly #power: { readonly isOn: boolean };

  constructor(inner: Flash, power: { readonly isOn: boolean }) {
    this.#inner = inner;
    this.#power = power;
  }

  get map(): FlashMap {
    return this.#inner.map;
  }

  get #flash(): Flash {
    if (!this.#power.isOn) throw new PowerCut();
    return this.#inner;
  }

  read(offset: number, length: number): Uint8Array {
    return this.#flash.read(offset, length);
  }

  erase(sector: number): void {
    this.#flash.erase(sector);
  }

  program(offset: number, bytes: Uint8Array): void {
    this.#flash.program(offset, bytes);
  }

  programVerified(offset: number, block: VerifiedBlock): void {
    this.#flash.programVerified(offset, block);
  }

  arm(...regions: readonly Region[]): void {
    this.#flash.arm(...regions);
  }

  sync(): void {
    this.#flash.sync();
  }
}
