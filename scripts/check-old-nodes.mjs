#!/usr/bin/env node
// Runs the built command line with real old versions of Node, which it installs from npm into a temporary folder: each has to say in
// one line which version it is and which one is needed, with exit 2. By hand: it downloads some 40 MB for each.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const VERSIONS = ["10", "12", "14", "16", "18"];
const main = new URL("../dist/cli/main.js", import.meta.url).pathname;
const needed = JSON.parse(
  readFileSync(new URL("../package.json", import.meta.url), "utf8"),
).engines.node.slice(2);
const dir = mkdtempSync(join(tmpdir(), "mayday-old-nodes-"));

/** Why a version does not say what it should; undefined when it does. */
function faultOf(version) {
  const name = `node-linux-${process.arch}`;
  const prefix = join(dir, version);
  const installed = spawnSync("npm", ["install", "--prefix", prefix, `${name}@${version}`], {
    stdio: "ignore",
  });
  if (installed.status !== 0) return "it could not be installed";
  const node = join(prefix, "node_modules", name, "bin/node");
  const found = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout.trim().slice(1);
  for (const args of [["image", "inspect", "any.mdy"], ["--version"], ["repo", "list", "--json"], []]) {
    const { status, stderr, stdout } = spawnSync(node, [main, ...args], { encoding: "utf8" });
    const lines = stderr.trim().split("\n");
    if (status !== 2) return `mayday ${args.join(" ")} ended with ${status}: ${stderr}`;
    if (lines.length !== 1 || !stderr.includes(found) || !stderr.includes(needed)) return stderr;
    if (args.includes("--json") && JSON.parse(stdout).reason !== "node-too-old") return stdout;
  }
  process.stdout.write(`Node ${found} is refused in one line\n`);
  return undefined;
}

try {
  for (const version of VERSIONS) {
    const fault = faultOf(version);
    if (fault === undefined) continue;
    process.stdout.write(`Node ${version}: ${fault}\n`);
    process.exitCode = 1;
  }
} finally {
  rmSync(dir, { recursive: true, force: true });
}
