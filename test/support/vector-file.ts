import { readFileSync } from "node:fs";
import { fromHex } from "../../src/base/bytes.ts";

/** The content of a file of `vectors/`, which the caller knows. A missing file throws. */
export function vectorFile<Content>(name: string): Content {
  return JSON.parse(readFileSync(new URL(`../../vectors/${name}`, import.meta.url), "utf8")) as Content;
}

/** Bytes of hexadecimal text, with or without spaces between fields. */
export function vectorBytes(hex: string): Uint8Array {
  const bytes = fromHex(hex.replaceAll(" ", ""));
  if (bytes === undefined) throw new Error(`not hexadecimal: ${hex}`);
  return bytes;
}

/** First and last number, both included. */
export type VectorRange = readonly [first: number, last: number];

/** All numbers of the ranges, in their order. */
export function numbersOf(ranges: readonly VectorRange[]): number[] {
  return ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
}

/** Numbers as ranges, in ascending order. */
export function rangesOf(numbers: Iterable<number>): VectorRange[] {
  const ranges: [number, number][] = [];
  for (const number of [...new Set(numbers)].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges;
}
