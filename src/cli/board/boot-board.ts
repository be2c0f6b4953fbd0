import type { Command } from "commander";
import { ExitCode } from "../../base/errors.ts";
import type { BootOutcome } from "../../board/boot.ts";
import type { Verdict } from "../../node/verdict.ts";
import { failedVerdict } from "../command-verdict.ts";
import { addCommand, NOT_BOOTABLE } from "../help.ts";
import type { Output } from "../output.ts";
import { onRun } from "../run.ts";
import { bootFields, bootText, failureText } from "./boot-text.ts";

/** Registers `mayday board boot`. */
export function addBoardBoot(parent: Command): void {
  const command = addCommand(parent, "boot <dir>", {
    summary: "take the boot decision",
    does:
      "Verifies what is in flash, signature and every byte, and says which slot boots, or why none does. Changes " +
      "nothing; with --attempt it counts a trial boot, as a boot loader does.",
    examples: ["mayday board boot board && echo it boots"],
    exits: [NOT_BOOTABLE],
  }).option("--attempt", "count a trial boot");
  onRun<{ readonly attempt?: boolean }>(command, async ({ output }, [dir = ""], { attempt = false }) => {
    const { openBoard } = await import("../../board/board.ts");
    const board = openBoard(dir, { write: attempt, warn: (text) => output.warn(text) });
    try {
      return showBoot(output, dir, attempt ? board.attempt() : board.boot());
    } finally {
      board.close();
    }
  });
}

/** Shows a boot decision; the verdict when nothing boots. */
function showBoot(output: Output, dir: string, outcome: BootOutcome): Verdict | undefined {
  output.result(bootText(outcome), { event: "boot", ...bootFields(outcome) });
  if (outcome.tag === "boot") return undefined;
  const next = "let a neighbour heal it: mayday distress --link EP --board DIR";
  const detail = `${dir} does not boot: ${failureText(outcome.reason)}; ${next}`;
  return failedVerdict(ExitCode.notBootable, "board-not-bootable", detail);
}
