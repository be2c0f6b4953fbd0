import "../../src/crypto/use-node-crypto.ts";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { toHex } from "../../src/base/bytes.ts";
import { serveJobs, Workers } from "../workers.ts";
import { CSide } from "./c-side.ts";
import { type KindRow, runCase, runKind, sharesOf } from "./differential.ts";
import { KNOWN_DIFFERENCES } from "./known-differences.ts";

/*
 * The worker of scripts/firmware/differential.mjs: prints what came of the inputs as JSON.
 */

interface Job {
  readonly kind: string;
  readonly from: number;
  readonly to: number;
  readonly wasm: string;
}

/** Inputs that a process gets at once. */
const CHUNK = 1_000;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      wasm: { type: "string" },
      count: { type: "string", default: "1000000" },
      seed: { type: "string", default: "0" },
      workers: { type: "string", default: "2" },
      kinds: { type: "string" },
      case: { type: "string" },
      worker: { type: "boolean", default: false },
    },
  });
  if (values.worker)
    return await serveJobs(async ({ kind, from, to, wasm }: Job) => runKind(kind, from, to, wasm));
  if (values.wasm === undefined) throw new Error("--wasm: the path of differential.wasm");
  if (values.case !== undefined) return again(values.case, values.wasm);
  const only = values.kinds?.split(",");
  const shares = sharesOf(Number(values.count)).filter(({ kind }) => only?.includes(kind) ?? true);
  const rows = await gather(shares, Number(values.seed), Number(values.workers), values.wasm);
  say(JSON.stringify({ rows, known: KNOWN_DIFFERENCES }));
  return 0;
}

function again(id: string, wasm: string): number {
  const { isAccepted, difference, input } = runCase(id, new CSide(wasm), say);
  say(`input ${toHex(input)}`);
  say(difference ?? (isAccepted ? "both sides take it" : "both sides do not take it"));
  return difference === undefined ? 0 : 1;
}

/** Deals the inputs out to processes, and adds up what came of each kind. */
async function gather(
  shares: readonly { kind: string; inputs: number }[],
  seed: number,
  workers: number,
  wasm: string,
): Promise<KindRow[]> {
  const jobs: Job[] = shares.flatMap(({ kind, inputs }) =>
    Array.from({ length: Math.ceil(inputs / CHUNK) }, (_, i) => ({
      ...{ kind, wasm, from: seed + i * CHUNK },
      to: seed + Math.min(inputs, (i + 1) * CHUNK),
    })),
  );
  const rows: Map<string, KindRow> = new Map();
  const processes = new Workers<Job, KindRow>(fileURLToPath(import.meta.url));
  let done = 0;
  await processes.deal(jobs, workers, (row) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${++done} of ${jobs.length} parts `);
    const before = rows.get(row.kind) ?? { ...row, inputs: 0, accepted: 0, differences: 0, reported: [] };
    rows.set(row.kind, {
      kind: row.kind,
      inputs: before.inputs + row.inputs,
      accepted: before.accepted + row.accepted,
      differences: before.differences + row.differences,
      reported: [...before.reported, ...row.reported].slice(0, 10),
    });
  });
  return [...rows.values()];
}

process.exitCode = await main();
