#!/usr/bin/env node
// The whole power-cut laboratory, and its result in docs/evidence/torture.md: builds dist/, runs
// `mayday board torture --full` on all cores, and adds commit and machine. Further flags are passed on.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { machineFacts, sourceOf } from "../hw-loopback/lib.mjs";

const OUT = "docs/evidence/torture.md";

const flags = [
  "board",
  "torture",
  "--full",
  "--workers",
  `${availableParallelism()}`,
  ...process.argv.slice(2),
];
const started = Date.now();
const built = spawnSync("npm", ["run", "--silent", "build"], { stdio: "inherit" });
const run = spawnSync(process.execPath, ["dist/cli/main.js", ...flags], {
  stdio: ["ignore", "pipe", "inherit"],
  encoding: "utf8",
});
process.stdout.write(run.stdout);
if (built.status === 0 && run.status !== null && run.stdout !== "") {
  const { node, cpus, model } = machineFacts();
  const minutes = ((Date.now() - started) / 60_000).toFixed(1);
  writeFileSync(
    OUT,
    `# Power cuts

\`npm run torture\`, which is \`mayday ${flags.join(" ")}\`: what it does is in \`mayday board torture --help\` and in
[DESIGN.md](../DESIGN.md), "Power cuts".

Commit ${sourceOf().commit}, Node ${node}, ${cpus} x ${model?.trim()}, ${minutes} minutes. Exit code
${run.status}.

\`\`\`
${run.stdout.trimEnd()}
\`\`\`
`,
  );
}
process.exitCode = run.status ?? 1;
