#!/usr/bin/env node
// Compiles src/ into a fresh dist/, with the command line tool executable. The old dist/ stays until the new one is whole.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, renameSync, rmSync } from "node:fs";

const draft = `.dist-${process.pid}`;
const { status } = spawnSync("npx", ["tsc", "-p", "tsconfig.build.json", "--outDir", draft], {
  stdio: "inherit",
});
if (status === 0) {
  chmodSync(`${draft}/cli/main.js`, 0o755);
  const old = `.dist-old-${process.pid}`;
  if (existsSync("dist")) renameSync("dist", old);
  renameSync(draft, "dist");
  rmSync(old, { recursive: true, force: true });
} else {
  rmSync(draft, { recursive: true, force: true });
}
process.exitCode = status ?? 1;
