import type { Command } from "commander";
import { toHex } from "../../base/bytes.ts";
import type { Millis } from "../../base/units.ts";
import { formatVersion } from "../../image/version.ts";
import { addCommand, NOT_BOOTABLE } from "../help.ts";
import { type CommandContext, onRun } from "../run.ts";

/** How long a node may take to answer. */
const NODE_TIMEOUT_MS: Millis = 10_000;

/** Registers `mayday board confirm`. */
export function addBoardConfirm(parent: Command): void {
  const command = addCommand(parent, "confirm <dir>", {
    summary: "confirm that the running image is healthy",
    does:
      "Makes the image that boots permanent, and raises the board's counter floor to the image's counter. While a node runs the " +
      'board, the node does it; its configuration has to say control = "write".',
    examples: ["mayday board confirm board"],
    exits: [NOT_BOOTABLE],
  });
  onRun(command, async (context, [dir = ""]) => {
    const { lockHolder } = await import("../../board/board-lock.ts");
    const socket = lockHolder(dir)?.socket;
    if (socket === undefined) await confirmHere(context, dir);
    else await confirmThrough(context, socket);
    return undefined;
  });
}

async function confirmHere({ output }: CommandContext, dir: string): Promise<void> {
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
}

async function confirmThrough({ output, signal }: CommandContext, socket: string): Promise<void> {
  const { askNode } = await import("../../node/ask-node.ts");
  const reply = await askNode(socket, { command: "confirm" }, { timeoutMs: NODE_TIMEOUT_MS, signal });
  const { slot, version, digest, counterFloor } = reply;
  const fields = { slot, version, digest, counterFloor };
  output.result(`confirmed slot ${String(slot)} version ${String(version)} through the node that runs it`, {
    event: "confirmed",
    ...fields,
  });
}
