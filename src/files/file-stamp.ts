import { stat } from "node:fs/promises";

/** A text that changes whenever the file or folder does; empty when it is gone. */
export async function fileStamp(path: string): Promise<string> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found === undefined ? "" : `${found.ino}/${found.size}/${found.mtimeNs}/${found.ctimeNs}`;
}
