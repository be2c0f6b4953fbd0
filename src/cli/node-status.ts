import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Millis } from "../base/units.ts";
import type { Verdict } from "../node/verdict.ts";
import { doneVerdict } from "./command-verdict.ts";
import type { CommandContext } from "./run.ts";

/** Shows the status of the node that listens at a socket. Errors: those of `askNode`. */
export async function showNodeStatus(
  { output, signal }: CommandContext,
  socket: string,
  timeoutMs: Millis,
): Promise<Verdict> {
  const { askNode } = await import("../node/ask-node.ts");
  const { nodeStatusText } = await import("./node-status-text.ts");
  const reply = await askNode(await findSocket(socket), { command: "status" }, { timeoutMs, signal });
  const { event: _, ...fields } = reply;
  output.result(nodeStatusText(reply), { event: "status", ...fields });
  return doneVerdict("node");
}

/**
 * Path of a node's socket as it was given. A name without a slash that is not there is also looked up, with and without
 * ".sock", where nodes put their sockets unless told otherwise. NodeError `no-node` when it is nowhere.
 */
async function findSocket(given: string): Promise<string> {
  if (given.includes("/") || existsSync(given)) return given;
  const { noNode } = await import("../node/ask-node.ts");
  const { socketFolders } = await import("../files/socket-folder.ts");
  const paths = socketFolders().flatMap((folder) => [join(folder, given), join(folder, `${given}.sock`)]);
  const found = paths.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw noNode(given, `there is no such socket, here or at ${paths.join(", ")}`);
}
