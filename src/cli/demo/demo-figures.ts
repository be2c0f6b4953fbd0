import type { Verdict } from "../../node/verdict.ts";
import { byteText, columns, grouped } from "../text.ts";

/** The figures of one act of the demonstration. */
export interface Figures {
  readonly act: "repair" | "whole";
  readonly imageBytes: number;
  readonly damagedBytes: number;
  readonly bytesToBoard: number;
  readonly bytesFromBoard: number;
  readonly blocks: number;
  /** From the first byte of the manifest to DONE. */
  readonly seconds: number;
  /** Line time of the image divided by `seconds`: its share of the line rate. Undefined on a line without a rate. */
  readonly lineShare: number | undefined;
}

/** The sum of all acts, as part of a verdict. */
export function sumOf(
  figures: readonly Figures[],
): Pick<Verdict, "bytesTx" | "bytesRx" | "blocks" | "seconds"> {
  const sum = (read: (figure: Figures) => number): number => figures.reduce((all, one) => all + read(one), 0);
  return {
    bytesTx: sum((one) => one.bytesToBoard),
    bytesRx: sum((one) => one.bytesFromBoard),
    blocks: sum((one) => one.blocks),
    seconds: sum((one) => one.seconds),
  };
}

/** The figures of an act, for people. */
export function figuresText(f: Figures): string {
  const title = f.act === "repair" ? "Repair" : "Whole image";
  const wire = `${byteText(f.bytesToBoard)} to the board, ${byteText(f.bytesFromBoard)} back, ${f.blocks} blocks`;
  return columns([
    [title, `${byteText(f.damagedBytes)} of ${grouped(f.imageBytes)} were missing or wrong`],
    ["  on the wire", wire],
    ["  time", `${f.seconds.toFixed(2)} s from the first byte of the manifest to DONE`],
    ["  line", lineText(f)],
  ]);
}

function lineText({ act, seconds, lineShare }: Figures): string {
  if (lineShare === undefined) return "has no true rate here, so that its share is unknown";
  if (act === "whole")
    return `${(100 * lineShare).toFixed(1)} % of its rate, hashes and acknowledgements included`;
  return `sending the whole image would take ${(seconds * lineShare).toFixed(2)} s`;
}
