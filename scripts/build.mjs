#!/usr/bin/env node
// Compiles src/ into a fresh dist/, with the command line tool as one file: to load it costs far less time than to load its 150
// modules. The old dist/ stays until the new one is whole.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
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

/** The command line and all of ours that it imports in one file, and the file that starts it, in the place of its modules. */
async function bundle() {
  const common = { bundle: true, format: "esm", platform: "node", logLevel: "warning" };
  await build({
    ...common,
    entryPoints: [`${draft}/cli/app.js`],
    outfile: `${draft}/app.js`,
    target: "node20",
    plugins: [lazyPackages],
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
  });
  await build({
    ...common,
    entryPoints: [`${draft}/cli/main.js`],
    outfile: `${draft}/main.js`,
    external: ["./app.js"],
    // An old Node has to be able to read it.
    target: "es2015",
    define: { NODE_NEEDED: JSON.stringify(neededNode()) },
  });
  rmSync(`${draft}/cli`, { recursive: true });
  mkdirSync(`${draft}/cli`);
  for (const name of ["app.js", "main.js"]) renameSync(`${draft}/${name}`, `${draft}/cli/${name}`);
  chmodSync(`${draft}/cli/main.js`, 0o755);
}

/** The manual page, from what the commands themselves say. */
function writeManual() {
  const { status, stdout } = spawnSync(process.execPath, [`${draft}/cli/main.js`, "manual"]);
  if (status !== 0) throw new Error(`mayday manual: exit ${status}`);
  writeFileSync(`${draft}/mayday.1`, stdout);
}

/** "20.19" of ">=20.19". */
function neededNode() {
  const { engines } = JSON.parse(readFileSync("package.json", "utf8"));
  const [, version] = /^>=(\d+\.\d+)$/.exec(engines.node) ?? [];
  if (version === undefined) throw new Error(`engines.node is ${engines.node}, not ">=MAJOR.MINOR"`);
  return version;
}

try {
  process.exitCode = compile();
  if (process.exitCode === 0) {
    await bundle();
    writeManual();
    const old = `.dist-old-${process.pid}`;
    if (existsSync("dist")) renameSync("dist", old);
    renameSync(draft, "dist");
    rmSync(old, { recursive: true, force: true });
  }
} finally {
  rmSync(draft, { recursive: true, force: true });
}
