#!/usr/bin/env node
// Many sites in one process at a real mosquitto: how they come back after the broker's restart, how many reports a second are
// collected, and what the broker needs for it. `--sites N --reports N --window MS --json`; the record is docs/evidence/fleet.md.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { systemClock } from "../dist/base/clock.js";
import { SeededRandom } from "../dist/base/prng.js";
import "../dist/crypto/use-node-crypto.js";
import { identified } from "../dist/fleet/fleet-report.js";
import { Collector } from "../dist/fleet/mqtt/collector.js";
import { SiteUplink } from "../dist/fleet/mqtt/site-uplink.js";
import { RECONNECT_FIRST_MS } from "../dist/fleet/reconnect.js";
import { CollectorStore } from "../dist/fleet/store/collector-store.js";

const { values } = parseArgs({
  options: {
    sites: { type: "string", default: "1000" },
    reports: { type: "string", default: "20" },
    window: { type: "string", default: String(RECONNECT_FIRST_MS) },
    json: { type: "boolean", default: false },
  },
});
const [SITES, REPORTS, WINDOW] = [values.sites, values.reports, values.window].map(Number);
const BINS = 10;
const RUN = "0badcafe";
const folder = mkdtempSync(join(tmpdir(), "mayday-fleet-"));
const say = (text) => {
  if (!values.json) process.stderr.write(`${text}\n`);
};

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

async function until(what, check, ms = 240_000) {
  for (const end = Date.now() + ms; Date.now() < end; ) {
    if (check()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${what}: not within ${ms} ms`);
}

const port = await freePort();
let broker;
async function startBroker() {
  const data = join(folder, "broker");
  mkdirSync(data, { recursive: true });
  const lines = ["user root", "allow_anonymous true", "persistence true", `persistence_location ${data}/`];
  const limits = ["autosave_interval 1800", "max_queued_messages 0", `listener ${port} 127.0.0.1`];
  writeFileSync(join(folder, "mosquitto.conf"), `${[...lines, ...limits].join("\n")}\n`);
  broker = spawn("/usr/sbin/mosquitto", ["-c", join(folder, "mosquitto.conf")], { stdio: "ignore" });
  broker.on("error", (error) => {
    process.stderr.write(`mosquitto: ${error.message}; apt-get install mosquitto\n`);
    process.exit(1);
  });
  for (let isUp = false; !isUp; ) {
    const socket = connect(port, "127.0.0.1");
    isUp = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (!isUp) await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
async function killBroker() {
  const gone = once(broker, "exit");
  broker.kill("SIGKILL");
  await gone;
}
/** Resident memory of the broker, in KiB. */
const brokerKiB = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${broker.pid}/status`, "utf8"))[1]);

let collected = 0;
const url = `mqtt://127.0.0.1:${port}`;
const startCollector = async () => {
  let isUp = false;
  const collector = await Collector.open({
    fleet: "pumps",
    group: undefined,
    store: CollectorStore.open(join(folder, "collected")),
    clock: systemClock,
    random: new SeededRandom(7),
    broker: { url, clientId: "collect" },
    wall: () => Date.now(),
    onEvent: (event) => {
      isUp ||= event.tag === "up";
      if (event.tag === "collected") collected += event.reports;
    },
  });
  await until("the collector is up", () => isUp);
  return collector;
};

const ups = new Array(SITES).fill(0);
const upAt = new Array(SITES).fill(0);
const startSite = async (i) => {
  const state = {
    v: 1,
    version: "0",
    boards: [],
    suspects: [],
    conflicts: [],
    at: 0,
    clockSure: false,
    run: RUN,
    upMs: 0,
  };
  return await SiteUplink.open({
    fleet: "pumps",
    site: `site-${i}`,
    outbox: join(folder, "outboxes", String(i)),
    run: RUN,
    ownerKeys: [],
    broker: { url },
    clock: systemClock,
    random: new SeededRandom(1000 + i),
    reconnect: { first: WINDOW, most: 10 * WINDOW },
    waits: { first: WINDOW / 2, most: 30 * WINDOW },
    wall: () => ({ at: Date.now(), sure: true }),
    state: () => state,
    onEvent: ({ tag }) => {
      if (tag !== "up") return;
      ups[i]++;
      upAt[i] = performance.now();
    },
    warn: say,
    knowsHardware: () => false,
    onOffer: () => {},
    onStop: () => {},
  });
};
const hex16 = (n) => n.toString(16).padStart(16, "0");
let made = 0;
const reportFrom = (site) => {
  const n = ++made;
  const about = { kind: "healed", target: hex16(n), nonce: hex16(n), digest: "ab".repeat(32), proven: true };
  site.report(identified({ ...about, at: Date.now(), clockSure: true, run: RUN, upMs: n }));
};

await startBroker();
const collector = await startCollector();
say(`${SITES} sites connect`);
const startedAt = performance.now();
const sites = await Promise.all(Array.from({ length: SITES }, (_, i) => startSite(i)));
await until("all sites are up", () => ups.every((n) => n === 1));
const connectSeconds = (performance.now() - startedAt) / 1000;

say(`${SITES * REPORTS} reports`);
const reportedAt = performance.now();
for (let i = 0; i < REPORTS; i++) for (const site of sites) reportFrom(site);
await until("all reports are collected", () => collected === made);
const reportSeconds = (performance.now() - reportedAt) / 1000;
const busyKiB = brokerKiB();

say("the broker is killed, and starts again");
await killBroker();
for (const site of sites) reportFrom(site);
await startBroker();
const backAt = performance.now();
await until("all sites are back", () => ups.every((n) => n === 2));
await until("the reports of the outage are collected", () => collected === made);
await until("all outboxes are empty", () => sites.every(({ waiting }) => waiting === 0));
const backSeconds = (performance.now() - backAt) / 1000;
const first = Math.min(...upAt);
const span = Math.max(...upAt) - first;
const histogram = new Array(BINS).fill(0);
for (const at of upAt)
  histogram[Math.min(BINS - 1, Math.floor((BINS * (at - first)) / Math.max(1, WINDOW)))]++;
const idleKiB = brokerKiB();
const lines = readFileSync(join(folder, "collected", "reports.jsonl"), "utf8")
  .trimEnd()
  .split("\n");
const distinct = new Set(lines.map((line) => JSON.parse(line).id)).size;

const result = {
  sites: SITES,
  connectSeconds: round(connectSeconds),
  reports: SITES * REPORTS,
  reportsPerSecond: Math.round((SITES * REPORTS) / reportSeconds),
  brokerMiB: round(Math.max(busyKiB, idleKiB) / 1024),
  windowMs: WINDOW,
  histogram,
  spanMs: Math.round(span),
  backSeconds: round(backSeconds),
  made,
  collected: lines.length,
  distinct,
};
function round(n) {
  return Math.round(n * 10) / 10;
}
for (const site of sites) void site.close();
await collector.close();
await killBroker();
rmSync(folder, { recursive: true, force: true });
if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
else
  process.stdout.write(
    `${Object.entries(result)
      .map(([name, value]) => `${name}: ${value}`)
      .join("\n")}\n`,
  );
const isWell = result.made === result.collected && result.made === result.distinct;
process.exit(isWell ? 0 : 1);
