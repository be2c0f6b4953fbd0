import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { chmod, chown, realpath } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startVirtualCable, type VirtualCable } from "../../src/transport/cable/virtual-cable.ts";
import { findHolders } from "../../src/transport/serial/port-holder.ts";
import { runCli, startCli } from "../support/cli.ts";
import { openSocatPair, type SocatPair } from "../support/socat-pair.ts";
import { openWorkbench, type Workbench } from "./workbench.ts";

let bench: Workbench;
let pair: SocatPair;
let cable: VirtualCable;
const children: ChildProcess[] = [];

beforeAll(async () => {
  bench = await openWorkbench();
  pair = await openSocatPair();
  cable = await startVirtualCable({ a: bench.path("a"), b: bench.path("b"), baud: 115_200 });
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});
afterAll(async () => {
  await cable.close();
  await pair.close();
  await bench.close();
});

/** A program that has a port open without a lock. */
async function reader(path: string): Promise<number | undefined> {
  const child = spawn("sh", ["-c", `exec sleep 61 < ${path}`], { stdio: "ignore" });
  children.push(child);
  const isThere = async (): Promise<boolean> =>
    ((await findHolders([path])).get(path) ?? []).some(({ pid }) => pid === child.pid);
  for (let i = 0; i < 200 && !(await isThere()); i++) await sleep(20);
  return child.pid;
}

describe("another program that has the port open", () => {
  it("is named when the port is opened", async () => {
    const pid = await reader(pair.a);
    const { stderr } = await runCli(["status", "--link", pair.a, "--timeout", "2"]);
    expect(stderr).toContain(`shared (the port is also open in process ${pid} (sleep 61), which`);
  });

  it("is named once when it comes later, and takes bytes", async () => {
    const rescue = ["rescue", "--image", bench.path("fw.mdy"), "--link", pair.a, "--json"];
    const running = startCli([...rescue, "--timeout", "45"], { limitMs: 60_000 });
    await running.saw(/"ready"/);
    const pid = await reader(pair.a);
    // What is left of frames: each ends in a delimiter, and none is one. A look is taken every 30 s.
    const far = spawn("sh", ["-c", `while :; do printf 'abc\\0' > ${pair.b}; sleep 1; done`], {
      stdio: "ignore",
    });
    children.push(far);
    const { events } = await running.ended;
    const told = events.filter(({ state }) => state === "shared");
    expect(told).toHaveLength(1);
    expect(told[0]?.["detail"]).toContain(`process ${pid} (sleep 61)`);
  }, 70_000);

  it("is not the program that made the port, be it socat or the cable, nor this one", async () => {
    for (const link of [pair.a, bench.path("a")]) {
      const { events } = await runCli(["status", "--link", link, "--timeout", "2", "--json"]);
      expect(events.filter(({ state }) => state === "shared")).toEqual([]);
    }
  });
});

describe("a port as a getty leaves it", () => {
  it("is refused with its group and mode, and a member of dialout is not sent to dialout", async () => {
    const device = await realpath(pair.b);
    const group = (name: string): number =>
      Number(new RegExp(`^${name}:[^:]*:(\\d+)`, "m").exec(readFileSync("/etc/group", "utf8"))?.[1]);
    await chown(device, 0, group("tty"));
    await chmod(device, 0o620);
    const words = [process.execPath, "dist/cli/main.js", "status", "--link", device];
    const child = spawn(
      "setpriv",
      ["--reuid", "65534", "--regid", "65534", "--groups", String(group("dialout")), ...words],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    const code = await new Promise((resolve) => child.once("close", resolve));
    expect(stderr).toMatch(/permission denied; it is root:tty 0620.*serial-getty@/);
    expect(stderr).not.toContain("usermod");
    expect(code).toBe(6);
  });
});
