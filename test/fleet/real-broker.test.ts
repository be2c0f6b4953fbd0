import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Report } from "../../src/fleet/fleet-report.ts";
import { freePort } from "../cli/workbench.ts";
import { Broker, Packet, PacketRelay, until } from "./broker.ts";
import { CollectorProcess, collectedIds, SiteProcess } from "./processes.ts";
import { heal } from "./support.ts";

let folder: string;
let broker: Broker;
let collector: CollectorProcess;
const running: { kill(): Promise<void> }[] = [];
const heals = (first: number, count: number): Report[] =>
  Array.from({ length: count }, (_, i) => heal(first + i));

const site = (port: number = broker.port): SiteProcess => {
  const started = new SiteProcess(folder, port);
  running.push(started);
  return started;
};
const collect = (flags: readonly string[] = [], name?: string): CollectorProcess => {
  const started = new CollectorProcess(folder, broker.port, flags, name);
  running.push(started);
  return started;
};
/** Each of these is in the collector's file once, and the site has forgotten it. */
const collectedOnce = async (reports: readonly Report[]): Promise<void> => {
  const wanted = reports.map(({ id }) => id).sort();
  await until("everything is collected", () => collectedIds(collector.dir).length >= wanted.length);
  expect(collectedIds(collector.dir).sort()).toEqual(wanted);
  const through = (): string => readFileSync(join(folder, "hut-7", "outbox.jsonl"), "utf8");
  await until("the cursor is at the site", () => through().includes(`"through":${wanted.length}`));
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "mayday-fleet-"));
  broker = new Broker(folder, await freePort());
});

afterEach(async () => {
  for (const one of running.splice(0)) await one.kill();
  await broker.kill();
  rmSync(folder, { recursive: true, force: true });
});

describe("every heal is collected exactly once when", () => {
  it("the site is killed before it publishes", async () => {
    const first = site();
    first.report(heals(1, 3));
    await first.stored(heals(1, 3));
    await first.kill();
    await broker.start();
    collector = collect();
    site().report(heals(4, 1));
    await collectedOnce(heals(1, 4));
  });

  it("the site is killed between the publication and its PUBACK", async () => {
    await broker.start();
    collector = collect();
    await collector.up();
    let first: SiteProcess;
    const relay = await PacketRelay.start(broker.port, (packet, from) => {
      // The third one is that of the reports: presence and state come first.
      const isAnswer = from === "broker" && packet === Packet.puback && ++answers === 3;
      if (isAnswer) first.killNow();
      return isAnswer;
    });
    let answers = 0;
    first = site(relay.port);
    await until("two answers", () => answers === 2);
    first.report(heals(1, 3));
    await until("the answer to the reports", () => answers === 3);
    await first.kill();
    relay.close();
    site();
    await collectedOnce(heals(1, 3));
  });

  it("the site is killed between the PUBACK and the cursor", async () => {
    await broker.start();
    collector = collect();
    await collector.up();
    let first: SiteProcess;
    let cursors = 0;
    const relay = await PacketRelay.start(broker.port, (packet, from, bytes) => {
      const isCursor = from === "broker" && packet === Packet.publish && Buffer.from(bytes).includes("/ack");
      if (isCursor) {
        cursors++;
        first.killNow();
      }
      return isCursor;
    });
    first = site(relay.port);
    first.report(heals(1, 3));
    await until("the cursor", () => cursors > 0);
    await first.kill();
    relay.close();
    site();
    await collectedOnce(heals(1, 3));
  });

  it("the broker is killed at the PUBACK", async () => {
    await broker.start();
    collector = collect();
    await collector.up();
    let answers = 0;
    const relay = await PacketRelay.start(broker.port, (packet, from) => {
      const isAnswer = from === "broker" && packet === Packet.puback && ++answers === 3;
      if (isAnswer && broker.pid !== undefined) process.kill(broker.pid, "SIGKILL");
      return false;
    });
    const one = site(relay.port);
    await until("two answers", () => answers === 2);
    one.report(heals(1, 3));
    await until("the answer to the reports", () => answers === 3);
    await broker.kill();
    await broker.start();
    await collectedOnce(heals(1, 3));
    relay.close();
  });

  it("the broker is wiped while nobody collects", async () => {
    await broker.start();
    collector = collect();
    await collector.up();
    await collector.kill();
    const one = site();
    await one.saw('"up"');
    one.report(heals(1, 200));
    await one.stored(heals(1, 200));
    await new Promise((resolve) => setTimeout(resolve, 300));
    await broker.kill();
    broker.wipe();
    await broker.start();
    collector = collect();
    await collectedOnce(heals(1, 200));
  });

  it("the collector is killed three times while reports come", async () => {
    await broker.start();
    collector = collect();
    await collector.up();
    const one = site();
    for (let round = 0; round < 3; round++) {
      one.report(heals(1 + 400 * round, 400));
      await until("some are collected", () => collectedIds(collector.dir).length > 400 * round + 50);
      await collector.kill();
      collector = collect();
    }
    await collectedOnce(heals(1, 1200));
  });

  it("two collectors share them, of which one is killed: by their ids, over both files", async () => {
    await broker.start();
    const flags = ["--group", "hq"];
    const [a, b] = [collect(flags, "a"), collect(flags, "b")];
    await Promise.all([a.up(), b.up()]);
    const one = site();
    for (let round = 0; round < 10; round++) {
      one.report(heals(1 + 70 * round, 70));
      await one.stored(heals(1 + 70 * round, 70));
    }
    const both = (): string[] => [...collectedIds(a.dir), ...collectedIds(b.dir)];
    await until("both have some", () => collectedIds(a.dir).length > 0 && collectedIds(b.dir).length > 0);
    await a.kill();
    await until("the other one has the rest", () => new Set(both()).size === 700);
    expect(new Set(both())).toEqual(new Set(heals(1, 700).map(({ id }) => id)));
  });
});
