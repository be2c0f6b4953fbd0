// Runs seeds of the simulator's campaign, in a worker of scripts/sim.mjs or as a process: SEED... prints one outcome a line.
import { parentPort } from "node:worker_threads";
import { fromDist } from "../hw-loopback/lib.mjs";

await fromDist("crypto/use-node-crypto.js");
const { runSeed } = await fromDist("sim/many/campaign.js");

if (parentPort === null) {
  for (const seed of process.argv.slice(2))
    process.stdout.write(`${JSON.stringify(await runSeed(Number(seed)))}\n`);
} else {
  parentPort.on("message", async ({ from, to }) => {
    const outcomes = [];
    for (let seed = from; seed < to; seed++) outcomes.push(await runSeed(seed));
    parentPort.postMessage(outcomes);
  });
}
