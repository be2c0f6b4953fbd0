import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startVirtualCable, type VirtualCable } from "../../src/transport/cable/virtual-cable.ts";
import { type CliResult, runCli, startCli, verdictOf } from "../support/cli.ts";
import { openPyserial, openSer2net, type PortServer } from "../support/ser2net.ts";
import { bootedBytes, freePort, openWorkbench, type Workbench } from "./workbench.ts";

let bench: Workbench;
let count = 0;
const servers: PortServer[] = [];
const cables: VirtualCable[] = [];

beforeAll(async () => {
  bench = await openWorkbench();
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
  for (const cable of cables.splice(0)) await cable.close();
});
afterAll(() => bench.close());

/** A cable whose far end is served over TCP; what leads to its near end and to the server. */
async function servedCable(
  serve: (port: number, device: string) => Promise<PortServer>,
): Promise<{ near: string; port: number }> {
  const [a, b] = [bench.path(`a${++count}`), bench.path(`b${count}`)];
  cables.push(await startVirtualCable({ a, b, baud: 115_200 }));
  const port = await freePort();
  servers.push(await serve(port, b));
  return { near: a, port };
}

const ser2net =
  (accepter: string) =>
  (port: number, device: string): Promise<PortServer> =>
    openSer2net(accepter, port, device);

/** A board at the near end of a cable, and a rescuer over the network. */
async function heal(
  near: string,
  link: string,
  timeout: number,
): Promise<{ target: CliResult; rescuer: CliResult; board: string }> {
  const board = await bench.board(`board${count}`);
  const end = ["--timeout", String(timeout), "--json"];
  const limitMs = 1000 * timeout + 20_000;
  const target = startCli(["distress", "--board", board, "--link", near, ...end], { limitMs });
  await target.saw(/"ready"/);
  const rescue = ["rescue", "--image", bench.path("fw.mdy"), "--once", "--link", link, ...end];
  const rescuer = await runCli(rescue, { limitMs });
  return { target: await target.ended, rescuer, board };
}

function expectHealed({ target, rescuer, board }: Awaited<ReturnType<typeof heal>>): void {
  expect(verdictOf(rescuer), rescuer.stderr).toMatchObject({ code: 0, reason: "healed" });
  expect(verdictOf(target), target.stderr).toMatchObject({ code: 0 });
  expect(bootedBytes(board)).toEqual(bench.firmware);
}

describe("a board behind ser2net", () => {
  it("is healed over a raw port with tcp:", async () => {
    const { near, port } = await servedCable(ser2net("tcp"));
    expectHealed(await heal(`serial:${near}?baud=115200`, `tcp:127.0.0.1:${port}`, 40));
  }, 70_000);

  it("is healed over telnet with rfc2217:", async () => {
    const { near, port } = await servedCable(ser2net("telnet(rfc2217),tcp"));
    expectHealed(await heal(`serial:${near}?baud=115200`, `rfc2217:127.0.0.1:${port}?baud=115200`, 40));
  }, 70_000);

  it("is healed over rfc2217: where both ends climb to a higher rate", async () => {
    const { near, port } = await servedCable(ser2net("telnet(rfc2217),tcp"));
    const outcome = await heal(near, `rfc2217:127.0.0.1:${port}`, 40);
    expectHealed(outcome);
    expect(outcome.rescuer.events.filter(({ event }) => event === "rate")).not.toEqual([]);
  }, 70_000);

  it("is not healed over telnet with tcp:, and both sides say why", async () => {
    const { near, port } = await servedCable(ser2net("telnet(rfc2217),tcp"));
    const { target, rescuer } = await heal(`serial:${near}?baud=115200`, `tcp:127.0.0.1:${port}`, 25);
    for (const result of [target, rescuer]) {
      expect(verdictOf(result)).toMatchObject({ code: 3, reason: "timeout" });
      expect(result.stderr).toMatch(/telnet is between.*accepter: tcp,/);
    }
    const status = await runCli(["status", "--link", `tcp:127.0.0.1:${port}`, "--json"]);
    expect(verdictOf(status)["reason"]).toBe("telnet");
    expect(status.stderr + JSON.stringify(status.events)).not.toContain("?baud");
  }, 90_000);

  it("is told that a server of raw bytes speaks no telnet", async () => {
    const { port } = await servedCable(ser2net("tcp"));
    const status = await runCli(["status", "--link", `rfc2217:127.0.0.1:${port}`, "--timeout", "7"]);
    expect(status.code).toBe(3);
    expect(status.stderr).toMatch(/does not set its port up.*tcp:127\.0\.0\.1/);
  }, 40_000);

  it("is told that a telnet server does not speak RFC 2217", async () => {
    const { port } = await servedCable(ser2net("telnet,tcp"));
    const status = await runCli(["status", "--link", `rfc2217:127.0.0.1:${port}`, "--timeout", "7"]);
    expect(status.code).toBe(3);
    expect(status.stderr).toMatch(/does not speak RFC 2217.*telnet\(rfc2217\)/);
  }, 40_000);
});

describe("a board behind pyserial's RFC 2217 server", () => {
  it("is healed", async () => {
    const { near, port } = await servedCable(openPyserial);
    expectHealed(await heal(`serial:${near}?baud=115200`, `rfc2217:127.0.0.1:${port}?baud=115200`, 40));
  }, 70_000);
});
