import { execFileSync, spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CollectedLine } from "../../src/fleet/collector-book.ts";
import type { Report } from "../../src/fleet/fleet-report.ts";
import { ReportDatabase } from "../../src/fleet/store/report-database.ts";
import { freePort } from "../cli/workbench.ts";
import { asRoot } from "../support/as-root.ts";
import { runCli, verdictOf } from "../support/cli.ts";
import { Broker, until } from "./broker.ts";
import { CollectorProcess, collectedIds, SiteProcess } from "./processes.ts";
import { heal, hex16 } from "./support.ts";

const DIST = pathToFileURL(`${process.cwd()}/dist/`).href;
/** A collector's two writes, with a kill between them, or in the middle of the second one. */
const KILLED = `
import { readFileSync } from "node:fs";
import "${DIST}crypto/use-node-crypto.js";
import { CollectorStore } from "${DIST}fleet/store/collector-store.js";
import { ReportDatabase } from "${DIST}fleet/store/report-database.js";
const { dir, file, lines, isInside } = JSON.parse(readFileSync(0, "utf8"));
const store = CollectorStore.open(dir);
const database = await ReportDatabase.open(file, "/nonexistent");
await store.addReports(lines);
const kill = () => process.kill(process.pid, "SIGKILL");
if (!isInside) kill();
database.add([...lines, { get id() { kill(); for (;;); } }]);
`;

let folder: string;
let file: string;
const mounts: string[] = [];
const heals = (first: number, count: number): Report[] =>
  Array.from({ length: count }, (_, i) => heal(first + i));
const lines = (first: number, count: number): CollectedLine[] =>
  heals(first, count).map((one) => ({ ...one, site: "hut-7", received: 1_900_000_000_000, when: one.at }));
const idsOf = (reports: readonly { readonly id?: string }[]): string[] =>
  reports.flatMap(({ id }) => id ?? []).sort();

/** What the program sqlite3 reads, while a collector may be running. */
function query(sql: string, ...flags: readonly string[]): string {
  return execFileSync("sqlite3", [...flags, file, sql], { encoding: "utf8" }).trimEnd();
}
const storedIds = (): string[] => query("select id from reports order by id", "-readonly").split("\n");
const open = async (name: string = "nowhere"): Promise<ReportDatabase> =>
  await ReportDatabase.open(file, join(folder, name));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mayday-database-"));
  file = join(folder, "fleet.db");
});
afterEach(() => {
  for (const mount of mounts.splice(0)) execFileSync("umount", ["-l", mount]);
  rmSync(folder, { recursive: true, force: true });
});

describe("the database of a collector", () => {
  it("has a row for each report, with its fields, and is open to its owner alone", async () => {
    const database = await open();
    const unsure = heal(2, { proven: false, clockSure: false });
    database.add([...lines(1, 1), { ...unsure, site: "hut-8", received: 7, when: null }]);
    database.close();
    expect(JSON.parse(query("select * from reports order by received desc", "-json"))).toMatchObject([
      {
        ...{ id: heal(1).id, site: "hut-7", board: hex16(1), kind: "healed", digest: "ab".repeat(32) },
        ...{ version: "1.2.3", happened: 1_800_000_000_000, received: 1_900_000_000_000 },
        ...{ clock_sure: 1, proven: 1, report: JSON.stringify(lines(1, 1)[0]) },
      },
      { id: unsure.id, site: "hut-8", happened: null, received: 7, clock_sure: 0, proven: 0 },
    ]);
    expect(query("pragma integrity_check")).toBe("ok");
    expect(execFileSync("stat", ["-c", "%a", file], { encoding: "utf8" })).toBe("600\n");
  });

  it("holds a report once, proven as soon as one copy of it is, or a proof comes", async () => {
    const database = await open();
    const about = { site: "hut-7", received: 7, when: null };
    const unproven = [1, 2, 3].map((n) => ({ ...heal(n, { proven: false }), ...about }));
    database.add([...unproven, ...unproven]);
    database.add([
      { ...heal(1), ...about },
      { proof: heal(2).id, site: "hut-8", received: 8 },
    ]);
    database.add(unproven);
    database.close();
    expect(query("select board, proven from reports order by board")).toBe(
      [`${hex16(1)}|1`, `${hex16(2)}|1`, `${hex16(3)}|0`].join("\n"),
    );
  });

  it("is read by sqlite3 -readonly while it is written", async () => {
    const database = await open();
    for (let n = 1; n <= 20; n++) {
      database.add(lines(n, 1));
      expect(storedIds()).toHaveLength(n);
    }
    database.close();
    expect(query("select count(*) from reports")).toBe("20");
  });

  it("keeps what comes after another program took its log away", async () => {
    const database = await open();
    database.add(lines(1, 5));
    expect(query("select count(*) from reports")).toBe("5");
    expect(existsSync(`${file}-wal`)).toBe(false);
    database.add(lines(6, 5));
    expect(existsSync(`${file}-wal`)).toBe(true);
    // As after a kill: without the last close.
    for (const end of ["", "-wal"]) copyFileSync(`${file}${end}`, join(folder, `copy.db${end}`));
    database.close();
    file = join(folder, "copy.db");
    expect(query("select count(*) from reports")).toBe("10");
    expect(query("pragma integrity_check")).toBe("ok");
  });

  it("has one writer at a time", async () => {
    const database = await open();
    await expect(open()).rejects.toMatchObject({ code: "sqlite-busy", exitCode: 1 });
    database.add(lines(1, 1));
    database.close();
    (await open()).close();
    expect(storedIds()).toHaveLength(1);
  });

  it.each([
    ["between the lines and the database", false],
    ["inside of the database's transaction", true],
  ])("gets what it lacks at the next start after a kill %s", async (_where, isInside) => {
    const dir = join(folder, "collected");
    const given = { dir, file, lines: lines(1, 2_500), isInside };
    const args = ["--input-type=module", "-e", KILLED];
    const input = JSON.stringify(given);
    const { signal, stderr } = spawnSync(process.execPath, args, { input, encoding: "utf8" });
    expect({ signal, stderr }).toEqual({ signal: "SIGKILL", stderr: "" });
    expect(existsSync(`${file}.lock`)).toBe(true);
    expect(query("select count(*) from reports", "-readonly")).toBe("0");
    (await open("collected/reports.jsonl")).close();
    expect(storedIds()).toEqual(idsOf(heals(1, 2_500)));
    expect(query("pragma integrity_check")).toBe("ok");
  });

  asRoot("stores nothing of a batch for which there is no room, and stores it once there is", async () => {
    const disk = join(folder, "disk");
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", disk]);
    mounts.push(disk);
    file = join(disk, "fleet.db");
    const database = await open();
    database.add(lines(1, 3));
    try {
      writeFileSync(join(disk, "filler"), Buffer.alloc(262_144));
    } catch {
      // As much as there was room for.
    }
    expect(() => database.add(lines(4, 100))).toThrow(/full|I\/O/);
    rmSync(join(disk, "filler"));
    expect(storedIds()).toHaveLength(3);
    database.add(lines(4, 100));
    expect(storedIds()).toEqual(idsOf(heals(1, 103)));
    database.close();
  });
});

