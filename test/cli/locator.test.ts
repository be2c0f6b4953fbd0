import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startVirtualCable } from "../../src/transport/cable/virtual-cable.ts";
import { runCli, startCli } from "../support/cli.ts";
import { bootedBytes, openWorkbench, type Workbench } from "./workbench.ts";

let bench: Workbench;
let server: Server;
let origin: string;
const asked: string[] = [];

beforeAll(async () => {
  bench = await openWorkbench();
  const file = readFileSync(bench.path("fw.mdy"));
  server = createServer((request, response) => {
    asked.push(request.url ?? "");
    if (request.url === "/fw.mdy") response.end(file);
    else if (request.url === "/garbage") response.end(Buffer.alloc(file.length, 0x5a));
    else response.writeHead(302, { location: "http://192.0.2.1/fw.mdy" }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  origin = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await bench.close();
});

let runs = 0;

/** Heals a new board whose rescuer names this place, over a slow line; what its side printed, and what the server was asked for. */
async function healed(path: string, origins: readonly string[]): Promise<{ said: string; urls: string[] }> {
  const [before, run] = [asked.length, runs++];
  const [a, b] = [bench.path(`${run}-a`), bench.path(`${run}-b`)];
  const board = await bench.board(`board-${run}`);
  const allow = origins.flatMap((each) => ["--locator-origin", each]);
  const cable = await startVirtualCable({ a, b });
  try {
    const end = (at: string): string[] => ["--link", `serial:${at}?baud=115200`, "--timeout", "12"];
    const target = startCli(["distress", ...end(a), "--board", board, ...allow]);
    const image = ["--image", bench.path("fw.mdy"), "--locator", `${origin}${path}`];
    const rescuer = startCli(["rescue", ...end(b), ...image, "--once"]);
    const [outcome, other] = [await target.ended, await rescuer.ended];
    expect([outcome.code, other.code]).toEqual([0, 0]);
    expect(Buffer.compare(bootedBytes(board), bench.firmware)).toBe(0);
    return { said: outcome.stdout + outcome.stderr, urls: asked.slice(before) };
  } finally {
    await cable.close();
  }
}

describe("a locator, with real processes and a real web server", () => {
  test("is fetched from where it is allowed", async () => {
    const { said, urls } = await healed("/fw.mdy", [origin]);
    expect(urls).toEqual(["/fw.mdy"]);
    expect(said).toContain(`fetches the image from ${origin}/fw.mdy as well`);
    expect(said).toContain(`the image was fetched from ${origin}/fw.mdy`);
  });

  test("is not fetched where it is not allowed, and the board is healed all the same", async () => {
    expect((await healed("/fw.mdy", [])).urls).toEqual([]);
    const other = await healed("/fw.mdy", ["https://images.example.org"]);
    expect(other.urls).toEqual([]);
    expect(other.said).toContain("not used: its origin is none of those that are allowed");
  });

  test("that leads elsewhere, or to something else, does no harm", async () => {
    expect((await healed("/moved", [origin])).urls).toEqual(["/moved"]);
    expect((await healed("/garbage", [origin])).urls).toEqual(["/garbage"]);
  });

  test.each([
    [
      ["distress", "--link", "tcp:h:1", "--board", "b", "--locator-origin", "https://h/path"],
      "more than an origin",
    ],
    [
      ["distress", "--link", "tcp:h:1", "--board", "b", "--locator-origin", "ftp://h"],
      "no URL of http or https",
    ],
    [["rescue", "--link", "tcp:h:1", "--image", "a.mdy", "--locator", "https://u:p@h/a"], "password"],
    [
      ["rescue", "--link", "tcp:h:1", "--image", "a.mdy", "--locator", `https://h/${"a".repeat(640)}`],
      "too long",
    ],
    [["rescue", "--link", "tcp:h:1", "--repo", "a", "--locator", "https://h/a"], "--image FILE.mdy"],
  ])("is refused on the command line where it makes no sense: %j", async (args, why) => {
    const { code, stderr } = await runCli(args);
    expect(code).toBe(2);
    expect(stderr).toContain(why);
  });
});
