import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { SeededRandom } from "../../src/base/prng.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import type { CollectedReport } from "../../src/fleet/collector-book.ts";
import { Collector } from "../../src/fleet/mqtt/collector.ts";
import { SiteUplink, type SiteUplinkOptions, type UplinkEvent } from "../../src/fleet/mqtt/site-uplink.ts";
import { CollectorStore } from "../../src/fleet/store/collector-store.ts";
import { freePort } from "../cli/workbench.ts";
import { asRoot } from "../support/as-root.ts";
import { Broker, until } from "./broker.ts";
import { collectedIds } from "./processes.ts";
import { heal, RUN } from "./support.ts";

let folder: string;
let broker: Broker;
const running: { close(): Promise<void> }[] = [];
const mounts: string[] = [];
const FAST = { reconnect: { first: 50, most: 200 }, waits: { first: 300, most: 600 } };

interface Site {
  readonly uplink: SiteUplink;
  readonly events: UplinkEvent[];
}

async function openSite(name: string, changes: Partial<SiteUplinkOptions> = {}): Promise<Site> {
  const events: UplinkEvent[] = [];
  const state = {
    v: 1,
    version: "0.1.0",
    boards: [],
    suspects: [],
    conflicts: [],
    run: RUN,
    upMs: 0,
  } as const;
  const uplink = await SiteUplink.open({
    ...{ fleet: "pumps", site: name, outbox: join(folder, name), run: RUN, ownerKeys: [] },
    broker: { url: `mqtt://127.0.0.1:${broker.port}` },
    ...{ clock: systemClock, random: new SeededRandom(running.length + 1), ...FAST },
    wall: () => ({ at: 0, sure: false }),
    state: () => ({ ...state, at: 0, clockSure: false }),
    onEvent: (event) => events.push(event),
    ...{ warn: () => {}, knowsHardware: () => false, onOffer: () => {}, onStop: () => {} },
    ...changes,
  });
  running.push(uplink);
  return { uplink, events };
}

async function openCollector(access: Partial<SiteUplinkOptions["broker"]> = {}): Promise<string> {
  const dir = join(folder, "collected");
  let isUp = false;
  const collector = await Collector.open({
    ...{ fleet: "pumps", group: undefined, store: CollectorStore.open(dir), clock: systemClock },
    broker: { url: `mqtt://127.0.0.1:${broker.port}`, clientId: "collect", ...access },
    random: new SeededRandom(99),
    wall: () => 1_900_000_000_000,
    onEvent: ({ tag }) => {
      isUp ||= tag === "up";
    },
  });
  running.push(collector);
  await until("the collector is up", () => isUp);
  return dir;
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "mayday-fleet-"));
  broker = new Broker(folder, await freePort());
});

afterEach(async () => {
  for (const one of running.splice(0)) await one.close();
  await broker.kill();
  for (const mount of mounts.splice(0)) execFileSync("umount", ["-l", mount]);
  rmSync(folder, { recursive: true, force: true });
});

describe("a site", () => {
  it("is cut off for 24 hours, reports each hour, and everything is collected once", async () => {
    await broker.start();
    const dir = await openCollector();
    const clock = new VirtualClock();
    const { uplink, events } = await openSite("hut-7", { clock });
    uplink.report(heal(0));
    await until("the first one", () => collectedIds(dir).length === 1 && uplink.waiting === 0);
    await broker.kill();
    const downs = (): number => events.filter(({ tag }) => tag === "down").length;
    await until("the loss", () => downs() === 1);
    for (let hour = 1; hour <= 24; hour++) {
      uplink.report(heal(hour));
      const before = downs();
      clock.advanceTo(clock.now() + 3_600_000);
      // Each window of the reconnect is over, and the attempt fails in real time.
      await until("an attempt", () => downs() > before);
    }
    expect(uplink.waiting).toBe(24);
    await broker.start();
    clock.advanceTo(clock.now() + 3_600_000);
    await until("the rest", () => collectedIds(dir).length === 25);
    await until("the outbox is empty", () => uplink.waiting === 0);
    expect(new Set(collectedIds(dir)).size).toBe(25);
  });

  it("whose clock is at 1970 has the times of its reports by that of the collector", async () => {
    await broker.start();
    const dir = await openCollector();
    const clock = new VirtualClock();
    const { uplink } = await openSite("hut-7", { clock });
    clock.advanceTo(clock.now() + 10_000);
    uplink.report(heal(1, { at: 10_000, clockSure: false, upMs: 4_000 }));
    uplink.report(heal(2, { at: 10_000, clockSure: false, upMs: 4_000, run: "00000001" }));
    uplink.report(heal(3, { at: 1_800_000_000_000 }));
    await until("all", () => collectedIds(dir).length === 3);
    const lines = readFileSync(join(dir, "reports.jsonl"), "utf8").trimEnd().split("\n");
    const whens = lines.map((line) => (JSON.parse(line) as CollectedReport).when);
    expect(whens).toEqual([1_900_000_000_000 - 6_000, null, 1_800_000_000_000]);
  });

  asRoot(
    "says that its disk is full, keeps its reports, and they are collected once there is room",
    async () => {
      const disk = join(folder, "hut-7");
      mkdirSync(disk);
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k,mode=755", "tmpfs", disk]);
      mounts.push(disk);
      await broker.start();
      const dir = await openCollector();
      const { uplink, events } = await openSite("hut-7");
      uplink.report(heal(1));
      await until("the first one", () => collectedIds(dir).length === 1);
      try {
        writeFileSync(join(disk, "filler"), Buffer.alloc(65_536));
      } catch {
        // As much as there was room for.
      }
      for (let n = 2; n <= 60; n++) uplink.report(heal(n));
      await until("the fault", () => events.some(({ tag }) => tag === "outbox"));
      expect(events.find(({ tag }) => tag === "outbox")).toMatchObject({
        fault: expect.stringContaining("no room is left"),
      });
      rmSync(join(disk, "filler"));
      uplink.report(heal(61));
      await until("all", () => collectedIds(dir).length === 61);
      expect(new Set(collectedIds(dir)).size).toBe(61);
      expect(events.at(-1)).toEqual({ tag: "outbox", fault: undefined });
    },
  );
});

