/** Of the blocks that wait, those that are looked at for one that a rescuer has. */
export const WAITING_LOOKED_AT_MAX = 1_024;

/** Blocks that flash lacks and that nobody was asked for yet, the lowest first. There may be a million. */
export class WaitingBlocks {
  /** The next one last. */
  readonly #blocks: number[] = [];

  get count(): number {
    return this.#blocks.length;
  }

  /** Adds blocks, in any order. */
  add(blocks: readonly number[]): void {
    if (blocks.length === 0) return;
    for (const block of blocks) this.#blocks.push(block);
    this.#blocks.sort((a, b) => b - a);
  }

  /**
   * Offers each block to `take`, the lowest first, which says whether it takes it, leaves it, or wants no more. `most`: of how many
   * it is asked.
   */
  offer(take: (block: number) => "taken" | "left" | "enough", most: number = this.#blocks.length): void {
    for (let i = this.#blocks.length - 1, asked = 0; i >= 0 && asked < most; i--, asked++) {
      const answer = take(this.#blocks[i] as number);
      if (answer === "enough") return;
      if (answer === "taken") this.#blocks.splice(i, 1);
    }
  }
}
