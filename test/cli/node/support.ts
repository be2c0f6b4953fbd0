import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { UsageError } from "../../../src/base/errors.ts";
import { type NodeConfig, type NodeOverrides, readNodeConfig } from "../../../src/cli/node/node-config.ts";
import { scratchDir } from "../../image/support.ts";

/** Folder of the configurations, with two hooks in it that can be run. */
export const dir: string = scratchDir();
export const at = (name: string): string => join(dir, name);

export function putHook(name: string, mode: number = 0o755): void {
  writeFileSync(at(name), "#!/bin/sh\n");
  chmodSync(at(name), mode);
}

export function putFolder(name: string, mode: number = 0o755): void {
  mkdirSync(at(name));
  chmodSync(at(name), mode);
}

/** Writes `node.toml`. */
export function put(content: string | Uint8Array, mode: number = 0o644): string {
  writeFileSync(at("node.toml"), content);
  chmodSync(at("node.toml"), mode);
  return at("node.toml");
}

export interface Given {
  readonly flags?: NodeOverrides;
  readonly env?: Readonly<Record<string, string>>;
}

export function read(content: string | Uint8Array, { flags = {}, env = {} }: Given = {}): NodeConfig {
  return readNodeConfig(put(content), flags, env).config;
}

/** The error of a configuration, with the folder left out of its message. */
export function faultOf(
  content: string | Uint8Array,
  given: Given = {},
): Pick<UsageError, "code" | "exitCode" | "details" | "message"> {
  try {
    read(content, given);
  } catch (error) {
    const { code, exitCode, details, message } = error as UsageError;
    return { code, exitCode, details, message: message.replaceAll(`${dir}/`, "") };
  }
  throw new Error("it was accepted");
}
