import * as v from "valibot";
import { UsageError } from "../../base/errors.ts";
import type { Millis } from "../../base/units.ts";
import { type Endpoint, parseEndpoint } from "../../transport/endpoint.ts";
import { splitWords } from "../words.ts";
import type { ConfigPath } from "./config-places.ts";
import { type FleetSettings, TABLES, tableSchemas } from "./config-tables.ts";
import { expected, type Issue, path, seenText, text } from "./config-values.ts";

/** Most links of a node, and most updates that it hands out at the same time. */
export const NODE_LINKS_MAX = 256;
/** Longest time in a configuration: timers hold 31 bits of milliseconds, 24.8 days. */
export const DURATION_MAX_MS: Millis = 23 * 86_400_000;

/** Most starts that an image has to survive before it is handed on. */
const SOAK_RESETS_MAX = 255;

/** Settings of a node that have one value. Each is a key of the file, a variable and a flag. */
export const SETTING_KEYS = [
  "board",
  "repository",
  "socket",
  "control",
  "trial-confirm",
  "on-boot",
  "on-healed",
  "update",
  "allow-single",
  "soak",
  "soak-resets",
  "ring-time",
  "fan-out",
] as const;
export type SettingKey = (typeof SETTING_KEYS)[number];
/** Keys of the file. */
export const FILE_KEYS: readonly string[] = [...SETTING_KEYS, "link", ...Object.keys(TABLES)];
/** Keys of a `[[link]]`. */
export const LINK_KEYS: readonly string[] = ["endpoint", "link-key"];

/** A program and its arguments. */
export type Words = readonly [program: string, ...args: string[]];

/** What one source, such as the file, says. Paths are as they were written. */
export interface Settings {
  readonly board?: string;
  readonly repository?: string;
  readonly socket?: string;
  readonly control?: "read" | "write";
  readonly "trial-confirm"?: "on-boot" | "socket";
  readonly "on-boot"?: Words;
  readonly "on-healed"?: Words;
  readonly update?: "auto" | "never";
  readonly "allow-single"?: boolean;
  readonly soak?: Millis;
  readonly "soak-resets"?: number;
  readonly "ring-time"?: Millis;
  readonly "fan-out"?: number;
  readonly link?: readonly LinkSettings[];
  readonly fleet?: FleetSettings;
}

/** A `[[link]]`. */
export interface LinkSettings {
  readonly endpoint: Endpoint;
  readonly "link-key"?: string;
}

/** A value that does not fit. */
export interface SettingIssue {
  readonly path: ConfigPath;
  readonly message: string;
}

const UNITS: Readonly<Record<string, Millis>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const A_DURATION = 'a whole number with its unit, such as "500ms", "90s", "10m", "1h" or "2d"';
const WORDS = 'an array of words, the program first, such as ["./hook", "argument"]';

const choice = <const Choice extends string>(...choices: readonly Choice[]) =>
  v.exactOptional(v.picklist(choices, expected(choices.map((one) => `"${one}"`).join(" or "))));
const words = () => {
  const argument = v.pipe(
    v.string(expected("a word in quotes")),
    v.check((word) => !word.includes("\0"), "holds a NUL character"),
  );
  return v.exactOptional(v.tupleWithRest([text("a program as the first word")], argument, expected(WORDS)));
};
const fanOut = expected(`a whole number from 1 to ${NODE_LINKS_MAX}`);
const resets = expected(`a whole number from 0 to ${SOAK_RESETS_MAX}`);
const duration = v.pipe(
  v.string(wrongDuration),
  v.check((value) => parseDuration(value) !== undefined, wrongDuration),
  v.transform((value) => parseDuration(value) ?? 0),
);

const LinkSchema = v.object(
  {
    endpoint: v.pipe(
      text('an endpoint, such as "/dev/ttyUSB0" or "tcp:HOST:PORT"'),
      v.rawTransform(({ dataset, addIssue, NEVER }) => {
        const endpoint = endpointOf(dataset.value);
        if (!(endpoint instanceof UsageError)) return endpoint;
        addIssue({ message: endpoint.message });
        return NEVER;
      }),
    ),
    "link-key": path("a file"),
  },
  expected("a table with an endpoint"),
);

const SettingsSchema = v.object(
  {
    board: path("a folder of board init"),
    repository: path("a folder of images"),
    socket: path("a socket to be made"),
    control: choice("read", "write"),
    "trial-confirm": choice("on-boot", "socket"),
    "on-boot": words(),
    "on-healed": words(),
    update: choice("auto", "never"),
    "allow-single": v.exactOptional(v.boolean(expected("true or false"))),
    soak: v.exactOptional(duration),
    "soak-resets": v.exactOptional(
      v.pipe(v.number(resets), v.integer(resets), v.minValue(0, resets), v.maxValue(SOAK_RESETS_MAX, resets)),
    ),
    "ring-time": v.exactOptional(duration),
    "fan-out": v.exactOptional(
      v.pipe(v.number(fanOut), v.integer(fanOut), v.minValue(1, fanOut), v.maxValue(NODE_LINKS_MAX, fanOut)),
    ),
    link: v.exactOptional(
      v.pipe(
        v.array(LinkSchema, expected("[[link]], in double brackets, above each link")),
        v.maxLength(NODE_LINKS_MAX, `more than ${NODE_LINKS_MAX} links`),
      ),
    ),
    ...tableSchemas,
  },
  expected("a table"),
);

/** Checks the settings of one source. Keys that are not known are left out without an issue. */
export function checkSettings(input: unknown): { settings: Settings; issues: readonly SettingIssue[] } {
  const parsed = v.safeParse(SettingsSchema, input, { abortPipeEarly: true });
  if (parsed.success) return { settings: parsed.output, issues: [] };
  const issues = parsed.issues.map((issue) => ({
    path: (issue.path ?? []).map(({ key }) => key as string | number),
    message: issue.message,
  }));
  return { settings: {}, issues };
}

/**
 * What the text of a variable or a flag is as a value of the file; text that cannot be one stays as it is. UsageError
 * of `splitWords`.
 */
export function settingOfText(key: SettingKey, value: string): unknown {
  switch (key) {
    case "on-boot":
    case "on-healed":
      return splitWords(value, "it");
    case "allow-single":
      return value === "true" ? true : value === "false" ? false : value;
    case "fan-out":
    case "soak-resets":
      return /^\d{1,9}$/.test(value) ? Number(value) : value;
    default:
      return value;
  }
}

/** "90s" in milliseconds; undefined if it has no unit, is no whole number, or is above {@link DURATION_MAX_MS}. */
export function parseDuration(value: string): Millis | undefined {
  const [, digits, unit = ""] = /^(\d{1,10})(ms|s|m|h|d)$/.exec(value) ?? [];
  const millis = Number(digits) * (UNITS[unit] ?? Number.NaN);
  return millis <= DURATION_MAX_MS ? millis : undefined;
}

function wrongDuration({ input }: Issue): string {
  if (/^\d+(?:\.\d+)?$/.test(String(input))) {
    return `expected a time with its unit, such as "${String(input)}s" for seconds; found ${seenText(input)}, which has no unit`;
  }
  return `expected ${A_DURATION}, at most "23d"; found ${seenText(input)}`;
}

function endpointOf(value: string): Endpoint | UsageError {
  try {
    return parseEndpoint(value);
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
}
