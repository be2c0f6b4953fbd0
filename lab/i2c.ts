import "../src/crypto/use-node-crypto.ts";
import { fork } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runI2cSeed } from "./i2c-seeds.ts";
import { machine } from "./report.ts";

/** Evidence on I2C: whole rescues with random faults, over so many processes. `npm run lab:i2c -- --help`. */
const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "20000" },
    "first-seed": { type: "string", default: "0" },
    workers: { type: "string", default: "2" },
    out: { type: "string" },
    share: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
const [runs, first, workers] = [Number(values.runs), Number(values["first-seed"]), Number(values.workers)];

/** Runs every `workers`-th seed from `share` on; gives the failures. */
async function runShare(share: number): Promise<string[]> {
  const failures: string[] = [];
  for (let seed = first + share; seed < first + runs; seed += workers) {
    await runI2cSeed(seed).catch((error: unknown) => failures.push(String(error)));
  }
  return failures;
}

function forkShare(share: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), [...process.argv.slice(2), "--share", `${share}`]);
    child.once("message", (failures) => resolve(failures as string[]));
    child.once("exit", (code) => reject(new Error(`share ${share} ended with ${code}`)));
  });
}

if (values.help) {
  process.stdout.write(
    "npm run lab:i2c -- [--runs 20000] [--first-seed 0] [--workers 2] [--out docs/evidence/i2c]\n",
  );
} else if (values.share !== undefined) {
  process.send?.(await runShare(Number(values.share)));
} else {
  const start = performance.now();
  const failures = (
    await Promise.all(Array.from({ length: workers }, (_, share) => forkShare(share)))
  ).flat();
  const seconds = Math.round((performance.now() - start) / 1000);
  const { commit, isModified, node, cpu } = machine();
  const version = `${commit}${isModified ? ", modified" : ""}`;
  const head = `Commit ${version}; seeds from ${first}; Node ${node}; ${cpu}; ${seconds} s.`;
  const bound = (3 / runs).toExponential(1);
  const text = [
    "# I2C: whole rescues with random faults",
    "",
    head,
    "",
    "4 KiB over an in-memory bus at 400 kHz; transactions of 32 to 1024 bytes; controller as rescuer and as target; NACKs,",
    "bit errors, timeouts, lost arbitration, short reads, stuck bus. Again: `npm run lab:i2c`.",
    "",
    `Not complete or not exact: ${failures.length} of ${runs} (below ${bound} at 95 % if none).`,
    ...failures.map((failure) => `- ${failure}`),
  ].join("\n");
  process.stdout.write(`${text}\n`);
  if (values.out !== undefined) writeFileSync(`${values.out}.md`, `${text}\n`);
  process.exitCode = failures.length === 0 ? 0 : 1;
}
