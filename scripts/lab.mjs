#!/usr/bin/env node
// The fault laboratory: compiles src and lab into .lab/ and runs one of its programs, main, i2c, mutate or wire-bytes (--help).
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";

const [program, ...args] = process.argv.slice(2);
rmSync(".lab", { recursive: true, force: true });
const compiled = spawnSync("npx", ["tsc", "-p", "tsconfig.lab.json"], { stdio: "inherit" });
const status =
  compiled.status === 0
    ? spawnSync(process.execPath, [`.lab/lab/${program}.js`, ...args], { stdio: "inherit" }).status
    : compiled.status;
process.exitCode = status ?? 1;
