import { fstatSync, writeSync } from "node:fs";
import { Writable } from "node:stream";
import { errnoOf } from "../base/errno.ts";
import type { OutputStream } from "./output.ts";

const STDOUT_FD = 1;

/**
 * Standard output for results. Node's own stream takes a short write to a file for a whole one, so that on a disk that gets full a
 * result is cut without an error: files and devices get a stream that writes all, or fails.
 */
export function resultStream(): OutputStream {
  if (!isFile()) return process.stdout;
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      try {
        for (let at = 0; at < chunk.length; ) at += writeSync(STDOUT_FD, chunk, at);
        done();
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)));
      }
    },
  });
}

/**
 * Why what was written to a stream did not arrive; undefined when it did, or its reader has closed the pipe: that one wants no
 * more (`mayday repo list | head -1`).
 */
export function lossOf(stream: Writable): Error | undefined {
  const { errored } = stream;
  return errored === null || errnoOf(errored) === "EPIPE" ? undefined : errored;
}

/** Resolves when everything written has left this process, or cannot leave it. */
export function flushed(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.errored) resolve();
    else stream.write("", () => resolve());
  });
}

function isFile(): boolean {
  try {
    const stat = fstatSync(STDOUT_FD);
    return stat.isFile() || stat.isBlockDevice() || (stat.isCharacterDevice() && !process.stdout.isTTY);
  } catch {
    return false;
  }
}