/** A certificate for this name, signed by an authority, as a site's owner makes it. */
function certify(authority: string, name: string, extra: readonly string[] = []): void {
  const at = (file: string): string => join(folder, file);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const openssl = (...args: readonly string[]): void =>
    void execFileSync("openssl", [...args], { stdio: "pipe" });
  if (authority === name) {
    openssl(
      "req",
      "-x509",
      ...key,
      "-keyout",
      at(`${name}.key`),
      "-out",
      at(`${name}.pem`),
      "-subj",
      `/CN=${name}`,
      "-days",
      "2",
    );
    return;
  }
  openssl("req", ...key, "-keyout", at(`${name}.key`), "-out", at(`${name}.csr`), "-subj", `/CN=${name}`);
  const ca = ["-CA", at(`${authority}.pem`), "-CAkey", at(`${authority}.key`), "-CAcreateserial"];
  openssl("x509", "-req", "-in", at(`${name}.csr`), ...ca, "-out", at(`${name}.pem`), "-days", "2", ...extra);
}

describe("a broker with certificates", () => {
  const page = readFileSync("docs/fleet.md", "utf8");
  const acl = /^```text acl\n([\s\S]*?)^```/m.exec(page)?.[1] ?? "";
  const access = (name: string, ca: string = "ca"): SiteUplinkOptions["broker"] => {
    const read = (file: string): string => readFileSync(join(folder, file), "utf8");
    const files = { ca: read("ca.pem"), cert: read(`${name}.pem`), key: read(`${name}.key`) };
    return {
      url: `mqtts://localhost:${broker.port}`,
      ...files,
      ...(ca === "ca" ? {} : { ca: read(`${ca}.pem`) }),
    };
  };

  beforeEach(async () => {
    certify("ca", "ca");
    certify("rogue", "rogue");
    writeFileSync(join(folder, "localhost.ext"), "subjectAltName=DNS:localhost\n");
    certify("ca", "localhost", ["-extfile", join(folder, "localhost.ext")]);
    for (const name of ["hut-7", "hut-8", "collector"]) certify("ca", name);
    certify("rogue", "hut-9");
    writeFileSync(join(folder, "acl"), acl);
    const files = ["cafile ca.pem", "certfile localhost.pem", "keyfile localhost.key"];
    const lines = [
      ...files.map((line) => line.replace(" ", ` ${folder}/`)),
      ...["require_certificate true", "use_identity_as_username true", "use_username_as_clientid true"],
      ...["allow_anonymous false", `acl_file ${folder}/acl`],
    ];
    broker = new Broker(folder, broker.port, lines);
    await broker.start();
  });

  it("lets a site report as itself, and the ACL of the documentation lets a collector collect", async () => {
    const dir = await openCollector(access("collector"));
    const { uplink, events } = await openSite("hut-7", { broker: access("hut-7") });
    uplink.report(heal(1));
    await until("it is collected", () => collectedIds(dir).length === 1);
    await until("the outbox is empty", () => uplink.waiting === 0);
    expect(events).toEqual([{ tag: "up" }]);
  });

  it("refuses the topics of another site, and nothing of it is collected", async () => {
    const dir = await openCollector(access("collector"));
    const thief = await openSite("hut-7", { broker: access("hut-8"), outbox: join(folder, "thief") });
    thief.uplink.report(heal(1));
    await until("the refusal", () => thief.events.some(({ tag }) => tag === "refused"));
    const honest = await openSite("hut-7", { broker: access("hut-7") });
    honest.uplink.report(heal(2));
    await until("the honest one", () => collectedIds(dir).length === 1);
    expect(collectedIds(dir)).toEqual([heal(2).id]);
    expect(thief.uplink.waiting).toBe(1);
  });

  it("refuses a certificate of another authority, and a site refuses such a broker", async () => {
    const stranger = await openSite("hut-9", { broker: access("hut-9") });
    await until("it was refused", () => stranger.events.filter(({ tag }) => tag === "down").length >= 2);
    const careful = await openSite("hut-8", { broker: access("hut-8", "rogue") });
    await until("it refuses", () => careful.events.some(({ tag }) => tag === "down"));
    for (const { events } of [stranger, careful])
      expect(events.every(({ tag }) => tag === "down")).toBe(true);
  });
});
