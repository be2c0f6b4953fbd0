import { readdirSync, readFileSync } from "node:fs";

/** Command lines of running processes that contain `text`. */
export function processesWith(text: string): string[] {
  const ids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return ids.map(commandLineOf).filter((line) => line.includes(text));
}

/** Empty if the process has ended. */
function commandLineOf(id: string): string {
  try {
    return readFileSync(`/proc/${id}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}
