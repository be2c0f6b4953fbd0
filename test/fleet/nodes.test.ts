import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import { ownerTopic } from "../../src/fleet/fleet-messages.ts";
import { signWord } from "../../src/fleet/owner-word.ts";
import { hardwareId } from "../../src/image/hardware.ts";
import { loadSigningKey } from "../../src/image-files/pem-keys.ts";
import { freePort, HARDWARE, openWorkbench, type Workbench } from "../cli/workbench.ts";
import { type CliEvent, type RunningCli, runCli, startCli } from "../support/cli.ts";
import { Broker, publishRetained, until } from "./broker.ts";
import { CollectorProcess, collectedIds } from "./processes.ts";
import { hex16 } from "./support.ts";

let bench: Workbench;
let broker: Broker;
let collector: CollectorProcess;
const running: RunningCli[] = [];
let linkPort: number;

beforeAll(async () => {
  bench = await openWorkbench();
  broker = new Broker(bench.path("."), await freePort());
  linkPort = await freePort();
  await broker.start();
  collector = new CollectorProcess(bench.dir, broker.port);
  mkdirSync(bench.path("images"));
  await runCli(["repo", "add", bench.path("fw.mdy"), "--repo", bench.path("images")]);
  writeFileSync(bench.path("link.key"), "0123456789abcdef".repeat(4), { mode: 0o600 });
});

afterAll(async () => {
  for (const { child } of running) child.kill("SIGKILL");
  await Promise.all(running.map(({ ended }) => ended));
  await collector.kill();
  await broker.kill();
  await bench.close();
});

/** Starts a node that reports as this site. */
function node(site: string, top: string, endpoint: string): RunningCli {
  const fleet = [
    `name = "pumps"\nsite = "${site}"\nbroker = "mqtt://127.0.0.1:${broker.port}"`,
    `reports = "${site}.jsonl"\noutbox = "${site}-outbox"\nowner-keys = ["owner.pub"]`,
  ];
  const link = `[[link]]\nendpoint = "${endpoint}"\nlink-key = "link.key"`;
  writeFileSync(bench.path(`${site}.toml`), [top, link, "[fleet]", ...fleet].join("\n"));
  const started = startCli(["node", "--config", bench.path(`${site}.toml`), "--json"], { limitMs: 60_000 });
  running.push(started);
  started.child.stdout?.on("data", (text: string) => {
    printed.set(started, (printed.get(started) ?? "") + text);
  });
  return started;
}

const printed = new Map<RunningCli, string>();
const eventsOf = (one: RunningCli): CliEvent[] =>
  (printed.get(one) ?? "")
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as CliEvent);

