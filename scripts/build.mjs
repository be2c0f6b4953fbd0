#!/usr/bin/env node
// Compiles src/ into a fresh dist/, with the command line tool as one executable file: to load it costs far less time than to load
// its 150 modules. The old dist/ stays until the new one is whole.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { build } from "esbuild";

const draft = `.dist-${process.pid}`;

/** Compiles; the exit code. */
function compile() {
  const args = ["tsc", "-p", "tsconfig.build.json", "--outDir", draft];
  return spawnSync("npx", args, { stdio: "inherit" }).status ?? 1;
}

/**
 * Imports of packages and of Node's modules become calls of require() where the module that imports them is first used. As imports
 * they would all be loaded at the start, whatever the command needs of them.
 */
const lazyPackages = {
  name: "lazy packages",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^[^.]/ }, ({ path, kind, importer }) => {
      if (importer === "" || /^[./]/.test(path)) return undefined;
      return kind === "require-call" ? { path, external: true } : { path, namespace: "package" };
    });
    onLoad({ filter: /.*/, namespace: "package" }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
    }));
  },
};

/** The command line and all of ours that it imports in one file, in the place of its modules. */
async function bundle() {
  const outfile = `${draft}/main.js`;
  await build({
    entryPoints: [`${draft}/cli/main.js`],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    plugins: [lazyPackages],
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    logLevel: "warning",
  });
  rmSync(`${draft}/cli`, { recursive: true });
  mkdirSync(`${draft}/cli`);
  renameSync(outfile, `${draft}/cli/main.js`);
  chmodSync(`${draft}/cli/main.js`, 0o755);
}

try {
  process.exitCode = compile();
  if (process.exitCode === 0) {
    await bundle();
    const old = `.dist-old-${process.pid}`;
    if (existsSync("dist")) renameSync("dist", old);
    renameSync(draft, "dist");
    rmSync(old, { recursive: true, force: true });
  }
} finally {
  rmSync(draft, { recursive: true, force: true });
}
