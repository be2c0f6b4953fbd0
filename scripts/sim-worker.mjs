// Runs seeds of the simulator's campaign, in a worker of scripts/sim.mjs or as a process: [staged] SEED... prints one outcome a line.
import { parentPort } from "node:worker_threads";
import { fromDist } from "../hw-loopback/lib.mjs";

await fromDist("crypto/use-node-crypto.js");
const { runSeed } = await fromDist("sim/many/campaign.js");

if (parentPort === null) {
  const words = process.argv.slice(2);
  const isStaged = words[0] === "staged";
  for (const seed of isStaged ? words.slice(1) : words)
    process.stdout.write(`${JSON.stringify(await runSeed(Number(seed), isStaged))}\n`);
} else {
  parentPort.on("message", async ({ from, to, isStaged }) => {
    const outcomes = [];
    for (let seed = from; seed < to; seed++) outcomes.push(await runSeed(seed, isStaged));
    parentPort.postMessage(outcomes);
  });
}
