import { buildModule } from "../../scripts/firmware/wasm.mjs";

const built = new Map<string, string>();

/** The path of a module of the C side with these macros ("NAME=value"), compiled once a process. */
export function builtModule(name: string, macros: readonly string[] = []): string {
  const variant = [name, ...macros].join(" ");
  const known = built.get(variant) ?? buildModule(name, macros);
  built.set(variant, known);
  return known;
}
