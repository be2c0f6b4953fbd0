import { resolve } from "node:path";
import type { Command } from "commander";
import { toHex } from "../../base/bytes.ts";
import { FailedError, NotBootableError, UsageError } from "../../base/errors.ts";
import type { Millis } from "../../base/units.ts";
import { formatVersion } from "../../image/version.ts";
import { addCommand } from "../help.ts";
import { parseSeconds } from "../parse.ts";
import { type CommandContext, onRun } from "../run.ts";

/** A large image, a slow flash, and a hook that takes its time. */
const TIMEOUT_DEFAULT_MS: Millis = 900_000;

interface InstallFlags {
  readonly allowSingleUpdate?: boolean;
  readonly timeout?: Millis;
}

/** Registers `mayday board install`. */
export function addBoardInstall(parent: Command): void {
  const command = addCommand(parent, "install <dir> <file>", {
    summary: "install an image file on a board",
    does:
      "Installs an image (.mdy) by the same checks and policy as one from a neighbour: trusted signature, hardware, counter, and " +
      "newer than what boots. While a node runs the board, the node does it, starts the image and tells how that went; its " +
      'configuration has to say control = "write". Only what the flash lacks is written.',
    examples: [
      "mayday board install board fw.mdy",
      "mayday board install board fw.mdy --allow-single-update",
    ],
    exits: ["4 the board refuses the image", "5 written, but the board does not boot it"],
  });
  command
    .option("--allow-single-update", "allow overwriting the only slot, which boots; not through a node")
    .option("--timeout <seconds>", "wait for a node this long (default: 900)", parseSeconds);
  onRun<InstallFlags>(command, async (context, [dir = "", file = ""], flags) => {
    const { lockHolder } = await import("../../board/board-lock.ts");
    const holder = lockHolder(dir);
    if (holder === undefined) await installHere(context, dir, file, flags);
    else if (holder.socket !== undefined) await installThrough(context, holder.socket, file, flags);
    else {
      const message = `${dir}: process ${holder.pid} uses this board, and has no control socket to ask it through; wait until it ends, or stop it`;
      throw new FailedError("board-busy", message, { pid: holder.pid });
    }
    return undefined;
  });
}

async function installThrough(
  { output, signal }: CommandContext,
  socket: string,
  file: string,
  { timeout = TIMEOUT_DEFAULT_MS, allowSingleUpdate }: InstallFlags,
): Promise<void> {
  if (allowSingleUpdate === true) {
    const message =
      "a node runs this board, and its own policy decides: set allow-single = true in its configuration";
    throw new UsageError("node-decides", message, { socket });
  }
  const { askNode } = await import("../../node/ask-node.ts");
  output.note(`the node at ${socket} installs ${file}`);
  const request = { command: "install", file: resolve(file) } as const;
  const reply = await askNode(socket, request, { timeoutMs: timeout, signal });
  const { version, digest } = reply;
  output.result(`installed version ${String(version)} through the node, which runs it`, {
    event: "installed",
    version,
    digest,
    socket,
  });
}

async function installHere(
  { output, signal }: CommandContext,
  dir: string,
  file: string,
  { allowSingleUpdate = false }: InstallFlags,
): Promise<void> {
  const { openBoard } = await import("../../board/board.ts");
  const { openImageFile } = await import("../../image-files/image-file.ts");
  const { installSteps } = await import("../../board/install.ts");
  const board = openBoard(dir, { write: true, warn: (text) => output.warn(text) });
  try {
    const image = await openImageFile(file);
    const store = board.store({ allowUpdate: true, allowSingleUpdate });
    try {
      const steps = installSteps(store, image);
      let step = steps.next();
      while (step.done !== true) {
        // Signals are heard between steps; what was written stays, and the same command resumes.
        await new Promise(setImmediate);
        if (signal.aborted) return;
        step = steps.next();
      }
      const { outcome, blocks } = step.value;
      if (outcome.tag === "not-bootable") {
        const message = `The image was written, but the board does not boot it: ${outcome.reason}`;
        throw new NotBootableError("board-not-bootable", message, { reason: outcome.reason });
      }
      const version = formatVersion(image.manifest.version);
      const fields = { slot: outcome.slot, version, digest: toHex(image.digest), blocks: blocks.length };
      output.result(`installed version ${version} in slot ${outcome.slot}: ${blocks.length} blocks written`, {
        event: "installed",
        ...fields,
      });
    } finally {
      store.close();
      await image.close();
    }
  } finally {
    board.close();
  }
}
