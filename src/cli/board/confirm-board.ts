import type { Command } from "commander";
import { toHex } from "../../base/bytes.ts";
import { formatVersion } from "../../image/version.ts";
import { addCommand, NOT_BOOTABLE } from "../help.ts";
import { onRun } from "../run.ts";

/** Registers `mayday board confirm`. */
export function addBoardConfirm(parent: Command): void {
  const command = addCommand(parent, "confirm <dir>", {
    summary: "confirm that the running image is healthy",
    does: "Makes the image that boots permanent, and raises the board's counter floor to the image's counter.",
    examples: ["mayday board confirm board"],
    exits: [NOT_BOOTABLE],
  });
  onRun(command, async ({ output }, [dir = ""]) => {
    const { openBoard } = await import("../../board/board.ts");
    const board = openBoard(dir, { write: true, warn: (text) => output.warn(text) });
    try {
      const { slot, manifest, digest } = board.confirm();
      const version = formatVersion(manifest.version);
      const fields = { slot, version, digest: toHex(digest), counterFloor: board.record().counterFloor };
      output.result(`confirmed slot ${slot} version ${version}`, { event: "confirmed", ...fields });
    } finally {
      board.close();
    }
    return undefined;
  });
}
