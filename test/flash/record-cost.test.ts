import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type FlashGeometry, flashMap, recordCost } from "../../src/flash/geometry.ts";

const KIB = 1024;
const SLOT = { slotSize: 384 * KIB, layout: "single" } as const;
const F4 = {
  ...SLOT,
  sectors: [
    { count: 4, size: 16 * KIB },
    { count: 1, size: 64 * KIB },
    { count: 7, size: 128 * KIB },
  ],
  recoverySize: 32 * KIB,
} as const;
const LARGE = { slotSize: 1024 * KIB, sectorSize: 256 * KIB } as const;

/** The rows of the table in docs/board.md: a flash, its description, and where the manifests lie. */
const ROWS: readonly (readonly [string, FlashGeometry])[] = [
  ["STM32F4, 1 MiB, as sectors of 128 KiB, `single` (before)", { ...SLOT, sectorSize: 128 * KIB }],
  ["STM32F4, 1 MiB, 4 x 16, 64, 7 x 128 KiB, `single`, `own`", F4],
  ["STM32F4, 1 MiB, 4 x 16, 64, 7 x 128 KiB, `single`, `record`", { ...F4, manifests: "record" }],
  ["sectors of 256 KiB, `single`, `own` (before)", { ...LARGE, layout: "single" }],
  ["sectors of 256 KiB, `single`, `record`", { ...LARGE, layout: "single", manifests: "record" }],
  ["sectors of 256 KiB, `ab`, `own` (before)", { ...LARGE, layout: "ab" }],
  ["sectors of 256 KiB, `ab`, `record`", { ...LARGE, layout: "ab", manifests: "record" }],
];

const grouped = (count: number): string => count.toLocaleString("en-US");

describe("the bytes that record and manifests take from images", () => {
  it("are those of the table in docs/board.md", async ({ annotate }) => {
    const table = ROWS.map(([name, geometry]) => `| ${name} | ${grouped(recordCost(flashMap(geometry)))} |`);
    await annotate(table.join("\n"));
    const text = readFileSync(new URL("../../docs/board.md", import.meta.url), "utf8");
    expect(text.split("\n").filter((line) => /^\| (STM32F4|sectors of 256)/.test(line))).toEqual(table);
  });

  it("leave an STM32F4 a slot of 960 KiB, and of 768 KiB with manifests in sectors of their own", () => {
    const inRecord = flashMap({ ...F4, slotSize: 960 * KIB, manifests: "record" });
    expect(inRecord.size).toBe(1024 * KIB);
    expect(flashMap({ ...F4, slotSize: 768 * KIB }).size).toBe(1024 * KIB);
  });
});
