import { execFile } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { access, chmod, lstat, mkdir, readFile, rename, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Millis } from "../../base/units.ts";

const SOURCES = new URL("../../../hw-loopback/", import.meta.url);
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
 * gcc or clang, and kept in the user's cache directory, named after its source.
 */
export async function buildHelper({ name, flags, libraries }: HelperSource): Promise<string | NoHelper> {
  const path = fileURLToPath(new URL(`${name}.c`, SOURCES));
  const source = await readFile(path);
  const hash = createHash("sha256").update(source).update(flags.join(" ")).update(process.arch);
  const versioned = `${name}-${hash.digest("hex").slice(0, 16)}`;
  let missing = "no directory to compile it in";
  for (const directory of cacheDirectories()) {
    const file = join(directory, versioned);
    if (await isUsable(file, constants.X_OK)) return file;
    await mkdir(directory, { recursive: true, mode: 0o700 }).catch(() => {});
    if (!(await isUsable(directory, constants.W_OK))) continue;
    const fault = await compile(file, (output) => [...flags, "-o", output, path, ...libraries]);
    // The second check finds a directory that is mounted noexec.
    if (fault === undefined && (await isUsable(file, constants.X_OK))) return file;
    missing = fault ?? `${directory} does not allow programs`;
  }
  return { missing };
}

function cacheDirectories(): string[] {
  const configured = process.env["XDG_CACHE_HOME"];
  const base = configured !== undefined && isAbsolute(configured) ? configured : join(homedir(), ".cache");
  return [join(base, "mayday"), join(tmpdir(), `mayday-${process.getuid?.() ?? 0}`)];
}

/** Whether `path` allows `mode` and is ours: what another user put under /tmp is never run. */
async function isUsable(path: string, mode: number): Promise<boolean> {
  try {
    await access(path, mode);
    const { uid, mode: permissions } = await lstat(path);
    return (uid === 0 || uid === process.getuid?.()) && (permissions & 0o002) === 0;
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
  let fault = `none of ${compilers.join(", ")} was found`;
  for (const compiler of compilers) {
    const [command = "", ...flags] = compiler.split(/\s+/);
    try {
      await run(command, [...flags, ...argumentsFor(unfinished)], { timeout: COMPILE_LIMIT_MS });
      await chmod(unfinished, 0o700);
      await rename(unfinished, file);
      return undefined;
    } catch (error) {
      await rm(unfinished, { force: true });
      const { code, stderr } = error as { readonly code?: unknown; readonly stderr?: unknown };
      const said = String(stderr ?? "")
        .trim()
        .split("\n", 1)[0];
      if (code !== "ENOENT") fault = `${compiler}: ${said || `failed with ${String(code)}`}`;
    }
  }
  return fault;
}
