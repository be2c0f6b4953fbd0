import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startCli } from "../../support/cli.ts";
import { freePort, openWorkbench, type Workbench } from "../workbench.ts";

let bench: Workbench;
beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench.close());

describe("A node with --metrics", () => {
  test("serves its figures until it is stopped", async () => {
    const board = await bench.board("board");
    const link = `tcp-listen:${await freePort()}`;
    const port = await freePort();
    const node = startCli(["node", "--board", board, "--link", link, "--metrics", String(port), "--json"]);
    await node.saw(/"event":"socket"/);
    const url = `http://127.0.0.1:${port}/metrics`;
    const text = await (await fetch(url)).text();
    expect(text).toMatch(/^mayday_board_bootable\{layout="single"\} 0$/m);
    expect(text).toContain(`mayday_link_up{link="${link}"}`);
    node.child.kill("SIGTERM");
    expect((await node.ended).code).toBe(0);
    await expect(fetch(url)).rejects.toThrow();
  });

  test("runs without figures where another program has the port, and says so", async () => {
    const other = createServer();
    const port = await freePort();
    await new Promise<void>((resolve) => other.listen(port, "127.0.0.1", resolve));
    const link = `tcp-listen:${await freePort()}`;
    const flags = ["--metrics", String(port), "--json"];
    const node = startCli(["node", "--board", await bench.board("other"), "--link", link, ...flags]);
    await node.saw(/"event":"socket"/);
    node.child.kill("SIGTERM");
    const { code, stderr } = await node.ended;
    other.close();
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.stringContaining(
        `no figures for Prometheus: figures cannot be served at 127.0.0.1:${port}`,
      ),
    });
  });

  test("refuses an address that other machines reach", async () => {
    const flags = ["--link", "tcp-listen:5000", "--metrics", "0.0.0.0:9464"];
    const { code, stderr } = await startCli(["node", ...flags]).ended;
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("on this machine only"),
    });
  });
});
