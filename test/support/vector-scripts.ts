import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** How a script ended, and what it said. */
export interface ScriptOutcome {
  readonly status: number | null;
  readonly text: string;
}

/** Runs a script of `scripts/vectors` in a folder that has it, `vectors` and PROTOCOL.md. Python 3 has to be there. */
export function runVectorScript(folder: string, script: string, ...args: string[]): ScriptOutcome {
  const path = join(folder, "scripts/vectors", script);
  const { status, stdout, stderr, error } = spawnSync("python3", ["-B", path, ...args], { encoding: "utf8" });
  if (error !== undefined) throw new Error("python3 cannot be run: install it", { cause: error });
  return { status, text: stdout + stderr };
}

/** The repository itself. */
export const REPOSITORY: string = ROOT;
const CHECK = "check_vectors.py";

/** Temporary folders with copies of what the scripts read. */
export class VectorFolders {
  readonly #folders: string[] = [];

  /** A new copy of the scripts, the vectors and PROTOCOL.md. */
  copy(): string {
    const folder = mkdtempSync(join(tmpdir(), "mayday-vectors-"));
    this.#folders.push(folder);
    for (const part of ["vectors", "docs"]) mkdirSync(join(folder, part));
    cpSync(join(ROOT, "scripts/vectors"), join(folder, "scripts/vectors"), { recursive: true });
    cpSync(join(ROOT, "docs/PROTOCOL.md"), join(folder, "docs/PROTOCOL.md"));
    for (const name of readdirSync(join(ROOT, "vectors")).filter((file) => file.endsWith(".json")))
      cpSync(join(ROOT, "vectors", name), join(folder, "vectors", name));
    return folder;
  }

  /** A copy in which one file has another text. */
  copyWith(path: string, change: (text: string) => string): string {
    const folder = this.copy();
    const text = readFileSync(join(folder, path), "utf8");
    const changed = change(text);
    if (changed === text) throw new Error(`${path} was not changed`);
    writeFileSync(join(folder, path), changed);
    return folder;
  }

  /** Checks the frames of a file of vectors in a copy in which its content was changed. */
  checkWith<Content>(name: string, change: (content: Content) => void): ScriptOutcome {
    const folder = this.copyWith(`vectors/${name}`, (text) => {
      const content = JSON.parse(text) as Content;
      change(content);
      return JSON.stringify(content);
    });
    return runVectorScript(folder, CHECK, name);
  }

  /** Checks the frames of a file of vectors against another text of PROTOCOL.md. */
  checkAgainst(name: string, change: (text: string) => string): ScriptOutcome {
    return runVectorScript(this.copyWith("docs/PROTOCOL.md", change), CHECK, name);
  }

  dropAll(): void {
    for (const folder of this.#folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  }
}
