import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startVirtualCable, type VirtualCableOptions } from "../../src/transport/cable/virtual-cable.ts";
import { openSocatSocket } from "../support/socat-pair.ts";
import { type BenchResult, type LoopbackRow, runBench } from "./bench-run.ts";

const loopback = (...args: readonly string[]): Promise<BenchResult<LoopbackRow>> =>
  runBench<LoopbackRow>("hw-loopback/uart-loopback", "--kib", "4", ...args);
const results = ({ record }: BenchResult<LoopbackRow>): (readonly [string, readonly string[]])[] =>
  (record?.rows ?? []).map(({ leg, faults }) => [leg, faults]);

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mayday-loopback-test-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("uart-loopback on a virtual cable of its own", { timeout: 60_000 }, () => {
  it("finds both rates clean, exits 0, and writes a record", async () => {
    const { code, stdout, record, markdown } = await loopback("--virtual", "--bauds", "460800,921600");
    expect([code, record?.ok, record?.setup]).toEqual([0, true, "virtual cable"]);
    expect(record).toMatchObject({
      bench: "uart-loopback",
      date: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      machine: { node: process.version, cpus: expect.any(Number), system: expect.stringContaining("Linux") },
      ports: [],
    });
    const legs = ["a to b", "b to a", "both at once, a to b", "both at once, b to a"];
    expect(record?.rows.map(({ baud, leg }) => [baud, leg])).toEqual(
      [460_800, 921_600].flatMap((baud) => legs.map((leg) => [baud, leg])),
    );
    // 256 values at each place of blocks of 1, 3 and 8; eight runs of 256; 4 KiB.
    expect(record?.rows[0]?.sections.map(({ section, sent, received }) => [section, sent, received])).toEqual(
      [
        ["values", 3072, 3072],
        ["runs", 2048, 2048],
        ["stream", 4096, 4096],
      ],
    );
    for (const { lineShare } of record?.rows ?? []) {
      expect(lineShare).toBeGreaterThan(0);
      expect(lineShare).toBeLessThanOrEqual(1.05);
    }
    expect(markdown).toContain("| 921600 | a to b | 9216 | 9216 | 0 | 0 | 0 | 0 |");
    expect(stdout).toBe(markdown);
  });
});

describe("uart-loopback on two ports", { timeout: 60_000 }, () => {
  async function onCable(options: Omit<VirtualCableOptions, "a" | "b">): Promise<BenchResult<LoopbackRow>> {
    const [a, b] = [join(folder, "a"), join(folder, "b")];
    const cable = await startVirtualCable({ a, b, ...options });
    try {
      return await loopback("--a", a, "--b", b, "--bauds", "921600");
    } finally {
      await cable.close();
    }
  }

  it("exits 1 on a line that loses bytes, says how many, and shows the first", async () => {
    const result = await onCable({ baud: 921_600, drop: 2e-3 });
    expect([result.code, result.record?.ok]).toEqual([1, false]);
    expect(results(result)[0]).toEqual(["a to b", ["loss"]]);
    const sections = result.record?.rows[0]?.sections ?? [];
    for (const { sent, received, lost, changed, extra } of sections) {
      expect([lost, changed, extra]).toEqual([sent - received, 0, 0]);
    }
    const shown = sections.flatMap(({ firstDifferences }) => firstDifferences);
    expect(shown[0]).toEqual({ at: expect.any(Number), sent: expect.stringMatching(/^[0-9a-f]{2}$/) });
    expect(result.markdown).toContain("**loss**: bytes were lost");
  });

  it("names a wrong rate on a line that garbles then", async () => {
    const result = await onCable({ baud: 460_800, strictBaud: true });
    expect(result.code).toBe(1);
    expect(results(result).map(([, faults]) => faults)).toEqual([0, 1, 2, 3].map(() => ["garbled"]));
    expect(result.markdown).toContain("**garbled**: hardly anything came right: another rate");
  });

  it("sees that a port runs faster than it was told", async () => {
    const [a, b] = [join(folder, "a"), join(folder, "b")];
    const cable = await startVirtualCable({ a, b, baud: 921_600 });
    const result = await loopback("--a", a, "--b", b, "--bauds", "115200");
    await cable.close();
    expect([result.code, results(result)[0]]).toEqual([1, ["a to b", ["too-fast"]]]);
  });
});

describe("uart-loopback on one port", { timeout: 60_000 }, () => {
  /** A port whose other side sends back what `reply` makes of what it gets. */
  async function onPort(
    reply: ((byte: number) => readonly number[]) | undefined,
  ): Promise<BenchResult<LoopbackRow>> {
    const far = await openSocatSocket();
    far.socket.on("data", (chunk) => {
      if (reply !== undefined) far.socket.write(Buffer.from([...chunk].flatMap(reply)));
    });
    far.socket.resume();
    try {
      return await loopback("--port", far.path, "--bauds", "115200");
    } finally {
      await far.close();
    }
  }

  it("says that nothing comes back where there is no jumper", async () => {
    const result = await onPort(undefined);
    expect([result.code, results(result)]).toEqual([1, [["jumper", ["silence"]]]]);
    expect(result.markdown).toContain("**silence**: nothing came back: no jumper");
  });

  // A pseudo terminal has no rate of its own, which the bench rightly calls too fast: the bytes are right, though.
  it("hears itself through a jumper", async () => {
    const result = await onPort((byte) => [byte]);
    expect(results(result)).toEqual([["jumper", ["too-fast"]]]);
    expect(result.record?.setup).toBe("jumper from TX to RX");
    const edits = result.record?.rows[0]?.sections.map(({ lost, changed, extra }) => lost + changed + extra);
    expect(edits).toEqual([0, 0, 0]);
  });

  it("names XON and XOFF that are eaten", async () => {
    const result = await onPort((byte) => (byte === 0x11 || byte === 0x13 ? [] : [byte]));
    expect([result.code, results(result)[0]?.[1]]).toEqual([1, ["xon-xoff", "too-fast"]]);
  });

  it("names a line that is treated as text", async () => {
    const result = await onPort((byte) => [byte === 0x0d ? 0x0a : byte]);
    expect(results(result)[0]?.[1]).toEqual(["newline", "too-fast"]);
  });
});

describe("uart-loopback refuses", () => {
  it("a port that is not there, with exit 6", async () => {
    const { code, stderr, record } = await loopback("--port", join(folder, "none"), "--bauds", "115200");
    expect([code, record]).toEqual([6, undefined]);
    expect(stderr).toContain("there is no such port");
  });

  it.each([
    ["no port", []],
    ["one end of two", ["--a", "/dev/null"]],
    ["the same port twice", ["--a", "/dev/null", "--b", "/dev/null"]],
    ["a jumper and a cable", ["--port", "/dev/null", "--virtual"]],
    ["a rate that is none", ["--virtual", "--bauds", "9600,fast"]],
    ["a flag that is none", ["--virtual", "--sideways"]],
  ])("%s, with exit 2 and the usage", async (_what, args) => {
    const { code, stderr } = await loopback(...args);
    expect([code, stderr.includes("Usage: node hw-loopback/uart-loopback.mjs")]).toEqual([2, true]);
  });
});
