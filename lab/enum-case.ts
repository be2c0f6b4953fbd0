import type { Direction } from "./frame-tap.ts";

/** What happens to the n-th frame of a direction. */
export const FRAME_KINDS = [
  "drop", // it is lost
  "corrupt", // one of its bits is flipped
  "merge", // the delimiter behind it is damaged: it melts into the next one
  "duplicate", // it comes twice
  "truncate", // its end is missing
  "delay", // it and all behind it come 750 ms later: a stuck adapter
  "late", // it alone comes 750 ms later, behind younger ones
  "deaf", // it and all of its direction are lost for 6 s
  "break", // its sender loses power in the middle of it, and starts again
] as const;

/** What happens when the n-th frame of both directions together was handed to the wire. */
export const SIDE_KINDS = [
  "restart", // the side loses power and starts again
  "takeover", // the rescuer vanishes; 3 s later there is another one
  "cut", // nothing passes either way for 6 s
  "stale", // the side starts again at half of the session; in the new one the n-th frame of the old one comes again
] as const;

export type EnumKind = (typeof FRAME_KINDS)[number] | (typeof SIDE_KINDS)[number];

/** One run of the enumeration: the fault `kind` at the n-th frame of the session `setup`. */
export interface EnumCase {
  readonly kind: EnumKind;
  readonly where: Direction | "target" | "rescuer" | "both";
  readonly n: number;
  readonly setup: string;
}

/** The case's name, which `npm run lab -- --case` runs again. */
export function enumCaseId({ kind, where, n, setup }: EnumCase): string {
  return `enum:${kind}:${where}:${n}${setup === "small" ? "" : `:${setup}`}`;
}

/** Undoes {@link enumCaseId}; undefined for any other text. */
export function parseEnumCase(text: string): EnumCase | undefined {
  const match = /^enum:([a-z]+):(t2r|r2t|target|rescuer|both):([1-9]\d{0,5})(?::([a-z]+))?$/.exec(text);
  const [, name, where, n, setup = "small"] = match ?? [];
  const kind = [...FRAME_KINDS, ...SIDE_KINDS].find((known) => known === name);
  if (kind === undefined || where === undefined) return undefined;
  return { kind, where: where as EnumCase["where"], n: Number(n), setup };
}