describe("mayday collect --sqlite", () => {
  const collect = async (): ReturnType<typeof runCli> =>
    await runCli([
      ...["collect", "--broker", "mqtt://localhost:1", "--fleet", "pumps", "--json"],
      ...["--out", join(folder, "collected"), "--sqlite", file],
    ]);

  it.each<[string, string, () => void]>([
    ["text", "sqlite-foreign", () => writeFileSync(file, "text\n".repeat(100))],
    ["a short file", "sqlite-foreign", () => writeFileSync(file, "x")],
    ["a folder", "sqlite-foreign", () => mkdirSync(file)],
    ["a named pipe", "sqlite-foreign", () => execFileSync("mkfifo", [file])],
    ["another program's database", "sqlite-foreign", () => query("create table reports (id)")],
    [
      "a later version",
      "sqlite-version",
      () => query("create table reports (id); pragma application_id = 0x6d617964; pragma user_version = 2"),
    ],
  ])("refuses %s, by name, and writes nothing", async (_what, reason, make) => {
    make();
    const isFile = spawnSync("test", ["-f", file]).status === 0;
    const before = isFile ? readFileSync(file) : undefined;
    const result = await collect();
    expect(verdictOf(result)).toMatchObject({ ok: false, code: 2, reason });
    expect(result.code).toBe(2);
    expect(result.stderr).toContain(file);
    expect(result.stderr).not.toMatch(/^ +at /m);
    expect(isFile ? readFileSync(file) : undefined).toEqual(before);
    expect(existsSync(join(folder, "collected"))).toBe(false);
    expect(existsSync(`${file}-wal`)).toBe(false);
  });

  it("says what to do with a database that is damaged", async () => {
    (await open()).close();
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.fill(0xff, 100));
    const result = await collect();
    expect(verdictOf(result)).toMatchObject({ code: 1, reason: "sqlite-failed" });
    expect(result.stderr).toMatch(/move the file away/);
  });

  it("has each report once, however often the collector is killed, and with its lines from before", async () => {
    const broker = new Broker(folder, await freePort());
    await broker.start();
    let collector = new CollectorProcess(folder, broker.port);
    const site = new SiteProcess(folder, broker.port);
    try {
      for (let round = 0; round < 4; round++) {
        site.report(heals(1 + 300 * round, 300));
        await until("some", () => collectedIds(collector.dir).length > 300 * round + 50);
        await collector.kill();
        collector = new CollectorProcess(folder, broker.port, ["--sqlite", file]);
      }
      const outbox = (): string => readFileSync(join(folder, "hut-7", "outbox.jsonl"), "utf8");
      await until("all are acknowledged", () => outbox().includes('"through":1200'));
      expect(storedIds()).toEqual(idsOf(heals(1, 1_200)));
    } finally {
      for (const one of [site, collector, broker]) await one.kill();
    }
  });
});
