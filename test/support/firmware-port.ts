import { createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PORTS = join(ROOT, "firmware-stubs/ports");

const { libsodiumSetting, run } = (await import(
  new URL("../../scripts/firmware/native.mjs", import.meta.url).href
)) as {
  libsodiumSetting(): string[];
  run(command: string, args: readonly string[]): string;
};

/** Builds a port by CMake, where nothing is done again that is up to date. Returns the folder of the results. */
export function buildPort(port: string, settings: readonly string[] = []): string {
  const folder = join(ROOT, "build/firmware/ports", port);
  run("cmake", ["-S", join(PORTS, port), "-B", folder, ...libsodiumSetting(), ...settings]);
  run("cmake", ["--build", folder, "-j", "2"]);
  return folder;
}

/** For CMake: a toolchain file below firmware-stubs. */
export function toolchain(path: string): string {
  return `-DCMAKE_TOOLCHAIN_FILE=${join(ROOT, "firmware-stubs", path)}`;
}

/** For CMake: the key that a board trusts, from a PEM file. */
export function trustedKey(path: string): string {
  const der = createPublicKey(readFileSync(path)).export({ format: "der", type: "spki" });
  return `-DTRUSTED_KEY=${der.subarray(-32).toString("hex")}`;
}
