import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** What every record of a bench says. */
export interface BenchRecord {
  readonly bench: string;
  readonly date: string;
  readonly version: string;
  readonly commit?: string;
  readonly machine: Readonly<Record<string, unknown>>;
  readonly setup: string;
  readonly ports: readonly Readonly<Record<string, unknown>>[];
  readonly ok: boolean;
}

/** A row of uart-loopback: one direction at one rate. */
export interface LoopbackRow {
  readonly baud: number;
  readonly leg: string;
  readonly faults: readonly string[];
  readonly lineShare?: number;
  readonly sections: readonly {
    readonly section: string;
    readonly sent: number;
    readonly received: number;
    readonly lost: number;
    readonly changed: number;
    readonly extra: number;
    readonly bitErrors: number;
    readonly firstDifferences: readonly { at: number; sent?: string; received?: string }[];
  }[];
}

/** A row of uart-rescue: one rescue. */
export interface RescueRow {
  readonly act: string;
  readonly baud: number;
  readonly ok: boolean;
  readonly isExact: boolean;
  readonly exitCodes: { readonly distress: number; readonly rescue: number };
  readonly bytesToBoard: number;
  readonly bytesFromBoard: number;
  readonly blocks: number;
  readonly seconds: number;
  readonly imageRate: number;
  readonly errors?: readonly string[];
}

/** How a bench ended; the record is undefined when it wrote none. */
export interface BenchResult<Row> {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly record: (BenchRecord & { readonly rows: readonly Row[] }) | undefined;
  readonly markdown: string | undefined;
}

/** Runs NAME.mjs, by its path in the repository, with `--out`, and reads its record. */
export async function runBench<Row>(name: string, ...args: readonly string[]): Promise<BenchResult<Row>> {
  const folder = await mkdtemp(join(tmpdir(), "mayday-bench-test-"));
  const base = join(folder, "records", "record");
  const script = fileURLToPath(new URL(`../../${name}.mjs`, import.meta.url));
  const child = spawn(process.execPath, [script, ...args, "--out", base], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const code = await new Promise<number>((resolve) => child.once("close", (status) => resolve(status ?? -1)));
  const json = await readFile(`${base}.json`, "utf8").catch(() => undefined);
  const markdown = await readFile(`${base}.md`, "utf8").catch(() => undefined);
  await rm(folder, { recursive: true });
  const record = json === undefined ? undefined : (JSON.parse(json) as BenchResult<Row>["record"]);
  return { code, stdout, stderr, record, markdown };
}
