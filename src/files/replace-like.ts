import { statSync } from "node:fs";
import { writeAtomically } from "./atomic-file.ts";

/**
 * Writes a file in one step, with owner and mode of the file `like`, and with no right to write for others. The errors are those
 * of `writeAtomically`.
 */
export async function replaceLike(path: string, text: string, like: string): Promise<void> {
  const { mode, uid, gid } = statSync(like);
  await writeAtomically(path, async (handle) => {
    await handle.writeFile(Buffer.from(text, "latin1"));
    await handle.chmod(mode & 0o755);
    // Only root may give a file away; to others it belongs already.
    if (process.getuid?.() === 0) await handle.chown(uid, gid);
  });
}
