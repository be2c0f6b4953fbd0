import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseCollected, parseSiteLine } from "../../src/fleet/collected.ts";
import { type CollectedReport, CollectorBook } from "../../src/fleet/collector-book.ts";
import type { SiteState } from "../../src/fleet/fleet-messages.ts";
import { fleetPage } from "../../src/fleet/fleet-page.ts";
import type { Report } from "../../src/fleet/fleet-report.ts";
import { FleetView } from "../../src/fleet/fleet-view.ts";
import { scratchDir } from "../image/support.ts";
import { runCli, verdictOf } from "../support/cli.ts";
import { heal, hex16, RUN } from "./support.ts";

const NOW = 1_900_000_000_000;
const HOSTILE = `<script>alert(1)</script>"'&\u00b5`;

function line(report: Report, site: string = "hut-7"): CollectedReport {
  return { ...report, site, received: NOW, when: NOW - 1000 };
}

function state(changes: Partial<SiteState> = {}): SiteState {
  return {
    ...{ v: 1, version: "0.1.0", suspects: [], conflicts: [], waiting: 0, dropped: 0 },
    boards: [
      { id: hex16(1), state: "distress", reason: "hash", version: "1.0", hardware: HOSTILE, forMs: 60_000 },
    ],
    ...{ at: 0, clockSure: false, run: RUN, upMs: 0 },
    ...changes,
  };
}

describe("what a collector knows of a fleet", () => {
  it("counts each heal once, over sites and over files, and what nothing proves apart", () => {
    const view = new FleetView();
    for (const site of ["hut-7", "hut-8"]) view.take(line(heal(1), site));
    view.take(line(heal(2, { proven: false })));
    view.take(line(heal(3, { proven: false })));
    view.take(line(heal(4, { kind: "updated", proven: false })));
    view.take(line(heal(5, { kind: "reverted", proven: false })));
    view.take(line(heal(6, { kind: "distress" })));
    view.take({ proof: heal(3).id, site: "hut-9", received: NOW });
    const { healed, reverted, sites, unproven, updated } = view.summary();
    expect({ healed, unproven, updated, reverted }).toEqual({
      healed: 2,
      unproven: 1,
      updated: 1,
      reverted: 1,
    });
    expect(sites.map(({ site, healed: n, unproven: u }) => [site, n, u])).toEqual([
      ["hut-7", 2, 1],
      ["hut-8", 1, 0],
      ["hut-9", 0, 0],
    ]);
  });

  it("counts a heal as proven whichever of two collectors, the one with the heal or the one with the proof, is read first", () => {
    const proof = { proof: heal(1).id, site: "hut-8", received: NOW };
    const unproven = line(heal(1, { proven: false }));
    for (const lines of [
      [proof, unproven],
      [unproven, proof],
    ]) {
      const view = new FleetView();
      for (const one of lines) view.take(one);
      const { sites, ...totals } = view.summary();
      expect(totals).toMatchObject({ healed: 1, unproven: 0 });
      expect(sites.find(({ site }) => site === "hut-7")).toMatchObject({ healed: 1, unproven: 0 });
    }
  });

  it("shows a fleet with a board that claims to have been in its state for longer than the clock has run", () => {
    const boards = [{ id: hex16(1), state: "distress" as const, forMs: Number.MAX_SAFE_INTEGER }];
    const view = new FleetView();
    view.noteSite({ site: "hut-7", state: state({ boards }), stateAt: NOW });
    const summary = view.summary();
    expect(summary.sites[0]?.boards[0]?.since).toBeNull();
    expect(fleetPage(summary, NOW)).toContain("at an unknown time");
  });

  it("says which boards are in distress and since when, which sites are offline, and which images are held up", () => {
    const view = new FleetView();
    view.noteSite({ site: "hut-7", state: state({ suspects: [hex16(9)] }), stateAt: NOW });
    view.noteSite({ site: "hut-7", presence: "offline", presenceAt: NOW + 5 });
    const summary = view.summary();
    expect(summary).toMatchObject({ boards: 1, inDistress: 1, offline: 1, suspects: [hex16(9)] });
    expect(summary.sites[0]?.boards[0]).toMatchObject({ id: hex16(1), since: NOW - 60_000, reason: "hash" });
    expect(summary.sites[0]).toMatchObject({ presence: "offline", presenceSince: NOW + 5, stateAt: NOW });
  });

  it("takes the later state of two collectors, in any order", () => {
    for (const order of [
      [1, 2],
      [2, 1],
    ]) {
      const view = new FleetView();
      for (const at of order) view.noteSite({ site: "a", state: state({ waiting: at }), stateAt: at });
      expect(view.summary().sites[0]?.waiting).toBe(2);
    }
  });
});

describe("a collector's book", () => {
  it("remembers a proof that comes after a heal that nothing proved, once", () => {
    const book = new CollectorBook();
    const take = (report: Report, seq: number): readonly object[] =>
      book.take(
        "a",
        { v: 1, epoch: hex16(1), after: seq - 1, acked: 0, run: RUN, upMs: 0, reports: [{ ...report, seq }] },
        NOW,
      )?.lines ?? [];
    expect(take(heal(1, { proven: false }), 1)).toHaveLength(1);
    expect(take(heal(1), 2)).toEqual([{ proof: heal(1).id, site: "a", received: NOW }]);
    expect(take(heal(1), 3)).toEqual([]);
    expect(take(heal(1, { proven: false }), 4)).toEqual([]);
  });
});

