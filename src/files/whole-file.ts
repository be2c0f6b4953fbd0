import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from "node:fs";

/** A file that was read whole, with its status; or why it was not. */
export type WholeFile =
  | { readonly tag: "file"; readonly bytes: Uint8Array; readonly stat: Stats }
  | { readonly tag: "not-file" }
  | { readonly tag: "too-long"; readonly size: number };

/** Reads a plain file of at most `sizeMax` bytes through one handle. Errors of the operating system pass through. */
export function readWholeFile(path: string, sizeMax: number): WholeFile {
  // Without O_NONBLOCK opening a named pipe would block until another process writes to it.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) return { tag: "not-file" };
    if (stat.size > sizeMax) return { tag: "too-long", size: stat.size };
    return { tag: "file", bytes: new Uint8Array(readFileSync(fd)), stat };
  } finally {
    closeSync(fd);
  }
}
