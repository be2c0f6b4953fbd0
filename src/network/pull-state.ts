import * as v from "valibot";
import { toHex } from "../base/bytes.ts";
import type { Millis } from "../base/units.ts";
import { sha256 } from "../image/hash.ts";
import { decodeUtf8, encodeUtf8 } from "../image/utf8.ts";
import { SPENDINGS_MAX, type Spending } from "./byte-budget.ts";
import { INDEX_COUNTER_MAX, INDEX_IMAGES_MAX } from "./index-format.ts";

/** What a pull leaves behind for the next one. */
export interface PullState {
  /** Where the index is that all of this is about, budget and time excepted. */
  readonly url: string;
  /** Counter of the index that was used last; undefined: none was. */
  readonly counter: number | undefined;
  /** SHA-256 of what is signed of that index, as hexadecimal digits. */
  readonly digest: string | undefined;
  /** Tag of the server for that index. */
  readonly etag: string | undefined;
  /** What decided over images: keys, and whether unsigned ones are taken. Where it changes, `finals` are tried again. */
  readonly judge: string;
  /** Images that failed for good while the index stays as it is: digest, and code of the error. */
  readonly finals: Readonly<Record<string, string>>;
  /** Time of the account of bytes, and the system's uptime at that time. */
  readonly elapsedMs: Millis;
  readonly uptimeMs: Millis;
  readonly spent: readonly Spending[];
  /** A fetch that has begun: what was counted for it, and from which byte of which image. */
  readonly open: { readonly digest: string; readonly from: number; readonly bytes: number } | undefined;
}

/** Longest state, in bytes. */
export const STATE_BYTES_MAX = 1_048_576;
const FORMAT = 1;

const whole = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 52));
const text = (max: number): v.GenericSchema<unknown, string> => v.pipe(v.string(), v.maxLength(max));
const digest = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const State = v.strictObject({
  url: text(4096),
  counter: v.optional(v.pipe(whole, v.maxValue(INDEX_COUNTER_MAX))),
  digest: v.optional(digest),
  etag: v.optional(text(256)),
  judge: text(64),
  finals: v.pipe(
    v.record(digest, text(64)),
    v.check((finals) => Object.keys(finals).length <= INDEX_IMAGES_MAX),
  ),
  elapsedMs: whole,
  uptimeMs: whole,
  spent: v.pipe(v.array(v.tuple([whole, whole])), v.maxLength(SPENDINGS_MAX)),
  open: v.optional(v.strictObject({ digest, from: whole, bytes: whole })),
});

/** A state as text, with a checksum: a damaged one is never taken for a right one of a lower counter. */
export function encodeState(state: PullState): string {
  const json = JSON.stringify(state);
  return `{"mayday":"pull","format":${FORMAT},"state":${json},\n"sha256":"${toHex(sha256(encodeUtf8(json)))}"}\n`;
}

/** Reads a state; undefined when it is damaged or of another format. Never throws. */
export function decodeState(bytes: Uint8Array): PullState | undefined {
  const found = /^\{"mayday":"pull","format":1,"state":(\{.*\}),\n"sha256":"([0-9a-f]{64})"\}\n$/.exec(
    decodeUtf8(bytes) ?? "",
  );
  const [, json = "", sum] = found ?? [];
  if (sum === undefined || sum !== toHex(sha256(encodeUtf8(json)))) return undefined;
  try {
    const parsed = v.safeParse(State, JSON.parse(json));
    if (!parsed.success) return undefined;
    const { counter, digest, etag, open, ...rest } = parsed.output;
    return { ...rest, counter, digest, etag, open };
  } catch {
    return undefined;
  }
}