describe("a collector whose clock is at 1970", () => {
  it("stores a heal of a site without a clock in a line that it reads again", () => {
    const report = { ...heal(1, { clockSure: false, upMs: 0 }), seq: 1 };
    const batch = { v: 1, epoch: hex16(1), after: 0, acked: 0, run: RUN, upMs: 3_600_000 } as const;
    const [stored] = new CollectorBook().take("a", { ...batch, reports: [report] }, 5000)?.lines ?? [];
    expect(stored).toMatchObject({ when: null });
    expect(parseCollected(JSON.stringify(stored))).toEqual(stored);
  });
});

describe("the page of a fleet", () => {
  const page = (): string => {
    const view = new FleetView();
    view.noteSite({
      site: "hut-7",
      state: state({ fault: HOSTILE }),
      stateAt: NOW,
      presence: "online",
      presenceAt: NOW,
    });
    view.take(line(heal(1)));
    return fleetPage(view.summary(), NOW);
  };

  it("shows text as text, has no script and no attribute of an event, and loads nothing", () => {
    const html = page();
    expect(html).toContain("&#60;script&#62;alert(1)&#60;/script&#62;&#34;&#39;&#38;\u00b5");
    const tags = [...html.matchAll(/<\/?([a-z0-9]+)([^<>]*)>/gi)];
    const names = new Set(tags.map(([, name]) => name));
    expect(
      [...names].filter((name) =>
        ["script", "img", "link", "iframe", "object", "a", "form"].includes(name ?? ""),
      ),
    ).toEqual([]);
    expect(
      tags.filter(([, , attributes = ""]) => /\s(?:on\w+|src|href|style)\s*=/i.test(attributes)),
    ).toEqual([]);
    expect(html).toContain("default-src 'none'");
    expect(html).not.toMatch(/https?:\/\//);
  });

  it("is well formed: each element that is opened is closed, and a row has as many cells as its heading", () => {
    const open: string[] = [];
    for (const [, slash, name = ""] of page().matchAll(/<(\/?)([a-z0-9]+)[^<>]*>/gi)) {
      if (name === "meta") continue;
      if (slash === "") open.push(name);
      else expect(open.pop()).toBe(name);
    }
    expect(open).toEqual([]);
    for (const [, body = ""] of page().matchAll(/<table id="(?:sites|boards)">([\s\S]*?)<\/table>/g)) {
      const [head = 0, ...rows] = body
        .split("<tr>")
        .slice(1)
        .map((row) => [...row.matchAll(/<t[hd][ >]/g)].length);
      expect(rows.every((cells) => cells === head)).toBe(true);
    }
  });
});

describe("lines of a collector's files", () => {
  it.each([
    ["no JSON", "{"],
    ["another id", JSON.stringify({ ...line(heal(1)), id: heal(2).id })],
    ["no site", JSON.stringify({ ...line(heal(1)), site: "stop" })],
    ["a field that is unknown", JSON.stringify({ ...line(heal(1)), x: 1 })],
  ])("are left out with %s", (_what, text) => {
    expect(parseCollected(JSON.stringify(line(heal(1))))).toEqual(line(heal(1)));
    expect(parseCollected(text)).toBeUndefined();
    expect(parseSiteLine(text)).toBeUndefined();
  });
});

describe("mayday fleet status", () => {
  const dir = scratchDir();

  it("prints sites and boards, and writes the page", async () => {
    const at = `${dir}/collected`;
    mkdirSync(at);
    writeFileSync(`${at}/reports.jsonl`, `${JSON.stringify(line(heal(1)))}\n{"torn":`);
    writeFileSync(
      `${at}/states.jsonl`,
      `${JSON.stringify({ site: "hut-7", state: state(), stateAt: NOW })}\n`,
    );
    const result = await runCli(["fleet", "status", "--dir", at, "--html", `${dir}/fleet.html`, "--json"]);
    expect(verdictOf(result)).toMatchObject({ ok: true });
    expect(result.events.map(({ event }) => event)).toEqual(["fleet", "site", "board", "verdict"]);
    expect(result.events[0]).toMatchObject({ sites: 1, boards: 1, healed: 1, inDistress: 1 });
    expect(readFileSync(`${dir}/fleet.html`, "utf8")).toContain("<!doctype html>");
    const text = await runCli(["fleet", "status", "--dir", at]);
    expect(text.stdout).toMatch(
      /^1 sites, 0 offline; 1 boards, 1 in distress; 1 healed, 0 updated, 0 reverted$/m,
    );
    expect(text.stderr).toMatch(/hut-7 +unknown +0000000000000001 +distress \(hash\)/);
  });

  it("says what a folder without reports lacks", async () => {
    const result = await runCli(["fleet", "status", "--dir", dir, "--json"]);
    expect(verdictOf(result)).toMatchObject({ ok: false, code: 2, reason: "not-collected" });
  });
});
