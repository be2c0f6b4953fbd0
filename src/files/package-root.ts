import { existsSync } from "node:fs";

/**
 * The folder of this package, with a slash at the end: the nearest one above this file with a package.json. Where the file lies
 * below it differs between src/, dist/ and the bundled command line. Throws an Error when there is none.
 */
export function packageRoot(): URL {
  for (let folder = new URL(".", import.meta.url); ; folder = new URL("..", folder)) {
    if (existsSync(new URL("package.json", folder))) return folder;
    if (folder.pathname === "/") throw new Error("the files of this package lie in no package");
  }
}
