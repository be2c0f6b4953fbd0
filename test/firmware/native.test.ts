import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { files, ROOT } from "../tidy/repository.ts";

/** Runs a script of scripts/firmware, which prints what it found. */
function script(name: string, ...args: string[]): { readonly code: number | null; readonly told: string } {
  const path = join(ROOT, "scripts/firmware", name);
  const { status, stdout, stderr } = spawnSync("node", [path, ...args], { encoding: "utf8" });
  return { code: status, told: `${stdout}${stderr}` };
}

/** The counts in the last line. */
function counts(told: string): { readonly checks: number; readonly failed: number } {
  const [, checks, failed] = /^(\d+) checks, (\d+) failed\n$/m.exec(told) ?? [];
  return { checks: Number(checks), failed: Number(failed) };
}

// A compiler that has to build everything, on two cores that other tests keep busy.
const TIMEOUT_MS = 240_000;

describe("the C side", () => {
  it(
    "passes its native tests with the sanitizers of addresses and undefined behaviour",
    () => {
      const { code, told } = script("matrix.mjs", "--only", "native gcc-64-sanitized");
      expect({ code, told }).toMatchObject({ code: 0 });
      expect(counts(told).checks).toBeGreaterThan(1000);
      expect(counts(told).failed).toBe(0);
      const tests = files(/^firmware-stubs\/tests\/test_\w+\.c$/).length;
      expect(told).toContain(`${tests} programs`);
    },
    TIMEOUT_MS,
  );

  it("gives each source an entry point of Frama-C, or says why it has none", () => {
    expect(script("eva.mjs", "--files")).toMatchObject({ code: 0 });
  });

  it(
    "takes most of its branches in the native tests and with the kept inputs of the fuzzer, and runs each file",
    () => {
      const { code, told } = script("coverage.mjs");
      expect({ code, told }).toMatchObject({ code: 0 });
      const kept = files(/^firmware-stubs\/tests\/fuzz\/corpus\//).length;
      expect(told).toContain(`, ${kept} kept inputs`);
    },
    TIMEOUT_MS,
  );

  it.each(["all", "single-small"])(
    "compiles as %s for a Cortex-M3, with no variable, no heap and no name that is not mayday's",
    (configuration) => {
      const { code, told } = script("matrix.mjs", "--only", `cortex-m3 ${configuration}`);
      expect({ code, told }).toMatchObject({ code: 0 });
      expect(counts(told).checks).toBeGreaterThan(40);
    },
    TIMEOUT_MS,
  );

  it(
    "stays within its bounds of code, RAM and stack on a Cortex-M3",
    () => {
      const { code, told } = script("sizes.mjs");
      expect({ code, told }).toMatchObject({ code: 0 });
      expect(told.match(/ of +\d+ bytes/g)).toHaveLength(18);
    },
    TIMEOUT_MS,
  );
});
