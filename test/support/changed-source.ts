import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** A constant of the reference that another implementation may choose otherwise. */
export interface FreeConstant {
  readonly name: string;
  readonly value: number;
}

/** The constants that PROTOCOL.md 6.4 lists. */
export function freeConstants(): readonly FreeConstant[] {
  const text = readFileSync(join(ROOT, "docs/PROTOCOL.md"), "utf8");
  const from = text.indexOf("The constants of the reference behind these");
  const table = text.slice(from, text.indexOf("\n### 6.5", from));
  const rows = [...table.matchAll(/^\| `([A-Z_]+)` \| ([\d.]+) \|/gm)];
  return rows.map(([, name = "", value]) => ({ name, value: Number(value) }));
}

/**
 * A copy of `src/` and of what replays sessions, in a temporary folder, in which each of these constants has the value that
 * `change` gives. `drop` removes it. Throws if a constant is not found, or keeps its value.
 */
export function changedSource(
  constants: readonly FreeConstant[],
  change: (constant: FreeConstant) => number,
): { readonly folder: string; readonly changed: number; drop(): void } {
  const paths = ["src/link", "src/session"].flatMap((part) =>
    readdirSync(join(ROOT, part), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => join(part, name)),
  );
  const texts = new Map(paths.map((path) => [path, readFileSync(join(ROOT, path), "utf8")]));
  for (const constant of constants) changeOne(texts, constant, change(constant));
  const folder = mkdtempSync(join(tmpdir(), "mayday-changed-"));
  for (const part of ["src", "test/support", "vectors"])
    cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  for (const [path, text] of texts) writeFileSync(join(folder, path), text);
  const drop = (): void => rmSync(folder, { recursive: true, force: true });
  return { folder, changed: constants.length, drop };
}

function changeOne(texts: Map<string, string>, { name, value }: FreeConstant, other: number): void {
  if (other === value) throw new Error(`${name} is ${value} as before`);
  const pattern = new RegExp(`^((?:export )?const ${name}(?:: \\w+)? = )[\\d_. *]+;`, "gm");
  let found = 0;
  for (const [path, text] of texts) {
    const changed = text.replace(pattern, (_, head: string) => {
      found++;
      return `${head}${other};`;
    });
    texts.set(path, changed);
  }
  if (found === 0) throw new Error(`${name} is not found in src/link and src/session`);
}
