import { lstat, readlink, stat } from "node:fs/promises";
import { errnoOf } from "../../base/errno.ts";
import { TransportError } from "../../base/errors.ts";
import { pathSlip } from "./path-slip.ts";
import { findHolders, holderText, type PortHolder } from "./port-holder.ts";
import { permissionError } from "./port-permission.ts";

/**
 * Checks a port's path before it is opened, since the serial package's messages say little. Returns the fault, or
 * undefined if there is none.
 */
export async function checkPortPath(path: string): Promise<TransportError | undefined> {
  // Ports on Windows (COM3) are not files.
  if (process.platform === "win32") return undefined;
  try {
    const found = await stat(path);
    if (found.isCharacterDevice()) return undefined;
    return notTty(
      path,
      found.isDirectory() ? "a directory" : found.isFile() ? "a regular file" : "not a serial port",
    );
  } catch (error) {
    if (errnoOf(error) === "EACCES") return permissionError(path, error);
    return missing(path, await danglingTarget(path), error);
  }
}

/** The TransportError for a failure to open. The serial package gives a text and no code. */
export async function portOpenError(path: string, baud: number, cause: Error): Promise<TransportError> {
  const text = cause.message;
  if (/lock|resource busy|temporarily unavailable/i.test(text)) {
    return busy(path, (await findHolders([path])).get(path) ?? [], cause);
  }
  if (/permission denied|not permitted|access denied/i.test(text)) return permissionError(path, cause);
  if (/no such (file|device)|file not found/i.test(text)) return missing(path, undefined, cause);
  if (/inappropriate ioctl|is a directory/i.test(text)) return notTty(path, "not a serial port", cause);
  if (/baud/i.test(text)) return baudRefused(path, baud, cause);
  return new TransportError("port-failed", `cannot open ${path}: ${text}`, "final", { path }, cause);
}

/** The driver refuses a rate, on open or later. */
export function baudRefused(path: string, baud: number, cause: Error): TransportError {
  const message = `${path} does not do ${baud} baud; try serial:${path}?baud=115200 or another rate on both sides`;
  return new TransportError("baud-unsupported", message, "final", { path, baud }, cause);
}

/** The port went away while it was open. */
export function portLost(path: string, cause?: unknown): TransportError {
  const seen = cause instanceof Error ? ` (${cause.message})` : "";
  const message = `${path} went away${seen}: adapter unplugged, or the program behind a virtual port ended; plug it in again`;
  return new TransportError("port-lost", message, "final", { path }, cause);
}

/** The port took no bytes for far longer than the line needs for them. */
export function portStalled(path: string, afterMs: number): TransportError {
  const message = `${path} took no bytes for ${Math.round(afterMs)} ms: adapter hung or line blocked; unplug it and plug it in again`;
  return new TransportError("port-stalled", message, "final", { path, afterMs: Math.round(afterMs) });
}

function missing(path: string, target: string | undefined, cause?: unknown): TransportError {
  const seen =
    target === undefined ? "there is no such port" : `it is a link to ${target}, which does not exist`;
  const fix =
    pathSlip(path) ??
    "plug the adapter in or start the program that makes the port; `mayday ports` lists all ports";
  return new TransportError(
    "port-missing",
    `cannot open ${path}: ${seen}; ${fix}`,
    "final",
    { path, target },
    cause,
  );
}

function busy(path: string, holders: readonly PortHolder[], cause: unknown): TransportError {
  const named = holders.map(holderText);
  const by = named.length === 0 ? "another process has" : `it is open in ${named.join(" and ")}, which has`;
  const message = `cannot open ${path}: ${by} locked it; end that first`;
  return new TransportError(
    "port-busy",
    message,
    "final",
    { path, pids: holders.map(({ pid }) => pid).join(" ") },
    cause,
  );
}

function notTty(path: string, what: string, cause?: unknown): TransportError {
  const message = `cannot open ${path}: it is ${what}; name a serial port (\`mayday ports\` lists them)`;
  return new TransportError("port-not-tty", message, "final", { path, what }, cause);
}

async function danglingTarget(path: string): Promise<string | undefined> {
  try {
    return (await lstat(path)).isSymbolicLink() ? await readlink(path) : undefined;
  } catch {
    return undefined;
  }
}
