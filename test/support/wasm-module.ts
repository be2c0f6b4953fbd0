import { buildModule } from "../../scripts/firmware/wasm.mjs";

const built = new Map<string, string>();

/** The path of a module of the C side, compiled once a process. */
export function builtModule(name: string): string {
  const known = built.get(name) ?? buildModule(name);
  built.set(name, known);
  return known;
}
