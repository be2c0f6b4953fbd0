import { execFile } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { access, chmod, mkdtemp, readFile, rename } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Millis } from "../../base/units.ts";
import { findOwnProgram, isOwnWay } from "../../files/own-way.ts";
import { packageRoot } from "../../files/package-root.ts";
import { cacheFolders, makeCacheFolder, removeAtExit, removeQuietly } from "./helper-cache.ts";

const COMPILE_LIMIT_MS: Millis = 60_000;

const run = promisify(execFile);

/** Why there is no compiled helper. */
export interface NoHelper {
  readonly missing: string;
}

/** What is compiled: `hw-loopback/NAME.c`. */
export interface HelperSource {
  readonly name: string;
  /** Before the source's name. */
  readonly flags: readonly string[];
  /** After it. */
  readonly libraries: readonly string[];
}

const CABLE: HelperSource = { name: "virtual-cable", flags: ["-std=c99", "-O2"], libraries: ["-lm"] };

/** Path of the compiled helper program of the virtual cable, or why there is none. */
export function buildCableHelper(): Promise<string | NoHelper> {
  return buildHelper(CABLE);
}

/**
 * Path of a compiled program or library, or why there is none. Compiled at the first use (about 0.3 s) with $CC, cc,
 * gcc or clang, and kept in a cache folder, named after its source. Compiler, cache and result are such that only root
 * and this process's user may change them, with all folders above; where there is no such cache, it is compiled into
 * a private folder that is removed when this process ends.
 */
export async function buildHelper({ name, flags, libraries }: HelperSource): Promise<string | NoHelper> {
  const path = fileURLToPath(new URL(`hw-loopback/${name}.c`, packageRoot()));
  const source = await readFile(path);
  const hash = createHash("sha256").update(source).update(flags.join(" ")).update(process.arch);
  const versioned = `${name}-${hash.digest("hex").slice(0, 16)}`;
  const argumentsFor = (output: string): readonly string[] => [...flags, "-o", output, path, ...libraries];
  const tried: string[] = [];
  let missing: string | undefined;
  for (const folder of [...cacheFolders(), undefined]) {
    const directory = folder === undefined ? await privateFolder() : makeCacheFolder(folder);
    if (directory === undefined) {
      tried.push(folder ?? tmpdir());
      continue;
    }
    const file = join(directory, versioned);
    if (await isUsable(file)) return file;
    const fault = await compile(file, argumentsFor);
    // The second check finds a directory that is mounted noexec.
    if (fault === undefined && (await isUsable(file))) return file;
    missing = fault ?? `${directory} does not allow programs`;
  }
  const nowhere = `no folder to compile it in that only you can change, of ${tried.join(", ")}; fix: XDG_CACHE_HOME=DIR, with no folder above DIR that others may write`;
  return { missing: missing ?? nowhere };
}

/** A folder in the system's one for temporary files; undefined when others may change it. */
async function privateFolder(): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "mayday-")).catch(() => undefined);
  if (folder === undefined) return undefined;
  removeAtExit(folder);
  return isOwnWay(folder) ? folder : undefined;
}

/** Whether it can be run, and only root and we may change it: what others put there is never run. */
async function isUsable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return isOwnWay(path);
  } catch {
    return false;
  }
}

/** Compiles into `file`, atomically, so that two processes may do it at the same time; returns what went wrong. */
async function compile(
  file: string,
  argumentsFor: (output: string) => readonly string[],
): Promise<string | undefined> {
  const unfinished = `${file}.${randomUUID()}`;
  const compilers = [process.env["CC"], "cc", "gcc", "clang"].flatMap((text) => text?.trim() || []);
  let fault = `none of ${compilers.join(", ")} was found in a folder that only root and you can change`;
  for (const compiler of compilers) {
    const [name = "", ...flags] = compiler.split(/\s+/);
    const command = findOwnProgram(name);
    if (command === undefined) continue;
    try {
      await run(command, [...flags, ...argumentsFor(unfinished)], { timeout: COMPILE_LIMIT_MS });
      await chmod(unfinished, 0o700);
      await rename(unfinished, file);
      return undefined;
    } catch (error) {
      removeQuietly(unfinished);
      const { code, stderr } = error as { readonly code?: unknown; readonly stderr?: unknown };
      const said = String(stderr ?? "")
        .trim()
        .split("\n", 1)[0];
      fault = `${compiler}: ${said || `failed with ${String(code)}`}`;
    }
  }
  return fault;
}
