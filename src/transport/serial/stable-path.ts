import { readdir, realpath } from "node:fs/promises";
import { join } from "node:path";

/** Where Linux keeps names of serial adapters that stay the same when an adapter is plugged in again as another ttyUSB. */
const BY_ID = "/dev/serial/by-id";

/**
 * The by-id name of a serial port, which leads to the same adapter even when the system gives it another number. The
 * path itself when there is none: pseudo terminals, native UARTs, other systems.
 */
export async function stablePath(path: string, byId: string = BY_ID): Promise<string> {
  if (path.startsWith(byId)) return path;
  const device = await realpath(path).catch(() => path);
  const names = await readdir(byId).catch((): string[] => []);
  for (const name of names) {
    const candidate = join(byId, name);
    if ((await realpath(candidate).catch(() => "")) === device) return candidate;
  }
  return path;
}
