import { randomInt } from "node:crypto";
import type { Command } from "commander";
import { PRNG_SEED_MAX, SeededRandom } from "../../base/prng.ts";
import { SLOT_SIZE_MAX } from "../../flash/geometry.ts";
import { SECTOR_SIZE_MIN } from "../../flash/sectors.ts";
import { addCommand } from "../help.ts";
import { countParser, parseSize, parseSlot } from "../parse.ts";
import { type CommandContext, onRun } from "../run.ts";
import { byteText } from "../text.ts";

/** Number of the last sector of the largest slot with the smallest sectors. */
const SECTOR_INDEX_MAX = SLOT_SIZE_MAX / SECTOR_SIZE_MIN - 1;

interface DamageFlags {
  readonly slot?: number;
  readonly sector?: number;
  readonly bytes?: number;
  readonly erase?: boolean;
  readonly seed?: number;
}

/** Registers `mayday board damage`. */
export function addBoardDamage(parent: Command): void {
  const command = addCommand(parent, "damage <dir>", {
    summary: "damage a board's flash, to see it healed",
    does:
      "Overwrites part of a slot, ignoring the rules of NOR flash; at least one byte changes. Without flags: one whole " +
      "sector, anywhere in the image that boots.",
    examples: ["mayday board damage board", "mayday board damage board --sector 7 --bytes 1"],
  })
    .option("--slot <slot>", "0 or 1; else the one that boots, or the first", parseSlot)
    .option("--sector <n>", "counted from the slot's start", countParser("a sector", 0, SECTOR_INDEX_MAX))
    .option("--bytes <n>", "bytes from the sector's start; else the whole sector", parseSize)
    .option("--erase", "leave it erased instead of overwritten at random")
    .option("--seed <n>", "makes the damage repeatable", countParser("a seed", 0, PRNG_SEED_MAX));
  onRun<DamageFlags>(command, runDamage);
}

async function runDamage(
  { output }: CommandContext,
  [dir = ""]: readonly string[],
  flags: DamageFlags,
): Promise<undefined> {
  const { slot, sector, bytes, erase: isErase = false, seed = randomInt(PRNG_SEED_MAX) } = flags;
  const { openBoard } = await import("../../board/board.ts");
  const board = openBoard(dir, { write: true, warn: (text) => output.warn(text) });
  try {
    const what = {
      isErase,
      ...(slot === undefined ? {} : { slot }),
      ...(sector === undefined ? {} : { sector }),
      ...(bytes === undefined ? {} : { bytes }),
    };
    const done = board.damage(what, new SeededRandom(seed));
    const text = `damaged slot ${done.slot} sector ${done.sector}: ${byteText(done.changed)} of ${done.bytes} changed`;
    output.result(text, { event: "damaged", ...done, seed });
  } finally {
    board.close();
  }
  return undefined;
}
