import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openCollectorFigures } from "../../src/cli/fleet/collector-figures.ts";
import type { Output } from "../../src/cli/output.ts";
import type { SiteState } from "../../src/fleet/fleet-messages.ts";
import { CollectorStore } from "../../src/fleet/store/collector-store.ts";

const STATE: SiteState = {
  v: 1,
  version: "0.1.0",
  boards: [
    { id: "0123456789abcdef", state: "healthy", forMs: 1 },
    { id: "0123456789abcdee", state: "distress", reason: "hash", forMs: 1 },
  ],
  suspects: [],
  conflicts: [],
  waiting: 7,
  dropped: 0,
  at: 1,
  clockSure: true,
  run: "01234567",
  upMs: 1,
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mayday-collector-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** An output that keeps the address of the figures. */
function output(): { readonly output: Output; url(): string } {
  let url = "";
  const event = (line: { readonly url?: string }): void => {
    url = line.url ?? url;
  };
  return { output: { event, warn: () => {} } as unknown as Output, url: () => url };
}

describe("The figures of a collector", () => {
  it("count what it stored, and boards and sites by their state", async () => {
    const store = CollectorStore.open(folder);
    const told = output();
    const figures = await openCollectorFigures({ host: "127.0.0.1", port: 0 }, store, told.output);
    figures.handle({ tag: "up" });
    figures.handle({ tag: "collected", sites: 1, reports: 3 });
    figures.handle({ tag: "collected", sites: 1, reports: 2 });
    figures.handle({ tag: "disk", fault: "no room" });
    store.states.set("hut-7", { site: "hut-7", state: STATE, presence: "online" });
    store.states.set("hut-8", { site: "hut-8", state: STATE, presence: "offline" });
    store.states.set("hut-9", { site: "hut-9", presence: "stopped" });
    const text = await (await fetch(told.url())).text();
    for (const line of [
      "mayday_collected_reports_total 5",
      "mayday_broker_up 1",
      "mayday_disk_fault 1",
      'mayday_sites{presence="online"} 1',
      'mayday_sites{presence="offline"} 1',
      'mayday_sites{presence="stopped"} 1',
      'mayday_sites{presence="unknown"} 0',
      'mayday_site_boards{state="healthy"} 2',
      'mayday_site_boards{state="distress"} 2',
      "mayday_site_waiting_reports 14",
    ])
      expect(text.split("\n")).toContain(line);
    figures.handle({ tag: "down", why: "" });
    figures.handle({ tag: "disk", fault: undefined });
    const later = await (await fetch(told.url())).text();
    expect(later).toMatch(/^mayday_broker_up 0$/m);
    expect(later).toMatch(/^mayday_disk_fault 0$/m);
    // The number of series must not grow with the fleet.
    expect(later).not.toContain("hut-");
    await figures.close();
    await store.close();
    await expect(fetch(told.url())).rejects.toThrow();
  });

  it("are not there unless they are asked for", async () => {
    const store = CollectorStore.open(folder);
    const told = output();
    const figures = await openCollectorFigures(undefined, store, told.output);
    figures.handle({ tag: "up" });
    expect(told.url()).toBe("");
    await figures.close();
    await store.close();
  });
});

describe("The folder of a collector", () => {
  it("belongs to one collector at a time", async () => {
    const store = CollectorStore.open(folder);
    expect(() => CollectorStore.open(folder)).toThrow(/another collector writes into it/);
    await store.close();
    await CollectorStore.open(folder).close();
  });
});
