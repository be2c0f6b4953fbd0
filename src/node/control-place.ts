import { join, resolve } from "node:path";
import { assert } from "../base/assert.ts";
import { MaydayError } from "../base/errors.ts";
import { systemText } from "../base/system-error.ts";
import { makeSocketFolder, socketFolders } from "../files/socket-folder.ts";

/** Where a socket goes; `why` says why there is no place for one, for a warning: a node runs without, too. */
export type ControlPlace = { readonly path: string } | { readonly path: undefined; readonly why: string };

/**
 * Where the socket of a node goes: to `socket` if that is given, else to `NODEID.sock` in the first of `folders` that is
 * there or can be made, and that passes {@link makeSocketFolder}. `nodeId` is 16 hexadecimal digits.
 */
export function controlPlace(
  socket: string | undefined,
  nodeId: string,
  folders: readonly string[] = socketFolders(),
): ControlPlace {
  if (socket !== undefined) return { path: resolve(socket) };
  assert(/^[0-9a-f]{16}$/.test(nodeId), `node id ${nodeId}`);
  const faults: string[] = [];
  for (const folder of folders) {
    try {
      makeSocketFolder(folder);
      return { path: join(folder, `${nodeId}.sock`) };
    } catch (error) {
      faults.push(error instanceof MaydayError ? error.message : `${folder}: ${systemText(error)}`);
    }
  }
  return { path: undefined, why: faults.join("; ") };
}