describe("two nodes of a fleet", () => {
  it("both report one heal, which is collected and counted once; and each has it in its own file", async () => {
    const board = await bench.board("board");
    const rescuer = node("rescuer", 'repository = "images"', `tcp-listen:127.0.0.1:${linkPort}`);
    const target = node("target", `board = ${JSON.stringify(board)}`, `tcp:127.0.0.1:${linkPort}`);
    await Promise.all([rescuer.saw(/"healed"/), target.saw(/"healed"/)]);
    const healed = (site: string): { id: string; target: string; proven: boolean }[] =>
      readFileSync(bench.path(`${site}.jsonl`), "utf8")
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line) as { id: string; kind: string; target: string; proven: boolean })
        .filter(({ kind }) => kind === "healed");
    await until(
      "both have it in their files",
      () => healed("rescuer").length > 0 && healed("target").length > 0,
    );
    const [[one], [other]] = [healed("rescuer"), healed("target")];
    expect(one?.id).toBe(other?.id);
    expect([one?.proven, other?.proven]).toEqual([true, true]);
    await until("it is collected", () => collectedIds(collector.dir).includes(one?.id ?? ""));
    await until("the outboxes are empty", () =>
      ["rescuer", "target"].every((site) =>
        /"through":[1-9]/.test(readFileSync(bench.path(`${site}-outbox/outbox.jsonl`), "utf8")),
      ),
    );
    expect(collectedIds(collector.dir).filter((id) => id === one?.id)).toHaveLength(1);
    const states = (): string => readFileSync(`${collector.dir}/states.jsonl`, "utf8");
    await until("the board's state is collected", () =>
      states().includes(`"id":"${one?.target}","state":"healthy"`),
    );
    const status = await runCli(["fleet", "status", "--dir", collector.dir, "--json"]);
    expect(status.events.find(({ event }) => event === "fleet")).toMatchObject({
      sites: 2,
      boards: 1,
      healed: 1,
      unproven: 0,
    });
  });

  it("do nothing on any wire at a forged stop, a stop of another fleet, or an offer for foreign hardware", async () => {
    const [rescuer] = running;
    if (rescuer === undefined) throw new Error("the first test ran");
    const owner = loadSigningKey(bench.path("owner.key"));
    const other = loadSigningKey(bench.path("other.key"));
    const head = { v: 1, fleet: "pumps", sequence: 1, expires: Date.now() + 3_600_000 } as const;
    const stop = { ...head, word: "stop", digest: hex16(5) } as const;
    const offer = {
      ...head,
      word: "offer",
      hardware: hex16(6),
      version: "9",
      digest: "ab".repeat(32),
      urls: [],
    } as const;
    const before = eventsOf(rescuer).length;
    await publishRetained(broker.port, ownerTopic("pumps", "stop", stop.digest), signWord(stop, other));
    await publishRetained(
      broker.port,
      ownerTopic("pumps", "stop", hex16(7)),
      signWord({ ...stop, fleet: "lamps", digest: hex16(7) }, owner),
    );
    await publishRetained(broker.port, ownerTopic("pumps", "offers", offer.hardware), signWord(offer, owner));
    const later = (): CliEvent[] => eventsOf(rescuer).slice(before);
    const reasons = (): unknown[] =>
      later().flatMap(({ reason, word }) => (word === "ignored" ? reason : []));
    await until("all three are ignored", () => reasons().length === 3);
    expect(reasons()).toEqual(["foreign-key", "foreign-fleet", "foreign-hardware"]);
    expect(later().filter(({ event }) => !["owner", "neighbour"].includes(event))).toEqual([]);
    expect(readFileSync(`${collector.dir}/states.jsonl`, "utf8")).not.toMatch(/"suspects":\["/);
  });

  it("hear a stop of their owner, and an offer for hardware that they know, each once", async () => {
    const [rescuer, target] = running;
    if (rescuer === undefined || target === undefined) throw new Error("the first test ran");
    const owner = loadSigningKey(bench.path("owner.key"));
    const head = { v: 1, fleet: "pumps", sequence: 2, expires: Date.now() + 3_600_000 } as const;
    const stop = { ...head, word: "stop", digest: hex16(5) } as const;
    const hardware = toHex(hardwareId(HARDWARE.vendor, HARDWARE.hardwareClass));
    const flags = [
      "--sign",
      bench.path("owner.key"),
      "--broker",
      `mqtt://127.0.0.1:${broker.port}`,
      "--fleet",
      "pumps",
    ];
    const stopped = await runCli([
      "fleet",
      "stop",
      "--digest",
      stop.digest,
      "--for",
      "1h",
      ...flags,
      "--json",
    ]);
    expect(stopped.events[0]).toMatchObject({ event: "published", word: "stop" });
    const offered = await runCli(["fleet", "offer", "--image", bench.path("fw.mdy"), ...flags, "--json"]);
    expect(offered.events[0]).toMatchObject({ topic: ownerTopic("pumps", "offers", hardware) });
    await Promise.all([
      target.saw(/"word":"stop"/),
      target.saw(/"word":"offer"/),
      rescuer.saw(/"word":"offer"/),
    ]);
    const replay = signWord({ ...stop, sequence: 1 }, owner);
    await publishRetained(broker.port, ownerTopic("pumps", "stop", stop.digest), replay);
    await target.saw(/"reason":"replayed"/);
    const words = eventsOf(target).flatMap(({ event, word }) => (event === "owner" ? word : []));
    expect(words.filter((word) => word === "stop" || word === "offer")).toHaveLength(2);
  });
});
