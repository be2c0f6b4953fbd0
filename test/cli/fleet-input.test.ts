import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CliResult, runCli, startCli, verdictOf } from "../support/cli.ts";
import { freePort, openWorkbench, type Workbench } from "./workbench.ts";

let bench: Workbench;
const at = (name: string): string => bench.path(name);
/** Nothing listens there. */
const NOBODY = "mqtt://localhost:1";
const FLEET = ["--fleet", "pumps"];

beforeAll(async () => {
  bench = await openWorkbench();
  await bench.image("fw", "owner");
  writeFileSync(at("plain"), "text\n");
});
afterAll(async () => await bench.close());

function expectFault(result: CliResult, code: number, reason: string, message: RegExp): void {
  expect(verdictOf(result)).toMatchObject({ ok: false, code, reason });
  expect(result.code).toBe(code);
  expect(result.stderr).toMatch(message);
  expect(result.stderr).not.toMatch(/^ +at /m);
}

describe("mayday fleet status", () => {
  it.each<[string, (path: string) => void]>([
    ["a named pipe", (path) => execFileSync("mkfifo", [path])],
    ["a device without an end", (path) => symlinkSync("/dev/zero", path)],
    ["a folder", (path) => mkdirSync(path)],
  ])("ends at once, and names the file, where its file is %s", async (what, make) => {
    for (const name of ["reports.jsonl", "states.jsonl"]) {
      const dir = at(`${name} ${what}`);
      mkdirSync(dir);
      if (name !== "reports.jsonl") writeFileSync(join(dir, "reports.jsonl"), "");
      make(join(dir, name));
      const result = await runCli(["fleet", "status", "--dir", dir, "--json"]);
      expectFault(result, 2, "lines-not-file", new RegExp(`${name} is a folder, pipe or device`));
    }
  });

  it("says of a file that it is no folder of a collector", async () => {
    const result = await runCli(["fleet", "status", "--dir", at("plain"), "--json"]);
    expectFault(result, 2, "not-collected", /name the folder that mayday collect --out was given/);
  });
});

describe("mayday collect", () => {
  const collect = async (broker: string, out: string, ...flags: readonly string[]): Promise<CliResult> =>
    await runCli(["collect", "--broker", broker, ...FLEET, "--out", out, "--json", ...flags]);

  it("names the file that is where its folder should be", async () => {
    expectFault(await collect(NOBODY, at("plain")), 1, "system-error", /plain: something of this name/);
  });

  it.each<[string, string, readonly string[]]>([
    ["no certificates", "tls-not-pem", ["--ca", "plain"]],
    ["a missing file", "tls-missing", ["--ca", "nowhere.pem"]],
    ["keys instead of certificates", "tls-not-pem", ["--cert", "owner.pub", "--key", "owner.key"]],
  ])("refuses %s for TLS, by name, and makes no folder", async (_what, reason, flags) => {
    const files = flags.map((word) => (word.startsWith("--") ? word : at(word)));
    const result = await collect("mqtts://localhost:1", at("never"), ...files);
    expectFault(result, 2, reason, /plain|nowhere\.pem|owner\.pub/);
    expect(existsSync(at("never"))).toBe(false);
  });
});

describe("why a broker is not reached", () => {
  const TEXT = /nothing listens there/;

  it("is told by a collector once, however often it tries", async () => {
    const args = ["collect", "--broker", NOBODY, ...FLEET, "--out", at("collected"), "--json"];
    const collector = startCli(args);
    await collector.saw(/("state":"down"[\s\S]*){2}/);
    collector.child.kill("SIGTERM");
    const result = await collector.ended;
    expect(verdictOf(result)).toMatchObject({ ok: true });
    expect(result.stderr.match(new RegExp(TEXT, "g"))).toHaveLength(1);
  });

  it("is told by a node, whose second with the same outbox does not start", async () => {
    const file = at("node.toml");
    const fleet = `[fleet]\nname = "pumps"\nsite = "hut-7"\nbroker = "${NOBODY}"\n`;
    writeFileSync(file, `${fleet}[[link]]\nendpoint = "tcp-listen:${await freePort()}"\n`);
    const node = startCli(["node", "--config", file, "--json"]);
    await node.saw(/"state":"down"/);
    const second = await runCli([
      "node",
      "--config",
      file,
      "--link",
      `tcp-listen:${await freePort()}`,
      "--json",
    ]);
    expectFault(second, 1, "outbox-busy", /another node has its outbox there; .*outbox in \[fleet\]/);
    node.child.kill("SIGTERM");
    const result = await node.ended;
    expect(result.code).toBe(0);
    expect(result.stderr).toMatch(/reports wait: nothing listens there/);
  });
});

