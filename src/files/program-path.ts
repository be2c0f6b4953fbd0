import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Paths of the programs of this name in the folders of PATH, in order; or of the one that is named with its folder. */
export function programPaths(name: string): string[] {
  const folders = name.includes("/") ? [""] : (process.env["PATH"] ?? "").split(delimiter);
  return folders.map((folder) => join(folder, name)).filter(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
