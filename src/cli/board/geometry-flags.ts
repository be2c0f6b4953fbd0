import { UsageError } from "../../base/errors.ts";
import { type FlashMap, type Region, recordCost } from "../../flash/geometry.ts";
import type { SectorRun } from "../../flash/sectors.ts";
import { parseSize } from "../parse.ts";
import { byteText, grouped } from "../text.ts";

/** "4x16K,64K,7x128K": runs of sectors from the flash's start. `bad-sectors`, `bad-size`. */
export function parseSectors(text: string): readonly SectorRun[] {
  return text.split(",").map((part) => {
    const match = /^(?:(\d{1,7})x)?([\da-z]+)$/i.exec(part.trim());
    const [, count = "1", size = ""] = match ?? [];
    if (match !== null) return { count: Number(count), size: parseSize(size) };
    const message = `"${text}" is not a list of sectors: give [COUNTx]SIZE with commas between, from the flash's start, such as 4x16K,64K,7x128K`;
    throw new UsageError("bad-sectors", message);
  });
}

/** The map of a flash for people: a name and a text each. */
export function mapRows(map: FlashMap): [string, string][] {
  const { record, manifests, areaCount } = map;
  const isInRecord = manifests.length === 0;
  const cost = recordCost(map);
  const share = ((100 * cost) / map.size).toFixed(1);
  return [
    ["sectors", map.sectors.runs.map(runText).join(", ")],
    ["recovery", regionText(map, map.recovery)],
    ["boot record", `${regionText(map, span(record))}${isInRecord ? `, with ${areaCount} manifests` : ""}`],
    ...(isInRecord ? [] : [["manifests", regionText(map, span(manifests))] as [string, string]]),
    ...map.slots.map((slot, i): [string, string] => [`space of slot ${i}`, regionText(map, slot)]),
    ["record, manifests", `${byteText(cost)} of ${grouped(map.size)} (${share} %)`],
  ];
}

/** The map of a flash for programs, in bytes. */
export function mapFields(map: FlashMap): Record<string, unknown> {
  const { size, sectors, recovery, record, manifests, slots } = map;
  return {
    size,
    sectors: sectors.runs,
    recovery,
    record,
    manifests: manifests.length === 0 ? "record" : manifests,
    slots,
    recordCost: recordCost(map),
  };
}

/** From the start of the first region to the end of the last. */
function span(regions: readonly Region[]): Region {
  const offset = regions[0]?.offset ?? 0;
  const last = regions.at(-1);
  return { offset, size: last === undefined ? 0 : last.offset + last.size - offset };
}

function regionText(map: FlashMap, { offset, size }: Region): string {
  const { first, last } = map.sectors.range(offset, size);
  const sectors = first === last ? `sector ${first}` : `sectors ${first} to ${last}`;
  return `${sectors}: ${byteText(size)} from 0x${offset.toString(16)}`;
}

function runText({ count, size }: SectorRun): string {
  return count === 1 ? byteText(size) : `${grouped(count)} of ${byteText(size)}`;
}