describe("a signal that comes twice at once, as timeout and npm send it", () => {
  it("ends a node in order, with its verdict", async () => {
    const file = at("twice.toml");
    const fleet = `[fleet]\nname = "pumps"\nsite = "hut-8"\nbroker = "${NOBODY}"\noutbox = "twice"\n`;
    writeFileSync(file, `${fleet}[[link]]\nendpoint = "tcp-listen:${await freePort()}"\n`);
    const node = startCli(["node", "--config", file, "--json"]);
    await node.saw(/"state":"down"/);
    node.child.kill("SIGTERM");
    node.child.kill("SIGINT");
    const result = await node.ended;
    expect(verdictOf(result)).toMatchObject({ reason: expect.stringMatching(/^(?:stopped|interrupted)$/) });
  });
});

describe("a password that somebody wrote into a URL", () => {
  const node = (...lines: readonly string[]): string[] => {
    writeFileSync(at("secret.toml"), `${lines.join("\n")}\n[[link]]\nendpoint = "tcp-listen:0"\n`);
    return ["node", "--config", at("secret.toml")];
  };
  const broker = (url: string): string[] => ["--broker", url, ...FLEET];

  it.each<[string, () => string[]]>([
    [
      "repo pull",
      () => ["repo", "pull", "--repo", at("r"), "--from", "https://u:s3cret@h/", "--allow-unsigned"],
    ],
    [
      "repo pull with ftp",
      () => ["repo", "pull", "--repo", at("r"), "--from", "ftp://u:s3cret@h/", "--allow-unsigned"],
    ],
    [
      "repo pull with a token",
      () => ["repo", "pull", "--repo", at("r"), "--from", "https://h/?t=s3cret", "--allow-unsigned"],
    ],
    ["collect", () => ["collect", ...broker("mqtts://u:s3cret@h"), "--out", at("c")]],
    [
      "fleet stop",
      () => [
        "fleet",
        "stop",
        ...broker("mqtt://h?p=s3cret"),
        "--digest",
        "7dcebb86a1b2c3d4",
        "--sign",
        at("owner.key"),
      ],
    ],
    [
      "fleet offer",
      () => [
        "fleet",
        "offer",
        ...broker(NOBODY),
        "--image",
        at("fw.mdy"),
        "--url",
        "https://u:s3cret@h/",
        "--sign",
        at("owner.key"),
      ],
    ],
    [
      "rescue --locator",
      () => [
        "rescue",
        "--link",
        "tcp:localhost:1",
        "--image",
        at("fw.mdy"),
        "--locator",
        "https://u:s3cret@h/x",
      ],
    ],
    ["a node's broker", () => node("[fleet]", 'broker = "mqtts://u:s3cret@h"', 'name = "a"', 'site = "b"')],
    ["a node's index", () => node("[network]", 'index = "https://u:s3cret@h/"')],
    ["a node's index without quotes", () => node("[network]", "index = https://u:s3cret@h/")],
    ["a node's locator", () => node("[locator]", 'origins = ["https://u:s3cret@h"]')],
  ])("is refused and not shown by %s", async (_what, args) => {
    const result = await runCli([...args(), "--json"]);
    expect(verdictOf(result)).toMatchObject({ ok: false, code: 2 });
    expect(result.stdout + result.stderr).not.toContain("s3cret");
  });
});
