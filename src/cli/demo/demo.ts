import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import type { Command } from "commander";
import type { Verdict } from "../../node/verdict.ts";
import { addCommand } from "../help.ts";
import { parseBaud } from "../parse.ts";
import { type CommandContext, onRun } from "../run.ts";

const BAUD_DEFAULT = 921_600;

interface DemoFlags {
  readonly firmware?: string;
  readonly baud: number;
  readonly keep?: boolean;
}

/** Registers `mayday demo`. */
export function addDemoCommand(program: Command): void {
  const command = addCommand(program, "demo", {
    does:
      "Makes keys, a signed image and a board; damages the board; and heals it with two processes, the board in " +
      "distress and its rescuer, over a virtual serial cable at a true line rate: first a few damaged sectors, then an " +
      "empty board. Compares every byte and prints figures. Needs no hardware and ends by itself.",
    examples: ["mayday demo", "mayday demo --firmware u-boot.bin", "mayday demo --keep"],
  });
  command
    .option("--firmware <file>", "firmware to heal with, raw or Intel HEX; else 256 KiB of random bytes")
    .option("--baud <n>", "line rate of the cable", parseBaud, BAUD_DEFAULT)
    .option("--keep", "keep the folder with keys, image and boards");
  onRun<DemoFlags>(command, runDemo);
}

async function runDemo(
  context: CommandContext,
  _args: readonly string[],
  flags: DemoFlags,
): Promise<Verdict> {
  const { runStory } = await import("./demo-story.ts");
  const { OpenFolder } = await import("../../files/open-folder.ts");
  const { removeOpenFolder } = await import("../../files/stale-temps.ts");
  const dir = await mkdtemp(join(tmpdir(), "mayday-demo-"));
  const parent = OpenFolder.open(dirname(dir));
  const folder = parent.openIn(basename(dir));
  try {
    return await runStory(context, dir, flags);
  } finally {
    if (flags.keep === true) context.output.note(`kept: ${dir}`);
    else removeOpenFolder(parent, basename(dir), folder);
    folder.close();
    parent.close();
  }
}
