import { randomInt } from "node:crypto";
import type { Command } from "commander";
import { UsageError } from "../../base/errors.ts";
import { SeededRandom } from "../../base/prng.ts";
import { addCommand } from "../help.ts";
import { countParser, parseSize, parseSlot } from "../parse.ts";
import { type CommandContext, onRun } from "../run.ts";
import { byteText } from "../text.ts";

const SEED_MAX = 0xffff_ffff;
const SECTORS_MAX = 1_048_575;

interface ReadFlags {
  readonly out: string;
  readonly slot?: number;
  readonly raw?: boolean;
}

/** Registers `mayday board read`. */
export function addBoardRead(parent: Command): void {
  const command = addCommand(parent, "read <dir>", {
    summary: "read the image that boots out of flash",
    does:
      "Writes the exact bytes of the image that boots to a file, cut to its signed size, every block verified. " +
      "--raw reads a whole slot as it is, whatever is in it.",
    examples: [
      "mayday board read board --out copy.bin",
      "mayday board read board --raw --slot 0 --out slot.bin",
    ],
    exits: ["5 not bootable"],
  })
    .requiredOption("--out <file>", "file to write, whole or not at all")
    .option("--slot <slot>", "with --raw: the slot; else the one that boots, or the first", parseSlot)
    .option("--raw", "the slot as it is, unverified");
  onRun<ReadFlags>(command, runRead);
}

async function runRead(
  { output }: CommandContext,
  [dir = ""]: readonly string[],
  { out, slot, raw = false }: ReadFlags,
): Promise<undefined> {
  if (slot !== undefined && !raw) {
    throw new UsageError("slot-needs-raw", "--slot reads a slot whether it boots or not: give --raw with it");
  }
  const { openBoard } = await import("../../board/board.ts");
  const { writeAtomically } = await import("../../files/atomic-file.ts");
  const { writeFully } = await import("../../files/regular-file.ts");
  const board = openBoard(dir, { write: false });
  try {
    let wanted = slot;
    if (raw && wanted === undefined) {
      const outcome = board.boot();
      wanted = outcome.tag === "boot" ? outcome.slot : 0;
    }
    const source = wanted === undefined ? board.readImage() : { slot: wanted, blocks: board.readRaw(wanted) };
    let size = 0;
    await writeAtomically(out, async (handle) => {
      for (const block of source.blocks) {
        await writeFully(handle, block);
        size += block.length;
      }
    });
    const fields = { out, slot: source.slot, bytes: size, isRaw: raw };
    output.result(`${out}: ${byteText(size)} of slot ${source.slot}`, { event: "read", ...fields });
  } finally {
    board.close();
  }
  return undefined;
}

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
    summary: "break a board's flash, to see it healed",
    does:
      "Overwrites part of a slot past the rules of flash; at least one byte is another one afterwards. Unless told " +
      "otherwise: one whole sector, anywhere in the image that boots.",
    examples: ["mayday board damage board", "mayday board damage board --sector 7 --bytes 1"],
  })
    .option("--slot <slot>", "0 or 1; else the one that boots, or the first", parseSlot)
    .option("--sector <n>", "counted from the slot's start", countParser("a sector", 0, SECTORS_MAX))
    .option("--bytes <n>", "bytes from the sector's start; else the whole sector", parseSize)
    .option("--erase", "leave it erased instead of overwritten at random")
    .option("--seed <n>", "makes the damage repeatable", countParser("a seed", 0, SEED_MAX));
  onRun<DamageFlags>(command, runDamage);
}

async function runDamage(
  { output }: CommandContext,
  [dir = ""]: readonly string[],
  flags: DamageFlags,
): Promise<undefined> {
  const { slot, sector, bytes, erase: isErase = false, seed = randomInt(SEED_MAX) } = flags;
  const { openBoard } = await import("../../board/board.ts");
  const board = openBoard(dir, { write: true });
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
