import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { runCli, startCli, verdictOf } from "../support/cli.ts";
import { bootedBytes, freePort, openWorkbench, type Workbench } from "./workbench.ts";

let bench: Workbench;
const sockets: Socket[] = [];

beforeAll(async () => {
  bench = await openWorkbench();
  await runCli(["keygen", "--link-key", bench.path("link.key")]);
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});
afterAll(() => bench.close());

/** A client that connects and says nothing. */
async function silentClient(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1")
    .on("error", () => {})
    .resume();
  sockets.push(socket);
  await new Promise((resolve) => socket.once("connect", resolve));
  return socket;
}

/** Local addresses, in hexadecimal as in /proc/net/tcp, of sockets that listen on a port. */
function listeningOn(port: number): string[] {
  const end = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const LISTEN = "0A";
  return ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((file) =>
    readFileSync(file, "utf8")
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local = "", , state]) => local.endsWith(end) && state === LISTEN)
      .map(([, local = ""]) => local.slice(0, -end.length)),
  );
}

/** The command line of each side, for one board. */
async function sides(name: string): Promise<Record<"distress" | "rescue", string[]>> {
  const board = await bench.board(name);
  const end = ["--timeout", "12", "--json"];
  return {
    distress: ["distress", "--board", board, ...end],
    rescue: ["rescue", "--image", bench.path("fw.mdy"), "--once", ...end],
  };
}

describe("a client that connects first and says nothing", () => {
  test.each([
    ["distress", "rescue"],
    ["rescue", "distress"],
  ] as const)("to a %s that listens does not delay the %s that connects next", async (listener, caller) => {
    const port = await freePort();
    const commands = await sides(`silent-${listener}`);
    const listening = startCli([...commands[listener], "--link", `tcp-listen:${port}`]);
    await listening.saw(/nobody has connected yet/);
    await silentClient(port);
    await listening.saw(/"ready"/);
    const start = performance.now();
    const called = await runCli([...commands[caller], "--link", `tcp:127.0.0.1:${port}`]);
    const heard = await listening.ended;
    const seconds = (performance.now() - start) / 1000;
    expect([verdictOf(called), verdictOf(heard)]).toMatchObject([
      { code: 0, reason: "healed" },
      { code: 0, reason: "healed" },
    ]);
    expect(bootedBytes(bench.path(`silent-${listener}`))).toEqual(bench.firmware);
    // With the start of a process, and still far below any time limit of a connection.
    expect(seconds).toBeLessThan(5);
  });

  test("stays connected for more than 10 s while it is alone", async () => {
    const port = await freePort();
    const { distress } = await sides("patient");
    const listening = startCli([...distress, "--link", `tcp-listen:${port}`]);
    await listening.saw(/nobody has connected yet/);
    const silent = await silentClient(port);
    const start = performance.now();
    const closedAt = new Promise<number>((resolve) => {
      silent.once("close", () => resolve(performance.now()));
    });
    expect(verdictOf(await listening.ended)).toMatchObject({ code: 3, reason: "timeout" });
    // By the end of the process, at its timeout of 12 s, and not before.
    expect((await closedAt) - start).toBeGreaterThan(11_000);
    expect(silent.bytesRead).toBeGreaterThan(0);
  });
});

describe("tcp-listen", () => {
  test.each([
    ["PORT", "", ["0100007F"]],
    ["0.0.0.0:PORT", "0.0.0.0:", ["00000000"]],
    ["[::1]:PORT", "[::1]:", ["00000000000000000000000001000000"]],
  ])("%s listens on that address alone", async (_name, host, expected) => {
    const port = await freePort();
    const { distress } = await sides(`listening-${host.replace(/\W/g, "")}`);
    const listening = startCli([...distress, "--link", `tcp-listen:${host}${port}`]);
    await listening.saw(/nobody has connected yet/);
    expect(listeningOn(port)).toEqual(expected);
    listening.child.kill("SIGTERM");
    await listening.ended;
  });
});

describe("a link over TCP that others can reach", () => {
  const KEY = /without a link key/;
  const UNSIGNED = /takes unsigned firmware/;

  /** What a command says of a link before it has heard anybody. */
  async function said(
    args: readonly string[],
  ): Promise<{ readonly stderr: string; readonly unprotected: unknown[] }> {
    const { stderr, events } = await runCli([...args, "--timeout", "0.2", "--json"]);
    return { stderr, unprotected: events.filter(({ state }) => state === "unprotected") };
  }

  const links = async (): Promise<Record<"open" | "listening" | "near" | "serial", string>> => ({
    open: `tcp:192.0.2.1:5000`,
    listening: `tcp-listen:0.0.0.0:${await freePort()}`,
    near: `tcp-listen:${await freePort()}`,
    serial: bench.path("no-port"),
  });

  test.each([
    ["distress listening without a key", "listening", "signed", false, KEY],
    ["distress connecting without a key", "open", "signed", false, KEY],
    ["distress with a key", "listening", "signed", true, undefined],
    ["distress on this machine alone", "near", "signed", false, undefined],
    ["distress of a board that takes unsigned images", "listening", "unsigned", false, UNSIGNED],
    ["the same with a key", "open", "unsigned", true, UNSIGNED],
    ["the same on this machine alone", "near", "unsigned", false, undefined],
    ["the same on a serial port", "serial", "unsigned", false, undefined],
    ["rescue listening without a key", "listening", "rescue", false, KEY],
    ["rescue connecting without a key", "open", "rescue", false, KEY],
    ["rescue with a key", "listening", "rescue", true, undefined],
    ["rescue on this machine alone", "near", "rescue", false, undefined],
  ] as const)(
    "gets a warning where it is unprotected, and only there: %s",
    async (name, link, what, isKeyed, text) => {
      const endpoint = (await links())[link];
      const trust = what === "unsigned" ? { trust: [], allowUnsigned: true } : {};
      const side =
        what === "rescue"
          ? ["rescue", "--image", bench.path("fw.mdy"), "--once"]
          : ["distress", "--board", await bench.board(`warned ${name}`, undefined, trust)];
      const key = isKeyed ? ["--link-key", bench.path("link.key")] : [];
      const { stderr, unprotected } = await said([...side, "--link", endpoint, ...key]);
      const warnings = stderr.split("\n").filter((line) => line.startsWith("warning:"));
      if (text === undefined) {
        expect([warnings, unprotected]).toEqual([[], []]);
        return;
      }
      expect(warnings).toEqual([expect.stringMatching(text)]);
      expect(warnings[0]).toContain(endpoint);
      const detail = expect.stringMatching(text);
      expect(unprotected).toEqual([{ event: "link", link: endpoint, state: "unprotected", detail }]);
    },
  );
});
