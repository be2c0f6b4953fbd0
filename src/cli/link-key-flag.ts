import type { LinkKey } from "../link/link-key.ts";
import type { Output } from "./output.ts";

/** The bytes of the file that `--link-key` names, with a warning if others may read it; undefined without the flag. */
export async function linkKeyFlag(path: string | undefined, output: Output): Promise<Uint8Array | undefined> {
  if (path === undefined) return undefined;
  const { readLinkKey } = await import("../files/link-key-file.ts");
  return readLinkKey(path, (text) => output.warn(text));
}

/** The link key of these bytes, as the machines use it. */
export async function linkKeyFor(bytes: Uint8Array | undefined): Promise<LinkKey | undefined> {
  if (bytes === undefined) return undefined;
  const { linkKeyOf } = await import("../node/derived-link-key.ts");
  return linkKeyOf(bytes);
}
