import { UsageError } from "../../base/errors.ts";
import { type FirmwareFacts, rangeText } from "../../image/firmware/firmware.ts";
import type { AddressRange } from "../../image/firmware/memory-map.ts";
import { otherMemory } from "../../image/firmware/memory-names.ts";
import type { Manifest } from "../../image/manifest.ts";
import { byteText, grouped, percent } from "../text.ts";

/** Ranges that may be given: more would be a script's mistake. */
const RANGES_MAX = 64;
/** Ranges that are shown to people. */
const RANGES_SHOWN = 8;
const NAMES = { raw: "raw bytes", hex: "Intel HEX", elf: "ELF", uf2: "UF2", srec: "S-records" } as const;

/** "0x0-0x7fff", both included, or "0x0+32K"; decimal or hexadecimal. `bad-range`. */
export function collectRanges(text: string, earlier: readonly AddressRange[] = []): readonly AddressRange[] {
  const match = /^(0x[0-9a-f]{1,13}|\d{1,15})([-+])(0x[0-9a-f]{1,13}|\d{1,15})(K|M)?$/i.exec(text);
  const [, first = "", sign = "", second = "", unit] = match ?? [];
  const start = Number(first);
  const factor = unit === undefined ? 1 : unit.toUpperCase() === "K" ? 1024 : 1_048_576;
  const end = sign === "+" ? start + Number(second) * factor : Number(second) + 1;
  const isRight = match !== null && end > start && (sign === "+" || unit === undefined);
  if (isRight && earlier.length < RANGES_MAX) return [...earlier, { start, end }];
  const seen = isRight ? `more than ${RANGES_MAX} ranges are given` : `"${text}" is not a range of addresses`;
  throw new UsageError(
    "bad-range",
    `${seen}: give FIRST-LAST, such as 0x8000-0xffff, or FIRST+LENGTH, such as 0x8000+32K`,
  );
}

/** "0xff" or "255". `bad-fill`. */
export function parseFill(text: string): number {
  const value = /^(?:0x[0-9a-f]{1,2}|\d{1,3})$/i.test(text) ? Number(text) : Number.NaN;
  if (value <= 255) return value;
  throw new UsageError("bad-fill", `"${text}" is not a byte: give 0 to 255, or 0x00 to 0xff`);
}

/** How an input was read, as fields of a JSON line. Ranges are [first, last]. */
export function inputFields(read: FirmwareFacts, { size }: Manifest): Record<string, unknown> {
  return {
    format: read.format,
    base: read.base,
    ranges: read.ranges.map(({ start, end }) => [start, end - 1]),
    rangeCount: read.rangeCount,
    data: size - read.filling,
    filling: read.filling,
    fillingShare: Math.round((10_000 * read.filling) / size) / 10_000,
    fill: read.fill,
    leftOut: read.leftOut,
    repeated: read.repeated,
  };
}

/** How an input was read, as names and values for people. */
export function inputRows(read: FirmwareFacts, { size }: Manifest): [string, string][] {
  const rows: [string, string][] = [["read as", NAMES[read.format]]];
  if (read.base === undefined) return rows;
  const shown = read.ranges.slice(0, RANGES_SHOWN).map(rangeText);
  const more = read.rangeCount - shown.length;
  if (more > 0) shown.push(`${grouped(more)} more`);
  const filling = `${grouped(read.filling)} of ${byteText(size)} (${percent(read.filling / size)})`;
  rows.push(["base", `0x${read.base.toString(16)}`], ["ranges", shown.join(", ")]);
  rows.push(["filling", `${filling}, 0x${read.fill.toString(16).padStart(2, "0")}`]);
  if (read.leftOut > 0) rows.push(["left out", byteText(read.leftOut)]);
  return rows;
}

/** What is likely not meant. */
export function inputWarnings(path: string, { repeated, likeness, base }: FirmwareFacts): string[] {
  const warnings: string[] = [];
  if (repeated > 0) {
    warnings.push(
      `${path} gives ${byteText(repeated)} more than once, with the same value each time; they are taken once`,
    );
  }
  if (likeness === "text") {
    warnings.push(
      `${path} is a text, taken as raw bytes: look whether it is the firmware; --format raw says so`,
    );
  }
  if (likeness === "blank") {
    warnings.push(
      `${path} holds one value throughout, as erased flash and failed reads have: look whether it is the firmware`,
    );
  }
  const memory = base === undefined ? undefined : otherMemory(base);
  if (memory !== undefined) {
    warnings.push(
      `${path} begins at 0x${base?.toString(16)}, which is ${memory} on some chips: look whether it is the firmware`,
    );
  }
  return warnings;
}
