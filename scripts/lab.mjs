#!/usr/bin/env node
// The fault laboratory: compiles src and test/lab into .lab/ and runs it (test/lab/main.ts has the options; --help).
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";

rmSync(".lab", { recursive: true, force: true });
const compiled = spawnSync("npx", ["tsc", "-p", "tsconfig.lab.json"], { stdio: "inherit" });
const status =
  compiled.status === 0
    ? spawnSync(process.execPath, [".lab/test/lab/main.js", ...process.argv.slice(2)], { stdio: "inherit" })
        .status
    : compiled.status;
process.exitCode = status ?? 1;
