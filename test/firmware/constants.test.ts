import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import * as constants from "../../src/wire/constants.ts";
import { RUN_MAX } from "../../src/wire/line-code.ts";
import { ROOT } from "../tidy/repository.ts";

const SCRIPT = "scripts/firmware/constants.mjs";
const HEADER = "firmware-stubs/include/mayday/constants.h";
const text = readFileSync(join(ROOT, HEADER), "utf8");

/** Macros with their numbers. */
const MACROS = new Map(
  [...text.matchAll(/^#define MAYDAY_(\w+) (\w+)u /gm)].map(([, name = "", value]) => [name, Number(value)]),
);

function check(root: string): { code: number | null; told: string } {
  const { status, stderr } = spawnSync("node", [join(root, SCRIPT), "--check"], { encoding: "utf8" });
  return { code: status, told: stderr };
}

/** "FrameClass.targetControl" as FRAME_CLASS_TARGET_CONTROL. */
function macroOf(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/[.-]/g, "_")
    .toUpperCase();
}

describe("the constants of the C side", () => {
  it("are those that PROTOCOL.md prints", () => {
    expect(check(ROOT)).toEqual({ code: 0, told: "" });
  });

  describe("in a copy", () => {
    const folder = mkdtempSync(join(tmpdir(), "mayday-constants-"));
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
    for (const path of [SCRIPT, HEADER, "docs/PROTOCOL.md"]) cpSync(join(ROOT, path), join(folder, path));

    it("are found to differ where a number, a section or a line is another one", () => {
      expect(check(folder).code).toBe(0);
      const changes: readonly [from: string, to: string][] = [
        ["MAYDAY_IN_FLIGHT_MAX 1024u", "MAYDAY_IN_FLIGHT_MAX 1025u"],
        ["MAYDAY_QUIET_MS 10000u /* 2.4 */", "MAYDAY_QUIET_MS 10000u /* 2.5 */"],
        ["#define MAYDAY_DELIMITER 0x00u /* 2.1 */\n", ""],
      ];
      for (const [from, to] of changes) {
        expect(text).toContain(from);
        writeFileSync(join(folder, HEADER), text.replace(from, to));
        const { code, told } = check(folder);
        expect(code).toBe(1);
        expect(told).toContain(from.trim().split(" /*")[0]);
      }
    });

    it("are found to differ where PROTOCOL.md says another number", () => {
      writeFileSync(join(folder, HEADER), text);
      const protocol = join(folder, "docs/PROTOCOL.md");
      const before = readFileSync(protocol, "utf8");
      const after = before.replace(/^\| `IN_FLIGHT_MAX` \| 1024 \|/m, "| `IN_FLIGHT_MAX` | 512 |");
      expect(after).not.toBe(before);
      writeFileSync(protocol, after);
      expect(check(folder).told).toContain("MAYDAY_IN_FLIGHT_MAX 512u");
    });
  });

  it("have every number of the TypeScript side, with its value", () => {
    const numbers = Object.entries({ ...constants, RUN_MAX }).flatMap(([name, value]): [string, number][] => {
      // The C side counts the delay of an ack in microseconds.
      if (name === "ACK_DELAY_UNIT_MS") return [["ACK_DELAY_UNIT_US", Number(value) * 1000]];
      if (typeof value === "number") return [[macroOf(name), value]];
      if (typeof value !== "object") return [];
      return Object.entries(value).map(([key, number]) => [macroOf(`${name}.${key}`), number]);
    });
    expect(numbers.length).toBeGreaterThan(80);
    expect(numbers.filter(([name, value]) => MACROS.get(name) !== value)).toEqual([]);
  });

  it("have the version of the protocol that the vectors are of", () => {
    const versions = ["wire-v1", "link-v1", "session-v1", "link-key-v1"].map((name) => {
      const vectors = JSON.parse(readFileSync(join(ROOT, `vectors/${name}.json`), "utf8"));
      return (vectors as { readonly protocolVersion: number }).protocolVersion;
    });
    expect(new Set(versions)).toEqual(new Set([MACROS.get("PROTOCOL_VERSION")]));
  });

  it("are each defined once", () => {
    const names = [...text.matchAll(/^#define (\w+)/gm)].map(([, name = ""]) => name);
    expect(names.length).toBe(new Set(names).size);
    expect(MACROS.size).toBe(names.length - 1);
  });
});
