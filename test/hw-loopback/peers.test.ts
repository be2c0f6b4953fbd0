import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BenchResult, runBench } from "./bench-run.ts";

interface Transfer {
  readonly ok: boolean;
  readonly seed: number;
  readonly lineSeconds: number;
  readonly wholeSeconds: number;
  readonly bytesThere: number;
}

interface PeerRow {
  readonly line: string;
  readonly peer: string;
  readonly setting: string;
  readonly byLine: { readonly median: number };
  readonly byWhole: { readonly median: number };
  readonly exact: number;
  readonly runs: number;
  readonly results: readonly Transfer[];
  readonly tried: readonly Transfer[];
}

interface Line {
  readonly name: string;
  readonly floor?: number;
  readonly aim?: number;
}

const KIB = 16;
const IMAGE_SECONDS = (KIB * 1024 * 10) / 921_600;
const PEERS = ["mayday", "ZMODEM", "YMODEM", "XMODEM-1K", "C-Kermit"];

const peers = (...args: readonly string[]): Promise<BenchResult<PeerRow>> =>
  runBench<PeerRow>("bench/peers", "--runs", "1", "--kib", String(KIB), ...args);

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "mayday-peers-test-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Some twenty transfers, each with a cable and a head start of its own. */
describe("the comparison with other programs", { timeout: 240_000 }, () => {
  it("transfers a small image by each peer, exactly, and has both spans of each", async () => {
    const { code, stdout, stderr, record, markdown } = await peers("--only", "clean");
    // Debian's packages are named where a program is missing.
    expect(stderr).not.toContain("apt-get install");
    expect(record?.rows.map(({ line, peer, exact, runs }) => [line, peer, exact, runs])).toEqual(
      PEERS.map((peer) => ["clean", peer, 1, 1]),
    );
    expect(code).toBe(0);
    for (const { peer, byLine, byWhole, results } of record?.rows ?? []) {
      const { lineSeconds = 0, wholeSeconds = 0, bytesThere = 0 } = results[0] ?? {};
      expect(lineSeconds, peer).toBeGreaterThan(IMAGE_SECONDS);
      // A program may end while its last bytes are still under way.
      expect(lineSeconds, peer).toBeLessThan(wholeSeconds + 0.05);
      expect(bytesThere, peer).toBeGreaterThan(KIB * 1024);
      expect(byLine.median, peer).toBeCloseTo(IMAGE_SECONDS / lineSeconds, 2);
      expect(byWhole.median, peer).toBeCloseTo(IMAGE_SECONDS / wholeSeconds, 2);
    }
    expect(stdout).toBe(markdown);
    for (const peer of PEERS) expect(markdown).toContain(peer);
    expect(markdown).toContain("mayday by the best other");
  });

  it("makes report and picture again from a record, with what failed in them", async () => {
    const record = {
      date: "2026-01-01T00:00:00.000Z",
      version: "0.1.0",
      machine: { node: "v20", system: "Linux", cpus: 2, model: "a CPU" },
      setup: "virtual cable",
      ports: [],
      ok: false,
      seeds: 5,
      lines: [
        { name: "clean", ber: 0, floor: 0.9, aim: 0.95 },
        { name: "bad", ber: 1e-3 },
      ],
      rows: [
        row("clean", "mayday", 0.97, 5, 5),
        row("clean", "other", 0.96, 4, 5),
        row("bad", "mayday", 0.5, 5, 5),
        row("bad", "other", 0, 0, 2),
      ],
    };
    const path = join(folder, "record.json");
    writeFileSync(path, JSON.stringify(record));
    const args = ["bench/peers.mjs", "--from", path, "--out", join(folder, "out")];
    const { status, stdout } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect(status).toBe(1);
    expect(stdout).toContain("| clean | 0.970 | 0.960 (4 of 5) | 1.01 |");
    expect(stdout).toContain("| bad | 0.500 | fails (0 of 2) | only mayday |");
    expect(stdout).toContain("| clean | 0.97 | 0.97 | 0.9 | 0.95 | 5 of 5 |");
    expect(stdout).toContain("- bad, other: not done after 30 s");
    expect(readFileSync(join(folder, "out.md"), "utf8")).toBe(stdout);
    const picture = readFileSync(join(folder, "out.svg"), "utf8");
    expect(picture).toContain(">mayday</text>");
    expect(picture).toContain(">1e-3</text>");
    expect(picture).toContain("prefers-color-scheme:dark");
  });

  it("gave the table in README.md, which is that of the record and nothing else", async () => {
    const path = new URL("../../bench/peers/report.mjs", import.meta.url).href;
    const { readmeTable } = (await import(path)) as { readmeTable(record: unknown): readonly string[] };
    const read = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");
    const table = readmeTable(JSON.parse(read("docs/evidence/bench.json")));
    expect(table.length).toBeGreaterThan(10);
    expect(read("README.md")).toContain(`\n${table.join("\n")}\n`);
  });

  it("has the lines and the goals of docs/testing.md", async () => {
    const path = new URL("../../bench/peers/lines.mjs", import.meta.url).href;
    const { LINES } = (await import(path)) as { readonly LINES: readonly Line[] };
    const rows = LINES.map(({ name, floor = "", aim = "" }) => `| ${name} | ${floor} | ${aim} |`);
    const document = readFileSync(new URL("../../docs/testing.md", import.meta.url), "utf8");
    expect(document).toContain(["| line | floor | aim |", "| --- | --- | --- |", ...rows, ""].join("\n"));
  });

  it.each([
    [["--peers", "smoke"], "there is no smoke"],
    [["--only", "smoke"], 'there is no line "smoke"'],
    [["--runs", "0"], "--runs"],
  ])("refuses %j", async (args, message) => {
    const { code, stderr } = await peers(...args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  it("names the packages of programs that are missing", () => {
    const env = { ...process.env, PATH: folder };
    const args = ["bench/peers.mjs", "--peers", "zmodem,kermit"];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", env });
    expect(status).toBe(2);
    expect(stderr).toContain("not installed: sz, rz, kermit; fix: apt-get install lrzsz ckermit");
  });
});

function row(line: string, peer: string, share: number, exact: number, runs: number): object {
  const summary = { median: share, lowest: share };
  const failed = { ok: false, why: "not done after 30 s", seed: 1 };
  const results = Array.from({ length: runs }, (_, i) => (i < exact ? { ok: true, seed: i + 1 } : failed));
  return {
    line,
    peer,
    setting: "",
    byLine: summary,
    byWhole: summary,
    exact,
    runs,
    load: 1,
    results,
    tried: [],
  };
}
