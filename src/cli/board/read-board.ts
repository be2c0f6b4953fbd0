import type { Command } from "commander";
import { UsageError } from "../../base/errors.ts";
import { addCommand, NOT_BOOTABLE } from "../help.ts";
import { parseSlot } from "../parse.ts";
import { type CommandContext, onRun } from "../run.ts";
import { byteText } from "../text.ts";

interface ReadFlags {
  readonly out: string;
  readonly slot?: number;
  readonly raw?: boolean;
}

/** Registers `mayday board read`. */
export function addBoardRead(parent: Command): void {
  const command = addCommand(parent, "read <dir>", {
    summary: "read the bootable image from flash",
    does:
      "Writes the exact bytes of the image that boots to a file, cut to its signed size, every block verified. " +
      "--raw reads a whole slot as it is, whatever is in it.",
    examples: [
      "mayday board read board --out copy.bin",
      "mayday board read board --raw --slot 0 --out slot.bin",
    ],
    exits: [NOT_BOOTABLE],
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
    throw new UsageError("slot-needs-raw", "--slot reads a slot whether it boots or not: give --raw too");
  }
  const { openBoard } = await import("../../board/board.ts");
  const { writeAtomically } = await import("../../files/atomic-file.ts");
  const { writeFully } = await import("../../files/regular-file.ts");
  const board = openBoard(dir, { write: false, warn: (text) => output.warn(text) });
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
