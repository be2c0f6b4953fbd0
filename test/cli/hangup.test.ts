import { closeSync, openSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDirectoryRepository } from "../../src/image-files/directory-repository.ts";
import { type RunningCli, startCli, verdictOf } from "../support/cli.ts";
import { openSocatPair, type SocatPair } from "../support/socat-pair.ts";
import { openWorkbench, type Workbench } from "./workbench.ts";

let bench: Workbench;
let pair: SocatPair;
let repo: string[];

beforeAll(async () => {
  bench = await openWorkbench();
  pair = await openSocatPair();
  await (await openDirectoryRepository(bench.path("images"), { create: true })).add(bench.path("fw.mdy"));
  repo = ["--repo", bench.path("images"), "--json"];
});
afterAll(async () => {
  await pair.close();
  await bench.close();
});

/** Sends a signal, and gives the command a moment to act on it. */
async function send({ child }: RunningCli, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal);
  await sleep(300);
}

describe("SIGHUP", () => {
  test("opens a rescuer's log again where no terminal is, and SIGTERM then ends it with 0", async () => {
    const rescue = startCli(["rescue", "--link", pair.a, ...repo]);
    await rescue.saw(/"ready"/);
    for (let i = 0; i < 3; i++) await send(rescue, "SIGHUP");
    expect(rescue.child.exitCode).toBeNull();
    await send(rescue, "SIGTERM");
    expect(verdictOf(await rescue.ended)).toMatchObject({ ok: true, code: 0, reason: "stopped", healed: 0 });
  });

  test("ends a rescuer on a terminal with a verdict, however often it comes", async () => {
    const terminal = openSync(pair.b, "r+");
    const rescue = startCli(["rescue", "--link", "tcp:127.0.0.1:1", ...repo], { stdin: terminal });
    closeSync(terminal);
    await rescue.saw(/"waiting"/);
    rescue.child.kill("SIGHUP");
    rescue.child.kill("SIGHUP");
    expect(verdictOf(await rescue.ended)).toMatchObject({ ok: false, code: 130, reason: "interrupted" });
  });

  test("ends other commands with a verdict", async () => {
    const ends = ["--a", bench.path("a"), "--b", bench.path("b")];
    const cable = startCli(["cable", ...ends, "--json"]);
    await cable.saw(/"ready"/);
    cable.child.kill("SIGHUP");
    expect(verdictOf(await cable.ended)).toMatchObject({ ok: false, code: 130, reason: "interrupted" });
  });
});

describe("a signal that comes while the program is still loaded", () => {
  /** Sends itself the signal when the first package is loaded, which no command has begun before. */
  const hook = (name: string): string => {
    const code = `import Module from "node:module"; const load = Module._load; Module._load = function (...request) {
      if (request[0] === "commander") { Module._load = load; process.kill(process.pid, "${name}"); }
      return load.apply(this, request);
    };`;
    return `--import "data:text/javascript,${encodeURIComponent(code)}"`;
  };

  test.each([
    ["SIGTERM", { ok: true, code: 0, reason: "stopped" }],
    ["SIGINT", { ok: false, code: 130, reason: "interrupted" }],
    ["SIGHUP", { ok: false, code: 130, reason: "interrupted" }],
  ])("ends it with its verdict: %s", async (name, verdict) => {
    const terminal = openSync(pair.b, "r+");
    const env = { NODE_OPTIONS: hook(name) };
    const rescue = startCli(["rescue", "--link", pair.a, ...repo], { stdin: terminal, env });
    closeSync(terminal);
    expect(verdictOf(await rescue.ended)).toMatchObject(verdict);
  });
});

describe("a port that is not there at the start", () => {
  const missing = (): string => bench.path("no-port");

  test("is waited for by a rescuer with a repository and one link", async () => {
    const rescue = startCli(["rescue", "--link", missing(), ...repo]);
    await rescue.saw(/"state":"waiting"/);
    await send(rescue, "SIGTERM");
    expect(verdictOf(await rescue.ended)).toMatchObject({ code: 0, reason: "stopped" });
  });

  test("is waited for beside a link that is up, also with one image", async () => {
    const links = ["--link", missing(), "--link", pair.a];
    const rescue = startCli(["rescue", ...links, "--image", bench.path("fw.mdy"), "--json"]);
    await rescue.saw(/"ready"/);
    await rescue.saw(/"state":"waiting"/);
    await send(rescue, "SIGTERM");
    const result = await rescue.ended;
    expect(result.stdout).not.toContain('"failed"');
    expect(verdictOf(result)).toMatchObject({ code: 0, reason: "stopped" });
  });

  test("ends a rescuer at its time limit with 6, as one that is never there", async () => {
    const rescue = startCli(["rescue", "--link", missing(), ...repo, "--timeout", "1"]);
    expect(verdictOf(await rescue.ended)).toMatchObject({ code: 6, reason: "port-missing" });
  });

  test.each([["--once"], ["--no-wait-for-links"]])("is an error at once with %s", async (flag) => {
    const rescue = startCli(["rescue", "--link", missing(), ...repo, flag]);
    expect(verdictOf(await rescue.ended)).toMatchObject({ code: 6, reason: "port-missing" });
  });
});
