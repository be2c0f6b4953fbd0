import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { startVirtualCable } from "../../src/transport/cable/virtual-cable.ts";
import { type RescueRow, runBench } from "./bench-run.ts";

// Each act runs some eight processes, one after the other.
describe("uart-rescue", { timeout: 60_000 }, () => {
  it("installs a whole image and repairs one sector at both rates, exits 0, and writes a record", async () => {
    const args = ["--virtual", "--bauds", "460800,921600", "--kib", "32"];
    const { code, stdout, record, markdown } = await runBench<RescueRow>("hw-loopback/uart-rescue", ...args);
    expect([code, record?.ok, record?.bench, record?.setup]).toEqual([
      0,
      true,
      "uart-rescue",
      "virtual cable",
    ]);
    expect(record?.rows.map(({ act, baud, isExact, blocks }) => [act, baud, isExact, blocks])).toEqual([
      ["install", 460_800, true, 8],
      ["repair", 460_800, true, 1],
      ["install", 921_600, true, 8],
      ["repair", 921_600, true, 1],
    ]);
    for (const { act, baud, bytesToBoard, bytesFromBoard, seconds, imageRate } of record?.rows ?? []) {
      const payload = act === "repair" ? 4096 : 32_768;
      expect(bytesToBoard).toBeGreaterThan(payload);
      expect(bytesToBoard).toBeLessThan(payload + 4096);
      expect(bytesFromBoard).toBeGreaterThan(0);
      expect(seconds).toBeGreaterThan((payload * 10) / baud);
      expect(imageRate).toBeCloseTo((32_768 * 10) / baud / seconds, 1);
    }
    expect(stdout).toBe(markdown);
    expect(markdown).toContain("Every board was healed, is exact, and boots.");
  });

  it("exits 1 where the line garbles everything, and tells what both sides saw", async () => {
    const folder = await mkdtemp(join(tmpdir(), "mayday-rescue-test-"));
    const [a, b] = [join(folder, "a"), join(folder, "b")];
    const cable = await startVirtualCable({ a, b, baud: 115_200, strictBaud: true });
    const args = ["--a", a, "--b", b, "--bauds", "921600", "--kib", "8", "--timeout", "1"];
    const { code, record, markdown } = await runBench<RescueRow>("hw-loopback/uart-rescue", ...args);
    await cable.close();
    await rm(folder, { recursive: true });
    expect([code, record?.ok, record?.setup]).toEqual([1, false, "crossed cable"]);
    expect(record?.ports.map(({ path }) => path)).toEqual([a, b]);
    expect(record?.rows.map(({ act, ok, exitCodes }) => [act, ok, exitCodes])).toEqual([
      ["install", false, { distress: 3, rescue: 3 }],
    ]);
    expect(markdown).toMatch(/install at 921600: distress: exit 3, timeout: \S/);
    expect(markdown).toContain("| install | 921600 |");
  });

  it("exits 6 where a port is missing", async () => {
    const args = [
      "--a",
      "/dev/mayday-none-a",
      "--b",
      "/dev/mayday-none-b",
      "--bauds",
      "115200",
      "--kib",
      "8",
    ];
    const { code, stderr } = await runBench<RescueRow>("hw-loopback/uart-rescue", ...args);
    expect([code, stderr]).toEqual([6, expect.stringContaining("there is no such port")]);
  });
});
