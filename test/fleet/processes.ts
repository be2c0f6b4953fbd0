import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Report } from "../../src/fleet/fleet-report.ts";
import { until } from "./broker.ts";

const DIST = pathToFileURL(`${process.cwd()}/dist/`).href;
/** A site in a process of its own: reports of standard input, one JSON line each. */
const SITE = `
import "${DIST}crypto/use-node-crypto.js";
import { systemClock } from "${DIST}base/clock.js";
import { SeededRandom } from "${DIST}base/prng.js";
import { SiteUplink } from "${DIST}fleet/mqtt/site-uplink.js";
import { createInterface } from "node:readline";
const { port, outbox, site, seed } = JSON.parse(process.argv[1]);
const say = (event) => process.stdout.write(JSON.stringify(event) + "\\n");
const uplink = await SiteUplink.open({
  fleet: "pumps", site, outbox, run: "0badcafe", ownerKeys: [], broker: { url: "mqtt://127.0.0.1:" + port },
  clock: systemClock, random: new SeededRandom(seed), reconnect: { first: 100, most: 400 }, waits: { first: 500, most: 1000 },
  wall: () => ({ at: Date.now(), sure: true }),
  state: () => ({ v: 1, version: "0", boards: [], suspects: [], conflicts: [], at: 0, clockSure: false, run: "0badcafe", upMs: 0 }),
  onEvent: say, warn: (text) => say({ warn: text }), knowsHardware: () => false, onOffer: say, onStop: say,
});
for await (const line of createInterface(process.stdin)) uplink.report(JSON.parse(line));
`;

abstract class Process {
  protected readonly child: ChildProcess;
  output = "";

  constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, [...args], { stdio: ["pipe", "pipe", "pipe"] });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.setEncoding("utf8").on("data", (chunk: string) => {
        this.output += chunk;
      });
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, "exit");
    this.child.kill("SIGKILL");
    await gone;
  }

  killNow(): void {
    this.child.kill("SIGKILL");
  }

  async saw(text: string): Promise<void> {
    await until(`${text} in ${this.output}`, () => this.output.includes(text));
  }
}

export class SiteProcess extends Process {
  readonly outbox: string;

  constructor(folder: string, port: number, site: string = "hut-7") {
    const outbox = join(folder, site);
    const seed = Math.floor(Math.random() * 1e9);
    super(["--input-type=module", "-e", SITE, JSON.stringify({ port, outbox, site, seed })]);
    this.outbox = join(outbox, "outbox.jsonl");
  }

  report(reports: readonly Report[]): void {
    for (const report of reports) this.child.stdin?.write(`${JSON.stringify(report)}\n`);
  }

  /** Waits until the reports are on the disk. */
  async stored(reports: readonly Report[]): Promise<void> {
    await until("the reports are in the outbox", () => {
      const text = existsSync(this.outbox) ? readFileSync(this.outbox, "utf8") : "";
      return reports.every(({ id }) => text.includes(id));
    });
  }
}

export class CollectorProcess extends Process {
  readonly dir: string;

  constructor(folder: string, port: number, flags: readonly string[] = [], name: string = "collected") {
    const dir = join(folder, name);
    const broker = ["--broker", `mqtt://127.0.0.1:${port}`, "--fleet", "pumps", "--out", dir];
    super(["dist/cli/main.js", "collect", "--json", ...broker, ...flags]);
    this.dir = dir;
  }

  async up(): Promise<void> {
    await this.saw('"state":"up"');
  }
}

/** Ids in a collector's file, in order. */
export function collectedIds(dir: string): string[] {
  const path = join(dir, "reports.jsonl");
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
  return lines.flatMap((line) => (JSON.parse(line) as { id?: string }).id ?? []);
}
