#!/usr/bin/env node
// What `mayday` is started by. Any Node from version 10 on can read this file, so that one that is too old is told so, and not left
// with a syntax error in the program: what it imports is bundled with it, the program is loaded after the check, and scripts/build.mjs
// lowers the syntax.
import { holdSignals } from "./early-signals.ts";
import { NOTHING_MOVED } from "./nothing-moved.ts";

/** Version of Node that is needed, "MAJOR.MINOR": that of package.json, set when this is built. */
declare const NODE_NEEDED: string;

function isTooOld(found: string, needed: string): boolean {
  const [major, minor] = found.split(".").map(Number);
  const [majorMin, minorMin] = needed.split(".").map(Number);
  return Number(major) < Number(majorMin) || (major === majorMin && Number(minor) < Number(minorMin));
}

function refuse(found: string, needed: string): void {
  const message = `Node.js ${found} is too old: ${needed} or later is needed; install one (https://nodejs.org), and run mayday with it`;
  process.stderr.write(`mayday: ${message}\n`);
  process.exitCode = 2;
  if (process.argv.indexOf("--json") < 0) return;
  const outcome = { event: "verdict", ok: false, code: 2, reason: "node-too-old" };
  const verdict = Object.assign(outcome, NOTHING_MOVED, { peer: null, digest: null, message });
  process.stdout.write(`${JSON.stringify(verdict)}\n`);
}

if (isTooOld(process.versions.node, NODE_NEEDED)) refuse(process.versions.node, NODE_NEEDED);
else {
  holdSignals();
  void import("./app.ts");
}
